//! What a client tells about itself every second.

use rdkafka::Statistics;

/// How often the client tells.
pub(super) const INTERVAL_MS: &str = "1000";

/// The part of librdkafka's statistics that a reader needs.
pub(super) struct Snapshot {
    /// Some broker answers.
    pub(super) connected: bool,
    pub(super) partitions: Vec<Seen>,
}

/// How the client sees one partition.
pub(super) struct Seen {
    pub(super) topic: String,
    pub(super) index: u32,
    /// One past the newest record that may be read.
    pub(super) end: u64,
    /// Everything below was delivered; unknown while something is on its way.
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
                    Some(Seen {
                        topic: topic.clone(),
                        index: u32::try_from(partition.partition).ok()?,
                        end: u64::try_from(partition.ls_offset).unwrap_or_default(),
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
