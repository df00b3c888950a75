//! One broker with a listener of every kind, for non-destructive tests.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::{Broker, BrokerOptions, Listener, Mechanism, Protocol, ServerCertificate};

static SHARED: Mutex<Weak<Broker>> = Mutex::new(Weak::new());

/// The broker. Tests that run at the same time share it, and the last test ends it. It has
/// an authorizer, see [`BrokerOptions::authorizer`]. Its listeners: `plaintext`, `tls`,
/// `mutual_tls`, `plain`, `scram256`, `scram512`, `plain_tls`, `scram512_tls`, and with TLS and a
/// certificate of that kind `expired`, `expires_soon`, `other_authority`, `other_host`.
#[must_use]
pub fn secured() -> Arc<Broker> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let broker = Arc::new(start());
        *shared = Arc::downgrade(&broker);
        broker
    })
}

fn start() -> Broker {
    use Mechanism::{Plain, ScramSha256, ScramSha512};
    let listeners = vec![
        Listener::plaintext("plaintext"),
        Listener::new("tls", Protocol::Ssl),
        Listener::new("mutual_tls", Protocol::MutualSsl),
        Listener::new("plain", Protocol::SaslPlaintext(Plain)),
        Listener::new("scram256", Protocol::SaslPlaintext(ScramSha256)),
        Listener::new("scram512", Protocol::SaslPlaintext(ScramSha512)),
        Listener::new("plain_tls", Protocol::SaslSsl(Plain)),
        Listener::new("scram512_tls", Protocol::SaslSsl(ScramSha512)),
        Listener::ssl("expired", ServerCertificate::Expired),
        Listener::ssl("expires_soon", ServerCertificate::ExpiresSoon),
        Listener::ssl("other_authority", ServerCertificate::OtherAuthority),
        Listener::ssl("other_host", ServerCertificate::OtherHost),
    ];
    Broker::start(BrokerOptions {
        listeners,
        authorizer: true,
        ..BrokerOptions::default()
    })
}
