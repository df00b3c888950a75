//! The cluster of a manifest.

use std::sync::Arc;
use std::time::Duration;

use crate::app::settings;
use fedhost_base::backoff::Backoff;
use fedhost_base::observer::Observer;
use fedhost_bus::Error;
use fedhost_bus::kafka::{Delivery, Kafka, Options, Properties, View};
use fedhost_bus::limits::BrokerLimits;
use fedhost_manifest::{self as manifest, ClientRole, GroupProtocol, Manifest};

/// The name of clients that belong to no role.
const HOST: &str = "host";
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

    /// The view of the role of this name, whose clients take the settings of `clients`.
    pub(super) fn view(&self, role: &str, clients: ClientRole) -> View {
        self.kafka
            .view(role, options(&self.manifest, clients, &self.observer))
    }

    /// The view of commands, and of a run's own look at topics and state.
    pub(super) fn host(&self) -> View {
        self.kafka.visit(
            HOST,
            options(&self.manifest, ClientRole::Admin, &self.observer),
        )
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
        transactional_id_prefix: kafka.transactional_id_prefix.clone(),
        group_prefix: kafka.group_prefix.clone(),
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
