//! Events of the bus: connections, partitions, topics, and the files of the embedded log.

use serde::{Deserialize, Serialize};

use super::Damage;

/// An event of the bus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum BusEvent {
    /// Records of the embedded log cannot be read any more.
    LogDamaged(Damage),
    /// A client of the bus lost its broker, or was refused; what it holds is kept, and tried again.
    ConnectionLost {
        /// Which client, such as `writer of fog-node-1`.
        part: String,
        /// The full explanation.
        reason: String,
        /// What to do about it.
        hint: String,
    },
    /// A client that had lost its broker works again.
    ConnectionRestored {
        /// Which client.
        part: String,
        /// How long it was away.
        after_ms: u64,
    },
    /// Another process reads for this group; this one waits to take over.
    StandingBy {
        /// The consumer group.
        group: String,
    },
    /// A partition has records and none arrived for a while.
    PartitionStalled {
        /// The consumer group.
        group: String,
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// The next offset to be read.
        next: u64,
        /// One past the newest record.
        end: u64,
    },
    /// Records were dropped by their topic's retention before their group read them.
    RecordsExpired {
        /// The consumer group.
        group: String,
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// First lost offset.
        from: u64,
        /// One past the last lost offset.
        to: u64,
    },
    /// A topic is not as the manifest asks; it was left as it is.
    TopicDiffers {
        /// The topic.
        topic: String,
        /// The setting, by Kafka's name, or `partitions` or `replication.factor`.
        setting: String,
        /// What the manifest asks for.
        asked: String,
        /// What the topic has.
        found: String,
    },
}

impl BusEvent {
    /// The names of the events of this family in the run log.
    pub const NAMES: &'static [&'static str] = &[
        "log_damaged",
        "connection_lost",
        "connection_restored",
        "standing_by",
        "partition_stalled",
        "records_expired",
        "topic_differs",
    ];
}
