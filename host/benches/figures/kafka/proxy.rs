//! Stands between clients and a broker, and closes their connections on request.

use std::net::Ipv4Addr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Ends when it is dropped.
pub(crate) struct Proxy(watch::Sender<bool>);

impl Proxy {
    /// Passes what comes in at `port` on to the address `broker`.
    pub(crate) fn start(runtime: &Runtime, port: u16, broker: &str) -> Self {
        let (open, opened) = watch::channel(true);
        runtime.spawn(serve(port, broker.to_owned(), opened));
        Self(open)
    }

    /// Closed, it ends all connections and refuses further ones.
    pub(crate) fn set_open(&self, open: bool) {
        self.0.send_replace(open);
    }
}

async fn serve(port: u16, broker: String, mut open: watch::Receiver<bool>) {
    while open.wait_for(|&open| open).await.is_ok() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                closed = open.wait_for(|&open| !open) => match closed {
                    Ok(_) => break,
                    Err(_) => return,
                },
                Ok((client, _)) = listener.accept() => drop(connections.spawn(pass(client, broker.clone()))),
            }
        }
    }
}

async fn pass(mut client: TcpStream, broker: String) {
    let Ok(mut broker) = TcpStream::connect(broker).await else {
        return;
    };
    drop((client.set_nodelay(true), broker.set_nodelay(true)));
    drop(copy_bidirectional(&mut client, &mut broker).await);
}
