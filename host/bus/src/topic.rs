//! Topics, as they are asked for and as they are.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Identifies a topic among all that have had its name: a topic that is deleted and created again
/// has another id. Its text has no meaning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TopicId(String);

impl TopicId {
    /// The id of that text.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }
}

impl fmt::Display for TopicId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// How a topic is made and kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicSpec {
    /// Legal characters and length as in Kafka.
    pub name: String,
    /// At least 1.
    pub partitions: u32,
    /// Records older than this may be dropped; `None` keeps them.
    pub retention_ms: Option<u64>,
    /// Oldest records are dropped while a partition is larger than this; `None` keeps them.
    pub retention_bytes: Option<u64>,
    /// A larger key and value together are refused, or travel in chunks; see
    /// [`Admin::record_bytes_max`](crate::Admin::record_bytes_max).
    pub max_message_bytes: u64,
    /// Brokers that hold a copy; `None` leaves it to the bus. A bus on one machine has one copy
    /// whatever is asked.
    pub replication_factor: Option<u16>,
    /// Further settings by the names that Kafka gives them, such as `cleanup.policy`. A bus that
    /// has no such setting leaves them aside.
    pub settings: BTreeMap<String, String>,
}

/// A topic as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicInfo {
    /// As it was created.
    pub spec: TopicSpec,
    /// By partition: the oldest offset still there, and the next one to be written.
    pub offsets: Vec<std::ops::Range<u64>>,
    /// Whether the bus reports the topic's settings. Where it does not, `spec` holds them as they
    /// were asked for, or without limits when none were asked for; its name, partitions and copies are as
    /// they are all the same.
    pub settings_known: bool,
}
