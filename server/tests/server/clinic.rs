//! A clinic's devices: clients with pets, pets with visits, ids that are temporary at first.

use crate::world::{World, push, rows};
use landfall_server::auth::Identity;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

pub const PUSH: &str = "/clinic/api/v1/sync/push";
pub const PULL: &str = "/clinic/api/v1/sync/pull";
pub const DEVICES: &str = "/clinic/api/v1/sync/devices";

/// One user's device.
pub struct Client<'a> {
    pub world: &'a World,
    pub token: String,
    pub device: String,
    pub no: std::cell::Cell<u64>,
}

pub fn token(world: &World, user: &str, tenant: &str) -> String {
    let identity =
        Identity { user: user.into(), tenant: tenant.into(), app: "clinic".into(), roles: vec![], lists: Default::default() };
    world.server.keys().mint(&identity, world.now()).unwrap()
}

impl<'a> Client<'a> {
    pub async fn new(world: &'a World, user: &str, tenant: &str) -> Self {
        let (token, device) = (token(world, user, tenant), format!("{user}-{tenant}"));
        let reply = world.post(DEVICES, &token, &json!({ "device_id": device })).await;
        assert_eq!(reply.status, 200);
        Self { world, token, device, no: std::cell::Cell::new(0) }
    }

    pub async fn push(&self, changes: &[Value]) -> Vec<Value> {
        self.no.set(self.no.get() + 1);
        let reply = self.world.post(PUSH, &self.token, &push(&self.device, self.no.get(), changes)).await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.bytes));
        reply.json()["processed"].as_array().unwrap().clone()
    }

    pub async fn one(&self, change: Value) -> Value {
        self.push(&[change]).await.remove(0)
    }

    /// Every change there ever was, in the order of numbers: what a device that was there from the beginning gets.
    pub async fn changes(&self, token: &mut Value) -> Vec<Value> {
        let mut found = Vec::new();
        loop {
            let body = json!({"protocol": 1, "device_id": self.device, "schema_version": 1, "sync_token": token});
            let page = self.world.post(PULL, &self.token, &body).await.json();
            found.extend(rows(&page));
            *token = page["next_sync_token"].clone();
            if page["has_more"] == false {
                return found;
            }
        }
    }

    pub async fn all(&self) -> Vec<Value> {
        self.changes(&mut Value::Null).await
    }
}

pub fn change(what: (&str, &str), record: (&str, &str), base: Option<u64>, data: Value) -> Value {
    static TICKS: AtomicU64 = AtomicU64::new(0);
    let ((op, operation), (entity, id)) = (what, record);
    let hlc = format!("019a62f0dd00-{:04x}-d1", TICKS.fetch_add(1, Ordering::SeqCst));
    let mut change = json!({
        "queue_id": op, "operation": operation, "entity_type": entity, "entity_id": id, "data": data, "base_version": base,
        "local_version": 1, "timestamp": "2025-11-08T10:00:00.000Z", "hlc": hlc, "schema_version": 1
    });
    if id.starts_with("temp_") {
        change.as_object_mut().unwrap().remove("entity_id");
        change["temp_id"] = json!(id);
    }
    change
}

pub fn create(op: &str, record: (&str, &str), mut data: Value) -> Value {
    data["id"] = json!(record.1);
    change((op, "create"), record, None, data)
}

pub fn delete(op: &str, record: (&str, &str), base: u64) -> Value {
    change((op, "delete"), record, Some(base), json!({}))
}

pub fn status(answer: &Value) -> (&str, &str) {
    (answer["status"].as_str().unwrap(), answer["error"]["code"].as_str().unwrap_or_default())
}

pub fn temp(no: u64, entity: &str) -> String {
    landfall::id::temp(landfall::time::Millis(1_762_596_000_000 + no), no.to_be_bytes(), entity)
}

pub const OK: (&str, &str) = ("success", "");
