//! Notices: who is told, and when a stream ends.

use crate::world::{World, create, push};
use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode};
use futures_util::StreamExt as _;
use serde_json::json;

const EVENTS: &str = "/shop/api/v1/sync/events";

async fn listen(world: &World, user: &str, tenant: &str) -> BodyDataStream {
    use tower::ServiceExt as _;
    let request = Request::get(EVENTS).header("authorization", format!("Bearer {}", world.token(user, tenant)));
    let response =
        world.router.clone().oneshot(request.header("accept-encoding", "gzip").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!((response.status(), response.headers()["content-type"].to_str().unwrap()), (StatusCode::OK, "text/event-stream"));
    assert!(!response.headers().contains_key("content-encoding"), "a notice is not held back by a compressor");
    response.into_body().into_data_stream()
}

#[tokio::test]
async fn a_push_is_heard_by_its_tenant_and_by_nobody_else() {
    let world = World::new().await;
    let (mut same, mut other) = (listen(&world, "bob", "t").await, listen(&world, "eve", "u").await);
    let (ann, eve) = (world.token("ann", "t"), world.token("eve", "u"));
    let reply = world.pushed(&ann, &push("d1", 1, &[create("op1", "a"), create("op2", "b")])).await;
    assert_eq!(reply["success"], true);
    assert_eq!(same.next().await.unwrap().unwrap(), "data: {\"number\":2}\n\n");
    // A repeat changes nothing, so the next thing that is heard is the third change.
    world.pushed(&ann, &push("d1", 1, &[create("op1", "a"), create("op2", "b")])).await;
    world.pushed(&ann, &push("d1", 2, &[create("op3", "c")])).await;
    assert_eq!(same.next().await.unwrap().unwrap(), "data: {\"number\":3}\n\n");
    // The first thing that the other tenant hears is its own.
    world.pushed(&eve, &push("d2", 1, &[create("op1", "a")])).await;
    assert_eq!(other.next().await.unwrap().unwrap(), "data: {\"number\":1}\n\n");
}

#[tokio::test]
async fn a_stream_ends_with_its_token_and_a_shutdown_ends_them_all() {
    let world = World::new().await;
    // From here on nothing waits for the database, and the timers pass as fast as they are asked for.
    tokio::time::pause();
    let mut stream = listen(&world, "ann", "t").await;
    let mut comments = 0;
    while let Some(frame) = stream.next().await {
        assert_eq!(frame.unwrap(), ":\n\n");
        comments += 1;
    }
    assert!((25..=35).contains(&comments), "{comments} signs of life in ten minutes");
    let mut stream = listen(&world, "ann", "t").await;
    world.server.bells().close();
    assert!(stream.next().await.is_none());
    assert!(listen(&world, "ann", "t").await.next().await.is_none());
}

#[tokio::test]
async fn listening_needs_a_token() {
    let world = World::new().await;
    let reply = world.send(Request::get(EVENTS).body(Body::empty()).unwrap()).await;
    assert_eq!(reply.problem(), "AUTH_ERROR");
    let reply = world.post(EVENTS, &world.token("ann", "t"), &json!({})).await;
    assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);
}
