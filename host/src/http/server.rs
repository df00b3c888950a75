//! Serves connections within limits.

use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The pause after a failure to accept, such as too many open files, which does not end at once.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// The limits of connections. Each connection serves one request at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Connections at a time; further ones wait to be accepted.
    pub(super) connections: usize,
    /// Request line and headers together.
    pub(super) header_bytes: usize,
    /// A request's body, where a handler takes one.
    pub(super) body_bytes: usize,
    /// A connection is closed if its next request does not arrive within this time.
    pub(super) header_read: Duration,
    /// A handler is ended if it has no response within this time.
    pub(super) answer: Duration,
    /// When the service closes, responses under way may take this long.
    pub(super) close: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 64,
            header_bytes: 16 << 10,
            body_bytes: 64 << 10,
            header_read: Duration::from_secs(5),
            answer: Duration::from_secs(10),
            close: Duration::from_millis(900),
        }
    }
}

/// Serves until `stop` is set; returns when all connections have ended.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < limits.connections => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, router.clone(), limits, stop.clone()));
                }
                Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
            },
        }
    }
    drop(listener);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.close, all_ended).await.is_err() {
        connections.shutdown().await;
    }
}

/// Serves one connection. Its errors are ignored: they concern only its client.
async fn connection(stream: TcpStream, router: Router, limits: Limits, stop: CancellationToken) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read)
        .max_header_size(limits.header_bytes)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await.ok();
        }
    }
}
