//! Serves connections within limits.

use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::timed_writes::TimedWrites;

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
    /// A connection is closed if its client takes nothing of a response for this time.
    pub(super) write: Duration,
    /// Further connections, for probes alone. They stay free for probes, since none may last
    /// longer than `probe`.
    pub(super) probe_connections: usize,
    /// The longest time of a connection for probes alone, from its beginning to its end.
    pub(super) probe: Duration,
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
            write: Duration::from_secs(5),
            probe_connections: 16,
            probe: Duration::from_secs(2),
            close: Duration::from_millis(900),
        }
    }
}

/// What connections serve.
pub(super) struct Routers {
    /// Every path.
    pub(super) all: Router,
    /// Probes; all else is refused.
    pub(super) probes: Router,
}

/// Serves until `stop` is set; returns when all connections have ended.
pub(super) async fn serve(
    listener: TcpListener,
    routers: Routers,
    limits: Limits,
    stop: CancellationToken,
) {
    let mut connections = JoinSet::new();
    let mut probes = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            Some(_) = probes.join_next() => {}
            accepted = listener.accept(), if probes.len() < limits.probe_connections => match accepted {
                Ok((stream, _)) if connections.len() < limits.connections => {
                    let served = connection(stream, routers.all.clone(), limits, stop.clone());
                    connections.spawn(served);
                }
                Ok((stream, _)) => {
                    let served = connection(stream, routers.probes.clone(), limits, stop.clone());
                    probes.spawn(within(limits.probe, served));
                }
                Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
            },
        }
    }
    drop(listener);
    let all_ended = async {
        while connections.join_next().await.is_some() {}
        while probes.join_next().await.is_some() {}
    };
    if tokio::time::timeout(limits.close, all_ended).await.is_err() {
        connections.shutdown().await;
        probes.shutdown().await;
    }
}

/// Ends a connection at the limit, whatever it is doing.
async fn within(limit: Duration, connection: impl Future<Output = ()>) {
    let _ = tokio::time::timeout(limit, connection).await;
}

/// Serves one connection. Its errors are ignored: they concern only its client.
async fn connection(stream: TcpStream, router: Router, limits: Limits, stop: CancellationToken) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read)
        .max_header_size(limits.header_bytes)
        .serve_connection(
            TokioIo::new(TimedWrites::new(stream, limits.write)),
            TowerToHyperService::new(router),
        );
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await.ok();
        }
    }
}
