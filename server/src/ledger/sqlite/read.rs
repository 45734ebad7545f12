//! What a push or a pull reads, as statements. Lists of keys travel as one JSON text, as in `write`. Only `sqlite` calls
//! this, inside a transaction, so that everything it returns is of one moment.

use crate::ledger::sqlite::key::sort;
use crate::ledger::sqlite::{Tx, int, text, uint};
use crate::problem::database;
use landfall::authority::{DeviceRow, Entry, Row, RowKey, RunRow};
use landfall::error::Result;
use landfall::id::{DeviceId, OpId, User};
use landfall::time::Millis;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

pub(super) type Got<T> = std::result::Result<T, sqlx::Error>;

/// The rows that exist of those that are named.
pub async fn rows(tx: &mut Tx, scope: &str, keys: &[RowKey]) -> Result<Vec<Row>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<_> = keys.iter().map(|key| (&key.entity, &key.id)).collect();
    // CROSS JOIN: the list drives, and each key is looked up in the primary key.
    let query = sqlx::query(
        "SELECT r.entity, r.id, r.version, r.number, r.deleted, r.data, r.stamps, r.changed_by, r.changed_at, r.last
         FROM json_each(?2) k CROSS JOIN records r
         WHERE r.scope = ?1 AND r.entity = k.value->>0 AND r.id = k.value->>1",
    );
    let found = query.bind(scope).bind(text(&keys)?).fetch_all(&mut **tx).await;
    found.and_then(|rows| rows.iter().map(row).collect()).map_err(|error| database(&error))
}

/// The first `limit` rows behind a number, in the order of numbers.
pub async fn delta(tx: &mut Tx, scope: &str, after: u64, limit: usize) -> Result<Vec<Row>> {
    let query = sqlx::query(
        "SELECT entity, id, version, number, deleted, data, stamps, changed_by, changed_at, last
         FROM records WHERE scope = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
    );
    let found = query.bind(scope).bind(int(after)).bind(size(limit)).fetch_all(&mut **tx).await;
    found.and_then(|rows| rows.iter().map(row).collect()).map_err(|error| database(&error))
}

/// The first `limit` live rows of an entity behind an id, in the order of UTF-16 units.
pub async fn snapshot(tx: &mut Tx, scope: &str, place: (&str, Option<&str>), limit: usize) -> Result<Vec<Row>> {
    let (entity, after) = place;
    let query = sqlx::query(
        "SELECT entity, id, version, number, deleted, data, stamps, changed_by, changed_at, last
         FROM records WHERE scope = ?1 AND entity = ?2 AND deleted = 0 AND sort > ?3 ORDER BY sort LIMIT ?4",
    );
    // No id is empty, so that the empty key stands before the first.
    let after = after.map(sort).unwrap_or_default();
    let found = query.bind(scope).bind(entity).bind(after).bind(size(limit)).fetch_all(&mut **tx).await;
    found.and_then(|rows| rows.iter().map(row).collect()).map_err(|error| database(&error))
}

/// The answers that exist to the ops that are named.
pub async fn answers(tx: &mut Tx, scope: &str, ops: &[OpId]) -> Result<Vec<Entry>> {
    if ops.is_empty() {
        return Ok(Vec::new());
    }
    let query = sqlx::query(
        "SELECT a.id, a.user, a.device, a.fingerprint, a.number, a.at, a.answer, a.schema, a.entity
         FROM json_each(?2) k CROSS JOIN answers a WHERE a.scope = ?1 AND a.id = k.value",
    );
    let found = query.bind(scope).bind(text(ops)?).fetch_all(&mut **tx).await;
    found.and_then(|rows| rows.iter().map(entry).collect()).map_err(|error| database(&error))
}

/// The answers to a device's ops with numbers behind `after` and up to `through`.
pub async fn acks(tx: &mut Tx, scope: &str, device: &DeviceId, numbers: (u64, u64)) -> Result<Vec<Entry>> {
    let query = sqlx::query(
        "SELECT id, user, device, fingerprint, number, at, answer, schema, entity
         FROM answers WHERE scope = ?1 AND device = ?2 AND number > ?3 AND number <= ?4 ORDER BY number",
    );
    let query = query.bind(scope).bind(device.as_str()).bind(int(numbers.0)).bind(int(numbers.1));
    let found = query.fetch_all(&mut **tx).await;
    found.and_then(|rows| rows.iter().map(entry).collect()).map_err(|error| database(&error))
}

