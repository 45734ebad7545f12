//! Connections that say too little, too slowly or too much.

use crate::world::{World, post};
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use landfall_server::serve::serve;
use std::convert::Infallible;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

async fn serving(world: &World) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let router = world.router.clone();
    let server = tokio::spawn(async move { serve(listener, router, async { drop(stopped.await) }, || {}).await });
    (address, stop, server)
}

// A11
#[tokio::test]
async fn a_client_that_never_finishes_its_head_is_let_go() {
    let world = World::new().await;
    let (address, stop, server) = serving(&world).await;
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /health HTTP/1.1\r\nhost: local").await.unwrap();
    let mut silent = TcpStream::connect(address).await.unwrap();
    // The timers pass as fast as they are asked for: nothing but them can end these connections.
    tokio::time::pause();
    for stream in [&mut slow, &mut silent] {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&rest));
    }
    tokio::time::resume();
    stop.send(()).unwrap();
    server.await.unwrap();
}

// A11
#[tokio::test]
async fn a_body_that_never_ends_is_not_waited_for() {
    let world = World::new().await;
    let token = world.token("ann", "t");
    let drip = futures_util::stream::unfold((), |()| async {
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        Some((Ok::<_, Infallible>(Bytes::from_static(b" ")), ()))
    });
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let reply = world.send(post(crate::world::PUSH, &token).body(Body::from_stream(drip)).unwrap()).await;
    assert_eq!((reply.status, reply.problem().as_str()), (StatusCode::REQUEST_TIMEOUT, "SERVER_ERROR"));
    let limit = u128::from(landfall::limits::REQUEST_TIMEOUT_MS);
    assert!((limit..limit + 100).contains(&begun.elapsed().as_millis()), "{:?} by the paused clock", begun.elapsed());
}

#[tokio::test]
async fn a_request_under_way_ends_before_the_server_does() {
    let world = World::new().await;
    let (address, stop, server) = serving(&world).await;
    let mut client = TcpStream::connect(address).await.unwrap();
    let body = "{\"app\":\"shop\",\"tenant\":\"t\",\"user\":\"ann\"}";
    let head = "POST /auth/dev HTTP/1.1\r\nhost: local\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n";
    client.write_all(format!("{head}content-length: {}\r\n\r\n", body.len()).as_bytes()).await.unwrap();
    let mut told = [0; 25];
    client.read_exact(&mut told).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n", "the handler is reading the body now");
    stop.send(()).unwrap();
    client.write_all(body.as_bytes()).await.unwrap();
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.unwrap();
    assert!(rest.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&rest));
    server.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn heads_beyond_the_limit_are_refused() {
    let world = World::new().await;
    let (address, stop, server) = serving(&world).await;
    for head in [format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000)), "x: y\r\n".repeat(20_000), "\0\r\n\r\n".to_owned()] {
        let mut client = TcpStream::connect(address).await.unwrap();
        // The server may close before all of it is written.
        let _ = client.write_all(format!("GET / HTTP/1.1\r\n{head}").as_bytes()).await;
        let mut rest = Vec::new();
        let _ = client.read_to_end(&mut rest).await;
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&rest));
    }
    stop.send(()).unwrap();
    server.await.unwrap();
}
