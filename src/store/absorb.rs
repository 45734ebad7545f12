//! `Absorb`: takes one slice of a pull and its token, in one transaction, and only if the stored token is still the one the
//! request was made with (law 2). Acks come first, so that this device's own echoes are known; then rows, each of which
//! becomes the record or, under pending ops, its base (law 5). The machine runs it slice by slice.

use crate::error::{Code, Error, Result};
use crate::id::Token;
use crate::plain::Plain;
use crate::queue::Op;
use crate::record::order::{self, compare_text};
use crate::schema::{Operation, Schema};
use crate::store::answer::{self, Fate};
use crate::store::desk::{Desk, Name, Summary, answers, record_reads};
use crate::store::layout::{BASE, BY_ID, CONFLICTS, ID_MAP, METADATA, QUARANTINE, QUEUE};
use crate::store::leave::{self, Left};
use crate::store::port::{Durability, Range, Read, Rows, Scope, Step};
use crate::store::quarantine::{QuarantineRow, read_op};
use crate::store::rows::{Head, SyncRow};
use crate::store::settle::{children_read, releases};
use crate::store::{lost, remap, scope};
use crate::time::Millis;
use crate::wire::{IdRange, RemoteChange, Slice};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Most local rows of a snapshot's range looked at in one transaction; a longer range is taken in several.
const SWEEP: u32 = 512;

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Absorbed {
    /// Rows that changed something here.
    pub taken: u64,
    /// Own ops that were settled by acks.
    pub acked: u64,
    /// Rows of kinds this schema does not know: skipped. The token is bound to the schema's version, so that a newer one
    /// begins a snapshot and has them all.
    pub unknown: u64,
    /// Rows that do not keep to the schema; they are in quarantine.
    pub refused: u64,
    /// Records that left this device because they left the user's scope.
    pub removed: u64,
    /// Records that left the scope with work that was not sent: kept, and asked about.
    pub locked: u64,
    /// What is left of the slice when its range was too long for one transaction; the token has not moved then.
    pub rest: Option<Box<Slice>>,
    /// How the store stands after it.
    pub summary: Summary,
}

/// What the stored token must be for the slice to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// The holder's fence.
    pub fence: u64,
    /// The token of the request, or of the slice before.
    pub token: Option<Token>,
    /// Whether more is to be fetched behind this slice.
    pub has_more: bool,
}

/// Taking a slice as a transaction.
#[derive(Clone, Debug)]
pub struct Absorb {
    expect: Expect,
    slice: Slice,
    now: Millis,
    desk: Desk,
    local: Vec<String>,
    /// Records asked for in the second round.
    more: Vec<Name>,
    /// Ops of that round for which others may wait.
    parents: usize,
    /// Records that acks give another id.
    renamed: Vec<(Name, String)>,
    /// Rows of the slice of which something may be kept aside.
    kept: Vec<usize>,
    /// Rows of the slice that do not keep to the schema, by their place in it, and whether the same was seen before.
    refused: BTreeMap<usize, (Error, bool)>,
    round: u8,
    /// The user's roles, if the page names them.
    roles: Option<Vec<String>>,
}

impl Absorb {
    /// Takes `slice` if the store is as `expect` says.
    #[must_use]
    pub fn new(expect: Expect, slice: Slice, now: Millis) -> Self {
        Self {
            expect,
            slice,
            now,
            desk: Desk::default(),
            local: Vec::new(),
            more: Vec::new(),
            parents: 0,
            renamed: Vec::new(),
            kept: Vec::new(),
            refused: BTreeMap::new(),
            round: 0,
            roles: None,
        }
    }

    /// The page says that these are the user's roles: local writes are checked by them from now on.
    #[must_use]
    pub fn of(self, roles: Option<Vec<String>>) -> Self {
        Self { roles, ..self }
    }

