//! `Isolate`: takes a damaged row out of everybody's way. It goes to quarantine as it was found, and what stood on it is put
//! on its feet again: a record is rebuilt from its base and its ops and fetched anew, an op's record goes back to what the
//! server has, the hot rows are made again around the queue. A row that turns out to be sound is left alone, so that two
//! contexts may ask for the same. Whoever meets a damaged row runs this and then its own transaction once more.

use crate::error::{Code, Error, Result};
use crate::hlc::Hlc;
use crate::plain::Plain;
use crate::queue::{Op, OpStatus};
use crate::schema::Schema;
use crate::store::answer;
use crate::store::desk::{Desk, Name, Summary, answers, record_reads};
use crate::store::key::Key;
use crate::store::layout::{BASE, BY_GROUP, BY_STATUS, CONFLICTS, METADATA, QUARANTINE, QUEUE, stores};
use crate::store::port::{Change, Durability, Range, Read, Rows, Scope, Step, StoreName};
use crate::store::quarantine::{self, Place, QuarantineRow, read_op};
use crate::store::rebase;
use crate::store::rows::{BaseRow, ConflictRow, Head, Record, RecordStatus, SYNC, SyncInfo, SyncRow, from_row, size};
use crate::store::scope;
use crate::store::settle::children_read;
use crate::time::Millis;
use serde_json::Value;
use std::borrow::Cow;

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Isolated {
    /// Whether the row was damaged indeed, and is in quarantine now.
    pub moved: bool,
    /// How the store stands.
    pub summary: Summary,
}

/// Taking a damaged row out of the way as a transaction.
#[derive(Clone, Debug)]
pub struct Isolate {
    place: Place,
    now: Millis,
    round: u8,
    desk: Desk,
    row: Option<Value>,
    /// The record the row is of, if it names one that is declared.
    known: Option<Name>,
}

impl Isolate {
    /// The row at this place.
    #[must_use]
    pub fn new(place: Place, now: Millis) -> Self {
        Self { place, now, round: 0, desk: Desk::default(), row: None, known: None }
    }

    /// What it may touch: which record a damaged op is of is known only inside.
    #[must_use]
    pub fn scope(&self, schema: &Schema) -> Scope {
        scope(stores(schema).into_iter().map(|def| def.name), Durability::Strict)
    }

    /// Two rounds: the row; what stands on it.
    pub fn advance(&mut self, schema: &Schema, rows: Vec<Rows>) -> Step<Isolated> {
        self.round += 1;
        let step = match self.round {
            1 => Ok(Step::Read(self.first(schema))),
            2 => self.second(schema, rows),
            _ => self.decide(schema, rows),
        };
        step.unwrap_or_else(Step::Abort)
    }

    fn first(&self, schema: &Schema) -> Vec<Read> {
        let mut reads = vec![Head::read(), SyncRow::read()];
        reads.extend(self.target(schema));
        if self.is_head() {
            reads.push(Read::Range(Range { reverse: true, ..Range::all(QUEUE, 1) }));
            reads.push(Read::Range(Range::all(QUARANTINE, u32::MAX)));
            reads.extend(by_status());
        }
        reads
    }

    /// The row itself, if its store is known.
    fn target(&self, schema: &Schema) -> Option<Read> {
        let (store, key): (StoreName, Key) = match &self.place {
            Place::Record((entity, id)) => (Cow::Owned(schema.entities.get(entity)?.store.clone()), id.as_str().into()),
            Place::Base((entity, id)) => (BASE, Key::pair(entity.as_str(), id.as_str())),
            Place::Op(seq) => (QUEUE, (*seq).into()),
            Place::Conflict(id) => (CONFLICTS, id.as_str().into()),
            Place::Metadata(key) => (METADATA, key.as_str().into()),
        };
        Some(Read::Get { store, key })
    }

    fn is_head(&self) -> bool {
        matches!(&self.place, Place::Metadata(key) if key == "head")
    }

