//! `Peek`: how the store stands, read by a context that heard a bell or has just opened. It reads two rows and writes
//! nothing.

use crate::error::Result;
use crate::schema::Schema;
use crate::store::desk::{Desk, Summary, answers};
use crate::store::layout::METADATA;
use crate::store::port::{Durability, Rows, Scope, Step};
use crate::store::rows::{Head, SyncRow};
use crate::store::scope;

/// What it saw.
#[derive(Clone, Debug, PartialEq)]
pub struct Peeked {
    /// The sync row; none in a new database.
    pub sync: Option<SyncRow>,
    /// How the store stands.
    pub summary: Summary,
}

/// Looking as a transaction.
#[derive(Clone, Debug, Default)]
pub struct Peek {
    asked: bool,
}

impl Peek {
    /// What it may touch.
    #[must_use]
    pub fn scope(&self) -> Scope {
        Scope { writes: false, ..scope([METADATA].into_iter(), Durability::Relaxed) }
    }

    /// One round.
    pub fn advance(&mut self, _schema: &Schema, rows: Vec<Rows>) -> Step<Peeked> {
        if !self.asked {
            self.asked = true;
            return Step::Read(vec![Head::read(), SyncRow::read()]);
        }
        Self::decide(rows).unwrap_or_else(Step::Abort)
    }

    fn decide(rows: Vec<Rows>) -> Result<Step<Peeked>> {
        let mut answers = answers(rows);
        let mut desk = Desk::default();
        desk.take_head(answers.next().unwrap_or_default())?;
        desk.take_sync(answers.next().unwrap_or_default())?;
        Ok(Step::Done(Vec::new(), Peeked { sync: desk.sync_row().cloned(), summary: desk.summary() }))
    }
}
