//! `Recover`: the first transaction of whoever gains the lock, and the only path after a crash. It raises the fence, so that
//! every earlier holder's transactions abort (law 4), and makes the device's identity if there is none. Ops that
//! were left `syncing` need no mending: frozen as they are, they go again.

use crate::error::Result;
use crate::id::Entropy;
use crate::schema::Schema;
use crate::store::desk::{Desk, Summary, answers};
use crate::store::layout::METADATA;
use crate::store::port::{Durability, Rows, Scope, Step};
use crate::store::rows::{Head, SyncRow};
use crate::store::scope;
use crate::time::Millis;

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovered {
    /// The fence of the new holder.
    pub fence: u64,
    /// Where the last cycle stopped.
    pub sync: SyncRow,
    /// How the store stands.
    pub summary: Summary,
}

/// Taking over as a transaction.
#[derive(Clone, Debug)]
pub struct Recover {
    now: Millis,
    entropy: Entropy,
    asked: bool,
}

impl Recover {
    /// At `now`, with randomness for a new device's identity.
    #[must_use]
    pub const fn new(now: Millis, entropy: Entropy) -> Self {
        Self { now, entropy, asked: false }
    }

    /// What it may touch.
    #[must_use]
    pub fn scope(&self) -> Scope {
        scope([METADATA].into_iter(), Durability::Strict)
    }

    /// One round.
    pub fn advance(&mut self, schema: &Schema, rows: Vec<Rows>) -> Step<Recovered> {
        if !self.asked {
            self.asked = true;
            return Step::Read(vec![Head::read(), SyncRow::read()]);
        }
        self.decide(schema, rows).unwrap_or_else(Step::Abort)
    }

    fn decide(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Recovered>> {
        let mut answers = answers(rows);
        let mut next = || answers.next().unwrap_or_default();
        let mut desk = Desk::default();
        desk.take_head(next())?;
        desk.take_sync(next())?;
        if desk.sync_row().is_none() {
            desk.set_sync(SyncRow::new(self.now, &mut self.entropy));
        }
        desk.head.fence += 1;
        desk.touch_head();
        let changes = desk.finish(schema)?;
        let recovered = Recovered { fence: desk.head.fence, sync: desk.sync()?.clone(), summary: desk.summary() };
        Ok(Step::Done(changes, recovered))
    }
}
