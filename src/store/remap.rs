//! A record gets another id (IDS-2, IDS-4): the real one for a temporary one, or a new one where two records claimed the
//! same. This module decides what follows the id: the record, its ops, what refers to it, and the mapping by which the old id
//! goes on finding it. It finds all of that by index, and a frozen op keeps the bytes that travel. `settle` and `absorb` do
//! it in the transaction that takes the server's word; `Remap` goes on where more refers to a record than one takes.

use crate::error::{Code, Error, Result};
use crate::id::is_temp;
use crate::plain::Plain;
use crate::queue::op::need;
use crate::queue::{Op, OpStatus};
use crate::record::Fields;
use crate::schema::{Entity, IdMode, OnDelete, Operation, Reference, Schema, To};
use crate::store::desk::{Desk, Name, Summary, answers, record_reads};
use crate::store::layout::{BY_OPEN, BY_REF, BY_TEMP, CONFLICTS, ID_MAP, METADATA, QUEUE};
use crate::store::port::{Change, Durability, Range, Read, Rows, Scope, Step};
use crate::store::rows::{BaseRow, ConflictRow, Head, IdMapRow, Record, from_row};
use crate::store::scope;
use crate::time::Millis;
use std::borrow::Cow;

/// Most rows of one store that one transaction makes follow its mappings: a write waits no longer than for these.
const ROWS: usize = 128;

/// One record's change of id, with what was found to follow it.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The record, by its temporary id.
    pub name: Name,
    /// Its id from now on.
    pub real: String,
    conflicts: Vec<ConflictRow>,
    /// More refers to it than was read.
    open: bool,
}

impl Found {
    /// One for which nothing was read.
    pub fn of(name: &Name, real: String) -> Self {
        Self { name: name.clone(), real, conflicts: Vec::new(), open: true }
    }
}

/// The record with the ids it refers to, as its index has them.
pub(crate) fn indexed(schema: &Schema, name: &str, record: &Record) -> Record {
    let mut record = record.clone();
    record.sync.refs = schema.entities.get(name).map(|entity| refs(schema, entity, &record.fields)).unwrap_or_default();
    record
}

/// Temporary ids, which will change, and parents, which take their children along.
fn refs(schema: &Schema, entity: &Entity, fields: &Fields) -> Vec<String> {
    let mut found = Vec::new();
    let cascades = |target: &str| entity.follows(target, OnDelete::Cascade);
    for (target, id, _) in entity.referred(fields) {
        if schema.id_mode == IdMode::Temp && is_temp(id) || cascades(target) {
            found.push(id.to_owned());
        }
    }
    crate::record::order::sort(&mut found, Ord::cmp);
    found.dedup();
    found
}

/// The op with the temporary ids it names, as its index has them.
pub(crate) fn named(schema: &Schema, op: &Op) -> Op {
    let mut op = op.clone();
    op.temps.clear();
    if schema.id_mode != IdMode::Temp || op.lane.is_none() {
        return op;
    }
    if is_temp(&op.entity_id) {
        op.temps.push(op.entity_id.clone());
    }
    if let Some(entity) = schema.entities.get(&op.entity_type) {
        for fields in [&op.patch.data, &op.patch.before] {
            op.temps.extend(temps(entity, fields));
        }
    }
    crate::record::order::sort(&mut op.temps, Ord::cmp);
    op.temps.dedup();
    op
}

/// Temporary ids that fields refer to.
pub(crate) fn temps<'a>(entity: &'a Entity, fields: &'a Fields) -> impl Iterator<Item = String> + 'a {
    entity.referred(fields).into_iter().filter(|(_, id, _)| is_temp(id)).map(|(_, id, _)| id.to_owned())
}

/// Temporary ids that one side of a conflict refers to.
pub(crate) fn temps_of(schema: &Schema, name: &str, fields: Option<&Fields>) -> Vec<String> {
    let entity = schema.entities.get(name).filter(|_| schema.id_mode == IdMode::Temp);
    entity.zip(fields).map(|(entity, fields)| temps(entity, fields).collect()).unwrap_or_default()
}

