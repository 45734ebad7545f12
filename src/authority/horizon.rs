//! What the server no longer remembers: answers and tombstones older than it keeps them (30 days at least). This module decides
//! which tokens are too old to go on with, and which ops may be an echo of a forgotten one and so are not decided again; what is
//! collected, and when, is the ledger's. `Pull` and `Push` ask it.

use crate::authority::rows::Row;
use crate::error::{Code, Error};
use crate::limits::FORGOTTEN_MARGIN_MS;
use crate::schema::Operation;
use crate::time::Millis;
use crate::wire::Change;

/// How far back a tenant's data has been collected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Horizon {
    /// Tombstones up to this number may be gone: a token below it has not seen them.
    pub number: u64,
    /// Answers given before this time may be gone; 0: none are.
    pub at: Millis,
}

impl Horizon {
    /// Whether the op may have been decided, and its answer forgotten since: it first left its device so long ago.
    pub(super) fn hides(&self, change: &Change, skew_ms: i64) -> bool {
        let sent = change.sent_at.as_deref().and_then(Millis::parse);
        // A clock may have been set between the sending and now; two days cover a day either way.
        sent.is_some_and(|sent| {
            self.at > Millis(0) && sent.0.saturating_add_signed(skew_ms) < self.at.plus(FORGOTTEN_MARGIN_MS).0
        })
    }
}

/// Whether the op cannot have been applied before, or has no effect if it was: then it is decided like any other.
pub(super) fn is_harmless(change: &Change, row: Option<&Row>) -> bool {
    match (change.operation, row) {
        // Applied, it would have moved the version.
        (Operation::Update, Some(row)) => !row.deleted && change.base_version == Some(row.version),
        (Operation::Delete, Some(row)) => row.deleted || change.base_version == Some(row.version),
        (Operation::Update | Operation::Delete, None) => true,
        // It may have been created, and deleted since: nothing comes back by itself.
        (Operation::Create, _) => false,
    }
}

/// The answer to one that may have been applied.
pub(super) fn forgotten(change: &Change) -> Error {
    Error::new(Code::AnswerForgotten, "the op was sent so long ago that its answer is no longer kept: it may have been applied")
        .at(format!("{}.{}", change.entity_type, change.entity_id))
        .hint("retry sends what is missing as a new op, discard gives it up")
}

#[cfg(test)]
mod tests {
    use super::{Horizon, is_harmless};
    use crate::authority::rows::Row;
    use crate::time::Millis;
    use crate::wire::Change;
    use serde_json::json;

    const DAY: u64 = 86_400_000;

    fn change(operation: &str, base: Option<u64>, sent: Option<u64>) -> Change {
        serde_json::from_value(json!({
            "queue_id": "op", "operation": operation, "entity_type": "note", "entity_id": "n", "base_version": base,
            "timestamp": "", "hlc": "000000000001-0000-x", "schema_version": 1, "sent_at": sent.map(|ms| Millis(ms).iso())
        }))
        .unwrap()
    }

    fn row(version: u64, deleted: bool) -> Row {
        serde_json::from_value(json!({
            "entity": "note", "id": "n", "version": version, "number": 1, "deleted": deleted, "data": {}, "stamps": {},
            "changed_by": "ann", "changed_at": 1
        }))
        .unwrap()
    }

    // Scenario 25
    #[test]
    fn an_old_op_is_decided_only_if_it_cannot_have_been_applied() {
        for (operation, base, found, harmless) in [
            ("update", 3, Some((3, false)), true),
            ("update", 3, Some((4, false)), false),
            ("update", 3, Some((4, true)), false),
            ("delete", 3, Some((4, true)), true),
            ("update", 3, None, true),
            ("delete", 3, Some((3, false)), true),
            ("delete", 3, Some((4, false)), false),
            ("delete", 3, None, true),
            ("create", 0, None, false),
            ("create", 0, Some((1, false)), false),
        ] {
            let found = found.map(|(version, deleted)| row(version, deleted));
            assert_eq!(is_harmless(&change(operation, Some(base), None), found.as_ref()), harmless, "{operation} {found:?}");
        }
    }

    #[test]
    fn only_what_was_sent_before_the_horizon_is_doubted() {
        let horizon = Horizon { number: 9, at: Millis(100 * DAY) };
        let hides = |sent, skew| horizon.hides(&change("create", None, sent), skew);
        assert!(hides(Some(90 * DAY), 0) && hides(Some(101 * DAY), 0), "with a margin for clocks");
        assert!(!hides(Some(102 * DAY), 0) && !hides(None, 0));
        // A device whose clock is a day fast or slow.
        assert!(hides(Some(102 * DAY + 1), -86_400_000) && !hides(Some(101 * DAY + 1), 86_400_000));
        assert!(!Horizon::default().hides(&change("create", None, Some(0)), 0), "nothing was ever collected");
    }
}
