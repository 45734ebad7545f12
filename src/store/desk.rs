//! The working surface of a transaction: rows it has read, changed in memory, and written out at the end in one list. This
//! module decides how counts, usage and generation follow from changed rows, so that no transaction can forget them; it
//! decides nothing about sync. Every writing transaction of the store works on one.

use crate::error::{Code, Error, Result};
use crate::plain::Plain;
use crate::queue::{Op, OpStatus};
use crate::record::Fields;
use crate::schema::{Entity, Schema};
use crate::store::key::Key;
use crate::store::layout::{BASE, BY_RECORD, CONFLICTS, METADATA, QUARANTINE, QUEUE};
use crate::store::port::{Change, Range, Read, Rows, StoreName};
use crate::store::quarantine::{Place, QuarantineRow, read_op};
use crate::store::remap;
use crate::store::rows::{BaseRow, ConflictRow, Head, Record, RecordStatus, SyncRow, from_row, size};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Names a record: entity and id.
pub(crate) type Name = (String, String);

/// Most ops one record's lane is read with; it holds one in flight, one pending, and refused ones before them.
const LANE: u32 = 16;

/// What every transaction tells besides its own result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// The store's generation after it.
    pub gen_no: u64,
    /// Ops pending or syncing.
    pub queued: u64,
    /// Ops failed.
    pub failed: u64,
    /// Ops in a conflict.
    pub conflicts: u64,
    /// Rows in quarantine.
    pub quarantined: u64,
    /// Temporary ids that some references still hold.
    pub remaps: u64,
    /// Records that changed.
    pub changed: Vec<Name>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Desk {
    pub head: Head,
    ops: BTreeMap<u64, Op>,
    records: BTreeMap<Name, Option<Record>>,
    bases: BTreeMap<Name, Option<BaseRow>>,
    sync: Option<SyncRow>,
    /// What was read to follow records to their real ids.
    found: Vec<remap::Found>,
    dirty: Dirty,
}

#[derive(Clone, Debug, Default)]
struct Dirty {
    ops: BTreeSet<u64>,
    records: BTreeSet<Name>,
    bases: BTreeSet<Name>,
    other: Vec<Change>,
    head: bool,
    sync: bool,
}

/// The three reads that show a record: itself, its base, its lane.
pub(crate) fn record_reads(entity: &Entity, name: &Name) -> [Read; 3] {
    [record_read(entity, &name.1), BaseRow::read(&name.0, &name.1), lane_read(name)]
}

pub(crate) fn record_read(entity: &Entity, id: &str) -> Read {
    Read::Get { store: Cow::Owned(entity.store.clone()), key: id.into() }
}

pub(crate) fn lane_read(name: &Name) -> Read {
    Read::Range(Range::all(QUEUE, LANE).by(BY_RECORD).only(Key::pair(name.0.as_str(), name.1.as_str())))
}

impl Desk {
    /// Takes the head (absent in a new database).
    pub fn take_head(&mut self, rows: Rows) -> Result<()> {
        if let Some(row) = rows.into_iter().next() {
            self.head = from_row(row).map_err(|error| Place::Metadata("head".to_owned()).damaged(error))?;
        }
        Ok(())
    }

    /// Takes the sync row.
    pub fn take_sync(&mut self, rows: Rows) -> Result<()> {
        let damaged = |error| Place::Metadata("sync".to_owned()).damaged(error);
        self.sync = rows.into_iter().next().map(from_row).transpose().map_err(damaged)?;
        Ok(())
    }

    /// Takes the answers to `record_reads`.
    pub fn take_record(&mut self, name: &Name, answers: &mut impl Iterator<Item = Rows>) -> Result<()> {
        let mut next = || answers.next().unwrap_or_default();
        let record = next().into_iter().next().map(Record::from_row).transpose();
        let record = record.map_err(|error| Place::Record(name.clone()).damaged(error))?;
        let base = next().into_iter().next().map(from_row).transpose();
        let base = base.map_err(|error| Place::Base(name.clone()).damaged(error))?;
        self.take_ops(next())?;
        // A row already on the desk may have been changed there: the first reading stays.
        self.records.entry(name.clone()).or_insert(record);
        self.bases.entry(name.clone()).or_insert(base);
        Ok(())
    }

    /// Takes ops; one already on the desk stays as it is there.
    pub fn take_ops(&mut self, rows: Rows) -> Result<()> {
        for row in rows {
            let op = read_op(row)?;
            self.ops.entry(op.seq).or_insert(op);
        }
        Ok(())
    }

    pub fn take_op(&mut self, op: Op) {
        self.ops.entry(op.seq).or_insert(op);
    }

    /// Takes rows of a further round: the named records first, then ops.
    pub fn take_named(&mut self, names: &[Name], answers: &mut impl Iterator<Item = Rows>) -> Result<()> {
        for name in names {
            self.take_record(name, answers)?;
        }
        answers.try_for_each(|rows| self.take_ops(rows))
    }

