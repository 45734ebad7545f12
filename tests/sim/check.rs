//! The checkers: what must hold after every step, and what must hold once faults have ended and queues have drained. Each
//! answers with what is wrong, in words; none of them changes anything.

use crate::people::Model;
use crate::world::World;
use landfall::record::digest;
use landfall::store::rows::{BaseRow, Record, from_row};
use landfall::sync::State;
use serde_json::Value;
use std::collections::BTreeMap;

/// After every step.
pub fn always(world: &mut World) -> Result<(), String> {
    for device in 0..world.devices.len() {
        next_attempt(world, device)?;
        honest(world, device)?;
        let gen_no = world.head(device).gen_no;
        if world.devices[device].checked != gen_no {
            world.devices[device].checked = gen_no;
            bases(world, device)?;
            counts(world, device)?;
        }
    }
    Ok(())
}

/// I16, law 14: a device with a queue and a living context has its next attempt scheduled.
fn next_attempt(world: &World, device: usize) -> Result<(), String> {
    let awake = |context: &&crate::world::Context| context.machine.is_some() && !context.frozen;
    let contexts: Vec<_> = world.devices[device].contexts.iter().filter(awake).collect();
    if contexts.is_empty() || world.head(device).queued == 0 {
        return Ok(());
    }
    let moving = contexts.iter().any(|context| context.alarm.is_some() || context.expected > 0);
    if moving { Ok(()) } else { Err(format!("device {device} has a queue and nothing scheduled")) }
}

/// I20, law 15: a context that could have heard of everything does not say "synced" over a queue.
fn honest(world: &World, device: usize) -> Result<(), String> {
    let head = world.head(device);
    for (at, context) in world.devices[device].contexts.iter().enumerate() {
        let untold = world.config.lost_bell > 0 || world.now < world.untold_until;
        let deaf = untold || context.expected > 0 || context.frozen || context.machine.is_none();
        if context.status.state == State::Synced && head.queued + head.failed + head.conflicts > 0 && !deaf {
            return Err(format!("context {device}.{at} says synced with {head:?}"));
        }
    }
    Ok(())
}

/// I11: a base is exactly the server version it names, or is being fetched again.
fn bases(world: &World, device: usize) -> Result<(), String> {
    let store = &world.devices[device].store;
    for row in store.rows("base") {
        let base: BaseRow = from_row(row.clone()).map_err(|error| error.to_string())?;
        let key = (base.entity_type.clone(), base.entity_id.clone(), base.version);
        let ours = digest(&base.data.clone().unwrap_or_default());
        let wanted = store
            .rows("metadata")
            .any(|row| row["want"].as_array().is_some_and(|list| list.iter().any(|one| one["entity_id"] == key.1.as_str())));
        match world.history.get(&key) {
            Some(theirs) if *theirs == ours || wanted => {}
            other => return Err(format!("base {key:?} is {ours}, the server's is {other:?}")),
        }
    }
    Ok(())
}

/// Law 1: the counts of the head row are those of the queue, the usage that of the records.
fn counts(world: &World, device: usize) -> Result<(), String> {
    let store = &world.devices[device].store;
    let head = world.head(device);
    let with = |names: &[&str]| {
        store.rows("sync_queue").filter(|row| names.contains(&row["status"].as_str().unwrap_or(""))).count() as u64
    };
    let counted = (with(&["pending", "syncing"]), with(&["failed"]), with(&["conflict"]));
    if counted != (head.queued, head.failed, head.conflicts) {
        return Err(format!("device {device} counts {counted:?}, its head says {head:?}"));
    }
    let row = store.rows("metadata").find(|row| row["key"] == "head");
    for (name, entity) in &world.schema.entities {
        let bytes: u64 = store.rows(&entity.store).filter_map(|row| row["_sync"]["bytes"].as_u64()).sum();
        let said = row.and_then(|row| row["usage"][name].as_u64()).unwrap_or(0);
        if said != bytes {
            return Err(format!("device {device} uses {bytes} bytes for {name}, its head says {said}"));
        }
    }
    Ok(())
}

