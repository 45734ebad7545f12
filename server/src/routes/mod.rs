//! The addresses of the server. This module decides which handler answers where and what stands in front of it; the
//! handlers are in the files beside. `app` builds the router from it.

pub mod auth;
pub mod events;
pub mod public;
pub mod sync;

use crate::auth::require;
use crate::{Server, statics};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn_with_state, map_response};
use axum::routing::{get, post};
use landfall::limits;
use std::path::Path;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::trace::TraceLayer;

/// Every route, and the layers around them.
pub fn router(server: Server, files: Option<&Path>) -> Router {
    let mut router = Router::new()
        .merge(application(&server))
        .merge(auth::routes(&server))
        .route("/health", get(public::health))
        .route("/{app}/schema.json", get(public::schema));
    if let Some(files) = files {
        router = router.fallback_service(statics::files(files));
    }
    // Outermost last: a panic becomes a problem, a problem gets its one form, then gzip, headers, a line in the log.
    router
        .layer(CatchPanicLayer::custom(crate::problem::panicked))
        .layer(map_response(crate::problem::uniform))
        .layer(CompressionLayer::new().gzip(true))
        .layer(map_response(statics::headers))
        .layer(TraceLayer::new_for_http())
        .with_state(server)
}

/// The routes of an application: authentication first, then the limit on bytes as they arrive, then gzip, and only then the
/// handler, which reads the body up to the limit on bytes as they expand.
fn application(server: &Server) -> Router<Server> {
    let in_front = ServiceBuilder::new()
        .layer(from_fn_with_state(server.clone(), require))
        .layer(RequestBodyLimitLayer::new(limits::BODY_BYTES))
        .layer(RequestDecompressionLayer::new())
        .layer(DefaultBodyLimit::disable());
    Router::new()
        .route("/{app}/api/v1/sync/push", post(sync::push))
        .route("/{app}/api/v1/sync/pull", post(sync::pull))
        .route("/{app}/api/v1/sync/devices", post(sync::devices))
        .route("/{app}/api/v1/sync/scope", post(sync::scope))
        .route("/{app}/api/v1/sync/events", get(events::events))
        .route_layer(in_front)
}