    /// Takes of a record what can be read, and leaves out the rest.
    pub fn take_readable(&mut self, name: &Name, answers: &mut impl Iterator<Item = Rows>) {
        let mut next = || answers.next().unwrap_or_default().into_iter();
        let record = next().next().and_then(|row| Record::from_row(row).ok());
        let base = next().next().and_then(|row| from_row(row).ok());
        self.records.insert(name.clone(), record);
        self.bases.insert(name.clone(), base);
        for op in answers.flatten().filter_map(|row| read_op(row).ok()) {
            self.take_op(op);
        }
    }

    pub fn knows(&self, name: &Name) -> bool {
        self.records.contains_key(name)
    }

    /// The sync row; every sync transaction has one since `Recover`.
    pub fn sync(&self) -> Result<&SyncRow> {
        self.sync.as_ref().ok_or_else(|| Error::new(Code::CorruptData, "the sync row is gone").at("metadata.sync"))
    }

    pub fn sync_row(&self) -> Option<&SyncRow> {
        self.sync.as_ref()
    }

    pub fn set_sync(&mut self, row: SyncRow) {
        self.sync = Some(row);
        self.dirty.sync = true;
    }

    pub fn edit_sync(&mut self, edit: impl FnOnce(&mut SyncRow)) {
        if let Some(row) = &mut self.sync {
            edit(row);
            self.dirty.sync = true;
        }
    }

    pub fn touch_head(&mut self) {
        self.dirty.head = true;
    }

    /// Aborts the transaction of a context that no longer leads (law 4).
    pub fn check_fence(&self, fence: u64) -> Result<()> {
        if self.head.fence == fence {
            return Ok(());
        }
        Err(Error::new(Code::LockLost, "another context took over syncing").at("metadata.head.fence"))
    }

    pub fn record(&self, name: &Name) -> Option<&Record> {
        self.records.get(name)?.as_ref()
    }

    pub fn base(&self, name: &Name) -> Option<&BaseRow> {
        self.bases.get(name)?.as_ref()
    }

    pub fn op(&self, seq: u64) -> Option<&Op> {
        self.ops.get(&seq)
    }

    pub fn all_ops(&self) -> impl Iterator<Item = &Op> {
        self.ops.values()
    }

    /// Takes a record that refers to another one; neither its base nor its lane is needed for that.
    pub fn take_referring(&mut self, entity: &Entity, name: &str, row: Value) -> Result<()> {
        let Some(id) = row.get(&entity.key).and_then(Value::as_str) else { return Ok(()) };
        let name = (name.to_owned(), id.to_owned());
        let record = Record::from_row(row).map_err(|error| Place::Record(name.clone()).damaged(error))?;
        self.records.entry(name).or_insert(Some(record));
        Ok(())
    }

    pub fn note_followers(&mut self, found: remap::Found) {
        self.found.push(found);
    }

    /// What is to follow a record to its real id.
    pub fn followers(&mut self, name: &Name, real: &str) -> remap::Found {
        let at = self.found.iter().position(|found| found.name == *name && found.real == real);
        // Nothing was read for it: the mapping stays open, and `Remap` does all of it.
        let unread = || remap::Found::of(name, real.to_owned());
        at.map_or_else(unread, |at| self.found.swap_remove(at))
    }

    /// The names of all records on the desk.
    pub fn record_names(&self) -> Vec<Name> {
        self.records.iter().filter(|(_, record)| record.is_some()).map(|(name, _)| name.clone()).collect()
    }

    /// Unfinished ops of a record, oldest first.
    pub fn lane(&self, name: &Name) -> Vec<&Op> {
        self.ops.values().filter(|op| op.lane.as_ref().is_some_and(|lane| lane[0] == name.0 && lane[1] == name.1)).collect()
    }

    /// Every op on the desk that waits for `need`.
    pub fn waiting_for(&self, need: &str) -> Vec<u64> {
        self.ops.values().filter(|op| op.needs.iter().any(|one| one == need)).map(|op| op.seq).collect()
    }

    /// Puts an op, new or changed; counts follow its status.
    pub fn put_op(&mut self, mut op: Op) {
        op.refresh();
        self.count(self.ops.get(&op.seq).map(|old| old.status), Some(op.status));
        self.dirty.ops.insert(op.seq);
        self.ops.insert(op.seq, op);
    }

    /// Takes an op away for good.
    pub fn drop_op(&mut self, seq: u64) {
        if let Some(op) = self.ops.remove(&seq) {
            self.count(Some(op.status), None);
            self.dirty.ops.insert(seq);
        }
    }

    /// An op that stood so is gone.
    pub fn uncount(&mut self, status: OpStatus) {
        self.count(Some(status), None);
    }

    fn count(&mut self, old: Option<OpStatus>, new: Option<OpStatus>) {
        for (status, delta) in [(old, -1), (new, 1)] {
            let figure = match status {
                Some(OpStatus::Pending | OpStatus::Syncing) => &mut self.head.queued,
                Some(OpStatus::Failed) => &mut self.head.failed,
                Some(OpStatus::Conflict) => &mut self.head.conflicts,
                Some(OpStatus::Completed) => &mut self.head.completed,
                None => continue,
            };
            *figure = figure.saturating_add_signed(delta);
        }
        self.dirty.head = true;
    }