    /// What it may touch. An ack may name a record of any entity, so a slice with acks may touch all.
    #[must_use]
    pub fn scope(&self, schema: &Schema) -> Scope {
        let named = |name: &str| {
            !self.slice.acks.is_empty()
                || self.slice.changes.iter().any(|row| row.entity_type == name)
                || self.slice.removed.iter().any(|gone| gone.entity_type == name)
                || self.slice.range.as_ref().is_some_and(|range| range.entity_type == name)
        };
        let entities = schema.entities.iter().filter(|(name, _)| named(name));
        let stores = entities.map(|(_, entity)| Cow::Owned(entity.store.clone()));
        let map = (!self.slice.acks.is_empty()).then_some(ID_MAP);
        scope(stores.chain(map).chain([QUEUE, BASE, METADATA, CONFLICTS, QUARANTINE]), Durability::Relaxed)
    }

    /// Two rounds: the slice's rows; then the records of acked ops and of vanished rows.
    pub fn advance(&mut self, schema: &Schema, rows: Vec<Rows>) -> Step<Absorbed> {
        self.round += 1;
        let step = match self.round {
            1 => {
                self.refused = refused(schema, &self.slice);
                self.reads(schema).map(Step::Read)
            }
            2 => self
                .look(schema, rows)
                .and_then(|reads| if reads.is_empty() { self.decide(schema, vec![]) } else { Ok(Step::Read(reads)) }),
            _ => self.decide(schema, rows),
        };
        step.unwrap_or_else(Step::Abort)
    }

    fn known<'a>(&'a self, schema: &'a Schema) -> impl Iterator<Item = &'a RemoteChange> {
        self.slice.changes.iter().filter(|row| schema.entities.contains_key(&row.entity_type))
    }

    fn leaving(&self, schema: &Schema) -> Vec<Name> {
        let removed = self.slice.removed.iter().filter(|gone| schema.entities.contains_key(&gone.entity_type));
        removed.map(|gone| (gone.entity_type.clone(), gone.entity_id.clone())).collect()
    }

    fn reads(&self, schema: &Schema) -> Result<Vec<Read>> {
        let mut reads = vec![Head::read(), SyncRow::read()];
        for ack in &self.slice.acks {
            reads.push(Read::Range(Range::all(QUEUE, 1).by(BY_ID).only(ack.queue_id.as_str().into())));
        }
        for row in self.known(schema) {
            let name = (row.entity_type.clone(), row.entity_id.clone());
            reads.extend(record_reads(schema.entity(&name.0)?, &name));
        }
        for name in self.leaving(schema) {
            reads.extend(record_reads(schema.entity(&name.0)?, &name));
        }
        if let Some(range) = self.slice.range.as_ref().filter(|range| schema.entities.contains_key(&range.entity_type)) {
            reads.push(sweep(schema, range)?);
        }
        for at in self.refused.keys() {
            reads.push(Read::Get { store: QUARANTINE, key: refusal_id(&self.slice.changes[*at]).as_str().into() });
        }
        Ok(reads)
    }

