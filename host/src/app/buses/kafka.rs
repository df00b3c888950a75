//! The cluster of a manifest.

use std::sync::Arc;
use std::time::Duration;

use crate::app::settings;
use fedhost_base::backoff::Backoff;
use fedhost_base::observer::Observer;
use fedhost_bus::Error;
use fedhost_bus::kafka::{Delivery, Kafka, Options, Properties, RoleClient};
use fedhost_bus::limits::BrokerLimits;
use fedhost_manifest::{self as manifest, ClientRole, GroupProtocol, Manifest, RoleSpec};

/// The name of clients that belong to no role.
const HOST: &str = "host";
const CLIENT_ID: &str = "client.id";
/// Bytes that a reader keeps ready when the manifest sets no other size.
const AHEAD_BYTES: u64 = 64 << 20;

/// A cluster, and the settings of its clients.
#[derive(Clone)]
pub(in crate::app) struct Cluster {
    kafka: Kafka,
    manifest: Arc<Manifest>,
    observer: Arc<dyn Observer>,
}

impl Cluster {
    /// Nothing is sent yet.
    pub(super) fn new(manifest: &Manifest, observer: &Arc<dyn Observer>) -> Self {
        let kafka = Kafka::new(options(manifest, ClientRole::Admin, observer));
        Self {
            kafka,
            manifest: Arc::new(manifest.clone()),
            observer: Arc::clone(observer),
        }
    }

    /// Reaches the cluster, within the time of one request or of `at_most`.
    ///
    /// # Errors
    /// [`Error::Unreachable`] or [`Error::Refused`].
    pub(super) async fn reach(&self, at_most: Duration) -> Result<(), Error> {
        self.kafka
            .reach(at_most.min(Duration::from_millis(self.manifest.kafka.request_ms)))
            .await
    }

    /// What every broker lets pass.
    ///
    /// # Errors
    /// As [`Self::reach`].
    pub(super) async fn broker_limits(&self) -> Result<BrokerLimits, Error> {
        self.kafka.broker_limits().await
    }

    /// The client of a role.
    pub(super) fn role_client(&self, role: &RoleSpec) -> RoleClient {
        let mut options = options(&self.manifest, role.clients, &self.observer);
        for properties in [&mut options.producer, &mut options.consumer] {
            if let Some(id) = properties.get(CLIENT_ID) {
                let id = client_id(id, role);
                properties.set(CLIENT_ID, id);
            }
        }
        self.kafka.role_client(&role.name, options)
    }

    /// The client of commands, and of a run's own look at topics and state.
    pub(super) fn host(&self) -> RoleClient {
        self.kafka.roleless_client(
            HOST,
            options(&self.manifest, ClientRole::Admin, &self.observer),
        )
    }
}

/// The name of one role's clients in the broker's logs and quotas. `{node}` stands for the fog node
/// that the role is or feeds; a name that is made from the kind of the role gets the role's own.
fn client_id(configured: &str, role: &RoleSpec) -> String {
    let made = configured.strip_suffix(role.clients.word());
    match (made, role.id.node()) {
        (Some(prefix), _) if prefix.ends_with('-') => format!("{prefix}{}", role.name),
        (_, Some(node)) => configured.replace("{node}", &node.to_string()),
        (_, None) => configured.to_owned(),
    }
}

/// How the clients of one kind of role reach the cluster of a manifest.
#[must_use]
pub fn options(manifest: &Manifest, role: ClientRole, observer: &Arc<dyn Observer>) -> Options {
    let (kafka, clients) = (&manifest.kafka, manifest.kafka_clients(role));
    let consumer: Properties = clients.consumer.into_iter().collect();
    let ahead_bytes = consumer
        .number("queued.max.messages.kbytes")
        .map_or(AHEAD_BYTES, |kib| kib << 10);
    Options {
        producer: clients.producer.into_iter().collect(),
        delivery: match kafka.delivery {
            manifest::Delivery::ExactlyOnce => Delivery::ExactlyOnce,
            manifest::Delivery::AtLeastOnce => Delivery::AtLeastOnce,
        },
        transactional_id_prefix: manifest.transactional_id_prefix(),
        group_prefix: manifest.group_prefix(),
        state_topic: settings::topic_spec(manifest.topics.state()),
        ahead_bytes: usize::try_from(ahead_bytes).unwrap_or(usize::MAX),
        max_poll_records: clients.max_poll_records,
        max_block: Duration::from_millis(clients.max_block_ms),
        consumer_protocol: kafka.group_protocol == GroupProtocol::Consumer,
        stall_after: Duration::from_millis(kafka.stall_after_ms),
        drain: Duration::from_millis(kafka.drain_ms),
        close: Duration::from_millis(kafka.close_ms),
        request: Duration::from_millis(kafka.request_ms),
        backoff: Backoff::default(),
        observer: Arc::clone(observer),
        consumer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_has_a_client_id_of_its_own() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("manifest.toml");
        let text = "[bus]\nkind = \"kafka\"\n[model]\nplugin = \"m\"\n\
            [[fog_node]]\nid = 1\n[[fog_node]]\nid = 2\n\
            [[sensor]]\nnode = 2\nkind = \"simulated\"\nname = \"pump\"\n";
        std::fs::write(&path, text).unwrap();
        let roles = manifest::load(&path, [], &[]).unwrap().manifest.roles();
        let ids = |configured: fn(&RoleSpec) -> String| -> Vec<String> {
            roles
                .iter()
                .map(|role| client_id(&configured(role), role))
                .collect()
        };
        assert_eq!(
            ids(|role| format!("fedhost-{}", role.clients.word())),
            [
                "fedhost-aggregator",
                "fedhost-fog-node-1",
                "fedhost-fog-node-2",
                "fedhost-sensor-2-pump"
            ]
        );
        assert_eq!(
            ids(|_| "plant-7-node-{node}".to_owned()),
            [
                "plant-7-node-{node}",
                "plant-7-node-1",
                "plant-7-node-2",
                "plant-7-node-2"
            ]
        );
    }
}
