//! Who is told when a tenant has something new. This module decides that a listener always learns the latest number and may
//! miss the ones before it; it keeps no row. A push rings after its commit, the event route listens.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The bells of all tenants that somebody listens to.
#[derive(Default)]
pub struct Bells {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    bells: BTreeMap<String, watch::Sender<u64>>,
    closed: bool,
}

impl Bells {
    /// Tells all who listen to `scope` that changes up to `number` are there.
    pub fn ring(&self, scope: &str, number: u64) {
        let mut inner = self.lock();
        if let Some(bell) = inner.bells.get(scope) {
            // Commits may ring out of order; the number only grows.
            bell.send_if_modified(|last| std::mem::replace(last, number.max(*last)) < number);
            if bell.receiver_count() == 0 {
                inner.bells.remove(scope);
            }
        }
    }

    /// Listens; the receiver ends when the server shuts down.
    pub fn listen(&self, scope: &str) -> watch::Receiver<u64> {
        let mut inner = self.lock();
        if inner.closed {
            return watch::channel(0).1;
        }
        inner.bells.entry(scope.to_owned()).or_insert_with(|| watch::channel(0).0).subscribe()
    }

    /// Ends every listener's stream, so that open event streams do not hold up a shutdown.
    pub fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.bells.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // The map is whole at every point where a panic could strike.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
