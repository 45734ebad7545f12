//! The database's lock as browsers have it: one holder, a queue, and `steal`, which takes it from whoever has it.

use crate::fault::Fault;
use crate::trace::NOBODY;
use crate::world::{Event, Spot, World};
use landfall::sync::Input;

/// How long somebody outside keeps the lock, in milliseconds.
const OUTSIDE_MS: u64 = 10_000;

impl World {
    pub fn ask_lock(&mut self, spot: Spot, steal: bool) {
        if steal {
            self.seen.insert("lock stolen from a sleeper");
            self.take_from_holder(spot.device);
            self.devices[spot.device].waiting.retain(|one| *one != spot);
            self.devices[spot.device].waiting.push_front(spot);
        } else {
            self.devices[spot.device].waiting.push_back(spot);
        }
        self.grant(spot.device);
    }

    fn take_from_holder(&mut self, device: usize) {
        if let Some(holder) = self.devices[device].holder.take().filter(|holder| holder.context != NOBODY) {
            self.later(5, holder, Input::LockLost);
        }
    }

    fn grant(&mut self, device: usize) {
        while self.devices[device].holder.is_none() {
            let Some(next) = self.devices[device].waiting.pop_front() else { return };
            if self.alive(next) {
                self.devices[device].holder = Some(next);
                self.later(5, next, Input::LockGranted);
            }
        }
    }

    pub fn release_lock(&mut self, spot: Spot) {
        let device = &mut self.devices[spot.device];
        device.waiting.retain(|one| *one != spot);
        if device.holder == Some(spot) {
            device.holder = None;
            self.grant(spot.device);
        }
    }

    /// Somebody outside (another version, a developer's console) takes the lock and keeps it for a while.
    pub fn outsider_comes(&mut self, device: usize) {
        if !self.happens(Fault::StolenLock) {
            return;
        }
        self.say(device, NOBODY, "lock taken", String::new);
        self.take_from_holder(device);
        self.devices[device].holder = Some(Spot { device, context: NOBODY, life: 0 });
        self.schedule(self.now + OUTSIDE_MS, Event::Outsider(device));
    }

    pub fn outsider_leaves(&mut self, device: usize) {
        if self.devices[device].holder.is_some_and(|holder| holder.context == NOBODY) {
            self.devices[device].holder = None;
            self.grant(device);
        }
    }
}
