//! The rows a push has read, with what its accepted ops have made of them so far. This module decides how what a refused
//! group did is taken back, and what counts as there while a group is being decided; it decides no op. `push` and `decide`
//! work on one.

use crate::authority::rows::{Row, RowKey};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub(super) struct Overlay {
    rows: BTreeMap<RowKey, Row>,
    /// What stood under each key that was put, in the order of putting.
    undo: Vec<(RowKey, Option<Row>)>,
    /// Records that the group being decided creates: its ops may refer to them before they are there, since either all of
    /// the group is accepted or nothing of it.
    coming: BTreeSet<RowKey>,
}

impl Overlay {
    pub fn new(rows: Vec<Row>) -> Self {
        Self { rows: rows.into_iter().map(|row| (row.key(), row)).collect(), ..Self::default() }
    }

    pub fn put(&mut self, row: Row) {
        let key = row.key();
        let old = self.rows.insert(key.clone(), row);
        self.undo.push((key, old));
    }

    pub fn get(&self, entity: &str, id: &str) -> Option<&Row> {
        self.rows.get(&RowKey { entity: entity.to_owned(), id: id.to_owned() })
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
        for (key, old) in self.undo.drain(back_to.unwrap_or(self.undo.len())..).rev() {
            match old {
                Some(row) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
        }
    }
}
