//! Free ports for a broker.

use std::net::TcpListener;

/// Below those that the system gives to clients (on Linux 32768 and above): a port must still be
/// free when the broker is started again.
const RANGE: std::ops::Range<u16> = 10_000..32_000;

/// Ports of one broker.
#[derive(Debug)]
pub(super) struct Ports {
    /// In the order of the listeners.
    pub(super) listeners: Vec<u16>,
    /// For the harness itself, in plain text.
    pub(super) inner: u16,
    /// For the node to talk to itself.
    pub(super) controller: u16,
}

impl Ports {
    pub(super) fn choose(listeners: usize) -> Self {
        // All are held until the last one is found, so that none is found twice.
        let mut held = Vec::new();
        let mut port = || {
            let free = std::iter::repeat_with(|| rand::random_range(RANGE));
            let listener = free
                .filter_map(|port| TcpListener::bind(("127.0.0.1", port)).ok())
                .next()
                .unwrap();
            let port = listener.local_addr().unwrap().port();
            held.push(listener);
            port
        };
        Self {
            listeners: (0..listeners).map(|_| port()).collect(),
            inner: port(),
            controller: port(),
        }
    }
}
