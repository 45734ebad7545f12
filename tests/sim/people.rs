//! People's work: random writes with what they claim, and decisions about what was refused or met a conflict. A write's
//! commit is what counts; its promise may never be heard.

use crate::config::Deed;
use crate::fault::Fault;
use crate::trace::NOBODY;
use crate::world::{Carried, World};
use landfall::id::{Entropy, OpId};
use landfall::schema::Operation;
use landfall::store::act::{Act, Decision};
use landfall::store::{Output, Tx, Write, WriteRequest};
use landfall::sync::{Input, Reason};
use serde_json::{Map, Value, json};

impl World {
    /// Somebody does something.
    pub fn somebody(&mut self) {
        let device = self.rng.pick(self.devices.len());
        let context = self.rng.pick(self.devices[device].contexts.len());
        if !self.awake(device, context) {
            return;
        }
        let Some(request) = self.idea(device) else { return };
        let (entity, operation) = (request.entity.clone(), request.operation);
        let old = request.id.as_ref().and_then(|id| self.shown(device, &entity, id)).cloned();
        let at = (self.clock(device), Entropy::new(self.rng.bytes()));
        let by = format!("person{}", self.devices[device].person);
        let write = Write::new(&self.schema, request.clone(), &by, at).expect("the workload is valid");
        let before = self.devices[device].head.gen_no;
        let heard = self.transact(device, context, Tx::Write(write));
        if self.devices[device].head.gen_no == before {
            assert!(heard.is_err() || operation != Operation::Create, "a create changed nothing: {request:?}");
            return;
        }
        let id = request.id.clone().or_else(|| match &heard {
            Ok(Output::Wrote(wrote)) => Some(wrote.id.clone()),
            _ => self.newest(device, &entity),
        });
        let Some(id) = id else { return };
        self.claim(device, (&entity, &id), &request, old.as_ref());
        self.say_of(device, context, "writes", || format!("{entity} {id} {operation:?} {}", Value::Object(request.data)));
        if self.happens(Fault::Crash) {
            self.seen.insert("crash after commit of a write");
            return self.kill(device, context);
        }
        if let Ok(Output::Wrote(wrote)) = heard {
            let spot = self.spot(device, context);
            self.feed(spot, Input::Wrote(wrote.summary, false));
        }
    }

    /// The committed write as a claim of the op that carries it now; what it replaced or undid is given up.
    fn claim(&mut self, device: usize, record: (&str, &str), request: &WriteRequest, old: Option<&Value>) {
        for text in request.data.values().flat_map(texts) {
            self.model.place(text, record.1);
        }
        let Carried { kept, dropped } = std::mem::take(&mut self.carried);
        dropped.iter().for_each(|op| self.model.give_up(op));
        let Some((op, _)) = kept.into_iter().find(|(_, id)| id == record.1) else { return };
        let count = |row: Option<&Value>| row.and_then(|row| row["count"].as_i64()).unwrap_or(0);
        let added = request.data.get("count").map_or(0, |value| value.as_i64().unwrap_or(0) - count(old));
        let marks = request.data.get("marks").into_iter().flat_map(texts);
        let fresh = marks.filter(|mark| !self.model.by_mark.contains_key(*mark)).map(str::to_owned).next();
        if let Some(mark) = &fresh {
            self.oracle.reads.wrote(&self.devices[device].store, mark, &mut self.rng);
        }
        self.model.wrote(device, record, &op, (added, fresh));
    }

    fn idea(&mut self, device: usize) -> Option<WriteRequest> {
        let entity = ["tally", "note", "task"][self.rng.pick(3)];
        let store = &self.schema.entities[entity].store;
        let count = self.devices[device].store.rows(store).count();
        if count == 0 || (count < 6 && self.rng.chance(300)) {
            let note = if entity == "task" { Some(self.some_note(device)?) } else { None };
            let text = self.model.text(entity);
            let data = match entity {
                "tally" => json!({ "count": 0, "marks": [text] }),
                "note" => json!({ "title": text, "ask": text }),
                _ => json!({ "title": text, "note": note }),
            };
            return Some(request(Operation::Create, entity, None, data));
        }
        let at = self.rng.pick(count);
        let row = self.devices[device].store.rows(store).nth(at)?;
        let id = row["id"].as_str()?.to_owned();
        let deed = match (entity, self.rng.chance(500), self.rng.chance(200)) {
            ("tally", true, _) => Deed::Add,
            ("tally", false, _) => Deed::Mark,
            ("note", _, true) => Deed::Ask,
            ("task", _, true) => Deed::Delete,
            _ => Deed::Title,
        };
        if !self.config.does(deed) {
            return None;
        }
        let data = match deed {
            Deed::Add => json!({ "count": row["count"].as_i64().unwrap_or(0) + 1 + self.rng.below(9) as i64 }),
            Deed::Mark => {
                let mut marks = row["marks"].as_array().cloned().unwrap_or_default();
                marks.push(self.model.text(entity).into());
                json!({ "marks": marks })
            }
            Deed::Ask => json!({ "ask": self.model.text(entity) }),
            Deed::Title => json!({ "title": self.model.text(entity) }),
            _ => return Some(request(Operation::Delete, entity, Some(id), Value::Null)),
        };
        Some(request(Operation::Update, entity, Some(id), data))
    }

