//! I11: a base is exactly the server version it names (or is being fetched again, because its digest was not the predicted
//! one), and there is one for as long as a record has pending ops and no longer.

use crate::invariants::history::History;
use crate::world::World;
use landfall::record::Fields;
use serde_json::Value;

/// A base that was put.
pub fn check(world: &World, device: usize, row: Option<&Value>) -> Result<(), String> {
    let Some(row) = row else { return Ok(()) };
    let id = row["entity_id"].as_str().unwrap_or_default();
    let sync = world.devices[device].store.get("metadata", &"sync".into());
    let wanted = sync.and_then(|sync| sync["want"].as_array()).is_some_and(|want| want.iter().any(|one| one["entity_id"] == id));
    if wanted {
        return Ok(());
    }
    if row["data"].is_null() && world.servers[world.devices[device].tenant].gone(row) {
        // A snapshot that does not list it says that the record is gone, not at which version.
        return Ok(());
    }
    holds(&world.servers[world.devices[device].tenant].history, row).map_err(|what| format!("I11: device {device}: {what}"))
}

fn holds(history: &History, row: &Value) -> Result<(), String> {
    let (entity, id) = (row["entity_type"].as_str().unwrap_or_default(), row["entity_id"].as_str().unwrap_or_default());
    let version = row["version"].as_u64().unwrap_or(0);
    let data = row["data"].as_object().cloned().unwrap_or_else(Fields::new);
    match history.had(entity, id, version, &data) {
        Some(true) => Ok(()),
        Some(false) => Err(format!("the base of {entity} {id} is not the server's version {version}: {row}")),
        None => Err(format!("the base of {entity} {id} names a version {version} that never was")),
    }
}

/// At rest no record has a base.
pub fn none_left(world: &World) -> Result<(), String> {
    for (at, device) in world.devices.iter().enumerate() {
        if let Some(base) = device.store.rows("base").next() {
            return Err(format!("I11: device {at} keeps a base without ops: {base}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::holds;
    use crate::invariants::history::History;
    use serde_json::json;

    #[test]
    fn sees_a_base_that_never_was() {
        let mut history = History::default();
        history.push("note", "x", 1, json!({ "title": "a" }).as_object().expect("fields"));
        let base = |version: u64, title: &str| {
            let data = json!({ "title": title });
            json!({ "entity_type": "note", "entity_id": "x", "version": version, "data": data })
        };
        assert!(holds(&history, &base(1, "a")).is_ok());
        assert!(holds(&history, &base(1, "b")).is_err());
        assert!(holds(&history, &base(2, "a")).is_err());
    }
}
