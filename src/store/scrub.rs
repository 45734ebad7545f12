//! `Scrub`: looks over a slice of the database for rows that are damaged, before anybody needs them (law 13). It goes round
//! store by store, from where the last look ended, and changes nothing but that place; what it finds, `isolate` takes out of
//! the way. It does not judge by the schema: a declaration that has become stricter must not take records away. The machine
//! runs it at the end of a cycle, when there is nothing else to do.

use crate::error::Result;
use crate::limits::MIGRATE_ROWS;
use crate::plain;
use crate::schema::Schema;
use crate::store::desk::{Desk, Summary, answers};
use crate::store::isolate::is_sound;
use crate::store::key::Key;
use crate::store::layout::{BASE, CONFLICTS, METADATA, QUEUE, stores};
use crate::store::port::{Change, Durability, Range, Read, Rows, Scope, Step, StoreName};
use crate::store::quarantine::{Place, read_op};
use crate::store::rows::{BaseRow, ConflictRow, Head, from_row};
use crate::store::scope;
use serde_json::Value;
use std::borrow::Cow;

/// The row that says where the last look ended.
const PLACE: &str = "scrub";

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scrubbed {
    /// Damaged rows.
    pub found: Vec<Place>,
    /// How the store stands.
    pub summary: Summary,
}

/// Looking over a slice as a transaction.
#[derive(Clone, Debug, Default)]
pub struct Scrub {
    round: u8,
    desk: Desk,
    store: StoreName,
}

impl Scrub {
    /// What it may touch: which store is next is known only inside.
    #[must_use]
    pub fn scope(&self, schema: &Schema) -> Scope {
        scope(stores(schema).into_iter().map(|def| def.name), Durability::Relaxed)
    }

    /// Two rounds: where the last look ended; the slice behind it.
    pub fn advance(&mut self, schema: &Schema, rows: Vec<Rows>) -> Step<Scrubbed> {
        self.round += 1;
        match self.round {
            1 => Step::Read(vec![Head::read(), Read::Get { store: METADATA, key: PLACE.into() }]),
            2 => self.begin(schema, rows).unwrap_or_else(Step::Abort),
            _ => self.look(schema, rows),
        }
    }

    fn begin(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Scrubbed>> {
        let mut answers = answers(rows);
        self.desk.take_head(answers.next().unwrap_or_default())?;
        let place = answers.next().and_then(|rows| rows.into_iter().next()).unwrap_or_default();
        let walk = walk(schema);
        let named = place.get("store").and_then(Value::as_str);
        let store = walk.iter().find(|store| Some(store.as_ref()) == named);
        let after = place.get("after").filter(|_| store.is_some()).and_then(Key::of);
        self.store = store.or(walk.first()).cloned().unwrap_or(QUEUE);
        let range = Range { after: after.map(|key| (key.clone(), key)), ..Range::all(self.store.clone(), MIGRATE_ROWS) };
        Ok(Step::Read(vec![Read::Range(range)]))
    }

    fn look(&mut self, schema: &Schema, rows: Vec<Rows>) -> Step<Scrubbed> {
        let rows = rows.into_iter().next().unwrap_or_default();
        let found = rows.iter().filter_map(|row| damaged(schema, &self.store, row)).collect();
        let last = rows.last().filter(|_| rows.len() >= MIGRATE_ROWS as usize).and_then(|row| key(schema, &self.store, row));
        let walk = walk(schema);
        let at = walk.iter().position(|store| *store == self.store).unwrap_or(0);
        let next = if last.is_some() { at } else { (at + 1) % walk.len() };
        let place = plain::object([
            ("key", PLACE.into()),
            ("store", walk[next].as_ref().into()),
            ("after", last.map_or(Value::Null, |key| key.to_value())),
        ]);
        // The generation stays: nothing that anybody reads has changed.
        let changes = vec![Change::Put { store: METADATA, row: place }];
        Step::Done(changes, Scrubbed { found, summary: self.desk.summary() })
    }
}

/// The stores to look over, in order.
fn walk(schema: &Schema) -> Vec<StoreName> {
    let entities = schema.entities.values().map(|entity| Cow::Owned(entity.store.clone()));
    entities.chain([QUEUE, BASE, CONFLICTS]).collect()
}

fn key(schema: &Schema, store: &StoreName, row: &Value) -> Option<Key> {
    let part = |name: &str| row.get(name).and_then(Key::of);
    match store {
        store if *store == QUEUE => part("seq"),
        store if *store == BASE => Some(Key::List(vec![part("entity_type")?, part("entity_id")?])),
        store if *store == CONFLICTS => part("id"),
        store => part(&schema.entities.values().find(|entity| entity.store == **store)?.key),
    }
}

fn damaged(schema: &Schema, store: &StoreName, row: &Value) -> Option<Place> {
    let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
    match store {
        store if *store == QUEUE => read_op(row.clone()).is_err().then(|| row.get("seq")?.as_u64().map(Place::Op))?,
        store if *store == BASE => {
            let name = (text("entity_type")?, text("entity_id")?);
            from_row::<BaseRow>(row.clone()).is_err().then_some(Place::Base(name))
        }
        store if *store == CONFLICTS => from_row::<ConflictRow>(row.clone()).is_err().then_some(Place::Conflict(text("id")?)),
        store => {
            let (name, entity) = schema.entities.iter().find(|(_, entity)| entity.store == **store)?;
            (!is_sound(row)).then_some(Place::Record((name.clone(), text(&entity.key)?)))
        }
    }
}
