//! How long the server remembers. This module decides when answers and tombstones are old enough to go (30 days at least, a
//! setting) and that they go a few at a time, so that nobody waits for it; how they go is the ledger's. `main` starts it.

use crate::Server;
use crate::ledger::Ledger as _;
use landfall::error::Result;
use landfall::limits::{COLLECT_ROWS, LEDGER_KEPT_MS};
use landfall::time::Millis;
use std::time::Duration;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(3_600);
/// Between two transactions, so that pushes come in between.
const BREATH: Duration = Duration::from_millis(20);
/// One day, in milliseconds.
const DAY_MS: u64 = 24 * 3_600_000;
/// Fewest days that anything is kept.
pub const LEAST_DAYS: u32 = (LEDGER_KEPT_MS / DAY_MS) as u32;

/// Lets go of everything that is old enough; how much that was.
///
/// # Errors
/// `SERVER_ERROR`; what is left goes the next time.
pub async fn collect(server: &Server) -> Result<usize> {
    let kept = u64::from(server.keep_days().max(LEAST_DAYS)) * DAY_MS;
    let before = Millis(server.clock().now().0.saturating_sub(kept));
    let mut all = 0;
    loop {
        match server.store().collect(before, COLLECT_ROWS).await? {
            0 => return Ok(all),
            gone => all += gone,
        }
        tokio::time::sleep(BREATH).await;
    }
}

/// Looks every hour, as long as the process lives.
pub fn start(server: Server) {
    tokio::spawn(async move {
        loop {
            match collect(&server).await {
                Ok(0) => {}
                Ok(gone) => tracing::info!(gone, "old answers and tombstones were collected"),
                Err(error) => tracing::warn!(%error, "old answers and tombstones could not be collected"),
            }
            tokio::time::sleep(EVERY).await;
        }
    });
}
