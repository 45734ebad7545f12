//! Planted faults: for each law a way of breaking it in the world or at an executor, never in the product. The simulation
//! must find each within the number of seeds that README.md states; what it cannot find, it does not watch.

use crate::world::{Spot, World};
use landfall::error::{Code, Error};
use landfall::id::OpId;
use landfall::store::{Change as Row, Journal, Output};
use landfall::sync::{Reply, State};
use landfall::wire::{PushRequest, Slice, Status};
use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// A pulled row replaces the record although ops wait on it.
    PullOverwritesPending,
    /// An op that comes again is a new op to the server.
    AnswerForgotten,
    /// The token is saved, the slice is not.
    TokenWithoutSlice,
    /// The base takes the optimistic local value.
    BaseOverwritten,
    /// Tombstones do not come with the pull.
    TombstoneDropped,
    /// The cursor is one ahead of what was sent.
    CursorAhead,
    /// 401 is taken for a refusal of the ops.
    AuthAsRefusal,
    /// "Later" is taken for "done".
    LaterAsDone,
    /// A write's record is committed, its op is not.
    WriteWithoutOp,
    /// A write's op is committed, its record is not.
    OpWithoutRecord,
    /// A strict commit is no harder than a relaxed one.
    StrictNotFlushed,
    /// An alarm is not set.
    AlarmForgotten,
    /// "Synced" is shown while ops wait.
    StatusLies,
    /// The ops of a batch arrive in the wrong order.
    OrderTurned,
    /// Ops travel without what they were made on.
    BeforeForgotten,
    /// The server answers an op that it has not applied.
    AnswerWithoutEffect,
    /// A pulled row holds a text that nobody wrote there.
    ValueInvented,
    /// The queue's counts miss a completed op.
    CountsDrift,
}

impl World {
    fn planted(&self, plant: Plant) -> bool {
        self.plant == Some(plant)
    }

    /// One time in ten, so that a world goes far enough to show it.
    fn planted_now(&mut self, plant: Plant) -> bool {
        self.planted(plant) && self.rng.chance(100)
    }

    pub fn planted_deaf_alarm(&mut self) -> bool {
        self.planted_now(Plant::AlarmForgotten)
    }

    pub fn planted_status(&mut self, spot: Spot) {
        let status = &mut self.devices[spot.device].contexts[spot.context].status;
        if self.plant == Some(Plant::StatusLies) && status.state == State::Pending {
            status.state = State::Synced;
        }
    }

    /// A transaction is committed: what the planted fault makes of it.
    pub fn plant_after(&mut self, device: usize, name: &str, output: &Output, journal: &mut Journal) {
        let Some(plant) = self.plant else { return };
        let store = &mut self.devices[device].store;
        match (plant, output) {
            (Plant::PullOverwritesPending, Output::Absorbed(_)) => {
                for base in journal.rows.iter().filter(|before| before.store == "base") {
                    let Some(row) = store.get("base", &base.key) else { continue };
                    let (entity, mut fields) = (row["entity_type"].as_str().unwrap_or_default(), row["data"].clone());
                    let table = self.schema.entities[entity].store.clone();
                    let Some(record) = store.get(&table, &row["entity_id"].as_str().unwrap_or_default().into()) else { continue };
                    if fields.is_object() {
                        fields["_sync"] = record["_sync"].clone();
                        put(store, journal, table, fields);
                    }
                    return;
                }
            }
            (Plant::TokenWithoutSlice, Output::Absorbed(_)) if self.rng.chance(100) => {
                let (kept, gone) = std::mem::take(&mut journal.rows).into_iter().partition(|row| row.store == "metadata");
                journal.rows = kept;
                store.revert(gone);
            }
            (Plant::WriteWithoutOp, Output::Wrote(_)) if self.rng.chance(100) => {
                let (gone, kept) = std::mem::take(&mut journal.rows).into_iter().partition(|row| row.store == "sync_queue");
                journal.rows = kept;
                store.revert(gone);
            }
            (Plant::OpWithoutRecord, Output::Wrote(_)) if self.rng.chance(100) => {
                let tables: Vec<String> = self.schema.entities.values().map(|entity| entity.store.clone()).collect();
                let (gone, kept): (Vec<_>, Vec<_>) =
                    std::mem::take(&mut journal.rows).into_iter().partition(|row| tables.iter().any(|table| *table == row.store));
                journal.rows = kept;
                store.revert(gone);
            }
            (Plant::BaseOverwritten, Output::Wrote(wrote)) => {
                let bases = store.rows("base").find(|row| row["entity_id"] == wrote.id.as_str()).cloned();
                let Some(mut base) = bases.filter(|base| base["data"].is_object()) else { return };
                let table = &self.schema.entities[base["entity_type"].as_str().unwrap_or_default()].store;
                let Some(mut fields) = store.get(table, &wrote.id.as_str().into()).cloned() else { return };
                fields.as_object_mut().map(|fields| fields.remove("_sync"));
                base["data"] = fields;
                put(store, journal, "base".to_owned(), base);
            }
            (Plant::CountsDrift, Output::Settled(_)) => {
                let Some(mut head) = store.get("metadata", &"head".into()).cloned() else { return };
                head["queued"] = (head["queued"].as_u64().unwrap_or(0) + 1).into();
                put(store, journal, "metadata".to_owned(), head);
            }
            (Plant::StrictNotFlushed, _) if name == "Write" => journal.durability = landfall::store::Durability::Relaxed,
            _ => {}
        }
    }

