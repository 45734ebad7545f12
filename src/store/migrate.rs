//! `Migrate`: moves data that an older version of the schema has left, a bounded slice in each transaction, after the upgrade
//! has made stores and indexes what they are now. A row in metadata says how far it has come, so that whoever opens the
//! database next goes on there; until it is through, nothing else is read or written. Opening a database runs it.

mod rows;

use crate::error::{Code, Error, Result};
use crate::limits::MIGRATE_ROWS;
use crate::plain::{Plain, plain};
use crate::record::order;
use crate::schema::{Schema, Upgrade};
use crate::store::desk::{Desk, Name, Summary, answers, record_reads};
use crate::store::key::Key;
use crate::store::layout::{BASE, CONFLICTS, DEBT, ID_MAP, METADATA, QUEUE, stores};
use crate::store::migrate::rows::Moved;
use crate::store::port::{Change, Durability, Range, Read, Rows, Scope, Step, StoreName};
use crate::store::rows::{Head, Record, RecordStatus, SyncInfo, SyncRow, from_row};
use crate::store::scope;
use crate::time::Millis;
use serde_json::Value;
use std::borrow::Cow;

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Migrated {
    /// Rows looked at so far, of all transactions of this upgrade.
    pub done: u64,
    /// Whether more is to be moved.
    pub more: bool,
    /// How the store stands.
    pub summary: Summary,
}

plain! {
    /// What is still to be moved, and how far it has come (see `layout::debt`).
    #[derive(Clone, Debug, PartialEq)]
    struct Debt {
        key: String,
        from: u32,
        to: u32,
        /// The stage that is under way (see `stages`); empty: not begun, `"end"`: over.
        stage: String = String::new(),
        /// The last key looked at there.
        after: Option<Value>,
        done: u64 = 0,
        /// Names in single rows are those of now.
        named: bool = false,
        ..
    }
}

/// Moving a slice as a transaction.
#[derive(Clone, Debug)]
pub struct Migrate {
    now: Millis,
    round: u8,
    desk: Desk,
    debt: Option<Debt>,
    store: StoreName,
    moved: Vec<Moved>,
    /// Records whose only op has lost all it said: they are as on the server.
    bare: Vec<Name>,
}

impl Migrate {
    /// The next slice, whichever it is.
    #[must_use]
    pub fn new(now: Millis) -> Self {
        Self { now, round: 0, desk: Desk::default(), debt: None, store: METADATA, moved: Vec::new(), bare: Vec::new() }
    }

    /// What it may touch: which store is next is known only inside.
    #[must_use]
    pub fn scope(&self, schema: &Schema) -> Scope {
        scope(stores(schema).into_iter().map(|def| def.name), Durability::Relaxed)
    }

    /// Three rounds: where it stands; the slice; the records whose only op has lost all it said.
    pub fn advance(&mut self, schema: &Schema, rows: Vec<Rows>) -> Step<Migrated> {
        self.round += 1;
        let step = match self.round {
            1 => Ok(Step::Read(vec![
                Head::read(),
                SyncRow::read(),
                Read::Range(Range::all(METADATA, 1).between(DEBT.into(), Key::Text(format!("{DEBT}~")))),
            ])),
            2 => self.begin(schema, rows),
            3 => self.slice(schema, rows),
            _ => self.decide(schema, rows),
        };
        step.unwrap_or_else(Step::Abort)
    }

