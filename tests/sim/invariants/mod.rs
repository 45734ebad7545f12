//! What must hold, one rule a file, each with a test that it can fail. This file routes: what a device's transaction changed,
//! what a server committed, every step, and the quiet points go to the rules that look at them. Rules see only what changed;
//! at quiet points they look at everything.

pub mod history;
pub mod i01_survives;
pub mod i02_answered;
pub mod i03_once;
pub mod i04_order;
pub mod i05_reads;
pub mod i06_causal;
pub mod i08_converged;
pub mod i09_deleted;
pub mod i10_references;
pub mod i11_bases;
pub mod i12_cursor;
pub mod i16_alive;
pub mod i17_merge;
pub mod i20_honest;
pub mod law01_counts;

use crate::people::op_of;
use crate::world::World;
use landfall::authority::MemoryLedger;
use landfall::id::OpId;
use landfall::record::Fields;
use landfall::schema::{Operation, Schema};
use landfall::store::{Journal, Memory};
use landfall::wire::{Change, Status};
use serde_json::Value;

/// What an op asked for, as it travelled; kept only as far as the rules ask.
#[derive(Clone, Debug)]
pub struct Sent {
    pub op: OpId,
    pub operation: Operation,
    pub entity: String,
    pub id: String,
    pub base_version: Option<u64>,
    pub added: i64,
    pub marks: Vec<String>,
    /// Marks that it takes away.
    pub unmarks: Vec<String>,
}

impl Sent {
    pub fn of(change: &Change) -> Self {
        let count = |fields: &Fields| fields.get("count").and_then(Value::as_i64).unwrap_or(0);
        let marks = |fields: &Fields| -> Vec<String> {
            fields.get("marks").into_iter().flat_map(crate::people::texts).map(str::to_owned).collect()
        };
        let (before, after) = (marks(&change.before), marks(&change.data));
        let touched = change.data.contains_key("marks");
        Self {
            op: change.queue_id.clone(),
            operation: change.operation,
            entity: change.entity_type.clone(),
            id: change.entity_id.clone(),
            base_version: change.base_version,
            added: count(&change.data) - if change.data.contains_key("count") { count(&change.before) } else { 0 },
            unmarks: before.iter().filter(|mark| touched && !after.contains(mark)).cloned().collect(),
            marks: after.into_iter().filter(|mark| !before.contains(mark)).collect(),
        }
    }
}

/// What the rules remember.
pub struct Oracle {
    pub effects: Vec<i03_once::Effects>,
    pub order: i04_order::Order,
    pub reads: i06_causal::Reads,
    pub graves: Vec<i09_deleted::Graves>,
    pub cursors: Vec<i12_cursor::Place>,
    pub rates: Vec<i16_alive::Rate>,
    pub counts: Vec<law01_counts::Counts>,
    /// Whether a tenant's server was put back since the last rest: until then what was shown may be missing for a while.
    pub rolled: Vec<bool>,
}

impl Oracle {
    pub fn new(tenants: usize, devices: usize) -> Self {
        let mut oracle = Self {
            effects: vec![i03_once::Effects::default(); tenants],
            order: i04_order::Order::default(),
            reads: i06_causal::Reads::default(),
            graves: vec![i09_deleted::Graves::default(); tenants],
            cursors: Vec::new(),
            rates: Vec::new(),
            counts: Vec::new(),
            rolled: vec![false; tenants],
        };
        (0..devices).for_each(|_| oracle.add_device());
        oracle
    }

    pub fn add_device(&mut self) {
        self.cursors.push(i12_cursor::Place::default());
        self.rates.push(i16_alive::Rate::default());
        self.counts.push(law01_counts::Counts::default());
    }

    /// A device's store is another one now.
    pub fn follow_anew(&mut self, schema: &Schema, store: &Memory, device: usize) {
        self.cursors[device] = i12_cursor::Place::Unknown;
        self.counts[device] = law01_counts::Counts::of(schema, store);
    }

    /// A tenant's server has forgotten the last of what it had done.
    pub fn rolled_back(&mut self, tenant: usize, ledger: &MemoryLedger) {
        self.rolled[tenant] = true;
        self.order = i04_order::Order::default();
        self.effects[tenant] = i03_once::Effects::of(ledger);
        self.graves[tenant] = i09_deleted::Graves::of(ledger);
    }

