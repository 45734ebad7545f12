//! The sync endpoints of an application. This module decides how a checked request becomes a question to the ledger and who
//! is told of its outcome; every decision about data is the ledger's and the engine's.

use crate::Server;
use crate::auth::Caller;
use crate::body::Json;
use crate::ledger::{Ask, Ledger as _};
use crate::problem::{Answer, Fault};
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use landfall::authority::{Who, rows_for};
use landfall::error::Code;
use landfall::id::DeviceId;
use landfall::wire::{self, Choice, Device, PullRequest, PushRequest, RemoteChange, Slice};
use serde::Serialize;

/// How many ops cost as much as a request.
const OPS_PER_CALL: u64 = 100;

impl Caller {
    fn who(&self, device: &DeviceId) -> Who {
        Who {
            tenant: self.identity.scope(),
            user: self.identity.user.as_str().into(),
            roles: self.identity.roles.clone(),
            device: device.clone(),
            lists: self.identity.lists.clone(),
        }
    }
}

/// `POST /{app}/api/v1/sync/push`.
///
/// # Errors
/// As `wire::check::push` and `Ledger::push`.
pub async fn push(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
    Json(request): Json<PushRequest>,
) -> Answer<Response> {
    wire::check::push(&request)?;
    let now = server.clock().now();
    server.governor().take(&caller.identity.key(), request.changes.len() as u64 / OPS_PER_CALL, now)?;
    // A task of its own: a client that hangs up must not stop it between the commit and the bell.
    let work = tokio::spawn(async move {
        let who = caller.who(&request.device_id);
        let pushed = server.store().push(Ask { schema: &caller.app.schema, who: &who, now }, request).await?;
        if let Some(last) = pushed.last {
            server.bells().ring(&who.tenant, last);
        }
        Ok::<_, Fault>(pushed.reply)
    });
    let mut reply = work.await.map_err(|_| Fault::new(Code::ServerError, "the push was broken off"))??;
    if flat(query.as_deref()) {
        reply.pull_changes = flattened(&reply.slices);
    }
    Ok(answered(&reply))
}

/// `POST /{app}/api/v1/sync/pull`.
///
/// # Errors
/// As `wire::check::pull` and `Ledger::pull`.
pub async fn pull(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    RawQuery(query): RawQuery,
    Json(request): Json<PullRequest>,
) -> Answer<Response> {
    wire::check::pull(&request)?;
    rows_for(&caller.app.schema, request.schema_version)?;
    let who = caller.who(&request.device_id);
    let ask = Ask { schema: &caller.app.schema, who: &who, now: server.clock().now() };
    let mut reply = server.store().pull(ask, request).await?;
    if flat(query.as_deref()) {
        reply.changes = flattened(&reply.slices);
    }
    Ok(answered(&reply))
}

/// `POST /{app}/api/v1/sync/devices`.
///
/// # Errors
/// As `Ledger::attach`; `PROTOCOL_ERROR` for an id or a name that is none.
pub async fn devices(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Json(device): Json<Device>,
) -> Answer<Response> {
    let (id, name) = (device.device_id.as_str(), device.name.as_str());
    let most = landfall::limits::ID_BYTES;
    if id.is_empty() || id.len() > most || name.len() > most || id.chars().chain(name.chars()).any(char::is_control) {
        let what = "an id is 1 to 128 bytes, a name at most 128, both without control characters";
        return Err(Fault::new(Code::ProtocolError, what));
    }
    let who = caller.who(&device.device_id);
    let ask = Ask { schema: &caller.app.schema, who: &who, now: server.clock().now() };
    Ok(answered(&server.store().attach(ask, &device).await?))
}

/// `POST /{app}/api/v1/sync/scope`.
///
/// # Errors
/// As `wire::check::choice` and `Ledger::choose`.
pub async fn scope(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
    Json(choice): Json<Choice>,
) -> Answer<Response> {
    wire::check::choice(&choice)?;
    let who = caller.who(&choice.device_id);
    let ask = Ask { schema: &caller.app.schema, who: &who, now: server.clock().now() };
    Ok(answered(&server.store().choose(ask, &choice).await?))
}

/// Whether the client asks for the changes once more in one list, as goalflow's specification has them.
fn flat(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|pair| pair == "flat=1"))
}

fn flattened(slices: &[Slice]) -> Vec<RemoteChange> {
    slices.iter().flat_map(|slice| slice.changes.iter().cloned()).collect()
}

fn answered(reply: &impl Serialize) -> Response {
    let mut response = axum::Json(reply).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
