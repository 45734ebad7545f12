//! I20: honest status. "Synced" is never shown while anything is queued, failed or in a conflict: not by a context that has
//! heard of it, and by none for longer than a context goes without looking.

use crate::device::{Context, Device, HEARD_MS};
use crate::fault::Fault;
use crate::world::World;
use landfall::sync::State;

/// After every step.
pub fn check(world: &World) -> Result<(), String> {
    for (at, device) in world.devices.iter().enumerate() {
        if device.head.open() == 0 {
            continue;
        }
        for (place, context) in device.contexts.iter().enumerate() {
            if context.status.state == State::Synced && context.expected == 0 && ought_to_know(world, device, context) {
                return Err(format!(
                    "I20: {at}.{place} says synced with {:?} since {}",
                    device.head,
                    world.now - device.open_since
                ));
            }
        }
    }
    Ok(())
}

fn ought_to_know(world: &World, device: &Device, context: &Context) -> bool {
    if context.machine.is_none() || context.frozen {
        return false;
    }
    let rung = world.config.rate(Fault::LostBell) == 0 && world.now >= device.untold_until;
    // Looking may fail, and a clock that jumps moves the time of the next look.
    let looks = [Fault::StoreFails, Fault::StoreUnknown, Fault::ClockJump].iter().all(|fault| world.config.rate(*fault) == 0);
    rung || looks && too_long(world.now, device.open_since.max(context.awake_since).max(device.untold_until))
}

const fn too_long(now: u64, since: u64) -> bool {
    now > since + HEARD_MS
}

/// At rest somebody on each device says so, and nobody says the contrary.
pub fn quiet(world: &World) -> Result<(), String> {
    for (at, device) in world.devices.iter().enumerate() {
        // What was kept aside of a restored server's records waits for somebody to look at it.
        let aside = device.store.rows("quarantine").next().is_some();
        if !aside && !device.contexts.iter().any(|context| context.status.state == State::Synced) {
            let states: Vec<_> = device.contexts.iter().map(|context| &context.status).collect();
            return Err(format!("I20: everything is synced and device {at} does not say so: {states:?}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::too_long;
    use crate::device::HEARD_MS;

    #[test]
    fn sees_a_lie_that_lasts() {
        assert!(!too_long(HEARD_MS, 0));
        assert!(too_long(HEARD_MS + 1, 0));
    }
}
