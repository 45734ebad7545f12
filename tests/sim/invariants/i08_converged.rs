//! I8: convergence. At rest every device has what its server has: the same records, field for field, at the same versions.

use crate::world::World;
use landfall::authority::{MemoryLedger, RowKey};
use landfall::schema::Schema;
use landfall::store::Memory;
use landfall::store::rows::SYNC;
use serde_json::Value;

pub fn check(world: &World) -> Result<(), String> {
    for (at, device) in world.devices.iter().enumerate() {
        same(&world.schema, &device.store, &world.servers[device.tenant].ledger)
            .map_err(|what| format!("I8: device {at}: {what}"))?;
    }
    Ok(())
}

fn same(schema: &Schema, store: &Memory, ledger: &MemoryLedger) -> Result<(), String> {
    let mut live = 0;
    for row in ledger.rows().filter(|row| !row.deleted) {
        let Some(ours) = store.get(&schema.entities[&row.entity].store, &row.id.as_str().into()) else {
            return Err(format!("{} {} is missing, the server has version {}", row.entity, row.id, row.version));
        };
        equal(&Value::Object(row.data.clone()), row.version, ours)
            .map_err(|what| format!("{} {}: {what}", row.entity, row.id))?;
        live += 1;
    }
    let here: usize = schema.entities.values().map(|entity| store.rows(&entity.store).count()).sum();
    if here == live {
        return Ok(());
    }
    let lives = |name: &str, row: &&Value| {
        let key = RowKey { entity: name.to_owned(), id: row["id"].as_str().unwrap_or_default().to_owned() };
        ledger.row(&key).is_some_and(|row| !row.deleted)
    };
    let extra = schema.entities.iter().flat_map(|(name, entity)| store.rows(&entity.store).filter(|row| !lives(name, row)));
    Err(format!("only here: {}", extra.map(ToString::to_string).collect::<Vec<_>>().join(" ")))
}

fn equal(theirs: &Value, version: u64, ours: &Value) -> Result<(), String> {
    let fields = theirs.as_object().map_or(0, serde_json::Map::len);
    let differs = theirs.as_object().into_iter().flatten().find(|(field, value)| ours.get(field.as_str()) != Some(*value));
    let extra = ours.as_object().map_or(0, |ours| ours.keys().filter(|key| *key != SYNC).count());
    if let Some((field, value)) = differs {
        return Err(format!("{field} is {:?} here and {value} there", ours.get(field.as_str()).map(Value::to_string)));
    }
    if extra != fields {
        return Err(format!("{extra} fields here, {fields} there"));
    }
    let ours = ours[SYNC]["version"].as_u64();
    if ours == Some(version) { Ok(()) } else { Err(format!("version {ours:?} here, {version} there")) }
}

#[cfg(test)]
mod tests {
    use super::equal;
    use serde_json::json;

    #[test]
    fn sees_another_value_another_field_and_another_version() {
        let theirs = json!({ "id": "x", "title": "a" });
        let ours = |title: &str, version: u64| json!({ "id": "x", "title": title, "_sync": { "version": version } });
        assert!(equal(&theirs, 2, &ours("a", 2)).is_ok());
        assert!(equal(&theirs, 2, &ours("b", 2)).is_err());
        assert!(equal(&theirs, 3, &ours("a", 2)).is_err());
        assert!(equal(&json!({ "id": "x" }), 2, &ours("a", 2)).is_err());
    }
}