/// Whether everything has come to rest.
pub fn is_quiet(world: &World) -> bool {
    let drained = (0..world.devices.len()).all(|device| {
        let head = world.head(device);
        head.queued + head.failed + head.conflicts == 0
    });
    let told = world.devices.iter().all(|device| device.contexts.iter().all(|context| !context.waiting));
    drained && told && converged(world).is_ok()
}

/// Once faults have ended and queues have drained.
pub fn quiet(world: &World, model: &Model) -> Result<(), String> {
    converged(world)?;
    for device in 0..world.devices.len() {
        let head = world.head(device);
        if head.queued + head.failed + head.conflicts > 0 {
            let rows: Vec<&Value> =
                world.devices[device].store.rows("sync_queue").filter(|row| row["status"] != "completed").collect();
            return Err(format!("device {device} has not drained: {head:?} {rows:?}"));
        }
        if let Some(base) = world.devices[device].store.rows("base").next() {
            return Err(format!("device {device} keeps a base without ops: {base}"));
        }
    }
    for (at, device) in world.devices.iter().enumerate() {
        if device.contexts.iter().any(|context| context.waiting) {
            return Err(format!("somebody at device {at} asked for a sync and was never told of one"));
        }
    }
    every_op_answered(world, model)?;
    nothing_lost(world, model)
}

/// I8: every device has what the server has.
fn converged(world: &World) -> Result<(), String> {
    let mut server: BTreeMap<(String, String), (u64, String)> = BTreeMap::new();
    for row in world.ledger.rows().filter(|row| !row.deleted) {
        server.insert((row.entity.clone(), row.id.clone()), (row.version, digest(&row.data)));
    }
    for (at, device) in world.devices.iter().enumerate() {
        let mut ours = BTreeMap::new();
        for (name, entity) in &world.schema.entities {
            for row in device.store.rows(&entity.store) {
                let record = Record::from_row(row.clone()).map_err(|error| error.to_string())?;
                let id = record.fields["id"].as_str().unwrap_or_default().to_owned();
                ours.insert((name.clone(), id), (record.sync.version.unwrap_or(0), digest(&record.fields)));
            }
        }
        if ours != server {
            let differing: Vec<_> = server.iter().filter(|(key, value)| ours.get(*key) != Some(value)).collect();
            let extra: Vec<_> = ours.keys().filter(|key| !server.contains_key(*key)).collect();
            return Err(format!("device {at} differs from the server: {differing:?}, only here: {extra:?}"));
        }
    }
    Ok(())
}

/// I2: every op has an answer on record, or became part of another, or was given up by a person.
fn every_op_answered(world: &World, model: &Model) -> Result<(), String> {
    for (op, device) in &model.ops {
        if world.ledger.entry(op).is_none() && !model.gone.contains(op) {
            return Err(format!("op {op} of device {device} has vanished"));
        }
    }
    Ok(())
}

/// I1 and I3: what was added is there, each addition once; what was marked is there.
fn nothing_lost(world: &World, model: &Model) -> Result<(), String> {
    for row in world.ledger.rows().filter(|row| row.entity == "tally") {
        let sum = row.data["count"].as_i64().unwrap_or(i64::MIN);
        let expected = model.sums.get(&row.id).copied().unwrap_or(0);
        if sum != expected {
            return Err(format!("tally {} is {sum}, all writes add up to {expected}", row.id));
        }
        let marks: Vec<&str> = row.data["marks"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for mark in model.marks.get(&row.id).into_iter().flatten() {
            if marks.iter().filter(|one| *one == mark).count() != 1 {
                return Err(format!("tally {} does not hold the mark {mark} once: {marks:?}", row.id));
            }
        }
    }
    let known = world.ledger.rows().filter(|row| row.entity == "tally").count();
    if known == model.sums.len() { Ok(()) } else { Err(format!("{known} tallies on the server, {} were made", model.sums.len())) }
}
