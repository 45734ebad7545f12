//! `GET /{app}/api/v1/sync/events`: server-sent events. This module decides that a listener hears the latest number of its
//! tenant, no row and no name; what to fetch it finds out by pulling. The stream ends with the token that opened it.

use crate::Server;
use crate::auth::Caller;
use axum::Extension;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::Instant;

/// How often a silent stream says that it is there: below the minute after which many proxies cut.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// The stream of notices, `data: {"number":N}`.
pub async fn events(
    State(server): State<Server>,
    Extension(caller): Extension<Caller>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let bell = server.bells().listen(&caller.identity.scope());
    let end = Instant::now() + Duration::from_millis(caller.until.since(server.clock().now()));
    let notices = unfold(bell, move |mut bell| async move {
        // A changed bell is news; a closed one is the server's shutdown, and the time-out the token's end.
        tokio::time::timeout_at(end, bell.changed()).await.ok()?.ok()?;
        let number = *bell.borrow_and_update();
        Some((Ok(Event::default().data(serde_json::json!({ "number": number }).to_string())), bell))
    });
    Sse::new(notices).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}
