//! What a push has to read before it can decide, round by round, since each answer may show what else is needed: real ids
//! behind temporary ones, holders of unique values, children of children. This module decides what is asked and when it is
//! enough; every question is by key or by term, each bounded. A ledger answers all of them in the transaction that writes.

use crate::authority::identity::{self, TempRow};
use crate::authority::push::Push;
use crate::authority::rows::{DeviceRow, Entry, Row, RowKey};
use crate::authority::scope::{Held, places};
use crate::authority::terms;
use crate::id::{DeviceId, OpId};
use crate::limits::CASCADE_ROWS;
use crate::schema::{DeleteEdit, OnDelete, Operation};
use crate::wire::Change;
use std::collections::{BTreeMap, BTreeSet};

/// What the ledger has to read next, inside the transaction that will write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushReads {
    /// Answers already given to these ops.
    pub entries: Vec<OpId>,
    /// These rows, tombstones included.
    pub rows: Vec<RowKey>,
    /// The device, if it is asked for.
    pub device: Option<DeviceId>,
    /// What this user's temporary ids stand for.
    pub temps: Vec<String>,
    /// The live rows under these terms, for each at most `CASCADE_ROWS` and one more.
    pub terms: Vec<String>,
    /// The user's places: by which rules each of the rows is in them.
    pub places: Vec<String>,
}

/// What it found; absent things are left out.
#[derive(Clone, Debug, Default)]
pub struct PushFound {
    /// Answers already given.
    pub entries: Vec<Entry>,
    /// Rows.
    pub rows: Vec<Row>,
    /// The device.
    pub device: Option<DeviceRow>,
    /// Temporary ids.
    pub temps: Vec<TempRow>,
    /// Rows by term.
    pub terms: Vec<(String, Row)>,
    /// By which rules the rows are the user's.
    pub held: Held,
    /// Rows that were the user's and have left their places.
    pub left: BTreeSet<RowKey>,
}

/// Everything that was read for one push.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    pub(super) entries: BTreeMap<OpId, Entry>,
    pub(super) rows: BTreeMap<RowKey, Row>,
    pub(super) device: Option<DeviceRow>,
    pub(super) temps: BTreeMap<String, TempRow>,
    pub(super) terms: BTreeMap<String, Vec<RowKey>>,
    pub(super) held: Held,
    pub(super) left: BTreeSet<RowKey>,
    /// The ops with every temporary id that is known replaced by the real one.
    pub(super) changes: Vec<Change>,
    asked: BTreeSet<RowKey>,
    round: u32,
}

impl Gathered {
    /// Takes what the ledger found.
    pub fn take(&mut self, found: PushFound) {
        self.entries.extend(found.entries.into_iter().map(|entry| (entry.id.clone(), entry)));
        self.rows.extend(found.rows.into_iter().map(|row| (row.key(), row)));
        self.temps.extend(found.temps.into_iter().map(|row| (row.temp_id.clone(), row)));
        self.held.extend(found.held);
        self.left.extend(found.left);
        for (term, row) in found.terms {
            self.terms.entry(term).or_default().push(row.key());
            self.rows.insert(row.key(), row);
        }
        if found.device.is_some() {
            self.device = found.device;
        }
    }

    /// Notes what is about to be asked; what was asked before is not asked again.
    fn ask(&mut self, rows: BTreeSet<RowKey>, terms: BTreeSet<String>) -> Option<PushReads> {
        let rows: Vec<RowKey> =
            rows.into_iter().filter(|key| !self.rows.contains_key(key) && self.asked.insert(key.clone())).collect();
        let terms: Vec<String> = terms.into_iter().filter(|term| !self.terms.contains_key(term)).collect();
        for term in &terms {
            self.terms.insert(term.clone(), Vec::new());
        }
        let nothing = rows.is_empty() && terms.is_empty();
        (!nothing).then(|| PushReads { rows, terms, ..PushReads::default() })
    }
}

impl Push<'_> {
    /// What to read next, until there is nothing more to read: then `decide`.
    pub fn next(&self, found: &mut Gathered) -> Option<PushReads> {
        found.round += 1;
        if found.round == 1 {
            return Some(PushReads {
                entries: self.request().changes.iter().map(|change| change.queue_id.clone()).collect(),
                device: Some(self.who().device.clone()),
                temps: identity::named(self.schema(), self.changes()),
                ..PushReads::default()
            });
        }
        if found.round == 2 {
            found.changes = identity::resolved(self, found);
        }
        let (rows, terms) = self.wanted(found);
        let places = if self.schema().partitioned() { places(self.schema(), self.who(), &[]) } else { Vec::new() };
        found.ask(rows, terms).map(|reads| PushReads { places, ..reads })
    }

    /// Everything known to be needed by now, asked for already or not.
    fn wanted(&self, found: &Gathered) -> (BTreeSet<RowKey>, BTreeSet<String>) {
        let (mut rows, mut terms) = (BTreeSet::new(), BTreeSet::new());
        let mut deleted = BTreeSet::new();
        let deletes = found.changes.iter().any(|change| change.operation == Operation::Delete);
        for change in found.changes.iter().filter(|change| !found.entries.contains_key(&change.queue_id)) {
            let Some(entity) = self.schema().entities.get(&change.entity_type) else { continue };
            let own = RowKey { entity: change.entity_type.clone(), id: change.entity_id.clone() };
            // An edit that wins over a delete (also over one of this batch) brings back what the record was: that has to be
            // allowed too.
            let wins = entity.delete_edit == DeleteEdit::EditWins && change.operation == Operation::Update;
            let last = found.rows.get(&own).filter(|_| wins).map(|row| row.last.as_ref().unwrap_or(&row.data));
            for fields in std::iter::once(&change.data).chain(last) {
                let referred = entity.referred(fields).into_iter();
                rows.extend(referred.map(|(entity, id, _)| RowKey { entity: entity.to_owned(), id: id.to_owned() }));
                terms.extend(
                    entity.uniques(fields).into_iter().map(|one| terms::holds(&change.entity_type, &one.field, one.value)),
                );
            }
            // A record that is given a parent in this batch may go with it in this batch.
            if change.operation == Operation::Delete || deletes && change.operation == Operation::Update {
                deleted.insert(own.clone());
            }
            rows.insert(own);
        }
        self.closure(found, deleted, &mut terms);
        (rows, terms)
    }

    /// The terms of what may go with these records, as far as their children are known.
    fn closure(&self, found: &Gathered, mut doomed: BTreeSet<RowKey>, terms: &mut BTreeSet<String>) {
        let mut open: Vec<RowKey> = doomed.iter().cloned().collect();
        while let Some(key) = open.pop() {
            // Beyond the bound the delete is refused: nothing more has to be known for that.
            if doomed.len() > CASCADE_ROWS + self.request().changes.len() || !self.is_referred_to(&key.entity) {
                continue;
            }
            let term = terms::refers(&key.entity, &key.id);
            for child in found.terms.get(&term).into_iter().flatten() {
                let cascades = |name: &str| {
                    self.schema().entities.get(name).is_some_and(|entity| entity.follows(&key.entity, OnDelete::Cascade))
                };
                if cascades(&child.entity) && doomed.insert(child.clone()) {
                    open.push(child.clone());
                }
            }
            terms.insert(term);
        }
    }

    fn is_referred_to(&self, target: &str) -> bool {
        self.schema().entities.values().any(|entity| entity.references().any(|(_, reference)| reference.entity == target))
    }
}
