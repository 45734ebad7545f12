//! What people and the world do to it: writes with a model of what must come of them, decisions about refused ops, and the
//! larger faults (kill, freeze, restart, offline). The model knows every committed write, whether or not its promise was heard.

use crate::world::World;
use landfall::id::{Entropy, OpId};
use landfall::schema::Operation;
use landfall::store::act::{Act, Decision};
use landfall::store::{Output, Tx, Write, WriteRequest};
use landfall::sync::{Input, Reason};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What must be true in the end.
#[derive(Default)]
pub struct Model {
    /// By tally: what all committed writes added up to.
    pub sums: BTreeMap<String, i64>,
    /// By tally: every mark that was set.
    pub marks: BTreeMap<String, BTreeSet<String>>,
    /// Ops that must have an answer in the end: id → device.
    pub ops: BTreeMap<OpId, usize>,
    /// By device and record: the op that waits.
    open: BTreeMap<(usize, String), OpId>,
    serial: u64,
    /// Ops that a person gave up or that became part of another.
    pub gone: BTreeSet<OpId>,
    pub deleted: BTreeSet<String>,
}

impl Model {
    /// One write by a person in a context; its commit is durable, its promise may never be heard.
    pub fn write(&mut self, world: &mut World, device: usize, context: usize) {
        if world.devices[device].contexts[context].machine.is_none() || world.devices[device].contexts[context].frozen {
            return;
        }
        let Some(request) = self.request(world, device) else { return };
        let (entity, operation) = (request.entity.clone(), request.operation);
        let added = request.data.get("count").and_then(Value::as_i64);
        let now = world.clock(device);
        let entropy = Entropy::new(world.rng.bytes());
        let by = format!("user{device}");
        let write = Write::new(&world.schema, request.clone(), &by, (now, entropy)).expect("the workload is valid");
        let old = request.id.as_ref().and_then(|id| shown(world, device, &entity, id));
        if world.rng.chance(world.config.store_failure) {
            return;
        }
        let mut tx = Tx::Write(write);
        let output = world.devices[device].store.run(&world.schema, &mut tx);
        let Ok(Output::Wrote(wrote)) = output else { panic!("a valid write was refused: {output:?} for {request:?}") };
        let said = Value::Object(request.data.clone());
        world.log(|| format!("{device}.{context} writes {entity} {} {operation:?} {said} -> {:?}", wrote.id, wrote.op));
        let record = format!("{entity}/{}", wrote.id);
        if entity == "tally" {
            let before = old.as_ref().and_then(|old| old["count"].as_i64()).unwrap_or(0);
            *self.sums.entry(wrote.id.clone()).or_default() += added.unwrap_or(before) - before;
            if let Some(Value::Array(marks)) = request.data.get("marks") {
                self.marks
                    .entry(wrote.id.clone())
                    .or_default()
                    .extend(marks.iter().filter_map(|mark| mark.as_str().map(str::to_owned)));
            }
        }
        if operation == Operation::Delete {
            self.deleted.insert(wrote.id.clone());
        }
        self.note(device, record, wrote.op.clone());
        if world.rng.chance(world.config.crash) {
            world.seen.insert("crash after commit of a write");
            return world.kill(device, context);
        }
        let who = world.who(device, context);
        world.feed(who, Input::Wrote(wrote.summary, false));
    }

    /// The op that now carries the record's change; one that it replaced, or that undid itself, needs no answer.
    fn note(&mut self, device: usize, record: String, op: Option<OpId>) {
        match op {
            Some(op) => {
                self.ops.insert(op.clone(), device);
                self.open.insert((device, record), op);
            }
            None => {
                if let Some(op) = self.open.remove(&(device, record)) {
                    self.gone.insert(op);
                }
            }
        }
    }

    fn request(&mut self, world: &mut World, device: usize) -> Option<WriteRequest> {
        self.serial += 1;
        let value = format!("{device}-{}", self.serial);
        let entity = ["tally", "note", "task"][world.rng.below(3) as usize];
        let store = world.schema.entities[entity].store.clone();
        let ids: Vec<String> =
            world.devices[device].store.rows(&store).filter_map(|row| row["id"].as_str().map(str::to_owned)).collect();
        let request = |operation, id: Option<String>, data: Value| {
            let data = data.as_object().cloned().unwrap_or_default();
            Some(WriteRequest { operation, entity: entity.into(), id, data, removed: Vec::new() })
        };
        if ids.is_empty() || (ids.len() < 6 && world.rng.chance(300)) {
            let data = match entity {
                "tally" => json!({ "count": 0, "marks": [value] }),
                "note" => json!({ "title": value, "ask": value }),
                _ => json!({ "title": value, "note": self.some_note(world, device)? }),
            };
            return request(Operation::Create, None, data);
        }
        let id = ids[world.rng.below(ids.len() as u64) as usize].clone();
        let row = shown(world, device, entity, &id)?;
        match entity {
            "tally" if world.rng.chance(500) => {
                let count = row["count"].as_i64().unwrap_or(0) + 1 + world.rng.below(9) as i64;
                request(Operation::Update, Some(id), json!({ "count": count }))
            }
            "tally" => {
                let mut marks = row["marks"].as_array().cloned().unwrap_or_default();
                marks.push(value.into());
                request(Operation::Update, Some(id), json!({ "marks": marks }))
            }
            "note" if world.rng.chance(200) => request(Operation::Update, Some(id), json!({ "ask": value })),
            "task" if world.rng.chance(200) => request(Operation::Delete, Some(id), Value::Null),
            _ => request(Operation::Update, Some(id), json!({ "title": value })),
        }
    }

