//! What a push writes, as statements. Each of them writes a whole list: it travels as one JSON text and SQLite unpacks it,
//! so that a batch of a thousand ops is a handful of statements. Only `sqlite` calls this, inside the push's transaction.

use crate::ledger::sqlite::key::sort_hex;
use crate::ledger::sqlite::{Tx, int, text, uint};
use crate::problem::database;
use landfall::authority::{DeviceRow, Entry, Row};
use landfall::error::Result;
use landfall::id::Run;
use serde_json::{Value, json};

/// Takes `count` numbers from the tenant's counter and returns the first. It is the last thing before rows are written: the
/// write lock is held until the commit, so that whoever has the higher numbers commits later (law 12).
pub async fn take_numbers(tx: &mut Tx, scope: &str, count: u64) -> Result<u64> {
    if count == 0 {
        return Ok(0);
    }
    let last: i64 = sqlx::query_scalar(
        "INSERT INTO tenants (scope, counter) VALUES (?1, ?2)
         ON CONFLICT (scope) DO UPDATE SET counter = counter + excluded.counter
         RETURNING counter",
    )
    .bind(scope)
    .bind(int(count))
    .fetch_one(&mut **tx)
    .await
    .map_err(|error| database(&error))?;
    Ok(uint(last) - count + 1)
}

/// Notes a life of the server, once.
pub async fn run(tx: &mut Tx, scope: &str, run: &Run) -> Result<()> {
    sqlx::query(
        "INSERT INTO runs (scope, nth, id, first)
         SELECT ?1, (SELECT count(*) FROM runs WHERE scope = ?1), ?2,
                coalesce((SELECT counter FROM tenants WHERE scope = ?1), 0)
         WHERE NOT EXISTS (SELECT 1 FROM runs WHERE scope = ?1 AND id = ?2)",
    )
    .bind(scope)
    .bind(run.as_str())
    .execute(&mut **tx)
    .await
    .map(drop)
    .map_err(|error| database(&error))
}

/// Writes rows, new or changed.
pub async fn rows(tx: &mut Tx, scope: &str, rows: &[Row]) -> Result<()> {
    let list: Vec<Value> = rows
        .iter()
        .map(|row| {
            Ok(json!([
                row.entity,
                row.id,
                sort_hex(&row.id),
                int(row.version),
                int(row.number),
                i64::from(row.deleted),
                text(&row.data)?,
                text(&row.stamps)?,
                row.changed_by,
                int(row.changed_at.0),
                row.last.as_ref().map(text).transpose()?,
            ]))
        })
        .collect::<Result<_>>()?;
    self::list(
        tx,
        scope,
        &list,
        "INSERT INTO records (scope, entity, id, sort, version, number, deleted, data, stamps, changed_by, changed_at, last)
         SELECT ?1, value->>0, value->>1, unhex(value->>2), value->>3, value->>4, value->>5, value->>6, value->>7,
                value->>8, value->>9, value->>10
         FROM json_each(?2) WHERE true
         ON CONFLICT (scope, entity, id) DO UPDATE SET
             version = excluded.version, number = excluded.number, deleted = excluded.deleted, data = excluded.data,
             stamps = excluded.stamps, changed_by = excluded.changed_by, changed_at = excluded.changed_at,
             last = excluded.last",
    )
    .await
}

/// Writes answers. An op that has one already makes the statement fail, and with it the push: an answer is never replaced.
pub async fn answers(tx: &mut Tx, scope: &str, entries: &[Entry]) -> Result<()> {
    let list: Vec<Value> = entries
        .iter()
        .map(|entry| {
            Ok(json!([
                entry.id,
                entry.user,
                entry.device,
                entry.fingerprint,
                int(entry.number),
                int(entry.at.0),
                text(&entry.answer)?,
                entry.schema,
                entry.entity,
            ]))
        })
        .collect::<Result<_>>()?;
    self::list(
        tx,
        scope,
        &list,
        "INSERT INTO answers (scope, id, user, device, fingerprint, number, at, answer, schema, entity)
         SELECT ?1, value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7,
                value->>8 FROM json_each(?2)",
    )
    .await
}

/// Writes a device.
pub async fn device(tx: &mut Tx, scope: &str, device: &DeviceRow) -> Result<()> {
    sqlx::query(
        "INSERT INTO devices (scope, id, user, name, incarnation, request_no, request_hash, seen_at, deselected)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (scope, id) DO UPDATE SET
             user = excluded.user, name = excluded.name, incarnation = excluded.incarnation,
             request_no = excluded.request_no, request_hash = excluded.request_hash,
             seen_at = excluded.seen_at, deselected = excluded.deselected",
    )
    .bind(scope)
    .bind(device.id.as_str())
    .bind(device.user.as_str())
    .bind(&device.name)
    .bind(device.incarnation.as_str())
    .bind(int(device.request_no))
    .bind(&device.request_hash)
    .bind(int(device.seen_at.0))
    .bind(text(&device.deselected)?)
    .execute(&mut **tx)
    .await
    .map(drop)
    .map_err(|error| database(&error))
}

/// Writes a list in one statement; none if it is empty.
pub async fn list(tx: &mut Tx, scope: &str, list: &[Value], statement: &'static str) -> Result<()> {
    if list.is_empty() {
        return Ok(());
    }
    sqlx::query(statement).bind(scope).bind(text(list)?).execute(&mut **tx).await.map(drop).map_err(|error| database(&error))
}
