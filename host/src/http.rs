//! The HTTP interface: liveness, readiness and metrics. The only module that may use axum.
//!
//! Connections are bounded in number, size and time, so that clients cannot slow the process down.
//! Probes have connections of their own.

mod metrics;
mod probes;
mod problem;
mod router;
mod server;
mod timed_writes;

use std::net::SocketAddr;

use fedhost_base::event::{Event, RunEvent};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::observe::Observed;
use fedhost_base::observer::Observer as _;
use fedhost_base::secrets::Secret;
use router::Shared;
use server::Limits;

/// The configuration of the HTTP interface.
pub struct Service {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Clients with this bearer token see metrics and reasons; without a token, all clients on this
    /// machine do.
    pub token: Option<Secret>,
    /// The state that is served.
    pub observed: Observed,
}

/// Why the interface cannot start.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum Error {
    /// Without a token, metrics would be visible to the whole network.
    #[error(
        "cannot listen on {listen} without a token: the network would see the metrics of this process"
    )]
    #[diagnostic(help("set api.token, or listen on 127.0.0.1"))]
    TokenRequired {
        /// The address asked for.
        listen: SocketAddr,
    },
    /// A client cannot send such a token in a header.
    #[error("the token is empty, or has characters that a header cannot carry")]
    #[diagnostic(help(
        "set api.token to ASCII characters without spaces, such as `openssl rand -hex 32` prints"
    ))]
    UnusableToken,
    /// The address cannot be used.
    #[error("cannot listen on {listen}: {reason}")]
    #[diagnostic(help("choose another api.listen, or port 0 for a free one"))]
    Bind {
        /// The address asked for.
        listen: SocketAddr,
        /// What the system said.
        reason: std::io::Error,
    },
}

/// A running service. If dropped, it ends without waiting for requests under way.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    stop: DropGuard,
    serving: JoinHandle<()>,
}

impl Service {
    /// Starts to listen, and announces the address.
    ///
    /// # Errors
    /// The address is in use, or needs a token.
    pub async fn start(self) -> Result<Handle, Error> {
        self.start_within(Limits::default()).await
    }

    async fn start_within(self, limits: Limits) -> Result<Handle, Error> {
        let Self {
            listen,
            token,
            observed,
        } = self;
        if token.as_ref().is_some_and(|token| !fits_header(token)) {
            return Err(Error::UnusableToken);
        }
        if token.is_none() && !listen.ip().to_canonical().is_loopback() {
            return Err(Error::TokenRequired { listen });
        }
        let refused = |reason| Error::Bind { listen, reason };
        let listener = TcpListener::bind(listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let stop = CancellationToken::new();
        let routers = router::routers(
            Shared {
                observed: observed.clone(),
                token,
            },
            &limits,
        );
        let serving = tokio::spawn(server::serve(listener, routers, limits, stop.clone()));
        observed.announce(Event::Run(RunEvent::Listening {
            address: address.to_string(),
        }));
        Ok(Handle {
            address,
            stop: stop.drop_guard(),
            serving,
        })
    }
}

impl Handle {
    /// Returns the address on which it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts no more requests, and waits up to a second for those under way.
    pub async fn close(self) {
        drop(self.stop);
        // If the task panicked, it has ended as well.
        self.serving.await.ok();
    }
}

/// Whether a client could show the token in a header.
fn fits_header(token: &Secret) -> bool {
    let token = token.reveal();
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests;
