//! What anybody may ask: whether the server lives, and what an application declares about itself.

use crate::Server;
use crate::problem::Answer;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use landfall::wire;

/// `GET /health`.
///
/// # Errors
/// `SERVER_ERROR` when the database does not answer.
pub async fn health(State(server): State<Server>) -> Answer<Response> {
    server.db().alive().await?;
    Ok(axum::Json(serde_json::json!({ "status": "ok", "protocol": wire::PROTOCOL })).into_response())
}

/// `GET /{app}/schema.json`: the declaration as its author wrote it.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn schema(State(server): State<Server>, Path(app): Path<String>) -> Answer<Response> {
    let app = server.app(&app)?;
    let mut response = app.text.clone().into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}
