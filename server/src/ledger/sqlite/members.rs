//! Membership of buckets as statements: what `Follow` reads and writes inside a transaction, and what a pull by places reads.
//! This module decides which index each question goes by, so that none costs more for records out of scope. Only `sqlite`
//! calls it.

use crate::ledger::sqlite::key::{sort, sort_hex};
use crate::ledger::sqlite::{Tx, int, read, text, uint, write};
use crate::problem::database;
use landfall::authority::follow::{Around, FollowRead};
use landfall::authority::scope::{Held, Membership, Support, is_whole};
use landfall::authority::{RowKey, rows::Row};
use landfall::error::Result;
use landfall::time::Millis;
use serde_json::{Value, json};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use std::collections::{BTreeMap, BTreeSet};

type Got<T> = std::result::Result<T, sqlx::Error>;

/// Most moments that one transaction acts on.
pub const DUE: i64 = 500;

fn pairs(keys: &[RowKey]) -> Result<String> {
    text(&keys.iter().map(|key| (&key.entity, &key.id)).collect::<Vec<_>>())
}

fn key(row: &SqliteRow, from: usize) -> Got<RowKey> {
    Ok(RowKey { entity: row.try_get(from)?, id: row.try_get(from + 1)? })
}

fn support(row: &SqliteRow) -> Got<Support> {
    let via = key(row, 4)?;
    Ok(Support {
        key: key(row, 0)?,
        bucket: row.try_get(2)?,
        rule: row.try_get(3)?,
        via: (!via.entity.is_empty()).then_some(via),
        holds: row.try_get::<i64, _>(6)? != 0,
        due: row.try_get::<Option<i64>, _>(7)?.map(|due| Millis(uint(due))),
    })
}

async fn supports(tx: &mut Tx, scope: &str, list: &str, statement: &'static str) -> Result<Vec<Support>> {
    let found = sqlx::query(statement).bind(scope).bind(list).fetch_all(&mut **tx).await;
    found.and_then(|rows| rows.iter().map(support).collect()).map_err(|error| database(&error))
}

/// What `Follow` asks for, near ones first.
pub async fn around(tx: &mut Tx, scope: &str, asked: &FollowRead) -> Result<Vec<Around>> {
    let keys: Vec<RowKey> = asked.near.iter().chain(&asked.far).cloned().collect();
    let (all, far) = (pairs(&keys)?, pairs(&asked.far)?);
    let mut found: BTreeMap<RowKey, Around> = BTreeMap::new();
    for row in read::rows(tx, scope, &keys).await? {
        let key = row.key();
        found.entry(key).or_default().row = Some(row);
    }
    let own = "SELECT s.entity, s.id, s.bucket, s.rule, s.via_entity, s.via_id, s.holds, s.due
         FROM json_each(?2) k CROSS JOIN supports s
         WHERE s.scope = ?1 AND s.entity = k.value->>0 AND s.id = k.value->>1";
    for one in supports(tx, scope, &all, own).await? {
        found.entry(one.key.clone()).or_default().supports.push(one);
    }
    let by_via = "SELECT s.entity, s.id, s.bucket, s.rule, s.via_entity, s.via_id, s.holds, s.due
         FROM json_each(?2) k CROSS JOIN supports s
         WHERE s.scope = ?1 AND s.via_entity <> '' AND s.via_entity = k.value->>0 AND s.via_id = k.value->>1";
    for one in supports(tx, scope, &far, by_via).await? {
        if let Some(via) = one.via.clone() {
            found.entry(via).or_default().dependents.push(one);
        }
    }
    let query = sqlx::query(
        "SELECT l.entity, l.id, l.field, l.to_entity, l.to_id FROM json_each(?2) k CROSS JOIN links l
         WHERE l.scope = ?1 AND l.to_entity = k.value->>0 AND l.to_id = k.value->>1",
    );
    let links = query.bind(scope).bind(&far).fetch_all(&mut **tx).await.map_err(|error| database(&error))?;
    for link in &links {
        let read = || -> Got<_> { Ok((key(link, 3)?, (key(link, 0)?, link.try_get(2)?))) };
        let (to, from) = read().map_err(|error| database(&error))?;
        found.entry(to).or_default().referrers.push(from);
    }
    Ok(keys.iter().map(|key| found.get(key).cloned().unwrap_or_default()).collect())
}

