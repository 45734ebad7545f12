//! `Deleted`: the records of one kind that were deleted here and are not acknowledged yet, as they were. Their base and their
//! op are their tombstone: records with pending work are few, so that nothing else is looked at. Applications list them.

use crate::error::Result;
use crate::record::Fields;
use crate::schema::Schema;
use crate::store::desk::{Desk, Summary, answers, record_read};
use crate::store::key::Key;
use crate::store::layout::{BASE, METADATA};
use crate::store::port::{Durability, Range, Read, Rows, Scope, Step};
use crate::store::quarantine::Place;
use crate::store::rows::{BaseRow, Head, from_row};
use crate::store::scope;
use std::borrow::Cow;

/// What it found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed {
    /// The records, by id, as they were on the server when they were deleted here.
    pub records: Vec<Fields>,
    /// How the store stands.
    pub summary: Summary,
}

/// Listing deleted records as a transaction.
#[derive(Clone, Debug)]
pub struct Deleted {
    entity: String,
    desk: Desk,
    found: Vec<Fields>,
    round: u8,
}

impl Deleted {
    /// Those of this entity.
    #[must_use]
    pub fn new(entity: String) -> Self {
        Self { entity, desk: Desk::default(), found: Vec::new(), round: 0 }
    }

    /// What it may touch.
    #[must_use]
    pub fn scope(&self, schema: &Schema) -> Scope {
        let store = schema.entities.get(&self.entity).map(|entity| Cow::Owned(entity.store.clone()));
        Scope { writes: false, ..scope(store.into_iter().chain([BASE, METADATA]), Durability::Relaxed) }
    }

    /// Two rounds: records with pending work; which of them are gone.
    pub fn advance(&mut self, schema: &Schema, rows: Vec<Rows>) -> Step<Listed> {
        self.round += 1;
        let step = match self.round {
            1 => {
                // Every id of the entity: texts stand between numbers and lists.
                let (from, to) =
                    (Key::pair(self.entity.as_str(), ""), Key::List(vec![self.entity.as_str().into(), Key::List(vec![])]));
                Ok(Step::Read(vec![Head::read(), Read::Range(Range::all(BASE, u32::MAX).between(from, to))]))
            }
            2 => self.bases(schema, rows),
            _ => Ok(self.gone(rows)),
        };
        step.unwrap_or_else(Step::Abort)
    }

    fn bases(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Listed>> {
        let entity = schema.entity(&self.entity)?;
        let mut answers = answers(rows);
        self.desk.take_head(answers.next().unwrap_or_default())?;
        let mut reads = Vec::new();
        for row in answers.next().unwrap_or_default() {
            let id = row.get("entity_id").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
            let damaged = |error| Place::Base((self.entity.clone(), id.clone())).damaged(error);
            let base: BaseRow = from_row(row).map_err(damaged)?;
            if let Some(fields) = base.data {
                reads.push(record_read(entity, &base.entity_id));
                self.found.push(fields);
            }
        }
        if reads.is_empty() { Ok(self.gone(Vec::new())) } else { Ok(Step::Read(reads)) }
    }

    fn gone(&mut self, rows: Vec<Rows>) -> Step<Listed> {
        let found = std::mem::take(&mut self.found);
        let records = found.into_iter().zip(rows).filter(|(_, here)| here.is_empty()).map(|(fields, _)| fields).collect();
        Step::Done(Vec::new(), Listed { records, summary: self.desk.summary() })
    }
}
