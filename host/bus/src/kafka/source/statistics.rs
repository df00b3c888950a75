//! The statistics that a client reports every second.

use rdkafka::Statistics;

/// Interval of the statistics.
pub(super) const INTERVAL_MS: &str = "1000";

/// The part of librdkafka's statistics that a reader needs.
pub(super) struct Snapshot {
    /// At least one broker answers.
    pub(super) connected: bool,
    pub(super) partitions: Vec<Seen>,
}

/// The client's view of one partition.
pub(super) struct Seen {
    pub(super) topic: String,
    pub(super) index: u32,
    /// One past the newest readable record: the last stable offset.
    pub(super) stable: u64,
    /// One past the newest record, also of an open transaction: the high watermark.
    pub(super) end: u64,
    /// All records below were delivered; unknown while records are in transit.
    pub(super) passed: Option<u64>,
}

impl From<Statistics> for Snapshot {
    fn from(statistics: Statistics) -> Self {
        let connected = statistics
            .brokers
            .values()
            .any(|broker| broker.state == "UP");
        let partitions = statistics.topics.into_iter().flat_map(|(topic, of_topic)| {
            of_topic
                .partitions
                .into_values()
                .filter_map(move |partition| {
                    let passed = u64::try_from(partition.next_offset).ok();
                    let stable = u64::try_from(partition.ls_offset).unwrap_or_default();
                    let end = u64::try_from(partition.hi_offset).unwrap_or_default();
                    Some(Seen {
                        topic: topic.clone(),
                        index: u32::try_from(partition.partition).ok()?,
                        stable,
                        end: end.max(stable),
                        passed: passed.filter(|_| partition.fetchq_cnt == 0),
                    })
                })
        });
        Self {
            connected,
            partitions: partitions.collect(),
        }
    }
}
