//! How to reach a cluster, and which guarantees to give.

use std::sync::Arc;
use std::time::Duration;

use super::Properties;
use crate::TopicSpec;
use fedhost_base::backoff::Backoff;
use fedhost_base::observer::Observer;

/// Default without a `delivery.timeout.ms`. 64 MiB take less time, and readers that wait for a dead
/// writer should not wait long.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(45);

/// The guarantee of a write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Records, offsets and state in one transaction; readers see committed records only.
    #[default]
    ExactlyOnce,
    /// Offsets are committed after the records are acknowledged. A crash in between repeats the
    /// records; the consumer detects a repeated record by its identity. The producer is idempotent
    /// unless it is configured otherwise.
    AtLeastOnce,
}

/// How to reach a cluster. Properties have librdkafka's names and were checked for conflicts.
#[derive(Clone)]
pub struct Options {
    /// Properties of every producer, including `bootstrap.servers` and security.
    pub producer: Properties,
    /// Properties of every consumer, including `bootstrap.servers` and security.
    pub consumer: Properties,
    /// The guarantee of a write.
    pub delivery: Delivery,
    /// Prefix of transactional ids: two federations on one cluster need different prefixes.
    pub transactional_id_prefix: String,
    /// Prefix of group names, for the same reason.
    pub group_prefix: String,
    /// The compacted topic for the state of the roles; it has one partition.
    pub state_topic: TopicSpec,
    /// Size of a reader's queue, in bytes of keys and values; further records stay at the broker.
    pub ahead_bytes: usize,
    /// Largest number of records returned by one read (`max.poll.records`).
    pub max_poll_records: usize,
    /// A write that waits longer for room reports a warning and continues to wait (`max.block.ms`).
    pub max_block: Duration,
    /// Whether readers that share partitions use the group protocol of KIP-848.
    pub consumer_protocol: bool,
    /// A partition that has records and delivers none for this time is stalled.
    pub stall_after: Duration,
    /// A partition that is revoked is released after this time at the latest, even with work in
    /// progress.
    pub drain: Duration,
    /// Close waits at most this long for a client; then the client ends in the background.
    pub close: Duration,
    /// Timeout of one request to the cluster, such as listing topics.
    pub request: Duration,
    /// Delay between attempts to replace a client.
    pub backoff: Backoff,
    /// Receives events and metrics.
    pub observer: Arc<dyn Observer>,
}

impl Options {
    /// The group's name in the cluster.
    #[must_use]
    pub fn group(&self, name: &str) -> String {
        format!("{}{name}", self.group_prefix)
    }

    /// Longest time until all chunks of a record are acknowledged; after it, all chunks are written
    /// again. Readers wait for the chunks equally long.
    #[must_use]
    pub fn delivery_timeout(&self) -> Duration {
        let set = self
            .producer
            .number("delivery.timeout.ms")
            .filter(|&ms| ms > 0);
        set.map_or(DELIVERY_TIMEOUT, Duration::from_millis)
    }

    /// The brokers, as they appear in errors.
    #[must_use]
    pub fn bus_name(&self) -> String {
        format!(
            "kafka at {}",
            self.producer
                .get("bootstrap.servers")
                .unwrap_or("an unknown address")
        )
    }
}