/// Whether an answer gives a record another id than the device has for it.
pub(crate) fn renames(schema: &Schema, op: &Op, real: &str) -> bool {
    op.operation == Operation::Create && is_mapping(schema, &(op.entity_type.clone(), op.entity_id.clone()), real)
}

pub(crate) fn is_mapping(schema: &Schema, name: &Name, real: &str) -> bool {
    schema.id_mode == IdMode::Temp && is_temp(&name.1) && name.1 != real
}

/// Every store that may hold a reference to a record of `target`.
fn referring<'a>(schema: &'a Schema, target: &'a str) -> impl Iterator<Item = (&'a String, &'a Entity)> {
    schema.entities.iter().filter(move |(_, entity)| entity.references().any(|(_, reference)| reference.entity == target))
}

/// What has to be read for one of `mappings` in a transaction: what is there under the real id, then all that names the
/// temporary one.
pub(crate) fn reads(schema: &Schema, name: &Name, real: &str, mappings: usize) -> Result<Vec<Read>> {
    let mut reads = record_reads(schema.entity(&name.0)?, &(name.0.clone(), real.to_owned())).to_vec();
    reads.extend(followers(schema, name, limit(mappings)));
    Ok(reads)
}

fn followers(schema: &Schema, name: &Name, limit: usize) -> Vec<Read> {
    let most = u32::try_from(limit + 1).unwrap_or(u32::MAX);
    let by = |store: Cow<'static, str>, index| Read::Range(Range::all(store, most).by(index).only(name.1.as_str().into()));
    let mut reads: Vec<Read> =
        referring(schema, &name.0).map(|(_, entity)| by(Cow::Owned(entity.store.clone()), BY_REF)).collect();
    reads.push(by(QUEUE, BY_TEMP));
    reads.push(by(CONFLICTS, BY_TEMP));
    reads
}

fn limit(mappings: usize) -> usize {
    (ROWS / mappings.max(1)).max(1)
}

/// Every store a mapping of this entity may touch, besides those of every sync transaction.
pub(crate) fn stores<'a>(schema: &'a Schema, entity: &'a str) -> impl Iterator<Item = Cow<'static, str>> + 'a {
    let entities = referring(schema, entity).map(|(_, entity)| Cow::Owned(entity.store.clone()));
    entities.chain([ID_MAP, CONFLICTS])
}

/// Takes the answers to `reads`.
pub(crate) fn take(
    desk: &mut Desk,
    schema: &Schema,
    at: (Name, &str, usize),
    answers: &mut impl Iterator<Item = Rows>,
) -> Result<()> {
    let (name, real, mappings) = at;
    desk.take_record(&(name.0.clone(), real.to_owned()), answers)?;
    let found = take_followers(desk, schema, (name, real, limit(mappings)), answers)?;
    desk.note_followers(found);
    Ok(())
}

fn take_followers(
    desk: &mut Desk,
    schema: &Schema,
    at: (Name, &str, usize),
    answers: &mut impl Iterator<Item = Rows>,
) -> Result<Found> {
    let (name, real, limit) = at;
    let mut open = false;
    for (entity_name, entity) in referring(schema, &name.0) {
        let rows = answers.next().unwrap_or_default();
        open |= rows.len() > limit;
        for row in rows.into_iter().take(limit) {
            desk.take_referring(entity, entity_name, row)?;
        }
    }
    let ops = answers.next().unwrap_or_default();
    open |= ops.len() > limit;
    desk.take_ops(ops.into_iter().take(limit).collect())?;
    let conflicts = answers.next().unwrap_or_default();
    open |= conflicts.len() > limit;
    let conflicts = conflicts.into_iter().take(limit).map(from_row).collect::<Result<_>>()?;
    Ok(Found { name, real: real.to_owned(), conflicts, open })
}

