//! A server of its own for each test, a clock that the test moves, and requests that are made without a socket.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use landfall::time::Millis;
use landfall_server::auth::Identity;
use landfall_server::clock::Clock;
use landfall_server::config::Config;
use landfall_server::{Server, app};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tower::ServiceExt as _;

/// 2025-11-08T10:00:00Z.
pub const START: u64 = 1_762_596_000_000;
pub const SECRET: &[u8] = b"a secret of thirty-two bytes, yes";

pub struct World {
    pub server: Server,
    pub router: Router,
    pub clock: Arc<AtomicU64>,
    pub folder: TempDir,
    devices: Mutex<BTreeSet<(String, String)>>,
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.bytes)))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The code of a problem, after checking that it is one.
    pub fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", String::from_utf8_lossy(&self.bytes));
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        let code = problem["code"].as_str().unwrap().to_owned();
        assert_eq!(problem["type"], format!("https://landfall.dev/errors/{code}"));
        code
    }
}

pub fn schemas() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/server/schemas")
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config {
            data: Some(folder.path().join("data.db")),
            schemas: schemas(),
            secret: Some(SECRET.to_vec()),
            dev: true,
            rate_per_s: 1_000_000,
            ..Config::default()
        };
        change(&mut config);
        let clock = Arc::new(AtomicU64::new(START));
        let read = Arc::clone(&clock);
        let server = Server::start_at(&config, Clock::from(move || Millis(read.load(Ordering::SeqCst)))).await.unwrap();
        let router = app(server.clone(), config.files.as_deref());
        Self { server, router, clock, folder, devices: Mutex::default() }
    }

    pub fn now(&self) -> Millis {
        Millis(self.clock.load(Ordering::SeqCst))
    }

    pub fn pass(&self, ms: u64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Reply { status: parts.status, headers: parts.headers, bytes }
    }

    pub fn token(&self, user: &str, tenant: &str) -> String {
        self.server.keys().mint(&identity(user, tenant), self.now()).unwrap()
    }

    /// Registers a device, once.
    pub async fn register(&self, token: &str, device: &str) {
        if self.devices.lock().unwrap().insert((token.to_owned(), device.to_owned())) {
            let reply = self.post(DEVICES, token, &json!({"device_id": device})).await;
            assert_eq!(reply.status, StatusCode::OK, "{}", String::from_utf8_lossy(&reply.bytes));
        }
    }

    /// Pushes from a device that is registered.
    pub async fn pushed(&self, token: &str, body: &Value) -> Value {
        self.register(token, body["device_id"].as_str().unwrap()).await;
        let reply = self.post(PUSH, token, body).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", String::from_utf8_lossy(&reply.bytes));
        reply.json()
    }

    pub async fn page(&self, token: &str, device: &str, cursor: &Value) -> Value {
        self.page_of(token, device, (cursor, 0)).await
    }

    pub async fn page_of(&self, token: &str, device: &str, from: (&Value, u32)) -> Value {
        let (cursor, limit) = from;
        let mut body = pull(device);
        body["sync_token"] = cursor.clone();
        body["limit"] = json!(limit);
        let reply = self.post(PULL, token, &body).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", String::from_utf8_lossy(&reply.bytes));
        reply.json()
    }

    pub async fn post(&self, path: &str, token: &str, body: &Value) -> Reply {
        self.send(post(path, token).body(Body::from(body.to_string())).unwrap()).await
    }
}

pub fn identity(user: &str, tenant: &str) -> Identity {
    Identity { user: user.into(), tenant: tenant.into(), app: "shop".into(), roles: vec![], lists: Default::default() }
}

/// A POST of JSON with a token (none if empty), without its body.
pub fn post(path: &str, token: &str) -> axum::http::request::Builder {
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    if token.is_empty() { request } else { request.header(header::AUTHORIZATION, format!("Bearer {token}")) }
}

pub const PUSH: &str = "/shop/api/v1/sync/push";
pub const DEVICES: &str = "/shop/api/v1/sync/devices";
pub const PULL: &str = "/shop/api/v1/sync/pull";

/// A create of a note.
pub fn create(op: &str, id: &str) -> Value {
    json!({
        "queue_id": op, "operation": "create", "entity_type": "note", "entity_id": id, "data": {"id": id, "title": "one"},
        "base_version": null, "local_version": 1, "timestamp": "2025-11-08T10:00:00.000Z", "hlc": "019a62f0dd00-0000-d1",
        "schema_version": 1
    })
}

/// An update of a note's title.
pub fn update(op: &str, id: &str, base: u64, title: &str) -> Value {
    let mut change = create(op, id);
    change["operation"] = json!("update");
    change["base_version"] = json!(base);
    change["data"] = json!({"title": title});
    change["before"] = json!({"title": "one"});
    change
}

/// A delete of a note.
pub fn delete(op: &str, id: &str, base: u64) -> Value {
    let mut change = create(op, id);
    change["operation"] = json!("delete");
    change["base_version"] = json!(base);
    change["data"] = json!({});
    change
}

/// The rows of a page, slice after slice.
pub fn rows(page: &Value) -> Vec<Value> {
    let slices = page["slices"].as_array().unwrap_or_else(|| panic!("{page}"));
    slices.iter().flat_map(|slice| slice["changes"].as_array().unwrap().clone()).collect()
}

/// A push of the device's `no`-th request.
pub fn push(device: &str, no: u64, changes: &[Value]) -> Value {
    json!({
        "protocol": 1, "device_id": device, "incarnation": format!("{device}-life"), "request_no": no,
        "client_time": "2025-11-08T10:00:00.000Z", "schema_version": 1, "changes": changes
    })
}

pub fn pull(device: &str) -> Value {
    json!({"protocol": 1, "device_id": device, "schema_version": 1})
}

/// What a data file holds that a push can change.
pub async fn held(folder: &TempDir) -> String {
    let db = landfall_server::db::Db::open(&folder.path().join("data.db")).await.unwrap();
    let mut tx = db.read().await.unwrap();
    let text: String = sqlx::query_scalar(
        "SELECT json_object(
             'records', (SELECT json_group_array(json_array(scope, entity, id, version, number, deleted, data)) FROM records),
             'answers', (SELECT json_group_array(json_array(scope, id, user, device, number, answer)) FROM answers),
             'devices', (SELECT json_group_array(json_array(scope, id, user, incarnation, request_no)) FROM devices),
             'tenants', (SELECT json_group_array(json_array(scope, counter)) FROM tenants))",
    )
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    drop(tx);
    db.close().await;
    text
}

/// The cursor behind everything that is there.
pub async fn caught_up(world: &World, token: &str, device: &str) -> Value {
    let mut cursor = Value::Null;
    loop {
        let page = world.page(token, device, &cursor).await;
        cursor = page["next_sync_token"].clone();
        if page["has_more"] == false {
            return cursor;
        }
    }
}
