//! One seed from beginning to end: safety under faults; heal and drain by a deadline, then compare everything; people go on,
//! and it is all asked once more.

use crate::config::{Config, Deed};
use crate::device::HEARD_MS;
use crate::fault::Fault;
use crate::invariants;
use crate::plant::Plant;
use crate::rng::Rng;
use crate::trace::NOBODY;
use crate::world::World;
use landfall::schema::Schema;
use std::collections::BTreeSet;

/// How long healed devices may take, in virtual milliseconds: a few rounds of the longest wait (an hour asked by a server)
/// and of the regular interval.
const DEADLINE_MS: u64 = 6 * 3_600_000;
/// Rounds of the second phase of faults.
const AGAIN: u64 = 60;

/// What came of one seed.
#[derive(Debug, PartialEq, Eq)]
pub struct Ran {
    pub problem: Option<String>,
    pub steps: u64,
    pub hash: u64,
    pub seen: BTreeSet<&'static str>,
    /// The last lines of the trace, if they were kept.
    pub lines: Vec<String>,
}

/// What a seed turns on.
pub fn config_of(seed: u64) -> Config {
    Config::draw(&mut Rng(seed))
}

pub fn run(schema: &Schema, seed: u64, config: &Config, plant: Option<Plant>, lines: usize) -> Ran {
    let mut world = World::new(schema, seed, config.clone(), lines > 0);
    world.plant = plant;
    let problem = whole(&mut world).err();
    let lines = world.trace.last(lines).to_vec();
    Ran { problem, steps: world.steps, hash: world.trace.hash(), seen: world.seen, lines }
}

fn whole(world: &mut World) -> Result<(), String> {
    let faults = world.config.clone();
    for steps in [faults.steps, AGAIN.min(faults.steps)] {
        world.config = Config { steps, ..faults.clone() };
        trouble(world)?;
        heal(world)?;
        world.oracle.rolled.fill(false);
    }
    Ok(())
}

fn sound(world: &mut World) -> Result<(), String> {
    invariants::stepped(world);
    world.broken.take().map_or(Ok(()), Err)
}

fn trouble(world: &mut World) -> Result<(), String> {
    for _ in 0..world.config.steps {
        if world.rng.chance(250) {
            world.somebody();
        } else {
            world.step();
        }
        let device = world.rng.pick(world.devices.len());
        if world.config.does(Deed::Decide) && world.rng.chance(10) {
            world.decide(device);
        }
        meddle(world, device);
        sound(world)?;
    }
    Ok(())
}

/// Occasions for the larger faults, and a nudge.
fn meddle(world: &mut World, device: usize) {
    let context = world.rng.pick(world.devices[device].contexts.len());
    let one = &world.devices[device].contexts[context];
    let (lives, frozen) = (one.machine.is_some(), one.frozen);
    if lives && world.happens(Fault::Crash) {
        world.kill(device, context);
    } else if !lives && world.rng.chance(100) {
        world.start(device, context);
    } else if lives && !frozen && world.happens(Fault::Freeze) {
        world.freeze(device, context);
    } else if frozen && world.rng.chance(30) {
        world.thaw(device, context);
    }
    world.outsider_comes(device);
    world.trouble_store(device);
    world.trouble_server();
    if world.happens(Fault::Offline) {
        let online = !world.devices[device].online;
        world.set_online(device, online);
    }
    if world.happens(Fault::ClockJump) {
        let jump = world.rng.below(2 * 86_400_000) as i64 - 86_400_000;
        world.devices[device].skew_ms = jump;
        world.say(device, NOBODY, "clock jumps", || format!("{jump} ms off"));
    }
    if world.config.does(Deed::Wake) && world.rng.chance(20) {
        world.wake(device, context);
    }
}

fn heal(world: &mut World) -> Result<(), String> {
    world.config = world.config.healed();
    world.say(NOBODY, 0, "healed", String::new);
    for device in 0..world.devices.len() {
        // Bells that were lost until now are not rung again, and a clock that was set back puts a look off once more.
        world.devices[device].untold_until = world.now + 2 * HEARD_MS;
        if !world.devices[device].online {
            world.set_online(device, true);
        }
    }
    world.start_all();
    let deadline = world.now + DEADLINE_MS;
    let mut round = 0u64;
    while world.now < deadline {
        round += 1;
        for device in 0..world.devices.len() {
            let head = world.devices[device].head;
            if head.failed + head.conflicts > 0 && (head.queued == 0 || world.rng.chance(5)) {
                world.decide(device);
            }
        }
        if !world.step() {
            return Err("I16: nothing is scheduled any more".into());
        }
        sound(world)?;
        if round.is_multiple_of(16) && at_rest(world) && invariants::quiet(world).is_ok() {
            return Ok(());
        }
    }
    invariants::quiet(world)
}

/// What can be seen at a glance; the rest is asked if this holds.
fn at_rest(world: &World) -> bool {
    world.devices.iter().all(|device| device.head.open() == 0 && device.contexts.iter().all(|context| !context.waiting))
        && (0..world.devices.len()).all(|device| invariants::i12_cursor::caught_up(world, device))
}
