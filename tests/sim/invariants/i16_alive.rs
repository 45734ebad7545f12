//! I16: liveness. A queue always has its next attempt scheduled; after healing everything drains in time and whoever waits is
//! told; and no device floods its server.

use crate::world::World;
use std::collections::VecDeque;

/// Most requests of one device in one minute. A cycle makes a handful; people ask for some themselves.
const MOST: usize = 240;
const MINUTE_MS: u64 = 60_000;

#[derive(Clone, Debug, Default)]
pub struct Rate {
    recent: VecDeque<u64>,
    most: usize,
}

impl Rate {
    pub fn request(&mut self, now: u64) {
        while self.recent.front().is_some_and(|at| at + MINUTE_MS <= now) {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        self.most = self.most.max(self.recent.len());
    }

    fn check(&self) -> Result<(), String> {
        if self.most <= MOST { Ok(()) } else { Err(format!("{} requests in one minute", self.most)) }
    }
}

/// After every step: a device with a queue and somebody awake has something coming.
pub fn next_attempt(world: &World) -> Result<(), String> {
    for (at, device) in world.devices.iter().enumerate() {
        if device.head.queued == 0 {
            continue;
        }
        let mut awake = device.contexts.iter().filter(|context| context.machine.is_some() && !context.frozen).peekable();
        if awake.peek().is_some() && !awake.any(|context| context.alarm.is_some() || context.expected > 0) {
            return Err(format!("I16: device {at} has a queue and nothing scheduled"));
        }
    }
    Ok(())
}

pub fn drained(world: &World) -> Result<(), String> {
    for (at, device) in world.devices.iter().enumerate() {
        if device.head.open() > 0 {
            let open: Vec<String> =
                device.store.rows("sync_queue").filter(|row| row["status"] != "completed").map(ToString::to_string).collect();
            return Err(format!("I16: device {at} has not drained: {:?} {}", device.head, open.join("\n")));
        }
        if device.contexts.iter().any(|context| context.waiting) {
            return Err(format!("I16: somebody at device {at} asked for a sync and was never told of one"));
        }
        world.oracle.rates[at].check().map_err(|what| format!("I16: device {at}: {what}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{MOST, Rate};

    #[test]
    fn sees_a_flood() {
        let mut rate = Rate::default();
        (0..MOST as u64).for_each(|at| rate.request(at * 1_000));
        assert!(rate.check().is_ok(), "one a second");
        (0..=MOST as u64).for_each(|at| rate.request(1_000_000 + at));
        assert!(rate.check().is_err());
    }
}
