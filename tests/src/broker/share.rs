//! The broker that all tests share who do it no harm.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;

const PATIENCE: Duration = Duration::from_secs(20);

/// A test's share of the broker at `KAFKA_BOOTSTRAP_SERVERS`: topics whose names begin like no
/// other's. They are deleted when it is dropped.
pub struct Share {
    address: String,
    prefix: String,
}

impl Share {
    /// Nothing is in it yet.
    ///
    /// # Panics
    /// The environment names no broker.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "no two are the same")]
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        #[expect(
            clippy::disallowed_methods,
            reason = "whoever runs the tests says where the broker is"
        )]
        let address = std::env::var("KAFKA_BOOTSTRAP_SERVERS");
        let address = address.unwrap_or_else(|_| {
            panic!("KAFKA_BOOTSTRAP_SERVERS names no broker: `make test` starts one")
        });
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let prefix = format!(
            "e2e-{}-{}-{number}",
            std::process::id(),
            fedhost_base::clock::now_ms()
        );
        Self { address, prefix }
    }

    /// As `bootstrap.servers` takes it.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// With a dot behind it, in front of the names of all topics.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The topic's whole name.
    #[must_use]
    pub fn topic(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
            .set("bootstrap.servers", &self.address)
            .create()
            .unwrap();
        let metadata = admin.inner().fetch_metadata(None, PATIENCE).unwrap();
        let topics = metadata.topics().iter().map(|topic| topic.name());
        let ours: Vec<&str> = topics
            .filter(|topic| topic.starts_with(&self.topic("")))
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime
            .block_on(admin.delete_topics(&ours, &AdminOptions::new()))
            .unwrap();
    }
}
