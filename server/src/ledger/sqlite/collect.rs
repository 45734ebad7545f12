//! Letting old answers and tombstones go, as statements. This module decides in which order: the horizon is moved first and in
//! the same transaction, so that no reader finds a gap that is not told. Only `sqlite` calls it.

use crate::ledger::sqlite::{Tx, int, uint};
use crate::problem::database;
use landfall::authority::horizon::Horizon;
use landfall::error::Result;
use landfall::time::Millis;

/// How far back the tenant has been collected.
pub async fn horizon(tx: &mut Tx, scope: &str) -> Result<Horizon> {
    let found: Option<(i64, i64)> = sqlx::query_as("SELECT number, at FROM horizons WHERE scope = ?1")
        .bind(scope)
        .fetch_optional(&mut **tx)
        .await
        .map_err(|error| database(&error))?;
    Ok(found.map_or(Horizon::default(), |(number, at)| Horizon { number: uint(number), at: Millis(uint(at)) }))
}

/// A tenant with something from before a time.
pub async fn overdue(tx: &mut Tx, before: Millis) -> Result<Option<String>> {
    for statement in [
        "SELECT scope FROM answers WHERE at < ?1 ORDER BY at LIMIT 1",
        "SELECT scope FROM records WHERE deleted = 1 AND changed_at < ?1 ORDER BY changed_at LIMIT 1",
    ] {
        let found = sqlx::query_scalar(statement).bind(int(before.0)).fetch_optional(&mut **tx).await;
        if let Some(scope) = found.map_err(|error| database(&error))? {
            return Ok(Some(scope));
        }
    }
    Ok(None)
}

/// Lets at most `most` of each go; how many went.
pub async fn collect(tx: &mut Tx, scope: &str, before: Millis, most: usize) -> Result<usize> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let gone: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT rowid, number FROM records WHERE deleted = 1 AND changed_at < ?2 AND scope = ?1 ORDER BY changed_at LIMIT ?3",
    )
    .bind(scope)
    .bind(int(before.0))
    .bind(most)
    .fetch_all(&mut **tx)
    .await
    .map_err(|error| database(&error))?;
    let number = gone.iter().map(|(_, number)| *number).max().unwrap_or(0);
    sqlx::query(
        "INSERT INTO horizons (scope, number, at) VALUES (?1, ?2, ?3)
         ON CONFLICT (scope) DO UPDATE SET number = max(number, excluded.number), at = max(at, excluded.at)",
    )
    .bind(scope)
    .bind(number)
    .bind(int(before.0))
    .execute(&mut **tx)
    .await
    .map_err(|error| database(&error))?;
    let rows: Vec<i64> = gone.iter().map(|(row, _)| *row).collect();
    sqlx::query("DELETE FROM records WHERE rowid IN (SELECT value FROM json_each(?1))")
        .bind(super::text(&rows)?)
        .execute(&mut **tx)
        .await
        .map_err(|error| database(&error))?;
    // Who is behind the horizon begins anew: nobody asks any more when these left their buckets.
    sqlx::query("DELETE FROM members WHERE scope = ?1 AND live = 0 AND number <= ?2")
        .bind(scope)
        .bind(number)
        .execute(&mut **tx)
        .await
        .map_err(|error| database(&error))?;
    let answers = sqlx::query(
        "DELETE FROM answers WHERE rowid IN
             (SELECT rowid FROM answers WHERE at < ?2 AND scope = ?1 ORDER BY at LIMIT ?3)",
    )
    .bind(scope)
    .bind(int(before.0))
    .bind(most)
    .execute(&mut **tx)
    .await
    .map_err(|error| database(&error))?;
    Ok(gone.len() + usize::try_from(answers.rows_affected()).unwrap_or(usize::MAX))
}