    fn some_note(&mut self, device: usize) -> Option<Value> {
        let count = self.devices[device].store.rows("notes").count();
        let at = self.rng.pick(count);
        self.devices[device].store.rows("notes").nth(at).map(|row| row["id"].clone())
    }

    pub fn shown(&self, device: usize, entity: &str, id: &str) -> Option<&Value> {
        self.devices[device].store.get(&self.schema.entities[entity].store, &id.into())
    }

    /// The record that was created last, when nobody was told its id.
    fn newest(&self, device: usize, entity: &str) -> Option<String> {
        let rows = self.devices[device].store.rows("sync_queue").filter(|row| row["entity_type"] == entity);
        rows.last().and_then(|row| row["entity_id"].as_str()).map(str::to_owned)
    }

    /// A person decides about everything that waits for one.
    pub fn decide(&mut self, device: usize) {
        let waits = |row: &&Value| row["status"] == "failed" || row["status"] == "conflict";
        let waiting: Vec<Value> = self.devices[device].store.rows("sync_queue").filter(waits).cloned().collect();
        for row in waiting {
            let (entity, id) = (text(&row["entity_type"]), text(&row["entity_id"]));
            let decision = if self.rng.chance(500) { Decision::Retry } else { Decision::Discard };
            let at = (self.clock(device), Entropy::new(self.rng.bytes()));
            let act = Act::new(&self.schema, (entity.clone(), id.clone()), decision, at).expect("a known entity");
            let before = self.devices[device].head.gen_no;
            let heard = self.transact(device, NOBODY, Tx::Act(act));
            if self.devices[device].head.gen_no == before {
                continue;
            }
            self.seen.insert(if decision == Decision::Retry { "conflict retried" } else { "conflict discarded" });
            self.say_of(device, NOBODY, "decides", || format!("{entity} {id} {decision:?}"));
            let Carried { kept, dropped } = std::mem::take(&mut self.carried);
            match kept.into_iter().find(|(_, record)| *record == id) {
                Some((op, _)) => self.model.renewed(device, (&entity, &id), &dropped, &op),
                None => dropped.iter().for_each(|op| self.model.give_up(op)),
            }
            self.tell_of_decision(device, heard.ok());
        }
    }

    fn tell_of_decision(&mut self, device: usize, heard: Option<Output>) {
        let awake = (0..self.devices[device].contexts.len()).find(|context| self.awake(device, *context));
        match (awake, heard) {
            (Some(context), Some(Output::Acted(acted))) => {
                let spot = self.spot(device, context);
                self.feed(spot, Input::Wrote(acted.summary, false));
            }
            _ => self.untold(device),
        }
    }

    /// Somebody asks for a sync, or the browser wakes a context.
    pub fn wake(&mut self, device: usize, context: usize) {
        let reason = [Reason::User, Reason::BackgroundSync, Reason::Foreground][self.rng.pick(3)];
        let spot = self.spot(device, context);
        let one = &mut self.devices[device].contexts[context];
        one.waiting |= reason != Reason::Foreground && one.machine.is_some();
        self.feed(spot, Input::Wake(reason));
    }
}

fn request(operation: Operation, entity: &str, id: Option<String>, data: Value) -> WriteRequest {
    let data = match data {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    WriteRequest { operation, entity: entity.into(), id, data, removed: Vec::new() }
}

/// Every text in a value.
pub fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

pub fn op_of(row: &Value) -> OpId {
    OpId(text(&row["id"]))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
