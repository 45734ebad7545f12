//! I12: cursor completeness. For every cursor a device holds, every row committed at or before it is here, as the record or
//! as the base under pending ops; and within one run of the server the cursor never goes back.

use crate::world::World;
use landfall::authority::Row;
use landfall::id::Token;
use landfall::store::Key;
use serde_json::Value;

/// How far a device's cursor has been checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// It has none: it is empty, or was told to begin anew.
    #[default]
    None,
    /// Its store is another one than before.
    Unknown,
    /// Everything up to this number is here.
    Number(u64),
}

/// The sync row was put.
pub fn check(world: &mut World, device: usize) -> Result<(), String> {
    let one = &world.devices[device];
    let server = &world.servers[one.tenant];
    let sync = one.store.get("metadata", &"sync".into());
    let token = sync.and_then(|sync| sync["token"].as_str()).map(|token| Token(token.to_owned()));
    let Some(cursor) = token.and_then(|token| server.key.open(&token)) else {
        world.oracle.cursors[device] = Place::None;
        return Ok(());
    };
    if cursor.snapshot.is_some() || !server.runs.contains(&cursor.run) {
        // What a server said before it was put back is about data that it no longer has.
        return Ok(());
    }
    let from = match world.oracle.cursors[device] {
        Place::Number(number) => number,
        Place::None | Place::Unknown => 0,
    };
    moved(from, cursor.number).map_err(|what| format!("I12: device {device}: {what}"))?;
    for row in server.ledger.changed_since(from).take_while(|row| row.number <= cursor.number) {
        let store = &world.schema.entities[&row.entity].store;
        let record = one.store.get(store, &row.id.as_str().into());
        let base = one.store.get("base", &Key::pair(row.entity.as_str(), row.id.as_str()));
        here(row, record, base).map_err(|what| format!("I12: device {device} at {}: {what}", cursor.number))?;
    }
    world.oracle.cursors[device] = Place::Number(cursor.number);
    Ok(())
}

/// Whether the device's cursor is where its server is; a glance, no judgement.
pub fn caught_up(world: &World, device: usize) -> bool {
    let counter = world.servers[world.devices[device].tenant].ledger.counter();
    match world.oracle.cursors[device] {
        Place::Number(number) => number >= counter,
        Place::None | Place::Unknown => counter == 0,
    }
}

fn moved(from: u64, to: u64) -> Result<(), String> {
    if to >= from { Ok(()) } else { Err(format!("the cursor went back from {from} to {to}")) }
}

fn here(row: &Row, record: Option<&Value>, base: Option<&Value>) -> Result<(), String> {
    let version = |row: Option<&Value>, path: &str| row.and_then(|row| row.pointer(path)).and_then(Value::as_u64).unwrap_or(0);
    let reached = version(record, "/_sync/version").max(version(base, "/version"));
    // A snapshot lists no tombstones: a record that people are still at work on stays, and its ops will hear of the delete.
    let gone = row.deleted && record.is_none_or(|record| record["_sync"]["status"] != "synced");
    if reached >= row.version || gone {
        return Ok(());
    }
    Err(format!("{} {} is at version {reached}, the server's {} had number {}", row.entity, row.id, row.version, row.number))
}

#[cfg(test)]
mod tests {
    use super::{here, moved};
    use landfall::authority::Row;
    use serde_json::json;

    #[test]
    fn sees_a_row_that_was_skipped_and_a_cursor_that_went_back() {
        let row: Row = serde_json::from_value(json!({
            "entity": "note", "id": "x", "version": 2, "number": 7, "deleted": false, "data": {}, "stamps": {},
            "changed_by": "", "changed_at": 0
        }))
        .expect("a row");
        let record = |version: u64| json!({ "_sync": { "version": version } });
        assert!(here(&row, Some(&record(2)), None).is_ok());
        assert!(here(&row, Some(&record(1)), Some(&json!({ "version": 2 }))).is_ok());
        assert!(here(&row, Some(&record(1)), None).is_err());
        assert!(here(&row, None, None).is_err());
        let dead = Row { deleted: true, ..row.clone() };
        assert!(here(&dead, None, None).is_ok());
        assert!(here(&dead, Some(&json!({ "_sync": { "version": 1, "status": "synced" } })), None).is_err());
        assert!(here(&dead, Some(&json!({ "_sync": { "version": 1, "status": "pending" } })), None).is_ok());
        assert!(moved(3, 3).is_ok());
        assert!(moved(3, 2).is_err());
    }
}
