//! `Inspect`: looks through the device's records for references that lead nowhere (IDS-3), a page at a time, so that no store
//! is ever held in memory. It decides what is missing and whether that is certain: a record outside this device's part of the
//! data is missing here and nowhere else. It writes nothing; what becomes of an orphan is an ordinary op.

use crate::error::Result;
use crate::id::is_temp;
use crate::record::Fields;
use crate::schema::{Entity, Operation, Schema, To};
use crate::store::desk::{Desk, Name, Summary, answers, record_read};
use crate::store::layout::{BASE, METADATA};
use crate::store::port::{Durability, Range, Read, Rows, Scope, Step};
use crate::store::quarantine::Place;
use crate::store::rows::{BaseRow, Head, Record, SyncRow, from_row};
use crate::store::scope;
use crate::store::write::WriteRequest;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Records looked at in one transaction.
const PAGE: u32 = 128;

/// A reference that leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// The record that holds it.
    pub entity: String,
    /// Its id.
    pub id: String,
    /// Where in it.
    pub path: String,
    /// What it should lead to.
    pub target: Name,
    /// The target is nowhere: it was deleted, or it was never more than a temporary id.
    pub certain: bool,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspected {
    /// The page's orphans.
    pub orphans: Vec<Orphan>,
    /// Where the next page begins: an entity, and the id behind which; none: this was the last.
    pub next: Option<(String, Option<String>)>,
    /// How the store stands.
    pub summary: Summary,
}

/// Looking through one page as a transaction.
#[derive(Clone, Debug)]
pub struct Inspect {
    entity: String,
    after: Option<String>,
    desk: Desk,
    held: Vec<Orphan>,
    targets: Vec<Name>,
    absent: Vec<Name>,
    next: Option<(String, Option<String>)>,
    round: u8,
}

impl Inspect {
    /// From a place that the page before named; none: from the beginning.
    #[must_use]
    pub fn new(schema: &Schema, from: Option<(String, Option<String>)>) -> Self {
        let first = || (schema.entities.keys().next().cloned().unwrap_or_default(), None);
        let (entity, after) = from.unwrap_or_else(first);
        Self {
            entity,
            after,
            desk: Desk::default(),
            held: Vec::new(),
            targets: Vec::new(),
            absent: Vec::new(),
            next: None,
            round: 0,
        }
    }

    /// What it may touch.
    #[must_use]
    pub fn scope(&self, schema: &Schema) -> Scope {
        let entities = schema.entities.values().map(|entity| Cow::Owned(entity.store.clone()));
        Scope { writes: false, ..scope(entities.chain([BASE, METADATA]), Durability::Relaxed) }
    }

    /// Three rounds: the page, what it refers to, and what is known of what is not here.
    pub fn advance(&mut self, schema: &Schema, rows: Vec<Rows>) -> Step<Inspected> {
        self.round += 1;
        let step = match self.round {
            1 => self.page(schema),
            2 => self.referred(schema, rows),
            3 => self.missing(rows),
            _ => self.judge(schema, rows),
        };
        step.unwrap_or_else(Step::Abort)
    }

    fn page(&self, schema: &Schema) -> Result<Step<Inspected>> {
        let mut page = Range::all(schema.entity(&self.entity)?.store.clone(), PAGE);
        page.lower = self.after.as_deref().map(|id| (id.into(), false));
        Ok(Step::Read(vec![Head::read(), SyncRow::read(), Read::Range(page)]))
    }

    fn referred(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Inspected>> {
        let entity = schema.entity(&self.entity)?;
        let mut answers = answers(rows);
        self.desk.take_head(answers.next().unwrap_or_default())?;
        self.desk.take_sync(answers.next().unwrap_or_default())?;
        let page = answers.next().unwrap_or_default();
        let mut targets = BTreeSet::new();
        let full = page.len() >= PAGE as usize;
        let mut last = None;
        for row in page {
            let id = row.get(&entity.key).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
            let record = Record::from_row(row);
            let record = record.map_err(|error| Place::Record((self.entity.clone(), id.clone())).damaged(error))?;
            for (target, to, path) in entity.referred(&record.fields) {
                let target = (target.to_owned(), to.to_owned());
                targets.insert(target.clone());
                let (entity, id) = (self.entity.clone(), id.clone());
                self.held.push(Orphan { entity, id, path, target, certain: false });
            }
            last = Some(id);
        }
        let following = || {
            let behind = (std::ops::Bound::Excluded(self.entity.as_str()), std::ops::Bound::Unbounded);
            schema.entities.range::<str, _>(behind).next().map(|(name, _)| (name.clone(), None))
        };
        self.next = if full { last.map(|id| (self.entity.clone(), Some(id))) } else { following() };
        self.targets = targets.into_iter().collect();
        let read = |name: &Name| Ok(record_read(schema.entity(&name.0)?, &name.1));
        Ok(Step::Read(self.targets.iter().map(read).collect::<Result<_>>()?))
    }

    fn missing(&mut self, rows: Vec<Rows>) -> Result<Step<Inspected>> {
        let absent = self.targets.iter().zip(rows).filter(|(_, rows)| rows.is_empty());
        self.absent = absent.map(|(name, _)| name.clone()).collect();
        Ok(Step::Read(self.absent.iter().map(|name| BaseRow::read(&name.0, &name.1)).collect()))
    }

    /// A record of which a base is left was deleted, here or there.
    fn judge(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Inspected>> {
        let whole = self.desk.sync_row().is_some_and(|sync| sync.token.is_some() && !sync.has_more);
        let mut known = BTreeMap::new();
        for (name, rows) in self.absent.iter().zip(rows) {
            let base: Option<BaseRow> = rows.into_iter().next().map(from_row).transpose()?;
            let everything = schema.entities.get(&name.0).is_some_and(|entity| entity.partition.is_empty());
            known.insert(name.clone(), base.is_some() || is_temp(&name.1) || whole && everything);
        }
        let orphan = |one: &Orphan| known.get(&one.target).map(|certain| Orphan { certain: *certain, ..one.clone() });
        let orphans = self.held.iter().filter_map(orphan).collect();
        let inspected = Inspected { orphans, next: self.next.take(), summary: self.desk.summary() };
        Ok(Step::Done(Vec::new(), inspected))
    }
}

/// What is to become of orphans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// The record goes.
    Delete,
    /// The reference goes.
    SetNull,
}

/// The ordinary change that mends an orphan; none if the record does not hold the reference any more.
///
/// # Errors
/// `VALIDATION_ERROR` for an unknown entity.
pub fn mend(schema: &Schema, orphan: &Orphan, record: &Fields, strategy: Strategy) -> Result<Option<WriteRequest>> {
    let entity: &Entity = schema.entity(&orphan.entity)?;
    let mut request = WriteRequest {
        operation: Operation::Delete,
        entity: orphan.entity.clone(),
        id: Some(orphan.id.clone()),
        data: Fields::new(),
        removed: Vec::new(),
    };
    let mut without = record.clone();
    let held = entity.rewrite(&mut without, &mut |reference, id| {
        if reference.entity == orphan.target.0 && id == orphan.target.1 { To::Null } else { To::Keep }
    });
    if strategy == Strategy::SetNull {
        request.operation = Operation::Update;
        request.removed = record.keys().filter(|name| !without.contains_key(*name)).cloned().collect();
        without.retain(|name, value| record.get(name) != Some(value));
        request.data = without;
    }
    Ok(held.then_some(request))
}
