//! What happens to a device's store as a whole: power is lost, the database is wiped, replaced by an older copy of itself, or
//! lives on a second time on another machine. Each says to the model what nobody may rely on any more.

use crate::device::{Context, Device};
use crate::fault::Fault;
use crate::invariants;
use crate::trace::NOBODY;
use crate::world::World;
use landfall::id::OpId;
use landfall::store::Memory;
use landfall::wire::Status;

/// Most devices a world grows to by clones.
const DEVICES: usize = 6;

impl World {
    /// One occasion for each of the faults of a whole store.
    pub fn trouble_store(&mut self, device: usize) {
        if self.happens(Fault::PowerLoss) {
            self.lose_power(device);
        }
        if self.happens(Fault::StoreWiped) {
            self.kill_all(device);
            self.say(device, NOBODY, "store wiped", String::new);
            let empty = Memory::new(&self.schema);
            self.replace(device, empty);
            self.doubt(device);
        }
        if self.config.rate(Fault::StoreOlder) > 0 && self.rng.chance(20) {
            self.devices[device].copy = Some(self.devices[device].store.clone());
        }
        if self.devices[device].copy.is_some() && self.happens(Fault::StoreOlder) {
            self.kill_all(device);
            self.say(device, NOBODY, "older store", String::new);
            let copy = self.devices[device].copy.take().unwrap_or_default();
            self.replace(device, copy);
            self.doubt(device);
        }
        if self.devices.len() < DEVICES && self.happens(Fault::StoreCloned) {
            self.clone_device(device);
        }
    }

    /// Every context dies, and of the commits that were not flushed a random number of the last ones is gone.
    fn lose_power(&mut self, device: usize) {
        self.kill_all(device);
        let mut unflushed = std::mem::take(&mut self.devices[device].unflushed);
        let kept = self.rng.pick(unflushed.len() + 1);
        let gone = unflushed.split_off(kept);
        self.say(device, NOBODY, "power lost", || format!("{} commits gone", gone.len()));
        if !gone.is_empty() {
            self.seen.insert("relaxed commit lost");
        }
        for rows in gone.into_iter().rev() {
            self.devices[device].store.revert(rows);
        }
        self.looked_at_anew(device);
        if !self.model.has_copies() {
            let verdict = invariants::i01_survives::after_loss(self, device);
            self.judge(verdict);
        }
    }

    fn replace(&mut self, device: usize, store: Memory) {
        self.devices[device].store = store;
        self.devices[device].unflushed.clear();
        self.looked_at_anew(device);
    }

    fn clone_device(&mut self, device: usize) {
        let one = &self.devices[device];
        let contexts = (0..one.contexts.len()).map(|_| Context::default()).collect();
        let two = Device {
            tenant: one.tenant,
            person: one.person,
            store: one.store.clone(),
            unflushed: Vec::new(),
            copy: None,
            head: one.head,
            open_since: self.now,
            contexts,
            holder: None,
            waiting: std::collections::VecDeque::new(),
            online: true,
            skew_ms: one.skew_ms,
            untold_until: 0,
        };
        self.devices.push(two);
        let clone = self.devices.len() - 1;
        self.say(clone, NOBODY, "cloned", || format!("from {device}"));
        self.oracle.add_device();
        self.doubt(device);
        self.doubt(clone);
        self.looked_at_anew(clone);
    }

    /// What the model may no longer rely on, now that the device's store is another.
    fn doubt(&mut self, device: usize) {
        let open = self.devices[device].store.rows("sync_queue").filter(|row| row["status"] != "completed");
        let open = open.map(|row| OpId(row["id"].as_str().unwrap_or_default().to_owned())).collect();
        let ledger = &self.servers[self.devices[device].tenant].ledger;
        // One that was refused waits for a person, and is lost with its store like one that was never sent.
        let applied = |op: &OpId| ledger.entry(op).is_some_and(|entry| entry.answer.status == Status::Success);
        self.model.doubt(device, &open, applied);
    }

    /// The store is not what it was: what the checkers had followed begins anew.
    fn looked_at_anew(&mut self, device: usize) {
        self.read_head(device);
        self.devices[device].open_since = self.now;
        self.oracle.follow_anew(&self.schema, &self.devices[device].store, device);
    }
}