    /// Ops that the server is made to take for new ones: their places and true ids.
    pub fn planted_rename(&mut self, tenant: usize, push: &mut PushRequest) -> Vec<(usize, OpId)> {
        let mut renamed = Vec::new();
        match self.plant {
            Some(Plant::AnswerForgotten) => {
                for (place, change) in push.changes.iter_mut().enumerate() {
                    if self.servers[tenant].ledger.entry(&change.queue_id).is_some() {
                        renamed.push((place, change.queue_id.clone()));
                        change.queue_id = format!("{}{:x}", &change.queue_id.as_str()[..20], self.rng.next() >> 4).into();
                    }
                }
            }
            Some(Plant::OrderTurned) => push.changes.reverse(),
            Some(Plant::BeforeForgotten) => push.changes.iter_mut().for_each(|change| change.before.clear()),
            _ => {}
        }
        renamed
    }

    /// What the device is made to read.
    pub fn planted_reply(&mut self, tenant: usize, mut reply: Reply) -> Reply {
        let Some(plant) = self.plant else { return reply };
        if let (Plant::LaterAsDone, Reply::Push(push)) = (plant, &mut reply) {
            for answer in push.processed.iter_mut().filter(|answer| answer.status == Status::Error) {
                (answer.status, answer.error, answer.server_version) = (Status::Success, None, 1);
            }
        }
        let slices: &mut Vec<Slice> = match &mut reply {
            Reply::Push(push) => &mut push.slices,
            Reply::Pull(pull) => &mut pull.slices,
            _ => return reply,
        };
        for slice in slices {
            match plant {
                Plant::TombstoneDropped => slice.changes.retain(|row| row.operation != landfall::schema::Operation::Delete),
                Plant::CursorAhead => {
                    let key = &self.servers[tenant].key;
                    if let Some(mut cursor) = key.open(&slice.token).filter(|cursor| cursor.number > 0) {
                        cursor.number = cursor.number.min(self.servers[tenant].ledger.counter().saturating_sub(1)) + 1;
                        slice.token = key.seal(&cursor);
                    }
                }
                Plant::ValueInvented => {
                    for row in slice.changes.iter_mut().filter(|row| row.data.contains_key("title")) {
                        row.data.insert("title".to_owned(), Value::from("invented"));
                        row.digest = landfall::record::digest(&row.data);
                    }
                }
                _ => {}
            }
        }
        reply
    }

    /// An answer to a push that was never decided.
    pub fn planted_answer(&mut self, push: &PushRequest) -> Option<Reply> {
        let wrong = match self.plant? {
            Plant::AuthAsRefusal if self.rng.chance(50) => Some(Error::new(Code::PermissionDenied, "401 taken for 403")),
            Plant::AnswerWithoutEffect if self.rng.chance(50) => None,
            _ => return None,
        };
        let answer = |change: &landfall::wire::Change| {
            let status = if wrong.is_some() { "error" } else { "success" };
            let mut answer = serde_json::json!({
                "queue_id": change.queue_id, "status": status, "entity_id": change.entity_id, "server_version": 1, "number": 0
            });
            if let Some(error) = &wrong {
                answer["error"] = serde_json::to_value(error).expect("an error");
            }
            answer
        };
        let processed: Vec<Value> = push.changes.iter().map(answer).collect();
        let reply = serde_json::json!({ "success": true, "processed": processed, "server_time": "2026-09-21T00:00:00.000Z" });
        Some(Reply::Push(serde_json::from_value(reply).expect("a reply")))
    }
}

fn put(store: &mut landfall::store::Memory, journal: &mut Journal, table: String, row: Value) {
    if let Ok(before) = store.apply(vec![Row::Put { store: table.into(), row }]) {
        journal.rows.extend(before);
    }
}
