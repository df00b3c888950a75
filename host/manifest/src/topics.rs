//! `[topics]`: names and limits of the topics.

mod further;
mod layer;
mod name;
mod settings;
#[cfg(test)]
mod tests;
mod topic;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) use layer::settle;
pub(super) use name::{check_name, check_prefix, check_template, is_template};
pub(super) use settings::check_setting;
pub use topic::{CleanupPolicy, Topic, TopicCompression};

/// The topics that a federation uses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Topics {
    /// In front of the name of every topic, so that several federations or environments share a
    /// cluster. Example: `"prod-"`.
    #[schemars(extend("format" = "prefix"))]
    pub(super) prefix: String,
    /// Brokers that hold a copy of a topic that has no `replication_factor` of its own, 1 to 100;
    /// without it the cluster decides. Example: `3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub(super) replication_factor: Option<u16>,
    /// Copies that must be there for a write to a topic that has no `min_insync_replicas` of its
    /// own, 1 to 100; without it the cluster decides. Example: `2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub(super) min_insync_replicas: Option<u16>,
    /// Global models, from the aggregator to every fog node.
    pub(super) global_model: Topic,
    /// Model updates, from the fog nodes to the aggregator.
    pub(super) model_updates: Topic,
    /// Readings of one fog node's sensors; `{node}` in the name stands for the node's id.
    pub(super) sensor_data: Topic,
    /// Anomaly scores of readings.
    pub(super) predictions: Topic,
    /// How well global models do on held-out rows.
    pub(super) evaluations: Topic,
    /// What the roles remember between runs, with `bus.kind = "kafka"`: one partition, compacted.
    pub(super) state: Topic,
    /// What follows a topic's name in the name of its dead-letter topic: 1 to 100 letters, digits,
    /// `.`, `_` or `-`.
    #[schemars(extend("format" = "name"))]
    pub dead_letter_suffix: String,
    /// How long dead-letter records are kept.
    pub(super) dead_letters: Retention,
    /// Further topics, made with the others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) other: Vec<Topic>,
    /// Topics that exist only when they are named.
    #[serde(flatten)]
    #[schemars(schema_with = "further::schema")]
    pub(super) further: BTreeMap<String, Topic>,
}

/// How long records are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Retention {
    /// Milliseconds after which a record may be dropped; -1 keeps it.
    #[serde(with = "topic::minus_one")]
    #[schemars(with = "i64", range(min = -1))]
    pub retention_ms: Option<u64>,
    /// Bytes of a partition above which its oldest records are dropped; -1 sets no limit.
    #[serde(with = "topic::minus_one")]
    #[schemars(with = "i64", range(min = -1))]
    pub retention_bytes: Option<u64>,
}

/// Bytes that a dead-letter record may have above the record that it was: what says why it is one.
pub const DEAD_LETTER_HEADROOM: u64 = 64 << 10;

/// Bytes that headers and Kafka's own framing may take above key and value.
const WIRE_HEADROOM: u64 = 64 << 10;

/// What a client must let pass so that records of this size, and their dead-letter records, get
/// through.
pub(super) fn wire_bytes(max_message_bytes: u64) -> u64 {
    max_message_bytes + DEAD_LETTER_HEADROOM + WIRE_HEADROOM
}

impl Topics {
    /// The topic of global models.
    #[must_use]
    pub fn global_model(&self) -> Topic {
        self.whole(&self.global_model)
    }

    /// The topic of model updates.
    #[must_use]
    pub fn model_updates(&self) -> Topic {
        self.whole(&self.model_updates)
    }

    /// The topic of anomaly scores.
    #[must_use]
    pub fn predictions(&self) -> Topic {
        self.whole(&self.predictions)
    }

    /// The topic of evaluations.
    #[must_use]
    pub fn evaluations(&self) -> Topic {
        self.whole(&self.evaluations)
    }

    /// The topic of what the roles remember; no part of [`Topics::all`], for a bus may have another
    /// place for it.
    #[must_use]
    pub fn state(&self) -> Topic {
        self.whole(&self.state)
    }

    /// The topic of the readings of fog node `node`.
    #[must_use]
    pub fn sensor_data_of(&self, node: u32) -> Topic {
        let topic = self.whole(&self.sensor_data);
        Topic {
            name: name::of_node(&topic.name, node),
            ..topic
        }
    }

    /// A topic that exists only when it is named, by its key, such as `raw_data`.
    #[must_use]
    pub fn further(&self, key: &str) -> Option<Topic> {
        self.further.get(key).map(|topic| self.whole(topic))
    }

    /// Where what could not be used of `topic` goes. Every dead-letter record counts, so none goes
    /// for a newer one.
    #[must_use]
    pub fn dead_letter_of(&self, topic: &Topic) -> Topic {
        Topic {
            name: format!("{}{}", topic.name, self.dead_letter_suffix),
            retention_ms: self.dead_letters.retention_ms,
            retention_bytes: self.dead_letters.retention_bytes,
            max_message_bytes: topic.max_message_bytes + DEAD_LETTER_HEADROOM,
            cleanup_policy: CleanupPolicy::Delete,
            ..topic.clone()
        }
    }

    /// Every topic of a federation of these fog nodes, but for state and dead-letter records.
    #[must_use]
    pub fn all(&self, nodes: &BTreeSet<u32>) -> Vec<Topic> {
        let all = self
            .by_key(nodes)
            .into_iter()
            .filter(|(key, _)| key != "state");
        all.map(|(_, topic)| topic).collect()
    }

    /// Every topic but dead-letter topics, each with the key that names it, such as `sensor_data`.
    #[must_use]
    pub fn by_key(&self, nodes: &BTreeSet<u32>) -> Vec<(String, Topic)> {
        let of_roles = [
            ("global_model", self.global_model()),
            ("model_updates", self.model_updates()),
            ("predictions", self.predictions()),
            ("evaluations", self.evaluations()),
            ("state", self.state()),
        ];
        let of_roles = of_roles
            .into_iter()
            .map(|(key, topic)| (key.to_owned(), topic));
        let sensor_data = nodes
            .iter()
            .map(|&node| ("sensor_data".to_owned(), self.sensor_data_of(node)));
        let further = self
            .further
            .iter()
            .map(|(key, topic)| (key.clone(), self.whole(topic)));
        let other = self
            .other
            .iter()
            .enumerate()
            .map(|(index, topic)| (format!("other[{index}]"), self.whole(topic)));
        of_roles
            .chain(sensor_data)
            .chain(further)
            .chain(other)
            .collect()
    }

    /// What stands in front of the name of every topic.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The most that any topic takes.
    pub(super) fn largest_message_bytes(&self) -> u64 {
        let all = self.by_key(&BTreeSet::from([0]));
        all.iter()
            .map(|(_, topic)| topic.max_message_bytes)
            .max()
            .unwrap_or(0)
    }

    /// The least that any topic takes.
    pub(super) fn smallest_message_bytes(&self) -> u64 {
        let all = self.by_key(&BTreeSet::from([0]));
        all.iter()
            .map(|(_, topic)| topic.max_message_bytes)
            .min()
            .unwrap_or(u64::MAX)
    }

    /// With its full name, and what it has from all topics.
    fn whole(&self, topic: &Topic) -> Topic {
        Topic {
            name: format!("{}{}", self.prefix, topic.name),
            replication_factor: topic.replication_factor.or(self.replication_factor),
            min_insync_replicas: topic.min_insync_replicas.or(self.min_insync_replicas),
            ..topic.clone()
        }
    }
}
