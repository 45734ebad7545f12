//! How often somebody may call. This module decides by token buckets, one for each key (a user, an address), and says how
//! long to wait; it never looks at what is asked. Authentication charges a request, a push charges for its ops.

use landfall::error::{Code, Error, Result};
use landfall::time::Millis;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// How many seconds' worth of calls may come at once.
const BURST_S: u64 = 4;
/// Buckets kept before the full ones (which say nothing) are dropped.
const BUCKETS: usize = 10_000;

/// The buckets.
pub struct Governor {
    rate_per_s: u64,
    buckets: Mutex<BTreeMap<String, Bucket>>,
}

/// Thousandths of a call, so that whole milliseconds fill it exactly.
#[derive(Clone, Copy)]
struct Bucket {
    milli: u64,
    at: Millis,
}

impl Governor {
    /// `rate_per_s` calls a second for each key, and four seconds' worth at once.
    #[must_use]
    pub fn new(rate_per_s: u32) -> Self {
        Self { rate_per_s: u64::from(rate_per_s.max(1)), buckets: Mutex::default() }
    }

    /// Takes `cost` calls from `key`. A cost above the whole bucket takes all of it.
    ///
    /// # Errors
    /// `RATE_LIMITED` with how long to wait.
    pub fn take(&self, key: &str, cost: u64, now: Millis) -> Result<()> {
        let full = self.rate_per_s * BURST_S * 1000;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS {
            buckets.retain(|_, bucket| self.filled(*bucket, now) < full);
        }
        let milli = buckets.get(key).map_or(full, |bucket| self.filled(*bucket, now));
        let price = (cost * 1000).min(full);
        let Some(left) = milli.checked_sub(price) else {
            let wait = (price - milli).div_ceil(self.rate_per_s);
            return Err(Error::new(Code::RateLimited, "too many requests").retry_after(wait.max(1)));
        };
        buckets.insert(key.to_owned(), Bucket { milli: left, at: now });
        Ok(())
    }

    fn filled(&self, bucket: Bucket, now: Millis) -> u64 {
        let gained = now.since(bucket.at).saturating_mul(self.rate_per_s);
        bucket.milli.saturating_add(gained).min(self.rate_per_s * BURST_S * 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::Governor;
    use landfall::time::Millis;

    #[test]
    fn a_burst_is_allowed_then_the_rate_holds_and_others_are_unaffected() {
        let governor = Governor::new(10);
        for _ in 0..40 {
            governor.take("a", 1, Millis(0)).unwrap();
        }
        let error = governor.take("a", 1, Millis(0)).unwrap_err();
        assert_eq!(error.retry_after_ms, Some(100));
        governor.take("b", 1, Millis(0)).unwrap();
        governor.take("a", 1, Millis(99)).unwrap_err();
        governor.take("a", 1, Millis(100)).unwrap();
        governor.take("a", 1_000_000, Millis(1_000_000)).unwrap();
        // A clock that jumped back neither fills nor empties.
        governor.take("b", 1, Millis(0)).unwrap();
    }

    #[test]
    fn full_buckets_are_forgotten() {
        let governor = Governor::new(1);
        for n in 0..25_000u64 {
            governor.take(&format!("user {n}"), 1, Millis(n * 10)).unwrap();
        }
        assert!(governor.buckets.lock().unwrap().len() <= super::BUCKETS);
    }
}
