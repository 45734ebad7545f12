//! Connections. This module decides how long a client may take to say what it wants and how connections end at a shutdown; it
//! knows no route. `main` hands it the listener and the router.

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// How long a connection may stay without a whole request head: also how long an idle one is kept.
const HEAD: Duration = Duration::from_secs(75);
/// Largest request head, in bytes.
const HEAD_BYTES: usize = 64 << 10;
/// How long requests under way may take to end once the server is stopping.
const DRAIN: Duration = Duration::from_secs(20);
/// How long to wait after the system refused a connection (too many open files), so that others can end.
const REFUSED: Duration = Duration::from_millis(100);

/// Serves until `stop` is ready, then lets requests under way end. `stopping` is called in between: what never ends by
/// itself has to be ended there.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>, stopping: impl FnOnce()) {
    let connections = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, _)) => connect(stream, &router, &connections),
            Err(error) if of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                tokio::time::sleep(REFUSED).await;
            }
        }
    }
    drop(listener);
    stopping();
    if tokio::time::timeout(DRAIN, connections.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

fn connect(stream: TcpStream, router: &Router, connections: &GracefulShutdown) {
    // Answers are small and somebody waits for each.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "the connection keeps Nagle's algorithm");
    }
    let service = TowerToHyperService::new(router.clone());
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_BYTES);
    let connection = connections.watch(http.serve_connection(TokioIo::new(stream), service));
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection broke");
        }
    });
}

/// Whether only the connection that was to be accepted has failed, not the listener.
fn of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