/// The record has its real id from now on.
///
/// # Errors
/// `PROTOCOL_ERROR` for an answer that gives no id that could be one.
pub(crate) fn rename(desk: &mut Desk, schema: &Schema, found: &Found, when: (Millis, Millis)) -> Result<()> {
    let (name, real) = (&found.name, found.real.as_str());
    let entity = schema.entity(&name.0)?;
    if is_temp(real) || entity.check_id(&name.0, real).is_err() {
        return Err(Error::new(Code::ProtocolError, "no id for a new record").at(format!("{}.{}", name.0, name.1)));
    }
    let to = (name.0.clone(), real.to_owned());
    stand_in(desk, entity, name, &to);
    follow(desk, schema, found)?;
    let row = IdMapRow {
        temp_id: name.1.clone(),
        real_id: to.1,
        entity_type: to.0,
        created_at: when.0,
        synced_at: when.1,
        open: found.open.then_some(1),
    };
    desk.head.remaps += u64::from(found.open);
    desk.touch_head();
    desk.write(Change::Put { store: ID_MAP, row: row.plain() });
    Ok(())
}

/// The record moves to its other id. If it is there already (its row came before the answer), that one is the base.
fn stand_in(desk: &mut Desk, entity: &Entity, name: &Name, to: &Name) {
    let Some(mut record) = desk.record(name).cloned() else { return };
    desk.put_record(name, None);
    if let Some(there) = desk.record(to).cloned() {
        if let (None, Some(version)) = (desk.base(to), there.sync.version) {
            let (entity_type, entity_id) = to.clone();
            let (by, at, data) = (there.sync.by, there.sync.server_at, Some(there.fields));
            let stamps = std::collections::BTreeMap::new();
            desk.put_base(to, Some(BaseRow { entity_type, entity_id, version, data, stamps, by, at, left: false }));
        }
        return;
    }
    record.fields.insert(entity.key.clone(), to.1.as_str().into());
    desk.put_record(to, Some(record));
}

/// Everything on the desk that names the old id names the new one.
fn follow(desk: &mut Desk, schema: &Schema, found: &Found) -> Result<()> {
    let mut visit = |reference: &Reference, id: &str| {
        let it = reference.entity == found.name.0 && id == found.name.1;
        if it { To::Id(found.real.clone()) } else { To::Keep }
    };
    for name in desk.record_names() {
        let (Some(entity), Some(mut record)) = (schema.entities.get(&name.0), desk.record(&name).cloned()) else { continue };
        if entity.rewrite(&mut record.fields, &mut visit) {
            desk.put_record(&name, Some(record));
        }
    }
    let ops: Vec<Op> = desk.all_ops().filter(|op| op.status != OpStatus::Completed).cloned().collect();
    for op in ops {
        if let Some(entity) = schema.entities.get(&op.entity_type)
            && let Some(op) = renamed(entity, &op, found, &mut visit)
        {
            desk.put_op(op);
        }
    }
    for conflict in &found.conflicts {
        let Some(entity) = schema.entities.get(&conflict.entity_type) else { continue };
        let mut conflict = conflict.clone();
        for side in [&mut conflict.local, &mut conflict.server].into_iter().flatten() {
            entity.rewrite(side, &mut visit);
        }
        conflict.temps.retain(|temp| *temp != found.name.1);
        desk.put_conflict(&conflict)?;
    }
    Ok(())
}