    /// Puts a record (`None`: it goes); its size and the usage of its entity follow.
    pub fn put_record(&mut self, name: &Name, record: Option<Record>) {
        let old = self.record(name).map_or(0, |record| record.sync.bytes);
        let record = record.map(|mut record| {
            record.sync.bytes = size(&record.fields);
            record
        });
        let new = record.as_ref().map_or(0, |record| record.sync.bytes);
        let usage = self.head.usage.entry(name.0.clone()).or_default();
        *usage = (*usage + new).saturating_sub(old);
        self.dirty.head = true;
        self.dirty.records.insert(name.clone());
        self.records.insert(name.clone(), record);
    }

    /// Puts a base (`None`: it goes).
    pub fn put_base(&mut self, name: &Name, base: Option<BaseRow>) {
        if base.is_none() && self.base(name).is_none() {
            return;
        }
        self.dirty.bases.insert(name.clone());
        self.bases.insert(name.clone(), base);
    }

    pub fn put_conflict(&mut self, row: &ConflictRow) -> Result<()> {
        self.dirty.other.push(Change::Put { store: CONFLICTS, row: row.plain() });
        Ok(())
    }

    pub fn drop_conflict(&mut self, id: &str) {
        self.dirty.other.push(Change::Delete { store: CONFLICTS, key: id.into() });
    }

    /// Keeps aside what has no place, as it was found.
    pub fn quarantine(&mut self, row: &QuarantineRow) -> Result<()> {
        self.head.quarantined += 1;
        self.dirty.head = true;
        self.dirty.other.push(Change::Put { store: QUARANTINE, row: row.plain() });
        Ok(())
    }

    /// Any other change, in the order of writing before the rows of the desk.
    pub fn write(&mut self, change: Change) {
        self.dirty.other.push(change);
    }

    /// The status a record's mark shows, from its lane.
    pub fn mark(&self, name: &Name) -> RecordStatus {
        let lane = self.lane(name);
        let any = |status| lane.iter().any(|op| op.status == status);
        match () {
            () if any(OpStatus::Conflict) => RecordStatus::Conflict,
            () if any(OpStatus::Failed) && self.base(name).is_some_and(|base| base.left) => RecordStatus::Locked,
            () if any(OpStatus::Failed) => RecordStatus::Failed,
            () if lane.is_empty() => RecordStatus::Synced,
            () => RecordStatus::Pending,
        }
    }

    /// What the transaction tells besides its own result; call `finish` first.
    pub fn summary(&self) -> Summary {
        Summary {
            gen_no: self.head.gen_no,
            queued: self.head.queued,
            failed: self.head.failed,
            conflicts: self.head.conflicts,
            quarantined: self.head.quarantined,
            remaps: self.head.remaps,
            changed: self.dirty.records.iter().cloned().collect(),
        }
    }

    /// All writes, in one list; the generation goes up if anything changed that others can see.
    pub fn finish(&mut self, schema: &Schema) -> Result<Vec<Change>> {
        let mut out = std::mem::take(&mut self.dirty.other);
        for name in &self.dirty.records {
            let store: StoreName = Cow::Owned(schema.entity(&name.0)?.store.clone());
            out.push(match self.records.get(name).and_then(Option::as_ref) {
                Some(record) => Change::Put { store, row: remap::indexed(schema, &name.0, record).into_row() },
                None => Change::Delete { store, key: name.1.as_str().into() },
            });
        }
        for name in &self.dirty.bases {
            out.push(match self.base(name) {
                Some(base) => Change::Put { store: BASE, row: base.plain() },
                None => Change::Delete { store: BASE, key: Key::pair(name.0.as_str(), name.1.as_str()) },
            });
        }
        for seq in &self.dirty.ops {
            out.push(match self.ops.get(seq) {
                Some(op) => Change::Put { store: QUEUE, row: remap::named(schema, op).plain() },
                None => Change::Delete { store: QUEUE, key: (*seq).into() },
            });
        }
        if self.dirty.sync {
            out.push(Change::Put { store: METADATA, row: self.sync()?.plain() });
        }
        if self.dirty.head || !out.is_empty() {
            self.head.gen_no += 1;
            out.push(Change::Put { store: METADATA, row: self.head.plain() });
        }
        Ok(out)
    }
}

/// The rows of one answer list, one after the other.
pub(crate) fn answers(rows: Vec<Rows>) -> std::vec::IntoIter<Rows> {
    rows.into_iter()
}

/// The first row of an answer, if any.
pub(crate) fn first(rows: Option<Rows>) -> Option<Value> {
    rows.and_then(|rows| rows.into_iter().next())
}

/// An empty record's fields.
pub(crate) fn no_fields() -> Fields {
    Fields::new()
}
