//! `Note`: one fact about the course of syncing, written where every context finds it: the device is known to the server, no
//! attempt before a time, a cycle ended well, a new life, everything anew. It changes the sync row and nothing else.

use crate::error::Result;
use crate::id::Entropy;
use crate::schema::Schema;
use crate::store::desk::{Desk, Summary, answers};
use crate::store::layout::METADATA;
use crate::store::port::{Durability, Rows, Scope, Step};
use crate::store::rows::{Head, SyncRow};
use crate::store::scope;
use crate::time::Millis;

/// The fact.
#[derive(Clone, Debug)]
pub enum Fact {
    /// The server knows the device.
    Attached,
    /// The cycle failed: no automatic attempt before `until`; it was failure number `attempts` in a row.
    Deferred {
        /// No automatic attempt before this.
        until: Millis,
        /// Failures in a row.
        attempts: u32,
    },
    /// The cycle ended well; the device's clock was found so many milliseconds behind the server's.
    Finished(i64),
    /// The server takes this database for a copy of an older one: it begins a new life. Its
    /// requests go on being counted, so that the order in which ops left is that of one count.
    Reborn(Entropy),
    /// The token is of no use: the next pull begins a snapshot.
    Reset,
    /// The server was restored: what it acknowledged is sent again, then everything is loaded anew.
    RolledBack,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Noted {
    /// The sync row after it.
    pub sync: SyncRow,
    /// How the store stands.
    pub summary: Summary,
}

/// Writing a fact as a transaction.
#[derive(Clone, Debug)]
pub struct Note {
    fence: u64,
    fact: Fact,
    now: Millis,
    asked: bool,
}

impl Note {
    /// For the holder of `fence`.
    #[must_use]
    pub const fn new(fence: u64, fact: Fact, now: Millis) -> Self {
        Self { fence, fact, now, asked: false }
    }

    /// What it may touch.
    #[must_use]
    pub fn scope(&self) -> Scope {
        scope([METADATA].into_iter(), Durability::Relaxed)
    }

    /// One round.
    pub fn advance(&mut self, schema: &Schema, rows: Vec<Rows>) -> Step<Noted> {
        if !self.asked {
            self.asked = true;
            return Step::Read(vec![Head::read(), SyncRow::read()]);
        }
        self.decide(schema, rows).unwrap_or_else(Step::Abort)
    }

    fn decide(&mut self, schema: &Schema, rows: Vec<Rows>) -> Result<Step<Noted>> {
        let mut answers = answers(rows);
        let mut desk = Desk::default();
        desk.take_head(answers.next().unwrap_or_default())?;
        desk.check_fence(self.fence)?;
        desk.take_sync(answers.next().unwrap_or_default())?;
        let (now, fact) = (self.now, self.fact.clone());
        desk.edit_sync(|sync| apply(sync, fact, now));
        let changes = desk.finish(schema)?;
        Ok(Step::Done(changes, Noted { sync: desk.sync()?.clone(), summary: desk.summary() }))
    }
}

fn apply(sync: &mut SyncRow, fact: Fact, now: Millis) {
    match fact {
        Fact::Attached => sync.attached = true,
        Fact::Deferred { until, attempts } => {
            (sync.not_before, sync.deferred_at, sync.attempts) = (Some(until), now, attempts);
        }
        Fact::Finished(skew_ms) => {
            (sync.not_before, sync.attempts, sync.last_sync_at, sync.skew_ms) = (None, 0, Some(now), skew_ms);
            // The last page may have been empty: then no slice has written down that it was the last.
            sync.has_more = false;
            sync.restored = false;
        }
        Fact::Reborn(mut entropy) => sync.incarnation = entropy.uuid(now).into(),
        Fact::Reset => (sync.token, sync.has_more) = (None, true),
        Fact::RolledBack => {
            (sync.token, sync.has_more, sync.mark) = (None, true, None);
            (sync.replay, sync.restored) = (Some([0, 0]), true);
        }
    }
}
