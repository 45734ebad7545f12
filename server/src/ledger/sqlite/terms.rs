//! The index by terms and the temporary ids in the file. This module decides how rows are found by what they hold and when
//! the index of a tenant is made anew; which terms a row has, `authority::terms` says. Only `sqlite` calls this, inside the
//! push's transaction.

use crate::ledger::sqlite::read::{self, Got, row, size, text_at};
use crate::ledger::sqlite::{Tx, int, text, uint};
use crate::problem::database;
use landfall::authority::{Row, TempRow, terms};
use landfall::error::Result;
use landfall::id::User;
use landfall::limits::CASCADE_ROWS;
use landfall::schema::Schema;
use landfall::time::Millis;
use serde_json::{Value, json};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

/// Rows read at once while an index is made.
const PAGE: usize = 1000;

/// The rows under each of these terms, with the term.
pub async fn under(tx: &mut Tx, scope: &str, wanted: &[String]) -> Result<Vec<(String, Row)>> {
    let mut found = Vec::new();
    for term in wanted {
        let query = sqlx::query(
            "SELECT r.entity, r.id, r.version, r.number, r.deleted, r.data, r.stamps, r.changed_by, r.changed_at, r.last
             FROM terms t CROSS JOIN records r
             WHERE t.scope = ?1 AND t.term = ?2 AND r.scope = ?1 AND r.entity = t.entity AND r.id = t.id LIMIT ?3",
        );
        let rows = query.bind(scope).bind(term).bind(size(CASCADE_ROWS + 1)).fetch_all(&mut **tx).await;
        let rows: Got<Vec<Row>> = rows.and_then(|rows| rows.iter().map(row).collect());
        found.extend(rows.map_err(|error| database(&error))?.into_iter().map(|row| (term.clone(), row)));
    }
    Ok(found)
}

/// Writes the terms of rows over those they had.
pub async fn write(tx: &mut Tx, at: (&str, &Schema), rows: &[Row]) -> Result<()> {
    let (scope, schema) = at;
    let keys: Vec<Value> = rows.iter().map(|row| json!([row.entity, row.id])).collect();
    sqlx::query("DELETE FROM terms WHERE scope = ?1 AND (entity, id) IN (SELECT value->>0, value->>1 FROM json_each(?2))")
        .bind(scope)
        .bind(text(&keys)?)
        .execute(&mut **tx)
        .await
        .map_err(|error| database(&error))?;
    let terms = |row: &Row| terms::of(schema, row).into_iter().map(|term| json!([term, row.entity, row.id])).collect::<Vec<_>>();
    let list: Vec<Value> = rows.iter().flat_map(terms).collect();
    if list.is_empty() {
        return Ok(());
    }
    sqlx::query("INSERT INTO terms (scope, term, entity, id) SELECT ?1, value->>0, value->>1, value->>2 FROM json_each(?2)")
        .bind(scope)
        .bind(text(&list)?)
        .execute(&mut **tx)
        .await
        .map(drop)
        .map_err(|error| database(&error))
}

/// Makes the index of a tenant from its rows, unless it was made under this declaration.
pub async fn make(tx: &mut Tx, scope: &str, schema: &Schema) -> Result<()> {
    let signature = terms::signature(schema);
    let made: Got<Option<String>> =
        sqlx::query_scalar("SELECT signature FROM terms_made WHERE scope = ?1").bind(scope).fetch_optional(&mut **tx).await;
    if made.map_err(|error| database(&error))?.is_some_and(|made| made == signature) {
        return Ok(());
    }
    sqlx::query("DELETE FROM terms WHERE scope = ?1").bind(scope).execute(&mut **tx).await.map_err(|error| database(&error))?;
    let mut after = 0;
    loop {
        let rows = read::delta(tx, scope, after, PAGE).await?;
        let Some(last) = rows.last() else { break };
        after = last.number;
        write(tx, (scope, schema), &rows).await?;
    }
    sqlx::query(
        "INSERT INTO terms_made (scope, signature) VALUES (?1, ?2)
         ON CONFLICT (scope) DO UPDATE SET signature = excluded.signature",
    )
    .bind(scope)
    .bind(signature)
    .execute(&mut **tx)
    .await
    .map(drop)
    .map_err(|error| database(&error))
}

/// What a user's temporary ids stand for, as far as is known.
pub async fn temps(tx: &mut Tx, scope: &str, user: &User, wanted: &[String]) -> Result<Vec<TempRow>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let query = sqlx::query(
        "SELECT t.user, t.temp_id, t.entity, t.real_id, t.at
         FROM json_each(?3) k CROSS JOIN temps t WHERE t.scope = ?1 AND t.user = ?2 AND t.temp_id = k.value",
    );
    let found = query.bind(scope).bind(user.as_str()).bind(text(wanted)?).fetch_all(&mut **tx).await;
    let read = |row: &SqliteRow| -> Got<TempRow> {
        Ok(TempRow {
            user: text_at(row, 0)?.into(),
            temp_id: text_at(row, 1)?,
            entity: text_at(row, 2)?,
            real_id: text_at(row, 3)?,
            at: Millis(uint(row.try_get(4)?)),
        })
    };
    found.and_then(|rows| rows.iter().map(read).collect()).map_err(|error| database(&error))
}

/// Writes what temporary ids stand for. One that has a meaning keeps it: a record that comes back keeps its id.
pub async fn write_temps(tx: &mut Tx, scope: &str, temps: &[TempRow]) -> Result<()> {
    if temps.is_empty() {
        return Ok(());
    }
    let list: Vec<Value> =
        temps.iter().map(|row| json!([row.user, row.temp_id, row.entity, row.real_id, int(row.at.0)])).collect();
    sqlx::query(
        "INSERT INTO temps (scope, user, temp_id, entity, real_id, at)
         SELECT ?1, value->>0, value->>1, value->>2, value->>3, value->>4 FROM json_each(?2)
         WHERE true ON CONFLICT DO NOTHING",
    )
    .bind(scope)
    .bind(text(&list)?)
    .execute(&mut **tx)
    .await
    .map(drop)
    .map_err(|error| database(&error))
}
