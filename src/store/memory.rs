//! The reference store: what IndexedDB does, in memory, with nothing clever. It decides nothing; it runs transactions one
//! after the other and applies all of their writes or none. Simulation and native tests use it, and every other executor is
//! held to its behaviour by one conformance suite.

use crate::error::{Code, Error, Result};
use crate::limits::TX_ROUNDS;
use crate::schema::Schema;
use crate::store::key::Key;
use crate::store::layout::{IndexDef, METADATA, StoreDef, debt, moves, stores};
use crate::store::port::{Change, Durability, Range, Read, Rows, Step, StoreName};
use crate::store::query::{Page, Query};
use crate::store::tx::{Output, Tx};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One database.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    tables: BTreeMap<String, Table>,
}

/// What one row was before a transaction changed it.
#[derive(Clone, Debug)]
pub struct Before {
    /// In which store.
    pub store: StoreName,
    /// Its key.
    pub key: Key,
    /// The row; none: there was none.
    pub row: Option<Value>,
}

/// What one transaction changed, in its order, so that it can be looked at or taken back.
#[derive(Clone, Debug)]
pub struct Journal {
    /// Every row it put or deleted, as it was.
    pub rows: Vec<Before>,
    /// How hard its commit was: what is not flushed, the loss of power may take back.
    pub durability: Durability,
}

#[derive(Clone, Debug)]
struct Table {
    def: StoreDef,
    rows: BTreeMap<Key, Value>,
    /// For each index its entries: (index key, primary key).
    indexes: Vec<BTreeSet<(Key, Key)>>,
}

