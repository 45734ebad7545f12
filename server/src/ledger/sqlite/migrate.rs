//! Rows of an older schema, brought up to date in the file when the server starts. This module decides in which transactions:
//! bounded ones, each with the place it has come to, so that a server that is stopped goes on there. What becomes of a row is
//! `authority`'s. Only `sqlite` calls this, before anybody is served.

use crate::ledger::sqlite::read::{Got, row};
use crate::ledger::sqlite::{Tx, text};
use crate::problem::database;
use landfall::authority::{Row, up_to_date_row};
use landfall::error::{Code, Error, Result};
use landfall::schema::{Schema, Upgrade};
use serde_json::{Value, json};
use sqlx::Row as _;

/// Rows moved in one transaction.
const ROWS: i64 = 500;

/// What the rows of an application follow.
struct Shape {
    version: u32,
    goal: Option<u32>,
    after: i64,
}

/// Moves the next rows; true: there may be more.
pub async fn step(tx: &mut Tx, schema: &Schema) -> Result<bool> {
    let Some(shape) = shape(tx, &schema.app).await? else {
        // Rows of a file that is older than this table follow the schema that it is opened with.
        note(tx, schema, (schema.version, None, 0)).await?;
        return Ok(false);
    };
    let newest = shape.goal.unwrap_or(shape.version).max(shape.version);
    if newest > schema.version {
        let what = format!("the data follows version {newest} of the schema, which is at version {} here", schema.version);
        return Err(Error::new(Code::SchemaMismatch, what).at(&schema.app).hint("start the server with the newer schema"));
    }
    // Interrupted on the way to a version in between: that one comes first, for some rows have come there already.
    let goal = shape.goal.unwrap_or(schema.version);
    if shape.version == goal {
        return Ok(false);
    }
    let upgrade = schema.upgrade(shape.version, goal);
    let rows = if upgrade.is_empty() { Vec::new() } else { behind(tx, &schema.app, shape.after).await? };
    if let Some((last, _, _)) = rows.last() {
        let last = *last;
        write(tx, &upgrade, rows).await?;
        note(tx, schema, (shape.version, Some(goal), last)).await?;
        return Ok(true);
    }
    temps(tx, &schema.app, &upgrade).await?;
    note(tx, schema, (goal, None, 0)).await?;
    Ok(goal < schema.version)
}

async fn shape(tx: &mut Tx, app: &str) -> Result<Option<Shape>> {
    let query = sqlx::query("SELECT version, goal, after FROM shapes WHERE app = ?1");
    let found = query.bind(app).fetch_optional(&mut **tx).await;
    let version = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    let read = |row: sqlx::sqlite::SqliteRow| -> Got<Shape> {
        let goal: Option<i64> = row.try_get(1)?;
        Ok(Shape { version: version(row.try_get(0)?), goal: goal.map(version), after: row.try_get(2)? })
    };
    found.and_then(|row| row.map(read).transpose()).map_err(|error| database(&error))
}

async fn note(tx: &mut Tx, schema: &Schema, shape: (u32, Option<u32>, i64)) -> Result<()> {
    let query = sqlx::query(
        "INSERT INTO shapes (app, version, goal, after) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (app) DO UPDATE SET version = excluded.version, goal = excluded.goal, after = excluded.after",
    );
    let query = query.bind(&schema.app).bind(i64::from(shape.0)).bind(shape.1.map(i64::from)).bind(shape.2);
    query.execute(&mut **tx).await.map(drop).map_err(|error| database(&error))
}

/// The first rows behind a place, whoever they belong to. Places stay when rows change, also when an entity is renamed.
async fn behind(tx: &mut Tx, app: &str, after: i64) -> Result<Vec<(i64, String, Row)>> {
    let query = sqlx::query(
        "SELECT entity, id, version, number, deleted, data, stamps, changed_by, changed_at, last, rowid, scope
         FROM records WHERE rowid > ?1 AND scope >= ?2 || '/' AND scope < ?2 || '0' ORDER BY rowid LIMIT ?3",
    );
    let found = query.bind(after).bind(app).bind(ROWS).fetch_all(&mut **tx).await;
    let read = |one: &sqlx::sqlite::SqliteRow| -> Got<(i64, String, Row)> { Ok((one.try_get(10)?, one.try_get(11)?, row(one)?)) };
    found.and_then(|rows| rows.iter().map(read).collect()).map_err(|error| database(&error))
}

async fn write(tx: &mut Tx, upgrade: &Upgrade<'_>, rows: Vec<(i64, String, Row)>) -> Result<()> {
    let mut list: Vec<Value> = Vec::new();
    for (place, _, row) in rows {
        let row = up_to_date_row(upgrade, row);
        let last = row.last.as_ref().map(text).transpose()?;
        list.push(json!([place, row.entity, text(&row.data)?, text(&row.stamps)?, last]));
    }
    let query = sqlx::query(
        "UPDATE records SET entity = k.value->>1, data = k.value->>2, stamps = k.value->>3, last = k.value->>4
         FROM json_each(?1) k WHERE records.rowid = k.value->>0",
    );
    query.bind(text(&list)?).execute(&mut **tx).await.map(drop).map_err(|error| database(&error))
}

/// Names of entities beside the records; the index by terms is made anew by whoever asks next.
async fn temps(tx: &mut Tx, app: &str, upgrade: &Upgrade<'_>) -> Result<()> {
    let mine = "scope >= ?1 || '/' AND scope < ?1 || '0'";
    let names: Got<Vec<String>> =
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT DISTINCT entity FROM temps WHERE {mine}")))
            .bind(app)
            .fetch_all(&mut **tx)
            .await;
    for name in names.map_err(|error| database(&error))? {
        let now = upgrade.entity(&name);
        if now != name {
            let query = sqlx::query(sqlx::AssertSqlSafe(format!("UPDATE temps SET entity = ?3 WHERE {mine} AND entity = ?2")));
            query.bind(app).bind(&name).bind(now).execute(&mut **tx).await.map_err(|error| database(&error))?;
        }
    }
    let query = sqlx::query(sqlx::AssertSqlSafe(format!("DELETE FROM terms_made WHERE {mine}")));
    query.bind(app).execute(&mut **tx).await.map(drop).map_err(|error| database(&error))
}
