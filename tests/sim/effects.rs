//! What each effect of a machine does to the world: transactions on the device's store with the store's faults, requests,
//! alarms, the lock, bells, what people see. Nothing here decides for the machine.

use crate::device::Head;
use crate::fault::Fault;
use crate::invariants;
use crate::people::op_of;
use crate::world::{Carried, Event, Spot, World};
use landfall::error::{Code, Error, Result};
use landfall::store::{Durability, Journal, Output, Tx};
use landfall::sync::{Bell, Effect, Input};

impl World {
    pub fn execute(&mut self, spot: Spot, effect: Effect) {
        match effect {
            Effect::Run(ticket, tx) => {
                let result = self.transact(spot.device, spot.context, *tx);
                self.later(3, spot, Input::Stored(ticket, result));
            }
            Effect::Send(ticket, request) => self.depart(spot, ticket, request),
            Effect::SetAlarm(at) => {
                let here = self.clock(spot.device);
                self.devices[spot.device].contexts[spot.context].alarm = at;
                if let Some(at) = at.filter(|_| !self.planted_deaf_alarm()) {
                    // A browser's timer counts from now; a clock that jumps later does not move it.
                    self.schedule(self.now + at.since(here), Event::Alarm(spot, at));
                }
            }
            Effect::AskLock { steal } => self.ask_lock(spot, steal),
            Effect::ReleaseLock => self.release_lock(spot),
            Effect::Ring(bell) => self.ring(spot, &bell),
            Effect::Publish(status) => {
                self.devices[spot.device].contexts[spot.context].status = *status;
                self.planted_status(spot);
            }
            Effect::Finished(cycle) => {
                self.devices[spot.device].contexts[spot.context].waiting = false;
                let told = || cycle.error.as_ref().map_or_else(|| "well".to_owned(), ToString::to_string);
                self.say(spot.device, spot.context, "cycle ends", told);
            }
            #[allow(unreachable_patterns, reason = "effects may be added before the simulation knows them")]
            _ => {}
        }
    }

    /// Runs a transaction, or lets the store fail.
    pub fn transact(&mut self, device: usize, context: usize, mut tx: Tx) -> Result<Output> {
        let name = tx.name();
        if self.happens(Fault::StoreFails) {
            let error = self.store_error();
            self.say(device, context, name, || format!("aborts: {}", error.code));
            return Err(error);
        }
        let result = self.devices[device].store.journaled(&self.schema, &mut tx);
        let (output, mut journal) = match result {
            Ok(done) => done,
            Err(error) => {
                if error.code == Code::LockLost {
                    self.seen.insert("fenced off");
                }
                self.say(device, context, name, || error.to_string());
                return Err(error);
            }
        };
        self.plant_after(device, name, &output, &mut journal);
        if matches!(output, Output::Wrote(_) | Output::Acted(_)) {
            self.carry(device, &journal);
        }
        self.committed(device, &journal);
        self.say_of(device, context, name, || touched(&journal));
        self.flush(device, journal);
        if self.happens(Fault::StoreUnknown) {
            self.untold(device);
            return Err(self.store_error());
        }
        Ok(output)
    }

    /// What the checkers and the cached head follow.
    pub fn committed(&mut self, device: usize, journal: &Journal) {
        self.read_head(device);
        invariants::stored(self, device, journal);
    }

    fn carry(&mut self, device: usize, journal: &Journal) {
        self.carried = Carried::default();
        for before in journal.rows.iter().filter(|before| before.store == "sync_queue") {
            match (self.devices[device].store.get("sync_queue", &before.key), &before.row) {
                (Some(row), _) => {
                    let record = row["entity_id"].as_str().unwrap_or_default().to_owned();
                    self.carried.kept.push((op_of(row), record));
                }
                (None, Some(row)) => self.carried.dropped.push(op_of(row)),
                (None, None) => {}
            }
        }
    }

    pub fn read_head(&mut self, device: usize) {
        let row = self.devices[device].store.get("metadata", &"head".into());
        let figure = |name: &str| row.and_then(|row| row[name].as_u64()).unwrap_or(0);
        let head =
            Head { gen_no: figure("gen_no"), queued: figure("queued"), failed: figure("failed"), conflicts: figure("conflicts") };
        if self.devices[device].head.open() == 0 && head.open() > 0 {
            self.devices[device].open_since = self.now;
        }
        self.devices[device].head = head;
    }

    /// A strict commit flushes everything before it; relaxed ones wait.
    fn flush(&mut self, device: usize, journal: Journal) {
        if self.config.rate(Fault::PowerLoss) == 0 {
            // Nothing can be lost now, and what is flushed later is flushed after all of it.
            return self.devices[device].unflushed.clear();
        }
        match journal.durability {
            Durability::Strict => self.devices[device].unflushed.clear(),
            Durability::Relaxed => self.devices[device].unflushed.push(journal.rows),
        }
    }

    fn store_error(&mut self) -> Error {
        let code = [Code::StorageError, Code::QuotaExceeded, Code::DatabaseClosed, Code::StorageError][self.rng.pick(4)];
        Error::new(code, "simulated")
    }

    fn ring(&mut self, spot: Spot, bell: &Bell) {
        for other in 0..self.devices[spot.device].contexts.len() {
            if other != spot.context && !self.happens(Fault::LostBell) {
                let to = self.spot(spot.device, other);
                self.later(5, to, Input::Rung(bell.clone()));
            }
        }
    }
}

fn touched(journal: &Journal) -> String {
    let rows: Vec<String> = journal.rows.iter().map(|before| format!("{}/{}", before.store, before.key.to_value())).collect();
    rows.join(" ")
}
