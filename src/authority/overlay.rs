//! The rows a push has read, with what its accepted ops have made of them so far. This module decides which rows are found
//! under which term at any moment of the batch, how what a refused group did is taken back, and what counts as there while a
//! group is being decided; it decides no op. `push` and `decide` work on one.

use crate::authority::gather::Gathered;
use crate::authority::rows::{Row, RowKey};
use crate::authority::scope::Held;
use crate::authority::terms;
use crate::limits::CASCADE_ROWS;
use crate::schema::Schema;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug)]
pub(super) struct Overlay<'a> {
    schema: &'a Schema,
    rows: BTreeMap<RowKey, Row>,
    terms: BTreeMap<String, BTreeSet<RowKey>>,
    /// Terms of more rows than are read.
    crowded: BTreeSet<String>,
    /// What stood under each key that was put, in the order of putting.
    undo: Vec<(RowKey, Option<Row>)>,
    /// Records that the group being decided creates: its ops may refer to them before they are there, since either all of
    /// the group is accepted or nothing of it.
    coming: BTreeSet<RowKey>,
    /// By which rules the rows were the user's before the push.
    pub held: Held,
    /// Rows that were the user's and have left their places.
    pub left: BTreeSet<RowKey>,
}

impl<'a> Overlay<'a> {
    pub fn new(schema: &'a Schema, found: &Gathered) -> Self {
        let (mut crowded, mut terms) = (BTreeSet::new(), BTreeMap::new());
        for (term, keys) in &found.terms {
            if keys.len() > CASCADE_ROWS {
                crowded.insert(term.clone());
            }
            terms.insert(term.clone(), keys.iter().cloned().collect());
        }
        Self {
            schema,
            rows: found.rows.clone(),
            terms,
            crowded,
            undo: Vec::new(),
            coming: BTreeSet::new(),
            held: found.held.clone(),
            left: found.left.clone(),
        }
    }

    pub fn put(&mut self, row: Row) {
        let key = row.key();
        let old = self.set(&key, Some(row));
        self.undo.push((key, old));
    }

    fn set(&mut self, key: &RowKey, row: Option<Row>) -> Option<Row> {
        for term in row.as_ref().map(|row| terms::of(self.schema, row)).unwrap_or_default() {
            self.terms.entry(term).or_default().insert(key.clone());
        }
        let old = match row {
            Some(row) => self.rows.insert(key.clone(), row),
            None => self.rows.remove(key),
        };
        let now = self.rows.get(key).map(|row| terms::of(self.schema, row)).unwrap_or_default();
        for term in old.as_ref().map(|old| terms::of(self.schema, old)).unwrap_or_default() {
            if let Some(keys) = self.terms.get_mut(&term).filter(|_| !now.contains(&term)) {
                keys.remove(key);
            }
        }
        old
    }

    pub fn get(&self, entity: &str, id: &str) -> Option<&Row> {
        self.rows.get(&RowKey { entity: entity.to_owned(), id: id.to_owned() })
    }

    /// The live rows under a term.
    pub fn found(&self, term: &str) -> impl Iterator<Item = &Row> {
        self.terms.get(term).into_iter().flatten().filter_map(|key| self.rows.get(key)).filter(|row| !row.deleted)
    }

    /// Whether more rows have the term than a push reads.
    pub fn is_crowded(&self, term: &str) -> bool {
        self.crowded.contains(term)
    }

    /// Whether a reference to it is good.
    pub fn holds(&self, entity: &str, id: &str) -> bool {
        let key = RowKey { entity: entity.to_owned(), id: id.to_owned() };
        self.rows.get(&key).is_some_and(|row| !row.deleted) || self.coming.contains(&key)
    }

    /// Begins a group, which creates these records; returns where it began.
    pub fn begin(&mut self, coming: BTreeSet<RowKey>) -> usize {
        self.coming = coming;
        self.undo.len()
    }

    /// Ends the group: what it did stays, or everything since `mark` is taken back.
    pub fn end(&mut self, back_to: Option<usize>) {
        self.coming.clear();
        let undone: Vec<(RowKey, Option<Row>)> = self.undo.drain(back_to.unwrap_or(self.undo.len())..).rev().collect();
        for (key, old) in undone {
            self.set(&key, old);
        }
    }
}