    fn look(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Vec<Read>> {
        let mut answers = answers(rows);
        let mut desk = std::mem::take(&mut self.desk);
        desk.take_head(answers.next().unwrap_or_default())?;
        desk.check_fence(self.expect.fence)?;
        desk.take_sync(answers.next().unwrap_or_default())?;
        if desk.sync()?.token != self.expect.token {
            return Err(
                Error::new(Code::LockLost, "the stored token is not the one this page was asked with").at("metadata.sync.token")
            );
        }
        let mut acked = Vec::new();
        for _ in &self.slice.acks {
            for row in answers.next().unwrap_or_default() {
                acked.push(read_op(row)?);
            }
        }
        for row in self.known(schema) {
            desk.take_record(&(row.entity_type.clone(), row.entity_id.clone()), &mut answers)?;
        }
        for name in self.leaving(schema) {
            desk.take_record(&name, &mut answers)?;
        }
        self.desk = desk;
        if self.slice.range.as_ref().is_some_and(|range| schema.entities.contains_key(&range.entity_type)) {
            self.swept(schema, answers.next())?;
        }
        for (_, seen) in self.refused.values_mut() {
            *seen = answers.next().is_some_and(|rows| !rows.is_empty());
        }
        self.more_reads(schema, &acked)
    }

    /// Ids of the range's local rows. If there are more than one transaction takes, the range ends at the last one seen.
    fn swept(&mut self, schema: &Schema, rows: Option<Rows>) -> Result<()> {
        let (Some(rows), Some(range)) = (rows, &self.slice.range) else { return Ok(()) };
        let key = &schema.entity(&range.entity_type)?.key;
        // One that is damaged shows itself when the records that the slice does not list are read.
        self.local = rows.iter().filter_map(|row| row.get(key)?.as_str().map(str::to_owned)).collect();
        Ok(())
    }

    fn more_reads(&mut self, schema: &Schema, acked: &[Op]) -> Result<Vec<Read>> {
        let mut names: Vec<Name> = Vec::new();
        let unfinished = acked.iter().filter(|op| op.lane.is_some());
        names.extend(unfinished.map(|op| (op.entity_type.clone(), op.entity_id.clone())));
        names.extend(self.gone());
        names.retain(|name| !self.desk.knows(name));
        order::sort(&mut names, Ord::cmp);
        names.dedup();
        let mut reads = Vec::new();
        if self.desk.head.quarantined > 0 {
            let rows = self.slice.changes.iter().enumerate();
            self.kept = rows.filter(|(_, row)| schema.entities.contains_key(&row.entity_type)).map(|(at, _)| at).collect();
            for row in self.kept.iter().filter_map(|at| self.slice.changes.get(*at)) {
                reads.push(lost::read(&(row.entity_type.clone(), row.entity_id.clone())));
            }
        }
        for name in &names {
            reads.extend(record_reads(schema.entity(&name.0)?, name));
        }
        let parents: Vec<&Op> = acked.iter().filter(|op| op.lane.is_some() && releases(op.operation)).collect();
        reads.extend(parents.iter().map(|op| children_read(&(op.entity_type.clone(), op.entity_id.clone()))));
        self.parents = parents.len();
        for op in parents {
            let ack = self.slice.acks.iter().find(|ack| ack.queue_id == op.id);
            if let Some(ack) = ack.filter(|ack| remap::renames(schema, op, &ack.entity_id)) {
                self.renamed.push(((op.entity_type.clone(), op.entity_id.clone()), ack.entity_id.clone()));
            }
        }
        for (name, real) in &self.renamed {
            reads.extend(remap::reads(schema, name, real, self.renamed.len())?);
        }
        self.more = names;
        Ok(reads)
    }

    /// Local records of the range that the slice does not list.
    fn gone(&self) -> Vec<Name> {
        let Some(range) = &self.slice.range else { return Vec::new() };
        let listed = |id: &String| {
            range.kept.contains(id)
                || self.slice.changes.iter().any(|row| row.entity_type == range.entity_type && row.entity_id == *id)
        };
        self.local.iter().filter(|id| !listed(id)).map(|id| (range.entity_type.clone(), id.clone())).collect()
    }

    fn decide(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Absorbed>> {
        let mut desk = std::mem::take(&mut self.desk);
        let mut answers = answers(rows);
        for row in self.kept.iter().filter_map(|at| self.slice.changes.get(*at)) {
            lost::returned(&mut desk, answers.next().unwrap_or_default(), row)?;
        }
        for name in &self.more {
            desk.take_record(name, &mut answers)?;
        }
        for _ in 0..self.parents {
            desk.take_ops(answers.next().unwrap_or_default())?;
        }
        for (name, real) in &self.renamed {
            remap::take(&mut desk, schema, (name.clone(), real, self.renamed.len()), &mut answers)?;
        }
        let mut absorbed = Absorbed::default();
        for ack in &self.slice.acks {
            let seq = desk.all_ops().find(|op| op.id == ack.queue_id).map(|op| op.seq);
            if let Some(seq) = seq {
                absorbed.acked += u64::from(answer::acked(&mut desk, schema, seq, ack, self.now)? == Fate::Applied);
            }
        }
        let rest = self.rest();
        let within = |id: &str| rest.as_ref().is_none_or(|rest| rest.range.as_ref().is_none_or(|range| !covers(range, id)));
        for (at, row) in self.slice.changes.iter().enumerate() {
            if !schema.entities.contains_key(&row.entity_type) {
                absorbed.unknown += 1;
            } else if let Some((error, seen)) = self.refused.get(&at) {
                absorbed.refused += 1;
                refuse(&mut desk, row, (error, *seen), self.now)?;
            } else if within(&row.entity_id) {
                lost::keep(&mut desk, &(row.entity_type.clone(), row.entity_id.clone()), Some(row), self.now)?;
                absorbed.taken += u64::from(answer::take(&mut desk, schema, row, (self.now, self.slice.range.is_some()))?);
            }
        }
        for name in self.leaving(schema) {
            match leave::leave(&mut desk, &name, self.now) {
                Left::Nothing => {}
                Left::Gone => absorbed.removed += 1,
                Left::Locked => absorbed.locked += 1,
            }
        }
        for name in self.gone() {
            lost::keep(&mut desk, &name, None, self.now)?;
            answer::vanish(&mut desk, &name);
        }
        if let Some(roles) =
            self.roles.take().filter(|roles| desk.sync_row().is_some_and(|sync| sync.roles.as_ref() != Some(roles)))
        {
            desk.edit_sync(|sync| sync.roles = Some(roles));
        }
        if rest.is_none() {
            let (token, has_more) = (self.slice.token.clone(), self.expect.has_more);
            desk.edit_sync(|sync| (sync.token, sync.has_more) = (Some(token), has_more));
        }
        let changes = desk.finish(schema)?;
        absorbed.summary = desk.summary();
        absorbed.rest = rest.map(Box::new);
        Ok(Step::Done(changes, absorbed))
    }

    /// The slice behind the last local row that was looked at, if there may be more of them in its range.
    fn rest(&self) -> Option<Slice> {
        let range = self.slice.range.as_ref()?;
        let last = self.local.last().filter(|_| self.local.len() >= SWEEP as usize)?;
        let range = IdRange { after: Some(last.clone()), ..range.clone() };
        let changes = self.slice.changes.iter().filter(|row| covers(&range, &row.entity_id)).cloned().collect();
        Some(Slice { acks: Vec::new(), changes, removed: Vec::new(), range: Some(range), token: self.slice.token.clone() })
    }
}

/// Rows that this schema cannot hold (STO-9). One of them does not keep back the others, nor the token.
fn refused(schema: &Schema, slice: &Slice) -> BTreeMap<usize, (Error, bool)> {
    let wrong = |row: &RemoteChange| {
        let entity = schema.entities.get(&row.entity_type).filter(|_| row.operation != Operation::Delete)?;
        entity.check_values(&row.entity_type, &row.data).err()
    };
    slice.changes.iter().enumerate().filter_map(|(at, row)| Some((at, (wrong(row)?, false)))).collect()
}

/// The same record is kept aside once, as the server sent it last.
fn refusal_id(row: &RemoteChange) -> String {
    format!("pull/{}/{}", row.entity_type, row.entity_id)
}

fn refuse(desk: &mut Desk, row: &RemoteChange, why: (&Error, bool), now: Millis) -> Result<()> {
    let (error, seen) = why;
    leave::unwant(desk, &(row.entity_type.clone(), row.entity_id.clone()));
    if seen {
        desk.head.quarantined = desk.head.quarantined.saturating_sub(1);
    }
    desk.quarantine(&QuarantineRow {
        id: refusal_id(row),
        store: "pull".to_owned(),
        entity_type: Some(row.entity_type.clone()),
        entity_id: Some(row.entity_id.clone()),
        row: row.plain(),
        shown: None,
        error: error.clone(),
        at: now,
    })
}

fn covers(range: &IdRange, id: &str) -> bool {
    range.after.as_ref().is_none_or(|after| compare_text(id, after) == Ordering::Greater)
        && range.through.as_ref().is_none_or(|through| compare_text(id, through) != Ordering::Greater)
}

fn sweep(schema: &Schema, range: &IdRange) -> Result<Read> {
    let mut read = Range::all(schema.entity(&range.entity_type)?.store.clone(), SWEEP);
    read.lower = range.after.as_deref().map(|id| (id.into(), false));
    read.upper = range.through.as_deref().map(|id| (id.into(), true));
    Ok(Read::Range(read))
}