impl Memory {
    /// An empty database for an application.
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        let table = |def: StoreDef| {
            (def.name.to_string(), Table { indexes: vec![BTreeSet::new(); def.indexes.len()], rows: BTreeMap::new(), def })
        };
        Self { tables: stores(schema).into_iter().map(table).collect() }
    }

    /// What opening the database with newer code does: stores and indexes are as declared now, no row is touched or lost.
    ///
    /// # Errors
    /// `STORAGE_ERROR` when a row has no key under the new declaration.
    pub fn upgrade(&mut self, schema: &Schema, from: u32) -> Result<()> {
        let moves = moves(schema);
        for (old, new) in moves.iter().filter(|one| one.to > from).flat_map(|one| &one.renames) {
            if !self.tables.contains_key(new)
                && let Some(table) = self.tables.remove(old)
            {
                self.tables.insert(new.clone(), table);
            }
        }
        for def in stores(schema) {
            let name = def.name.to_string();
            let rows = self.tables.remove(&name).map(|table| table.rows).unwrap_or_default();
            let mut table = Table { indexes: vec![BTreeSet::new(); def.indexes.len()], rows: BTreeMap::new(), def };
            rows.into_iter().try_for_each(|(key, row)| table.insert(key, row))?;
            self.tables.insert(name, table);
        }
        let debt = debt(&moves, from, schema.version);
        self.apply(debt.into_iter().map(|row| Change::Put { store: METADATA, row }).collect()).map(drop)
    }

    /// Runs one transaction from beginning to end.
    ///
    /// # Errors
    /// What the transaction aborts with; `STORAGE_ERROR` for a store outside its scope or a broken unique index.
    pub fn run(&mut self, schema: &Schema, tx: &mut Tx) -> Result<Output> {
        self.journaled(schema, tx).map(|(output, _)| output)
    }

    /// The same, with what it changed.
    ///
    /// # Errors
    /// As `run`.
    pub fn journaled(&mut self, schema: &Schema, tx: &mut Tx) -> Result<(Output, Journal)> {
        let scope = tx.scope(schema);
        let mut rows = Vec::new();
        for _ in 0..=TX_ROUNDS {
            match tx.advance(schema, rows) {
                Step::Read(reads) => {
                    rows = reads.iter().map(|read| self.read_within(&scope.stores, read)).collect::<Result<_>>()?;
                }
                Step::Done(changes, output) => {
                    let rows = self.apply_within(&scope.stores, changes)?;
                    return Ok((output, Journal { rows, durability: scope.durability }));
                }
                Step::Abort(error) => return Err(error),
            }
        }
        Err(storage(format!("{} took more than {TX_ROUNDS} rounds", tx.name())))
    }

    /// Applies writes, all or none.
    ///
    /// # Errors
    /// `STORAGE_ERROR`; then nothing is changed.
    pub fn apply(&mut self, changes: Vec<Change>) -> Result<Vec<Before>> {
        let mut done = Vec::with_capacity(changes.len());
        for change in changes {
            match self.apply_one(change) {
                Ok(before) => done.push(before),
                Err(error) => {
                    self.revert(done);
                    return Err(error);
                }
            }
        }
        Ok(done)
    }

    /// Puts rows back as they were, the last change first.
    pub fn revert(&mut self, rows: Vec<Before>) {
        for before in rows.into_iter().rev() {
            if let Some(table) = self.tables.get_mut(before.store.as_ref()) {
                table.remove(&before.key);
                if let Some(row) = before.row {
                    table.put_back(before.key, row);
                }
            }
        }
    }

    /// The row with this key.
    #[must_use]
    pub fn get(&self, store: &str, key: &Key) -> Option<&Value> {
        self.tables.get(store)?.rows.get(key)
    }

    /// Answers one read.
    ///
    /// # Errors
    /// `STORAGE_ERROR` for an unknown store or index.
    pub fn read(&self, read: &Read) -> Result<Rows> {
        match read {
            Read::Get { store, key } => Ok(self.table(store)?.rows.get(key).cloned().into_iter().collect()),
            Read::Range(range) => self.table(&range.store)?.range(range),
        }
    }

    /// Answers an application's query.
    ///
    /// # Errors
    /// As `Query::plan` and `read`.
    pub fn query(&self, schema: &Schema, query: &Query) -> Result<Page<Value>> {
        let plan = query.plan(schema)?;
        Ok(plan.page(self.read(&Read::Range(plan.range.clone()))?))
    }

    /// Every row of a store, by key.
    pub fn rows(&self, store: &str) -> impl Iterator<Item = &Value> {
        self.tables.get(store).into_iter().flat_map(|table| table.rows.values())
    }

    fn read_within(&self, stores: &[StoreName], read: &Read) -> Result<Rows> {
        let store = match read {
            Read::Get { store, .. } => store,
            Read::Range(range) => &range.store,
        };
        within(stores, store)?;
        self.read(read)
    }

    fn apply_within(&mut self, stores: &[StoreName], changes: Vec<Change>) -> Result<Vec<Before>> {
        for change in &changes {
            let (Change::Put { store, .. } | Change::Delete { store, .. }) = change;
            within(stores, store)?;
        }
        self.apply(changes)
    }

    fn apply_one(&mut self, change: Change) -> Result<Before> {
        match change {
            Change::Put { store, row } => {
                let table = self.table_mut(&store)?;
                let key = table.key(&row)?;
                let old = table.remove(&key);
                if let Err(error) = table.insert(key.clone(), row) {
                    if let Some(old) = old {
                        table.put_back(key, old);
                    }
                    return Err(error);
                }
                Ok(Before { store, key, row: old })
            }
            Change::Delete { store, key } => {
                let old = self.table_mut(&store)?.remove(&key);
                Ok(Before { store, key, row: old })
            }
        }
    }

    fn table(&self, name: &str) -> Result<&Table> {
        self.tables.get(name).ok_or_else(|| storage(format!("there is no store {name}")))
    }

    fn table_mut(&mut self, name: &str) -> Result<&mut Table> {
        self.tables.get_mut(name).ok_or_else(|| storage(format!("there is no store {name}")))
    }
}

impl Table {
    fn key(&self, row: &Value) -> Result<Key> {
        path_key(row, &self.def.key_path).ok_or_else(|| storage(format!("a row of {} without a key", self.def.name)))
    }

    fn insert(&mut self, key: Key, row: Value) -> Result<()> {
        for (at, index) in self.def.indexes.iter().enumerate().filter(|(_, index)| index.unique) {
            let taken = |entry: &Key| {
                let owners = self.indexes[at].range((entry.clone(), Key::Number(f64::MIN))..);
                owners.take_while(|(used, _)| used == entry).any(|(_, owner)| *owner != key)
            };
            if index_keys(&row, index).iter().any(taken) {
                return Err(storage(format!("the unique index {} of {} would be broken", index.name, self.def.name)));
            }
        }
        self.put_back(key, row);
        Ok(())
    }

