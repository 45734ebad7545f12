//! The lives of the server's data, and what they say about a number that a device was given. This module decides whether the
//! server has lost what it once acknowledged: it was put back to a copy, and the device must not be told that all is well.
//! Tokens and marks are judged here, for every ledger alike.

use crate::authority::rows::RunRow;
use crate::id::Run;
use crate::wire::Mark;

/// Whether data with these runs, oldest first, and this counter has ever come as far as `number` in `run`.
pub(super) fn reaches(at: (&[RunRow], u64), run: &Run, number: u64) -> bool {
    let (runs, counter) = at;
    let Some(place) = runs.iter().position(|one| one.id == *run) else { return false };
    number <= runs.get(place + 1).map_or(counter, |next| next.first)
}

/// Whether the device was told of a change that this data does not have.
#[must_use]
pub fn has_lost(mark: Option<&Mark>, runs: &[RunRow], counter: u64) -> bool {
    mark.is_some_and(|mark| !reaches((runs, counter), &mark.run, mark.number))
}

/// What a device is told of how far the data has come.
#[must_use]
pub fn mark(runs: &[RunRow], counter: u64) -> Option<Mark> {
    runs.last().map(|run| Mark { run: run.id.clone(), number: counter })
}

#[cfg(test)]
mod tests {
    use super::{has_lost, mark};
    use crate::authority::rows::RunRow;
    use crate::wire::Mark;

    // Scenario 24
    #[test]
    fn a_number_beyond_its_run_was_lost() {
        let run = |id: &str, first| RunRow { id: id.into(), first };
        // The second life began from a copy made at 5; the first had come to 9 by then.
        let runs = [run("one", 0), run("two", 5)];
        let lost = |id: &str, number| has_lost(Some(&Mark { run: id.into(), number }), &runs, 7);
        assert_eq!([lost("one", 5), lost("one", 6), lost("one", 9)], [false, true, true]);
        assert_eq!([lost("two", 7), lost("two", 8), lost("three", 0)], [false, true, true]);
        assert!(!has_lost(None, &runs, 7), "whoever was told nothing has lost nothing");
        assert!(!has_lost(mark(&runs, 7).as_ref(), &runs, 7));
    }
}
