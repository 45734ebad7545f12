//! Law 1: the counts of the head row are those of the queue, the usage that of the records. Followed change by change after
//! every transaction, counted anew at rest.

use crate::world::World;
use landfall::schema::Schema;
use landfall::store::Memory;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    queued: i64,
    failed: i64,
    conflicts: i64,
    /// By store.
    bytes: BTreeMap<String, i64>,
}

impl Counts {
    /// All of a store, counted.
    pub fn of(schema: &Schema, store: &Memory) -> Self {
        let mut counts = Self::default();
        store.rows("sync_queue").for_each(|row| counts.op(None, Some(row)));
        for entity in schema.entities.values() {
            store.rows(&entity.store).for_each(|row| counts.record(&entity.store, None, Some(row)));
        }
        counts
    }

    pub fn op(&mut self, old: Option<&Value>, new: Option<&Value>) {
        for (row, delta) in [(old, -1), (new, 1)] {
            match row.and_then(|row| row["status"].as_str()) {
                Some("pending" | "syncing") => self.queued += delta,
                Some("failed") => self.failed += delta,
                Some("conflict") => self.conflicts += delta,
                _ => {}
            }
        }
    }

    pub fn record(&mut self, store: &str, old: Option<&Value>, new: Option<&Value>) {
        let bytes = |row: Option<&Value>| row.and_then(|row| row["_sync"]["bytes"].as_i64()).unwrap_or(0);
        let change = bytes(new) - bytes(old);
        match self.bytes.get_mut(store) {
            Some(sum) => *sum += change,
            None => drop(self.bytes.insert(store.to_owned(), change)),
        }
    }

    fn said(schema: &Schema, head: Option<&Value>, counted: &Self) -> Result<(), String> {
        let figure = |name: &str| head.and_then(|head| head[name].as_i64()).unwrap_or(0);
        let said = (figure("queued"), figure("failed"), figure("conflicts"));
        if said != (counted.queued, counted.failed, counted.conflicts) {
            return Err(format!("the head says {said:?}, the queue {counted:?}"));
        }
        for (name, entity) in &schema.entities {
            let bytes = counted.bytes.get(&entity.store).copied().unwrap_or(0);
            let said = head.and_then(|head| head["usage"][name].as_i64()).unwrap_or(0);
            if said != bytes {
                return Err(format!("the head says {said} bytes of {name}, the records are {bytes}"));
            }
        }
        Ok(())
    }
}

/// After a transaction.
pub fn check(world: &World, device: usize) -> Result<(), String> {
    let head = world.devices[device].store.get("metadata", &"head".into());
    Counts::said(&world.schema, head, &world.oracle.counts[device]).map_err(|what| format!("law 1: device {device}: {what}"))
}

/// At rest: what was followed is what there is.
pub fn recount(world: &World) -> Result<(), String> {
    for (at, device) in world.devices.iter().enumerate() {
        let mut counted = Counts::of(&world.schema, &device.store);
        let mut followed = world.oracle.counts[at].clone();
        counted.bytes.retain(|_, bytes| *bytes != 0);
        followed.bytes.retain(|_, bytes| *bytes != 0);
        if counted != followed {
            return Err(format!("law 1: device {at} has {counted:?}, followed were {followed:?}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Counts;
    use landfall::schema::Schema;
    use serde_json::json;

    #[test]
    fn sees_a_count_that_is_wrong() {
        let schema = Schema::parse(crate::app::SCHEMA).expect("a schema");
        let mut counts = Counts::default();
        counts.op(None, Some(&json!({ "status": "pending" })));
        counts.record("notes", None, Some(&json!({ "_sync": { "bytes": 9 } })));
        let head = |queued: u64, bytes: u64| json!({ "queued": queued, "usage": { "note": bytes } });
        assert!(Counts::said(&schema, Some(&head(1, 9)), &counts).is_ok());
        assert!(Counts::said(&schema, Some(&head(0, 9)), &counts).is_err());
        assert!(Counts::said(&schema, Some(&head(1, 8)), &counts).is_err());
    }
}
