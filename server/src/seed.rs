//! Rows for a tenant that has none yet: catalogues, examples, what a demonstration begins with. This module decides that they
//! come in by the same door as everybody's, as creates of a user named `seed`, and are checked the same way. Start-up calls
//! it.

use crate::Server;
use crate::ledger::{Ask, Ledger as _};
use landfall::authority::Who;
use landfall::error::{Code, Error, Result};
use landfall::hlc::Hlc;
use landfall::schema::{Operation, Schema};
use landfall::time::Millis;
use landfall::wire::{self, Change, Device, PROTOCOL, PushRequest, Status};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

const SEED: &str = "seed";
/// Rows in one transaction.
const BATCH: usize = 500;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    app: String,
    tenant: String,
    entity: String,
    data: Map<String, Value>,
}

/// Loads the rows of `file` into those of its tenants that are empty.
///
/// # Errors
/// `VALIDATION_ERROR` naming the line or the row; `NOT_FOUND` for an unknown application; `SERVER_ERROR`.
pub(crate) async fn load(server: &Server, file: &Path) -> Result<()> {
    let wrong = |at: String, what: String| Error::new(Code::ValidationError, what).at(at);
    let name = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| wrong(name.to_string(), error.to_string()))?;
    let mut tenants: BTreeMap<(String, String), Vec<Line>> = BTreeMap::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line: Line = serde_json::from_str(line).map_err(|error| wrong(format!("{name}:{}", at + 1), error.to_string()))?;
        tenants.entry((line.app.clone(), line.tenant.clone())).or_default().push(line);
    }
    for ((app, tenant), lines) in tenants {
        fill(server, (&app, &tenant), lines).await?;
    }
    Ok(())
}

async fn fill(server: &Server, at: (&str, &str), lines: Vec<Line>) -> Result<()> {
    let (app, tenant) = at;
    let schema = open(&server.app(app)?.schema);
    let who = Who {
        tenant: format!("{app}/{tenant}"),
        user: SEED.into(),
        roles: Vec::new(),
        device: SEED.into(),
        lists: BTreeMap::new(),
    };
    if server.store().counter(&who.tenant).await? > 0 {
        return Ok(());
    }
    let ask = Ask { schema: &schema, who: &who, now: server.clock().now() };
    server.store().attach(ask, &Device { device_id: SEED.into(), name: SEED.to_owned() }).await?;
    for (at, lines) in lines.chunks(BATCH).enumerate() {
        let changes = lines.iter().map(|line| create(&schema, line, ask.now)).collect::<Result<_>>()?;
        let request = push(&schema, (at as u64 + 1, ask.now), changes);
        wire::check::push(&request)?;
        let reply = server.store().push(ask, request).await?.reply;
        if let Some(refused) = reply.processed.into_iter().find(|one| one.status != Status::Success) {
            let error = refused.error.unwrap_or_else(|| Error::new(Code::ValidationError, "the row is in conflict"));
            let path = format!("{} {}", refused.entity_id, error.path);
            return Err(error.at(path));
        }
    }
    tracing::info!(app, tenant, rows = lines.len(), "filled an empty tenant");
    Ok(())
}

/// The declaration without what holds for people only: what devices may not write still has to come from somewhere.
fn open(schema: &Schema) -> Schema {
    let mut schema = schema.clone();
    schema.roles.clear();
    for entity in schema.entities.values_mut() {
        entity.read_only = false;
        entity.fields.values_mut().for_each(|field| field.server_only = false);
    }
    schema
}

fn create(schema: &Schema, line: &Line, now: Millis) -> Result<Change> {
    let entity = schema.entity(&line.entity)?;
    let id =
        line.data.get(&entity.key).and_then(Value::as_str).ok_or_else(|| {
            Error::new(Code::ValidationError, "a row needs its id").at(format!("{}.{}", line.entity, entity.key))
        })?;
    Ok(Change {
        queue_id: format!("{SEED}/{}/{id}", line.entity).into(),
        operation: Operation::Create,
        entity_type: line.entity.clone(),
        entity_id: id.to_owned(),
        temp_id: None,
        data: line.data.clone(),
        removed: Vec::new(),
        before: Map::new(),
        base_version: None,
        local_version: 1,
        timestamp: now.iso(),
        hlc: Hlc { time: now, count: 0, node: SEED.to_owned() },
        schema_version: schema.version,
        group: None,
        resolves: None,
        sent_at: None,
    })
}

fn push(schema: &Schema, at: (u64, Millis), changes: Vec<Change>) -> PushRequest {
    let (request_no, now) = at;
    PushRequest {
        protocol: PROTOCOL,
        device_id: SEED.into(),
        // A life of its own for each start, so that the numbers of an earlier, failed one do not matter.
        incarnation: now.iso().into(),
        request_no,
        client_time: now.iso(),
        last_sync_at: None,
        sync_token: None,
        pull: false,
        schema_version: schema.version,
        want: Vec::new(),
        mark: None,
        changes,
    }
}