    fn begin(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Migrated>> {
        let mut answers = answers(rows);
        self.desk.take_head(answers.next().unwrap_or_default())?;
        self.desk.take_sync(answers.next().unwrap_or_default())?;
        let Some(row) = answers.next().and_then(|rows| rows.into_iter().next()) else {
            return Ok(Step::Done(Vec::new(), Migrated { summary: self.desk.summary(), ..Migrated::default() }));
        };
        let debt: Debt = from_row(row)?;
        let stages = stages(schema, &debt);
        // A stage that a still newer version has done away with is followed by the next.
        let Some((stage, store)) = stages.into_iter().find(|(stage, _)| *stage >= debt.stage) else {
            return Err(Error::new(Code::CorruptData, "a migration in no store").at(debt.key));
        };
        let debt = if stage == debt.stage { debt } else { Debt { stage, after: None, ..debt } };
        let after = debt.after.as_ref().and_then(Key::of);
        let range = Range { after: after.map(|key| (key.clone(), key)), ..Range::all(store, MIGRATE_ROWS) };
        self.debt = Some(debt);
        self.store = range.store.clone();
        Ok(Step::Read(vec![Read::Range(range)]))
    }

    fn slice(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Migrated>> {
        let Some(debt) = self.debt.take() else { return self.decide(schema, rows) };
        let rows = rows.into_iter().next().unwrap_or_default();
        let upgrade = schema.upgrade(debt.from, debt.to);
        let store = std::mem::replace(&mut self.store, METADATA);
        let count = rows.len();
        let defs = stores(schema);
        let key_of = |row: &Value| defs.iter().find(|def| def.name == store).and_then(|def| key(row, &def.key_path));
        let last = rows.last().and_then(key_of);
        if !debt.named {
            self.names(&upgrade);
        }
        let slice = rows::Slice { schema, upgrade: &upgrade, to: debt.to, store: &store, head: &self.desk.head, now: self.now };
        self.moved = rows.into_iter().filter_map(|row| slice.row(row)).collect();
        self.debt = Some(next(schema, debt, (count, last)));
        let mut reads = Vec::new();
        for moved in &self.moved {
            if let Some(name) = &moved.bare {
                reads.extend(record_reads(schema.entity(&name.0)?, name));
                self.bare.push(name.clone());
            }
        }
        if reads.is_empty() { self.decide(schema, Vec::new()) } else { Ok(Step::Read(reads)) }
    }

    /// Names that stand in single rows.
    fn names(&mut self, upgrade: &Upgrade<'_>) {
        let usage = std::mem::take(&mut self.desk.head.usage);
        self.desk.head.usage = order::map(usage.into_iter().map(|(name, bytes)| (upgrade.entity(&name), bytes)));
        self.desk.edit_sync(|sync| {
            for want in &mut sync.want {
                want.entity_type = upgrade.entity(&want.entity_type);
            }
        });
    }

    fn decide(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Migrated>> {
        let mut desk = std::mem::take(&mut self.desk);
        for moved in std::mem::take(&mut self.moved) {
            moved.changes.into_iter().for_each(|change| desk.write(change));
            if let Some((entity, old, new)) = moved.bytes {
                let usage = desk.head.usage.entry(entity).or_default();
                *usage = (*usage + new).saturating_sub(old);
            }
            moved.quarantine.iter().try_for_each(|row| desk.quarantine(row))?;
            if let Some(status) = moved.gone {
                desk.uncount(status);
            }
        }
        let mut answers = answers(rows);
        for name in std::mem::take(&mut self.bare) {
            desk.take_record(&name, &mut answers)?;
            if let Some(record) = desk.record(&name).cloned() {
                let sync = SyncInfo { status: RecordStatus::Synced, ..record.sync };
                desk.put_record(&name, Some(Record { sync, ..record }));
            }
        }
        let mut migrated = Migrated::default();
        if let Some(debt) = self.debt.take() {
            migrated.done = debt.done;
            // The next version's data may still have to be moved after this one's: the next slice finds out.
            migrated.more = true;
            desk.write(match debt.stage.as_str() {
                END => Change::Delete { store: METADATA, key: debt.key.as_str().into() },
                _ => Change::Put { store: METADATA, row: debt.plain() },
            });
        }
        let changes = desk.finish(schema)?;
        migrated.summary = desk.summary();
        Ok(Step::Done(changes, migrated))
    }
}

/// What comes behind every stage.
const END: &str = "end";

/// The stages with their stores, in order: entities that change, by their name in the version that is being reached (a still
/// newer one may have renamed them and their stores), then the engine's own stores that hold fields or names of entities.
fn stages(schema: &Schema, debt: &Debt) -> Vec<(String, StoreName)> {
    let (upgrade, rest) = (schema.upgrade(debt.from, debt.to), schema.upgrade(debt.to, schema.version));
    let mut stages = Vec::new();
    for (name, entity) in &schema.entities {
        let name = rest.entity_before(name);
        if upgrade.touches(&upgrade.entity_before(&name)) {
            stages.push((format!("1/{name}"), Cow::Owned(entity.store.clone())));
        }
    }
    stages.extend([("2".to_owned(), BASE), ("3".to_owned(), CONFLICTS), ("4".to_owned(), QUEUE), ("5".to_owned(), ID_MAP)]);
    order::sort(&mut stages, Ord::cmp);
    stages
}

/// Where the next slice begins.
fn next(schema: &Schema, debt: Debt, looked: (usize, Option<Key>)) -> Debt {
    let (count, last) = looked;
    let debt = Debt { done: debt.done + count as u64, named: true, ..debt };
    if count >= MIGRATE_ROWS as usize {
        return Debt { after: last.map(|key| key.to_value()), ..debt };
    }
    let stage = stages(schema, &debt).into_iter().map(|(stage, _)| stage).find(|stage| *stage > debt.stage);
    Debt { stage: stage.unwrap_or_else(|| END.to_owned()), after: None, ..debt }
}

fn key(row: &Value, path: &[String]) -> Option<Key> {
    match path {
        [one] => row.get(one).and_then(Key::of),
        several => several.iter().map(|one| row.get(one).and_then(Key::of)).collect::<Option<_>>().map(Key::List),
    }
}