/// The op with the new id; none if it does not name the old one. What a frozen op says on its way it goes on saying.
pub(crate) fn renamed(entity: &Entity, op: &Op, found: &Found, visit: &mut dyn FnMut(&Reference, &str) -> To) -> Option<Op> {
    let mut out = op.clone();
    let mut changed = entity.rewrite(&mut out.patch.data, visit);
    changed |= entity.rewrite(&mut out.patch.before, visit);
    if op.entity_type == found.name.0 && op.entity_id == found.name.1 {
        out.entity_id.clone_from(&found.real);
        out.lane = out.lane.map(|_| [found.name.0.clone(), found.real.clone()]);
        if out.patch.data.contains_key(&entity.key) {
            out.patch.data.insert(entity.key.clone(), found.real.as_str().into());
        }
        changed = true;
    }
    if changed && op.frozen && op.travels_as.is_none() {
        out.travels_as = Some(Box::new(op.former()));
    }
    let (old, new) = (need(&found.name.0, &found.name.1), need(&found.name.0, &found.real));
    for names in [&mut out.needs, &mut out.lacks, &mut out.frees] {
        for name in names.iter_mut().filter(|name| **name == old) {
            name.clone_from(&new);
            changed = true;
        }
    }
    changed.then_some(out)
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Remapped {
    /// Rows that follow the new id now.
    pub rows: u64,
    /// How the store stands.
    pub summary: Summary,
}

/// Going on with a mapping that more refers to than one transaction takes. The index itself says what is left, so that it may
/// be broken off between any two transactions.
#[derive(Clone, Debug)]
pub struct Remap {
    fence: u64,
    limit: usize,
    desk: Desk,
    map: Option<IdMapRow>,
    round: u8,
}

impl Remap {
    /// For the holder of `fence`.
    #[must_use]
    pub fn new(fence: u64) -> Self {
        Self { fence, limit: ROWS, desk: Desk::default(), map: None, round: 0 }
    }

    /// What it may touch.
    #[must_use]
    pub fn scope(&self, schema: &Schema) -> Scope {
        let entities = schema.entities.values().map(|entity| Cow::Owned(entity.store.clone()));
        scope(entities.chain([QUEUE, METADATA, CONFLICTS, ID_MAP]), Durability::Relaxed)
    }

    /// Two rounds: a mapping that is open, then what refers to it.
    pub fn advance(&mut self, schema: &Schema, rows: Vec<Rows>) -> Step<Remapped> {
        self.round += 1;
        let step = match self.round {
            1 => Ok(Step::Read(vec![Head::read(), Read::Range(Range::all(ID_MAP, 1).by(BY_OPEN))])),
            2 => self.open(schema, rows),
            _ => self.decide(schema, rows),
        };
        step.unwrap_or_else(Step::Abort)
    }

    fn open(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Remapped>> {
        let mut answers = answers(rows);
        self.desk.take_head(answers.next().unwrap_or_default())?;
        self.desk.check_fence(self.fence)?;
        self.map = answers.next().unwrap_or_default().into_iter().next().map(from_row).transpose()?;
        match &self.map {
            Some(map) => Ok(Step::Read(followers(schema, &(map.entity_type.clone(), map.temp_id.clone()), self.limit))),
            None => {
                // Counted but not there: whatever it was, nothing is left to do.
                self.desk.head.remaps = 0;
                self.desk.touch_head();
                self.done(schema, 0)
            }
        }
    }

    fn decide(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Remapped>> {
        let Some(map) = self.map.take() else { return self.done(schema, 0) };
        let name = (map.entity_type.clone(), map.temp_id.clone());
        let mut desk = std::mem::take(&mut self.desk);
        let found = take_followers(&mut desk, schema, (name, &map.real_id, self.limit), &mut answers(rows))?;
        let rows = desk.record_names().len() as u64;
        follow(&mut desk, schema, &found)?;
        if !found.open {
            desk.head.remaps = desk.head.remaps.saturating_sub(1);
            desk.touch_head();
            desk.write(Change::Put { store: ID_MAP, row: IdMapRow { open: None, ..map }.plain() });
        }
        self.desk = desk;
        self.done(schema, rows)
    }

    fn done(&mut self, schema: &Schema, rows: u64) -> Result<Step<Remapped>> {
        let changes = self.desk.finish(schema)?;
        Ok(Step::Done(changes, Remapped { rows, summary: self.desk.summary() }))
    }
}