    fn some_note(&self, world: &mut World, device: usize) -> Option<Value> {
        let notes: Vec<Value> = world.devices[device].store.rows("notes").map(|row| row["id"].clone()).collect();
        (!notes.is_empty()).then(|| notes[world.rng.below(notes.len() as u64) as usize].clone())
    }

    /// A person decides about everything that waits for one.
    pub fn decide(&mut self, world: &mut World, device: usize) {
        let waiting: Vec<(String, String, OpId)> = world.devices[device]
            .store
            .rows("sync_queue")
            .filter(|row| row["status"] == "failed" || row["status"] == "conflict")
            .map(|row| (text(&row["entity_type"]), text(&row["entity_id"]), OpId(text(&row["id"]))))
            .collect();
        for (entity, id, op) in waiting {
            let decision = if world.rng.chance(500) { Decision::Retry } else { Decision::Discard };
            world.seen.insert(if decision == Decision::Retry { "conflict retried" } else { "conflict discarded" });
            let at = (world.clock(device), Entropy::new(world.rng.bytes()));
            let lane: Vec<OpId> = world.devices[device]
                .store
                .rows("sync_queue")
                .filter(|row| row["entity_id"] == id.as_str() && !row["lane"].is_null())
                .map(|row| OpId(text(&row["id"])))
                .collect();
            let act = Act::new(&world.schema, (entity.clone(), id.clone()), decision, at).expect("a known entity");
            if let Ok(Output::Acted(acted)) = world.devices[device].store.run(&world.schema, &mut Tx::Act(act)) {
                world.log(|| format!("{device} decides {decision:?} about {op}"));
                self.gone.extend(lane);
                self.note(device, format!("{entity}/{id}"), acted.op);
                let context = usize::from(world.devices[device].contexts[0].machine.is_none());
                let who = world.who(device, context);
                world.feed(who, Input::Wrote(acted.summary, false));
            }
        }
    }
}

/// One of the larger faults, or a nudge.
pub fn meddle(world: &mut World) {
    let device = world.rng.below(2) as usize;
    let context = world.rng.below(2) as usize;
    if world.rng.chance(world.config.crash) {
        world.seen.insert("context killed");
        world.kill(device, context);
    }
    if world.devices[device].contexts[context].machine.is_none() && world.rng.chance(100) {
        world.start(device, context);
    }
    if world.rng.chance(world.config.freeze) && world.devices[device].contexts[context].machine.is_some() {
        let who = world.who(device, context);
        if world.devices[device].holder == Some(who) {
            world.seen.insert("lock holder frozen");
        }
        world.devices[device].contexts[context].frozen = true;
        world.log(|| format!("{device}.{context} frozen"));
    } else if world.devices[device].contexts[context].frozen && world.rng.chance(30) {
        world.log(|| format!("{device}.{context} thawed"));
        world.thaw(device, context);
    }
    if world.rng.chance(world.config.server_restart) {
        world.seen.insert("server restart");
        let run = format!("run-{}", world.rng.next());
        world.ledger.restart(run.into());
    }
    if world.rng.chance(world.config.offline) {
        let online = !world.devices[device].online;
        world.devices[device].online = online;
        for context in 0..2 {
            let who = world.who(device, context);
            world.feed(who, Input::Network(online));
        }
    }
    if world.rng.chance(20) {
        let who = world.who(device, context);
        let reason = [Reason::User, Reason::BackgroundSync, Reason::Foreground][world.rng.below(3) as usize];
        let one = &mut world.devices[device].contexts[context];
        one.waiting |= reason != Reason::Foreground && one.machine.is_some();
        world.feed(who, Input::Wake(reason));
    }
}

fn shown(world: &World, device: usize, entity: &str, id: &str) -> Option<Map<String, Value>> {
    let store = &world.schema.entities[entity].store;
    world.devices[device].store.rows(store).find(|row| row["id"] == id)?.as_object().cloned()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
