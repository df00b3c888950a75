//! The shared test broker, for non-destructive tests only.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaResult;

const PATIENCE: Duration = Duration::from_secs(20);

/// A test's share of the broker at `KAFKA_BOOTSTRAP_SERVERS`: topics whose names have a prefix of
/// their own. They are deleted when it is dropped.
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
            reason = "the test environment names the broker"
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

    /// Deletes the topics whose names begin with this one's.
    ///
    /// # Panics
    /// The broker refuses.
    pub fn delete(&self, name: &str) {
        if let Err(error) = delete_topics(&self.address, &self.topic(name)) {
            panic!("the topics {name} stay: {error}");
        }
    }

    /// Deletes a consumer group, and with it what it has stored.
    ///
    /// # Panics
    /// The broker refuses.
    pub fn delete_group(&self, group: &str) {
        if let Err(error) = delete_group(&self.address, group) {
            panic!("the group {group} stays: {error}");
        }
    }
}

impl Drop for Share {
    /// A second panic would abort the process and hide the failure of the test, so a fault here is
    /// only reported: the broker goes with its topics.
    #[expect(clippy::print_stderr, reason = "the output of a test")]
    fn drop(&mut self) {
        if let Err(error) = delete_topics(&self.address, &self.topic("")) {
            eprintln!("the topics of {} stay: {error}", self.prefix);
        }
    }
}

type Admin = AdminClient<DefaultClientContext>;

fn admin(address: &str) -> KafkaResult<Admin> {
    ClientConfig::new()
        .set("bootstrap.servers", address)
        .create()
}

fn block_on<T>(future: impl Future<Output = T>) -> std::io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(future))
}

fn delete_group(address: &str, group: &str) -> Result<(), Box<dyn std::error::Error>> {
    let admin = admin(address)?;
    for result in block_on(admin.delete_groups(&[group], &AdminOptions::new()))?? {
        result.map_err(|(_, code)| code)?;
    }
    Ok(())
}

fn delete_topics(address: &str, prefix: &str) -> Result<(), Box<dyn std::error::Error>> {
    let admin = admin(address)?;
    let metadata = admin.inner().fetch_metadata(None, PATIENCE)?;
    let names = metadata.topics().iter().map(|topic| topic.name());
    let ours: Vec<&str> = names.filter(|name| name.starts_with(prefix)).collect();
    if ours.is_empty() {
        return Ok(());
    }
    block_on(admin.delete_topics(&ours, &AdminOptions::new()))??;
    Ok(())
}
