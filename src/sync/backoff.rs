//! How long to wait after a failure: the schema's schedule, lengthened at random so that a thousand devices do not come back
//! at once, and what the server asked for if that is longer. It counts nothing itself.

use crate::error::Error;
use crate::limits::RETRY_AFTER_MAX_MS;
use crate::schema::RetryRules;
use crate::time::Millis;

/// When the next attempt is due after failure number `attempts` (1 for the first). `random` is any number.
pub(super) fn next_attempt(rules: &RetryRules, attempts: u32, error: &Error, at: (Millis, u64)) -> Millis {
    let (now, random) = at;
    // The schedule's first entry is the wait before the first attempt, its second the wait after the first failure.
    let step = (attempts as usize).min(rules.schedule_ms.len().saturating_sub(1));
    let wait = rules.schedule_ms.get(step).copied().unwrap_or(60_000).max(1_000);
    let asked = error.retry_after_ms.unwrap_or(0).min(RETRY_AFTER_MAX_MS);
    // Whoever asked for a time gets it, and jitter on top of it: a thousand others heard the same number.
    let wait = wait.max(asked);
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part of a wait below hours"
    )]
    let jitter = (wait as f64 * rules.jitter.clamp(0.0, 1.0) * ((random % 1_000_000) as f64 / 1_000_000.0)) as u64;
    now.plus(wait + jitter)
}

#[cfg(test)]
mod tests {
    use super::next_attempt;
    use crate::error::{Code, Error};
    use crate::schema::RetryRules;
    use crate::time::Millis;

    // QUE-6
    #[test]
    fn the_schedule_then_its_last_entry_for_ever() {
        let rules = RetryRules { schedule_ms: vec![0, 5_000, 10_000, 30_000, 60_000, 300_000], jitter: 0.0, max_attempts: 10 };
        let error = Error::new(Code::ServerError, "");
        let waits: Vec<u64> = (1..=8).map(|n| next_attempt(&rules, n, &error, (Millis(0), 0)).0).collect();
        assert_eq!(waits, [5_000, 10_000, 30_000, 60_000, 300_000, 300_000, 300_000, 300_000]);
    }

    #[test]
    fn retry_after_is_obeyed_and_capped_and_jitter_only_lengthens() {
        let rules = RetryRules { jitter: 0.5, ..RetryRules::default() };
        let asked = Error::new(Code::RateLimited, "").retry_after(90_000);
        for random in (0..2_000).map(|at| at * 997) {
            let at = next_attempt(&rules, 1, &asked, (Millis(0), random)).0;
            assert!((90_000..=135_000).contains(&at), "{at}");
        }
        let absurd = Error::new(Code::RateLimited, "").retry_after(u64::MAX);
        assert!(next_attempt(&rules, 1, &absurd, (Millis(0), 0)).0 <= 3_600_000);
        assert!(next_attempt(&rules, 1, &absurd, (Millis(0), 999_999)).0 < 2 * 3_600_000);
    }
}