    /// Puts a row whose key is free and that breaks no index.
    fn put_back(&mut self, key: Key, row: Value) {
        for (at, index) in self.def.indexes.iter().enumerate() {
            for entry in index_keys(&row, index) {
                self.indexes[at].insert((entry, key.clone()));
            }
        }
        self.rows.insert(key, row);
    }

    fn remove(&mut self, key: &Key) -> Option<Value> {
        let old = self.rows.remove(key)?;
        for (at, index) in self.def.indexes.iter().enumerate() {
            for entry in index_keys(&old, index) {
                self.indexes[at].remove(&(entry, key.clone()));
            }
        }
        Some(old)
    }

    fn range(&self, range: &Range) -> Result<Rows> {
        let low = range.lower.as_ref().map_or(Key::Number(f64::MIN), |(key, _)| key.clone());
        let Some(index) = &range.index else {
            let entries = self.rows.range(low..).map(|(key, row)| (key, key, row));
            return Ok(cut(entries, range));
        };
        let at = self.def.indexes.iter().position(|def| def.name == *index);
        let at = at.ok_or_else(|| storage(format!("{} has no index {index}", self.def.name)))?;
        let entries = self.indexes[at].range((low, Key::Number(f64::MIN))..);
        let rows = entries.filter_map(|(entry, key)| Some((entry, key, self.rows.get(key)?)));
        Ok(cut(rows, range))
    }
}

/// The rows of a range out of entries in ascending order.
fn cut<'a>(entries: impl DoubleEndedIterator<Item = (&'a Key, &'a Key, &'a Value)>, range: &Range) -> Rows {
    let above = |key: &Key| range.lower.as_ref().is_none_or(|(bound, taken)| key > bound || (*taken && key == bound));
    let below = |key: &Key| range.upper.as_ref().is_none_or(|(bound, taken)| key < bound || (*taken && key == bound));
    let limit = range.limit as usize;
    if range.reverse {
        let behind = |at: (&Key, &Key)| range.after.as_ref().is_none_or(|(entry, key)| at < (entry, key));
        let taken = entries.rev().skip_while(|(entry, _, _)| !below(entry)).take_while(|(entry, _, _)| above(entry));
        return taken.filter(|(entry, key, _)| behind((entry, key))).take(limit).map(|(_, _, row)| row.clone()).collect();
    }
    let behind = |at: (&Key, &Key)| range.after.as_ref().is_none_or(|(entry, key)| at > (entry, key));
    let taken = entries.skip_while(|(entry, _, _)| !above(entry)).take_while(|(entry, _, _)| below(entry));
    taken.filter(|(entry, key, _)| behind((entry, key))).take(limit).map(|(_, _, row)| row.clone()).collect()
}

fn index_keys(row: &Value, index: &IndexDef) -> Vec<Key> {
    if !index.multi {
        return path_key(row, &index.key_path).into_iter().collect();
    }
    let mut keys = match index.key_path.first().and_then(|path| at(row, path)) {
        Some(Value::Array(items)) => items.iter().filter_map(Key::of).collect(),
        Some(value) => Key::of(value).into_iter().collect::<Vec<_>>(),
        None => Vec::new(),
    };
    keys.sort();
    keys.dedup();
    keys
}

fn path_key(row: &Value, paths: &[String]) -> Option<Key> {
    match paths {
        [path] => at(row, path).and_then(Key::of),
        paths => paths.iter().map(|path| at(row, path).and_then(Key::of)).collect::<Option<_>>().map(Key::List),
    }
}

fn at<'a>(row: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(row, |value, step| value.get(step))
}

fn within(stores: &[StoreName], store: &StoreName) -> Result<()> {
    if stores.contains(store) { Ok(()) } else { Err(storage(format!("{store} is outside the transaction's scope"))) }
}

fn storage(what: String) -> Error {
    Error::new(Code::StorageError, what)
}
