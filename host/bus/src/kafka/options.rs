//! How to reach a cluster, and what to promise on it.

use std::sync::Arc;
use std::time::Duration;

use super::Properties;
use crate::TopicSpec;
use fedhost_base::backoff::Backoff;
use fedhost_base::observer::Observer;

/// Without a `delivery.timeout.ms`: 64 MiB take less, and whoever waits for a writer that died
/// should not wait for long.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(45);

/// What a write promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Records, offsets and state in one transaction; readers see committed records only.
    #[default]
    ExactlyOnce,
    /// Offsets committed after the records are acknowledged: a crash in between repeats the
    /// records, and whoever applies them knows a repeat by its identity. The producer is idempotent
    /// unless it is set up not to be.
    AtLeastOnce,
}

/// How to reach a cluster. Properties carry librdkafka's names and have been checked against each
/// other.
#[derive(Clone)]
pub struct Options {
    /// Of every producer; with `bootstrap.servers` and security.
    pub producer: Properties,
    /// Of every consumer; with `bootstrap.servers` and security.
    pub consumer: Properties,
    /// What a write promises.
    pub delivery: Delivery,
    /// In front of transactional ids: two federations on one cluster need different ones.
    pub transactional_id_prefix: String,
    /// In front of the names of groups, for the same reason.
    pub group_prefix: String,
    /// The compacted topic of the roles' state; one partition.
    pub state_topic: TopicSpec,
    /// Records that a reader keeps ready, by bytes of keys and values; more are left with the
    /// broker.
    pub ahead_bytes: usize,
    /// Records handed out at a time at the most (`max.poll.records`).
    pub max_poll_records: usize,
    /// A write that waits longer for room says so, and goes on waiting (`max.block.ms`).
    pub max_block: Duration,
    /// Use the group protocol of KIP-848 for readers that share partitions.
    pub consumer_protocol: bool,
    /// A partition that has records and gives none for so long is stalled.
    pub stall_after: Duration,
    /// A partition that is taken away is given up after so long, whatever is still under way.
    pub drain: Duration,
    /// A client that does not end in this time is left behind.
    pub close: Duration,
    /// One request to the cluster, such as listing topics.
    pub request: Duration,
    /// Between tries to replace a client.
    pub backoff: Backoff,
    /// Who is told.
    pub observer: Arc<dyn Observer>,
}

impl Options {
    /// The group as the cluster knows it.
    #[must_use]
    pub fn group(&self, name: &str) -> String {
        format!("{}{name}", self.group_prefix)
    }

    /// How long the chunks of a record may take until they are all acknowledged; then they are
    /// written again as a whole. Readers wait for them as long.
    #[must_use]
    pub fn delivery_timeout(&self) -> Duration {
        let set = self
            .producer
            .number("delivery.timeout.ms")
            .filter(|&ms| ms > 0);
        set.map_or(DELIVERY_TIMEOUT, Duration::from_millis)
    }

    /// The brokers, as errors name them.
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
