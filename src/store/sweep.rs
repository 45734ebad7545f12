//! `Sweep`: lets completed ops go once they are seven days old, or more than the device keeps. It decides which, the oldest
//! first and a few at a time; it never touches an op that has no final answer. The machine runs it when nothing else is to be
//! done, never while anybody waits.

use crate::error::Result;
use crate::limits::{COMPLETED_KEPT_MS, COMPLETED_MOST};
use crate::schema::Schema;
use crate::store::desk::{Desk, Summary, answers};
use crate::store::layout::{BY_STATUS, METADATA, QUEUE};
use crate::store::port::{Durability, Range, Read, Rows, Scope, Step};
use crate::store::quarantine::read_op;
use crate::store::rows::{Head, SyncRow};
use crate::store::scope;
use crate::time::Millis;

/// Most ops looked at in one transaction.
const LOOKED_AT: u32 = 256;

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Swept {
    /// Ops let go.
    pub gone: u64,
    /// There may be more of them.
    pub more: bool,
    /// When it was.
    pub at: Millis,
    /// How the store stands.
    pub summary: Summary,
}

/// Letting go as a transaction.
#[derive(Clone, Debug)]
pub struct Sweep {
    fence: u64,
    now: Millis,
    asked: bool,
}

impl Sweep {
    /// For the holder of `fence`.
    #[must_use]
    pub const fn new(fence: u64, now: Millis) -> Self {
        Self { fence, now, asked: false }
    }

    /// What it may touch.
    #[must_use]
    pub fn scope(&self) -> Scope {
        scope([QUEUE, METADATA].into_iter(), Durability::Relaxed)
    }

    /// One round.
    pub fn advance(&mut self, schema: &Schema, rows: Vec<Rows>) -> Step<Swept> {
        if !self.asked {
            self.asked = true;
            let old = Range::all(QUEUE, LOOKED_AT).by(BY_STATUS).only("completed".into());
            return Step::Read(vec![Head::read(), SyncRow::read(), Read::Range(old)]);
        }
        self.decide(schema, rows).unwrap_or_else(Step::Abort)
    }

    fn decide(&self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Swept>> {
        let mut answers = answers(rows);
        let mut next = || answers.next().unwrap_or_default();
        let mut desk = Desk::default();
        desk.take_head(next())?;
        desk.check_fence(self.fence)?;
        desk.take_sync(next())?;
        let rows = next();
        let full = rows.len() >= LOOKED_AT as usize;
        let mut swept = Swept { at: self.now, ..Swept::default() };
        // A restored server may still need all of them.
        let needed = desk.sync()?.replay.is_some();
        let mut stopped = false;
        for row in rows {
            let op = read_op(row)?;
            let old = self.now.since(op.updated_at) > COMPLETED_KEPT_MS;
            if needed || !(old || desk.head.completed > COMPLETED_MOST) {
                // They lie in the order in which they were made, which is nearly that in which they grew old.
                stopped = true;
                break;
            }
            let seq = op.seq;
            desk.take_op(op);
            desk.drop_op(seq);
            swept.gone += 1;
        }
        swept.more = full && !stopped;
        let (now, more) = (self.now, swept.more);
        if !more {
            desk.edit_sync(|sync| sync.swept_at = now);
        }
        let changes = desk.finish(schema)?;
        swept.summary = desk.summary();
        Ok(Step::Done(changes, swept))
    }
}