    fn second(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Isolated>> {
        let mut answers = answers(rows);
        let head = answers.next().unwrap_or_default();
        let sync = answers.next().unwrap_or_default();
        let Some(row) = answers.next().and_then(|rows| rows.into_iter().next()).filter(|row| self.is_damaged(row)) else {
            self.desk.take_head(head)?;
            return Ok(Step::Done(Vec::new(), Isolated { moved: false, summary: self.desk.summary() }));
        };
        if self.is_head() {
            self.desk.head = mended(&row, &mut answers, self.now);
        } else {
            self.desk.take_head(head)?;
        }
        // Damaged itself, it is isolated when somebody needs it; until then nothing can be wanted.
        let _ = self.desk.take_sync(sync);
        let mut reads = Vec::new();
        if matches!(self.place, Place::Op(_)) && status(&row).is_none() {
            reads.extend(by_status());
        }
        if let Some(name) = self.name(&row).filter(|(entity, _)| schema.entities.contains_key(entity)) {
            reads.extend(record_reads(schema.entity(&name.0)?, &name));
            reads.push(children_read(&name));
            self.known = Some(name);
        }
        if let (Place::Op(_), Some(group)) = (&self.place, row.get("group").and_then(Value::as_str)) {
            reads.push(Read::Range(Range::all(QUEUE, u32::MAX).by(BY_GROUP).only(group.into())));
        }
        self.row = Some(row);
        if reads.is_empty() { self.decide(schema, Vec::new()) } else { Ok(Step::Read(reads)) }
    }

    fn is_damaged(&self, row: &Value) -> bool {
        fn fails<T: Plain>(row: &Value) -> bool {
            from_row::<T>(row.clone()).is_err()
        }
        match &self.place {
            Place::Record(_) => !is_sound(row),
            Place::Base(_) => fails::<BaseRow>(row),
            Place::Op(_) => read_op(row.clone()).is_err(),
            Place::Conflict(_) => fails::<ConflictRow>(row),
            Place::Metadata(_) if self.is_head() => fails::<Head>(row),
            Place::Metadata(_) => fails::<SyncRow>(row),
        }
    }

    /// The record that the row is of.
    fn name(&self, row: &Value) -> Option<Name> {
        let text = |field: &str| row.get(field).and_then(Value::as_str).map(str::to_owned);
        match &self.place {
            Place::Record(name) | Place::Base(name) => Some(name.clone()),
            Place::Op(_) | Place::Conflict(_) => Some((text("entity_type")?, text("entity_id")?)),
            Place::Metadata(_) => None,
        }
    }

    fn decide(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Isolated>> {
        let mut desk = std::mem::take(&mut self.desk);
        let Some(row) = self.row.take() else { return Ok(Step::Done(Vec::new(), Isolated::default())) };
        let (name, mut answers) = (self.known.take(), answers(rows));
        if matches!(self.place, Place::Op(_)) {
            match status(&row) {
                Some(status) => desk.uncount(status),
                None => count(&mut desk.head, &mut answers),
            }
        }
        if let Some(name) = &name {
            desk.take_readable(name, &mut answers);
        }
        let shown = name.as_ref().and_then(|name| desk.record(name)).map(|record| record.fields.clone());
        self.move_out(&mut desk, schema, (&row, shown), name.clone())?;
        match (&self.place, name) {
            (Place::Op(_), Some(name)) => {
                self.without_op(&mut desk, &name);
                self.without_group(&mut desk, &row);
            }
            (Place::Record(_), Some(name)) => self.rebuilt(&mut desk, schema, &row, &name)?,
            (Place::Base(_), Some(name)) => answer::want(&mut desk, &name),
            _ => {}
        }
        let changes = desk.finish(schema)?;
        Ok(Step::Done(changes, Isolated { moved: true, summary: desk.summary() }))
    }

    fn move_out(
        &self,
        desk: &mut Desk,
        schema: &Schema,
        what: (&Value, Option<crate::record::Fields>),
        name: Option<Name>,
    ) -> Result<()> {
        let Some(Read::Get { store, key }) = self.target(schema) else { return Ok(()) };
        let why = "the row could not be read; it was changed from outside, or the disk is failing";
        let error = self.place.damaged(Error::new(Code::CorruptData, why));
        let (entity_type, entity_id) = name.unzip();
        desk.quarantine(&QuarantineRow {
            id: quarantine::id(&store, &key.to_value().to_string(), &desk.head),
            store: store.clone().into_owned(),
            entity_type,
            entity_id,
            row: what.0.clone(),
            shown: what.1.filter(|_| matches!(self.place, Place::Op(_))),
            error,
            at: self.now,
        })?;
        // The head is written over in the end; what stands in its place is whole.
        if !self.is_head() {
            desk.write(Change::Delete { store, key });
        }
        Ok(())
    }

    /// The op's change is in quarantine; the record is as on the server again, as far as no other op is left.
    fn without_op(&self, desk: &mut Desk, name: &Name) {
        answer::release(desk, name);
        if let Some(mut next) = desk.lane(name).first().map(|next| (*next).clone()) {
            next.behind = false;
            return desk.put_op(next);
        }
        let base = desk.base(name).cloned();
        desk.put_base(name, None);
        let old = desk.record(name).map(|record| record.sync.clone());
        let record = base.and_then(|base| {
            let sync = self.info(Some(&base), RecordStatus::Synced, old);
            base.data.map(|fields| Record { fields, sync })
        });
        desk.put_record(name, record);
        answer::want(desk, name);
    }

    /// What stood or fell with the op cannot go without it: its author decides.
    fn without_group(&self, desk: &mut Desk, row: &Value) {
        let Some(group) = row.get("group").and_then(Value::as_str) else { return };
        let waits = |op: &&Op| op.group.as_deref() == Some(group) && !op.frozen && op.is_pending();
        let ops: Vec<Op> = desk.all_ops().filter(waits).cloned().collect();
        for op in ops {
            let error = Error::new(Code::CorruptData, "another change of the same group could not be read").at("group");
            desk.put_op(Op { status: OpStatus::Failed, error: Some(error), updated_at: self.now, ..op });
        }
    }

    /// The record from its base and its ops, or nothing until it has been fetched.
    fn rebuilt(&self, desk: &mut Desk, schema: &Schema, row: &Value, name: &Name) -> Result<()> {
        // What was counted for it: what it says itself, or else what it is.
        let counted = row.get(SYNC).and_then(|sync| sync.get("bytes")).and_then(Value::as_u64);
        let bytes = counted.unwrap_or_else(|| {
            let mut fields = row.as_object().cloned().unwrap_or_default();
            fields.remove(SYNC);
            size(&fields)
        });
        let usage = desk.head.usage.entry(name.0.clone()).or_default();
        *usage = usage.saturating_sub(bytes);
        let base = desk.base(name).cloned();
        let lane: Vec<Op> = desk.lane(name).into_iter().cloned().collect();
        let view = rebase::view(schema.entity(&name.0)?, base.as_ref(), &lane.iter().collect::<Vec<_>>(), None);
        let status = desk.mark(name);
        if let Some(fields) = view {
            desk.put_record(name, Some(Record { fields, sync: self.info(base.as_ref(), status, None) }));
        }
        answer::want(desk, name);
        Ok(())
    }

    fn info(&self, base: Option<&BaseRow>, status: RecordStatus, old: Option<SyncInfo>) -> SyncInfo {
        let at = base.and_then(|base| base.at);
        SyncInfo {
            status,
            version: base.map(|base| base.version),
            local: old.map_or(0, |old| old.local),
            modified: at.unwrap_or(self.now),
            synced: None,
            server_at: at,
            by: base.map(|base| base.by.clone()).unwrap_or_default(),
            offline: base.is_none(),
            bytes: 0,
            refs: Vec::new(),
        }
    }
}

/// Whether a record's row can be read and has the length that was noted when it was written.
pub(crate) fn is_sound(row: &Value) -> bool {
    Record::from_row(row.clone()).is_ok_and(|record| size(&record.fields) == record.sync.bytes)
}

/// What a damaged op counted as, if that can still be read.
fn status(row: &Value) -> Option<OpStatus> {
    row.get("status").cloned().and_then(|status| from_row(status).ok())
}

/// A head from what is left of the damaged one and from what the queue says.
fn mended(row: &Value, answers: &mut std::vec::IntoIter<Rows>, now: Millis) -> Head {
    fn part<T: Plain>(row: &Value, name: &str) -> Option<T> {
        row.get(name).cloned().and_then(|part| from_row(part).ok())
    }
    let last = answers.next().unwrap_or_default();
    let last = last.first().and_then(|op| op.get("seq")).and_then(Value::as_u64).unwrap_or(0);
    let quarantined = answers.next().map_or(0, |rows| rows.len() as u64);
    let mut head = Head {
        key: "head".to_owned(),
        seq: part::<u64>(row, "seq").unwrap_or(0).max(last),
        // Never again a number that another context has seen: times are larger than any count.
        gen_no: part(row, "gen_no").unwrap_or(now.0),
        clock: part(row, "clock").unwrap_or(Hlc { time: now, ..Hlc::default() }),
        fence: part(row, "fence").unwrap_or(now.0),
        usage: part(row, "usage").unwrap_or_default(),
        queued: 0,
        failed: 0,
        conflicts: 0,
        completed: 0,
        quarantined,
        // Whoever looks finds out whether there are any, and says so.
        remaps: 1,
    };
    count(&mut head, answers);
    head
}

/// All ops by status. Read only when the counts themselves are lost.
fn by_status() -> [Read; 5] {
    ["pending", "syncing", "failed", "conflict", "completed"]
        .map(|status| Read::Range(Range::all(QUEUE, u32::MAX).by(BY_STATUS).only(status.into())))
}

/// The counts as the answers to `by_status` have them.
fn count(head: &mut Head, answers: &mut std::vec::IntoIter<Rows>) {
    let mut count = || answers.next().map_or(0, |rows| rows.len() as u64);
    let (pending, syncing) = (count(), count());
    (head.queued, head.failed, head.conflicts, head.completed) = (pending + syncing, count(), count(), count());
}
