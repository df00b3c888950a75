//! What the process answers over HTTP: whether it lives, whether it is ready, and figures about its
//! work. The only place that knows axum.
//!
//! Every connection is bounded in number, size and time, so that no client can take the process
//! from its work.

mod metrics;
mod probes;
mod problem;
mod router;
mod secret;
mod server;

use std::net::SocketAddr;

use fedhost_domain::event::Event;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::observe::Observed;
use fedhost_base::observer::Observer as _;
use router::Shared;
pub use secret::Secret;
use server::Limits;

/// What is answered, and to whom.
pub struct Service {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whoever shows it as a bearer token is told everything; without one in the manifest, everyone
    /// on this machine is.
    pub token: Option<Secret>,
    /// What there is to tell.
    pub observed: Observed,
}

/// Why nothing is answered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Figures would be open to the network.
    #[error(
        "cannot listen on {listen} without a token: others on the network would see the figures of this process\nhint: set api.token, or listen on 127.0.0.1"
    )]
    TokenRequired {
        /// The address asked for.
        listen: SocketAddr,
    },
    /// No client could show such a token.
    #[error(
        "the token is empty, or has characters that a header cannot carry\nhint: set api.token to letters and digits, such as `openssl rand -hex 32` prints"
    )]
    UnusableToken,
    /// The system refused.
    #[error(
        "cannot listen on {listen}: {reason}\nhint: choose another api.listen, or port 0 for a free one"
    )]
    Bind {
        /// The address asked for.
        listen: SocketAddr,
        /// What the system said.
        reason: std::io::Error,
    },
}

/// A service that answers. Dropped, it ends without waiting.
#[derive(Debug)]
pub struct Handle {
    address: SocketAddr,
    stop: DropGuard,
    serving: JoinHandle<()>,
}

impl Service {
    /// Listens, and announces where.
    ///
    /// # Errors
    /// The address is taken, or needs a token.
    pub async fn start(self) -> Result<Handle, Error> {
        self.start_within(Limits::default()).await
    }

    async fn start_within(self, limits: Limits) -> Result<Handle, Error> {
        let Self {
            listen,
            token,
            observed,
        } = self;
        if token.as_ref().is_some_and(|token| !token.is_usable()) {
            return Err(Error::UnusableToken);
        }
        if token.is_none() && !listen.ip().to_canonical().is_loopback() {
            return Err(Error::TokenRequired { listen });
        }
        let refused = |reason| Error::Bind { listen, reason };
        let listener = TcpListener::bind(listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let stop = CancellationToken::new();
        let router = router::router(
            Shared {
                observed: observed.clone(),
                token,
            },
            &limits,
        );
        let serving = tokio::spawn(server::serve(listener, router, limits, stop.clone()));
        observed.announce(Event::Listening {
            address: address.to_string(),
        });
        Ok(Handle {
            address,
            stop: stop.drop_guard(),
            serving,
        })
    }
}

impl Handle {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests, and gives those under way a second to end.
    pub async fn close(self) {
        drop(self.stop);
        // Whatever happened in there, it is over.
        self.serving.await.ok();
    }
}

#[cfg(test)]
mod tests;