/// A device, if it is known.
pub async fn device(tx: &mut Tx, scope: &str, id: &DeviceId) -> Result<Option<DeviceRow>> {
    let query = sqlx::query(
        "SELECT id, user, name, incarnation, request_no, request_hash, seen_at, deselected
         FROM devices WHERE scope = ?1 AND id = ?2",
    );
    let found = query.bind(scope).bind(id.as_str()).fetch_optional(&mut **tx).await;
    let read = |row: SqliteRow| -> Got<DeviceRow> {
        Ok(DeviceRow {
            id: text_at(&row, 0)?.into(),
            user: text_at(&row, 1)?.into(),
            name: text_at(&row, 2)?,
            incarnation: text_at(&row, 3)?.into(),
            request_no: number_at(&row, 4)?,
            request_hash: text_at(&row, 5)?,
            seen_at: Millis(number_at(&row, 6)?),
            deselected: json_at(&row, 7)?,
        })
    };
    found.and_then(|row| row.map(read).transpose()).map_err(|error| database(&error))
}

/// How many devices a user has.
pub async fn devices_of(tx: &mut Tx, scope: &str, user: &User) -> Result<u64> {
    let count: Got<i64> = sqlx::query_scalar("SELECT count(*) FROM devices WHERE scope = ?1 AND user = ?2")
        .bind(scope)
        .bind(user.as_str())
        .fetch_one(&mut **tx)
        .await;
    count.map(uint).map_err(|error| database(&error))
}

/// The number of the tenant's last change; 0 before the first.
pub async fn counter(tx: &mut Tx, scope: &str) -> Result<u64> {
    let counter: Got<Option<i64>> =
        sqlx::query_scalar("SELECT counter FROM tenants WHERE scope = ?1").bind(scope).fetch_optional(&mut **tx).await;
    counter.map(|counter| counter.map_or(0, uint)).map_err(|error| database(&error))
}

/// The tenant's runs, first first.
pub async fn runs(tx: &mut Tx, scope: &str) -> Result<Vec<RunRow>> {
    let query = sqlx::query("SELECT id, first FROM runs WHERE scope = ?1 ORDER BY nth");
    let found = query.bind(scope).fetch_all(&mut **tx).await;
    let read = |row: &SqliteRow| -> Got<RunRow> { Ok(RunRow { id: text_at(row, 0)?.into(), first: number_at(row, 1)? }) };
    found.and_then(|rows| rows.iter().map(read).collect()).map_err(|error| database(&error))
}

pub(super) fn row(row: &SqliteRow) -> Got<Row> {
    Ok(Row {
        entity: text_at(row, 0)?,
        id: text_at(row, 1)?,
        version: number_at(row, 2)?,
        number: number_at(row, 3)?,
        deleted: number_at(row, 4)? != 0,
        data: json_at(row, 5)?,
        last: row.try_get::<Option<String>, _>(9)?.map(|text| json(&text)).transpose()?,
        stamps: json_at(row, 6)?,
        changed_by: text_at(row, 7)?,
        changed_at: Millis(number_at(row, 8)?),
    })
}

fn entry(row: &SqliteRow) -> Got<Entry> {
    Ok(Entry {
        id: text_at(row, 0)?.into(),
        user: text_at(row, 1)?.into(),
        device: text_at(row, 2)?.into(),
        fingerprint: text_at(row, 3)?,
        number: number_at(row, 4)?,
        at: Millis(number_at(row, 5)?),
        schema: u32::try_from(number_at(row, 7)?).unwrap_or(0),
        answer: json_at(row, 6)?,
        entity: text_at(row, 8)?,
    })
}

pub(super) fn text_at(row: &SqliteRow, column: usize) -> Got<String> {
    row.try_get(column)
}

fn number_at(row: &SqliteRow, column: usize) -> Got<u64> {
    row.try_get::<i64, _>(column).map(uint)
}

fn json_at<T: DeserializeOwned>(row: &SqliteRow, column: usize) -> Got<T> {
    json(row.try_get(column)?)
}

fn json<T: DeserializeOwned>(text: &str) -> Got<T> {
    serde_json::from_str(text).map_err(|error| sqlx::Error::Decode(error.into()))
}

pub(super) fn size(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