/// Writes what `Follow` has worked out, numbered.
pub async fn apply(tx: &mut Tx, scope: &str, membership: &Membership) -> Result<()> {
    let via = |one: &Support| one.via.as_ref().map_or((String::new(), String::new()), |via| (via.entity.clone(), via.id.clone()));
    let named = |one: &Support| {
        let (entity, id) = via(one);
        json!([one.key.entity, one.key.id, one.bucket, one.rule, entity, id, i64::from(one.holds), one.due.map(|due| int(due.0))])
    };
    let drops: Vec<Value> = membership.drops.iter().map(named).collect();
    let drop = "DELETE FROM supports WHERE scope = ?1 AND (entity, id, bucket, rule, via_entity, via_id) IN
         (SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5 FROM json_each(?2))";
    write::list(tx, scope, &drops, drop).await?;
    let puts: Vec<Value> = membership.puts.iter().map(named).collect();
    let put = "INSERT OR REPLACE INTO supports (scope, entity, id, bucket, rule, via_entity, via_id, holds, due)
         SELECT ?1, value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7 FROM json_each(?2)";
    write::list(tx, scope, &puts, put).await?;
    let from: Vec<Value> = membership.links.iter().map(|(from, _)| json!([from.entity, from.id])).collect();
    let unlink = "DELETE FROM links WHERE scope = ?1 AND (entity, id) IN
         (SELECT value->>0, value->>1 FROM json_each(?2))";
    write::list(tx, scope, &from, unlink).await?;
    let one = |from: &RowKey, field: &String, to: &RowKey| json!([from.entity, from.id, field, to.entity, to.id]);
    let links: Vec<Value> =
        membership.links.iter().flat_map(|(from, to)| to.iter().map(move |(field, to)| one(from, field, to))).collect();
    let link = "INSERT INTO links (scope, entity, id, field, to_entity, to_id)
         SELECT ?1, value->>0, value->>1, value->>2, value->>3, value->>4 FROM json_each(?2)";
    write::list(tx, scope, &links, link).await?;
    let touch = |one: &landfall::authority::scope::Touch| {
        json!([one.bucket, one.key.entity, one.key.id, sort_hex(&one.key.id), int(one.number), i64::from(one.live)])
    };
    let touched: Vec<Value> = membership.touched.iter().map(touch).collect();
    let member = "INSERT INTO members (scope, bucket, entity, id, sort, number, live)
         SELECT ?1, value->>0, value->>1, value->>2, unhex(value->>3), value->>4, value->>5 FROM json_each(?2) WHERE true
         ON CONFLICT (scope, bucket, entity, id) DO UPDATE SET number = excluded.number, live = excluded.live";
    write::list(tx, scope, &touched, member).await
}

/// Supports in these places that have to be looked at again.
pub async fn due(tx: &mut Tx, scope: &str, places: &[String], now: Millis) -> Result<Vec<Support>> {
    let query = sqlx::query(
        "SELECT s.entity, s.id, s.bucket, s.rule, s.via_entity, s.via_id, s.holds, s.due
         FROM json_each(?2) b CROSS JOIN supports s
         WHERE s.scope = ?1 AND s.bucket = b.value AND s.due IS NOT NULL AND s.due <= ?3 LIMIT ?4",
    );
    let found = query.bind(scope).bind(text(places)?).bind(int(now.0)).bind(DUE).fetch_all(&mut **tx).await;
    found.and_then(|rows| rows.iter().map(support).collect()).map_err(|error| database(&error))
}

/// What was picked by hand in these buckets.
pub async fn picked(tx: &mut Tx, scope: &str, buckets: &[String]) -> Result<Vec<Support>> {
    let by_hand = "SELECT s.entity, s.id, s.bucket, s.rule, s.via_entity, s.via_id, s.holds, s.due
         FROM json_each(?2) b CROSS JOIN supports s WHERE s.scope = ?1 AND s.bucket = b.value AND s.via_entity = ''";
    supports(tx, scope, &text(buckets)?, by_hand).await
}

/// Records of these places with a number above `after`, by number: of each place the first `limit` are looked at, no more.
pub async fn touched(tx: &mut Tx, scope: &str, places: &[String], from: (u64, usize)) -> Result<Vec<(u64, RowKey)>> {
    let (after, limit) = from;
    let query = sqlx::query(
        "SELECT number, entity, id FROM (
             SELECT m.number, m.entity, m.id FROM json_each(?2) p CROSS JOIN members m ON m.rowid IN
                 (SELECT x.rowid FROM members x WHERE x.scope = ?1 AND x.bucket = p.value AND x.number > ?3
                  ORDER BY x.number LIMIT ?4)
             UNION
             SELECT r.number, r.entity, r.id FROM json_each(?2) p CROSS JOIN records r ON r.rowid IN
                 (SELECT x.rowid FROM records x WHERE x.scope = ?1 AND x.entity = p.value AND x.number > ?3
                  ORDER BY x.number LIMIT ?4))
         ORDER BY number LIMIT ?4",
    );
    let query = query.bind(scope).bind(text(places)?).bind(int(after)).bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let read = |row: &SqliteRow| -> Got<(u64, RowKey)> { Ok((row.try_get::<i64, _>(0).map(uint)?, key(row, 1)?)) };
    let found = query.fetch_all(&mut **tx).await;
    found.and_then(|rows| rows.iter().map(read).collect()).map_err(|error| database(&error))
}