    pub fn requested(&mut self, device: usize, now: u64) {
        self.rates[device].request(now);
    }
}

/// A device's transaction is committed.
pub fn stored(world: &mut World, device: usize, journal: &Journal) {
    let verdict = stored_checked(world, device, journal);
    world.judge(verdict);
}

fn stored_checked(world: &mut World, device: usize, journal: &Journal) -> Result<(), String> {
    let mut token_moved = false;
    for before in &journal.rows {
        let row = world.devices[device].store.get(&before.store, &before.key);
        match before.store.as_ref() {
            "base" => i11_bases::check(world, device, row)?,
            "sync_queue" => {
                world.oracle.counts[device].op(before.row.as_ref(), row);
                let ids = before.row.as_ref().map(op_of).zip(row.map(op_of)).filter(|(old, new)| old != new);
                if let Some((old, new)) = ids {
                    world.model.reissued(&old, &new);
                }
                i02_answered::refused_by_the_server(world, device, before.row.as_ref(), row)?;
            }
            "metadata" => token_moved |= row.is_some_and(|row| row["key"] == "sync"),
            "conflicts" => {}
            store => {
                world.oracle.counts[device].record(store, before.row.as_ref(), row);
                let rolled = world.oracle.rolled[world.devices[device].tenant];
                if store == "tallies" && !rolled && !world.model.has_copies() {
                    i05_reads::check(&world.model, &world.carried.dropped, before.row.as_ref(), row)?;
                }
            }
        }
    }
    law01_counts::check(world, device)?;
    if token_moved { i12_cursor::check(world, device) } else { Ok(()) }
}

/// A server has committed a push of which these ops were new to it.
pub fn decided(world: &mut World, tenant: usize, before: u64, sent: &[Sent]) {
    let verdict = decided_checked(world, tenant, before, sent);
    world.judge(verdict);
}

fn decided_checked(world: &mut World, tenant: usize, before: u64, sent: &[Sent]) -> Result<(), String> {
    history::note(&mut world.servers[tenant], before);
    let World { servers, oracle, model, .. } = world;
    let ledger = &servers[tenant].ledger;
    for op in sent {
        let Some(entry) = ledger.entry(&op.op) else { continue };
        if entry.answer.status != Status::Success {
            if !oracle.rolled[tenant] {
                i10_references::refused(model, op, entry.answer.error.as_ref())?;
            }
            continue;
        }
        oracle.order.applied(model, op)?;
        if op.entity == "tally" {
            oracle.effects[tenant].applied(op);
            i17_merge::takes_nothing(model, op)?;
            if !oracle.rolled[tenant] || op.operation == Operation::Update {
                i01_survives::whole(model, op)?;
            }
        }
    }
    for row in ledger.changed_since(before) {
        let undelete = sent.iter().any(|op| op.id == row.id && op.operation == Operation::Create && op.base_version.is_some());
        oracle.graves[tenant].changed(&row.id, row.deleted, undelete)?;
        i10_references::row(ledger, row)?;
        i17_merge::row(model, row)?;
        if row.entity == "tally" {
            oracle.effects[tenant].check(&row.id, &row.data)?;
        }
    }
    Ok(())
}

/// After every step.
pub fn stepped(world: &mut World) {
    let verdict = i16_alive::next_attempt(world).and_then(|()| i20_honest::check(world));
    world.judge(verdict);
}

/// Once faults have ended and queues have drained.
pub fn quiet(world: &World) -> Result<(), String> {
    i08_converged::check(world)?;
    i16_alive::drained(world)?;
    law01_counts::recount(world)?;
    i11_bases::none_left(world)?;
    i03_once::all(world)?;
    // A store that was replaced or lives twice gives its ops and new records other ids, by ways that the claims do not follow.
    if !world.model.has_copies() {
        i02_answered::all(world)?;
        i03_once::sums(world)?;
        i01_survives::all(world)?;
        i06_causal::check(world)?;
    }
    i20_honest::quiet(world)
}
