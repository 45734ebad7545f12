//! How membership follows from changes: a record enters and leaves buckets by its own fields, and takes along what it refers
//! to and what refers to it. This module decides that as a value: it asks for the surroundings of records until it knows
//! enough, and writes nothing. A ledger runs it inside the transaction that writes the records (law 12).

use crate::authority::rows::{Row, RowKey};
use crate::authority::scope::{Membership, Support, Touch};
use crate::record::Fields;
use crate::schema::Schema;
use crate::time::Millis;
use std::collections::{BTreeMap, BTreeSet};

mod work;

/// A record and what is near it.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// The row as it is stored; none: there is none.
    pub row: Option<Row>,
    /// Why it is in the buckets it is in.
    pub supports: Vec<Support>,
    /// What is in buckets because of it.
    pub dependents: Vec<Support>,
    /// The records that refer to it, and by which field.
    pub referrers: Vec<(RowKey, String)>,
}

/// What the ledger has to read next, inside the transaction that will write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FollowRead {
    /// Rows and supports of these.
    pub near: Vec<RowKey>,
    /// And of these also dependents and referrers.
    pub far: Vec<RowKey>,
}

/// How it goes on.
#[derive(Clone, Debug)]
pub enum Step {
    /// Read this and call `advance` again.
    Read(FollowRead),
    /// What to write.
    Done(Box<Membership>),
}

/// Working out membership after a change.
#[derive(Clone, Debug)]
pub struct Follow<'a> {
    schema: &'a Schema,
    now: Millis,
    rows: BTreeMap<RowKey, Row>,
    content: bool,
    picks: Vec<Support>,
    unpicks: Vec<Support>,
    edges: Edges,
    near: BTreeMap<RowKey, Around>,
    far: BTreeSet<RowKey>,
}

/// The ways along references, by the entity they begin at.
#[derive(Clone, Debug, Default)]
struct Edges {
    /// From a record to what it refers to: entity → (field, entity, rule).
    ahead: BTreeMap<String, Vec<(String, String, String)>>,
    /// From a record to what refers to it: entity → (field, entity of the referrer, rule).
    back: BTreeMap<String, Vec<(String, String, String)>>,
    /// Whether one can come back to where one began: then a circle of records could hold itself.
    circular: bool,
}

impl<'a> Follow<'a> {
    /// After these rows were written.
    #[must_use]
    pub fn changed(schema: &'a Schema, rows: &[Row], now: Millis) -> Self {
        Self::new(schema, rows, now, true)
    }

    /// After time has passed over supports that are due, and the rows they are of, which nobody has changed.
    #[must_use]
    pub fn aged(schema: &'a Schema, due: &[Support], rows: &[Row], now: Millis) -> Self {
        let opened = |one: &&Support| {
            let entity = schema.entities.get(&one.key.entity);
            !entity.is_some_and(|entity| entity.partition.iter().any(|rule| rule.name == one.rule && rule.is_plain()))
        };
        let unpicks = due.iter().filter(opened).cloned().collect();
        Self { unpicks, ..Self::new(schema, rows, now, false) }
    }

    /// After a person has picked and let go of records.
    #[must_use]
    pub fn picked(schema: &'a Schema, picks: Vec<Support>, unpicks: Vec<Support>, now: Millis) -> Self {
        Self { picks, unpicks, ..Self::new(schema, &[], now, false) }
    }

    fn new(schema: &'a Schema, rows: &[Row], now: Millis, content: bool) -> Self {
        let rows = rows.iter().map(|row| (row.key(), row.clone())).collect();
        let (near, far) = (BTreeMap::new(), BTreeSet::new());
        Self { schema, now, rows, content, picks: Vec::new(), unpicks: Vec::new(), edges: Edges::of(schema), near, far }
    }

    /// The next step; `found` answers the last read, in its order, near ones first.
    pub fn advance(&mut self, asked: &FollowRead, found: Vec<Around>) -> Step {
        for (key, around) in asked.near.iter().chain(&asked.far).zip(found) {
            self.near.insert(key.clone(), around);
        }
        self.far.extend(asked.far.iter().cloned());
        if !self.schema.partitioned() {
            return Step::Done(Box::default());
        }
        match work::Work::of(self).run() {
            Ok(membership) => Step::Done(Box::new(membership)),
            Err(read) => Step::Read(read),
        }
    }

    fn row(&self, key: &RowKey) -> Option<&Row> {
        self.rows.get(key).or_else(|| self.near.get(key)?.row.as_ref()).filter(|row| !row.deleted)
    }
}

impl Edges {
    fn of(schema: &Schema) -> Self {
        let mut edges = Self::default();
        for (name, entity) in &schema.entities {
            for rule in &entity.partition {
                for text in &rule.referenced_by {
                    let (from, field) = text.split_once('.').unwrap_or((text, ""));
                    edges.ahead.entry(from.to_owned()).or_default().push((field.to_owned(), name.clone(), rule.name.clone()));
                }
                let own = |path: &Vec<String>| rule.refers_to.contains(&path.join("."));
                for (path, reference) in entity.references().filter(|(path, _)| own(path)) {
                    let back = edges.back.entry(reference.entity.clone()).or_default();
                    back.push((path.join("."), name.clone(), rule.name.clone()));
                }
            }
        }
        edges.circular = schema.entities.keys().any(|name| edges.returns(name, name, &mut BTreeSet::new()));
        edges
    }

    fn next<'b>(&'b self, from: &str) -> impl Iterator<Item = &'b (String, String, String)> {
        self.ahead.get(from).into_iter().chain(self.back.get(from)).flatten()
    }

    fn returns<'b>(&'b self, from: &str, to: &str, seen: &mut BTreeSet<&'b str>) -> bool {
        self.next(from).any(|(_, next, _)| next == to || seen.insert(next) && self.returns(next, to, seen))
    }

    fn leads(&self, from: &str) -> bool {
        self.next(from).next().is_some()
    }
}

/// The references of a record by the path of their field, lists passed through.
fn references(schema: &Schema, entity: &str, data: &Fields) -> Vec<(String, RowKey)> {
    let Some(declared) = schema.entities.get(entity) else { return Vec::new() };
    let field = |path: &str| path.split('.').map(|step| step.split('[').next().unwrap_or(step)).collect::<Vec<_>>().join(".");
    let named = |(to, id, path): (&str, &str, String)| (field(&path), RowKey { entity: to.to_owned(), id: id.to_owned() });
    declared.referred(data).into_iter().map(named).collect()
}

#[cfg(test)]
mod tests;