/// Members of an entity in these buckets behind an id, by id: live ones, and with `since` also what left after it.
pub async fn listed(
    tx: &mut Tx,
    scope: &str,
    place: (&[String], &str, Option<&str>),
    from: (Option<u64>, usize),
) -> Result<Vec<RowKey>> {
    let ((buckets, entity, after), (since, limit)) = (place, from);
    let query = sqlx::query(
        "SELECT DISTINCT m.entity, m.id, m.sort FROM json_each(?2) b CROSS JOIN members m ON m.rowid IN
             (SELECT x.rowid FROM members x WHERE x.scope = ?1 AND x.bucket = b.value AND x.entity = ?3 AND x.sort > ?4
              AND (x.live = 1 OR x.number > ?5) ORDER BY x.sort LIMIT ?6)
         ORDER BY m.sort LIMIT ?6",
    );
    let query = query.bind(scope).bind(text(buckets)?).bind(entity).bind(after.map(sort).unwrap_or_default());
    let query = query.bind(since.map_or(i64::MAX, int)).bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let found = query.fetch_all(&mut **tx).await;
    found.and_then(|rows| rows.iter().map(|row| key(row, 0)).collect()).map_err(|error| database(&error))
}

/// By which rules these records are in these places; of a deleted one, whether it was there when it was deleted.
pub async fn held(tx: &mut Tx, scope: &str, keys: &[RowKey], places: &[String]) -> Result<Held> {
    let mut held = Held::new();
    for key in keys.iter().filter(|key| places.iter().any(|place| is_whole(place) && *place == key.entity)) {
        held.entry(key.clone()).or_default().insert(String::new());
    }
    if keys.is_empty() || places.iter().all(|place| is_whole(place)) {
        return Ok(held);
    }
    let query = sqlx::query(
        "SELECT DISTINCT s.entity, s.id, s.rule FROM json_each(?2) k CROSS JOIN json_each(?3) b CROSS JOIN supports s
         WHERE s.scope = ?1 AND s.entity = k.value->>0 AND s.id = k.value->>1 AND s.bucket = b.value AND s.holds = 1
         UNION
         SELECT m.entity, m.id, '' FROM json_each(?2) k CROSS JOIN records r CROSS JOIN json_each(?3) b CROSS JOIN members m
         WHERE r.scope = ?1 AND r.entity = k.value->>0 AND r.id = k.value->>1 AND r.deleted = 1
           AND m.scope = ?1 AND m.bucket = b.value AND m.entity = r.entity AND m.id = r.id
           AND m.live = 0 AND m.number = r.number",
    );
    let rows = query.bind(scope).bind(pairs(keys)?).bind(text(places)?).fetch_all(&mut **tx).await;
    for row in rows.map_err(|error| database(&error))? {
        let read = || -> Got<(RowKey, String)> { Ok((key(&row, 0)?, row.try_get(2)?)) };
        let (key, rule) = read().map_err(|error| database(&error))?;
        held.entry(key).or_default().insert(rule);
    }
    Ok(held)
}

/// Records that were in one of these places and are not any more.
pub async fn left(tx: &mut Tx, scope: &str, keys: &[RowKey], places: &[String]) -> Result<BTreeSet<RowKey>> {
    if keys.is_empty() || places.is_empty() {
        return Ok(BTreeSet::new());
    }
    let query = sqlx::query(
        "SELECT m.entity, m.id FROM json_each(?2) k CROSS JOIN json_each(?3) b CROSS JOIN members m
         WHERE m.scope = ?1 AND m.bucket = b.value AND m.entity = k.value->>0 AND m.id = k.value->>1 AND m.live = 0",
    );
    let found = query.bind(scope).bind(pairs(keys)?).bind(text(places)?).fetch_all(&mut **tx).await;
    found.and_then(|rows| rows.iter().map(|row| key(row, 0)).collect()).map_err(|error| database(&error))
}

/// The rules that a tenant's membership was worked out by.
pub async fn rules(tx: &mut Tx, scope: &str) -> Result<String> {
    let found = sqlx::query_scalar("SELECT rules FROM tenants WHERE scope = ?1").bind(scope).fetch_optional(&mut **tx).await;
    found.map(Option::unwrap_or_default).map_err(|error| database(&error))
}

/// Forgets a tenant's membership: it will be worked out anew by these rules.
pub async fn forget(tx: &mut Tx, scope: &str, rules: &str) -> Result<()> {
    let statements =
        ["DELETE FROM supports WHERE scope = ?1", "DELETE FROM members WHERE scope = ?1", "DELETE FROM links WHERE scope = ?1"];
    for statement in statements {
        sqlx::query(statement).bind(scope).execute(&mut **tx).await.map_err(|error| database(&error))?;
    }
    let note = "INSERT INTO tenants (scope, counter, rules) VALUES (?1, 0, ?2)
         ON CONFLICT (scope) DO UPDATE SET rules = excluded.rules";
    sqlx::query(note).bind(scope).bind(rules).execute(&mut **tx).await.map(drop).map_err(|error| database(&error))
}

/// Every row of a tenant, a part at a time, by number.
pub async fn part(tx: &mut Tx, scope: &str, after: u64) -> Result<Vec<Row>> {
    read::delta(tx, scope, after, 500).await
}
