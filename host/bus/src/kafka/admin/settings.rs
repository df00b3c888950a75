//! A topic's specification in Kafka's settings, and back.

use std::collections::BTreeMap;

use rdkafka::admin::{NewTopic, TopicReplication};

use crate::TopicSpec;
use crate::compare::{MAX_MESSAGE_BYTES, RETENTION_BYTES, RETENTION_MS};
use crate::limits::BrokerLimits;

/// Kafka limits a whole batch of records, compressed: its frame and the records' headers count.
/// With this on top, a record whose key and value are as large as its topic takes fits with 64 KiB
/// of headers.
const FRAME_BYTES: u64 = 64 << 10;
/// Kafka has the limit as a signed 32-bit number.
const BATCH_BYTES_MAX: u64 = i32::MAX as u64;

/// What the topic is created with.
pub(in crate::kafka) fn of(spec: &TopicSpec) -> BTreeMap<String, String> {
    let limit =
        |limit: Option<u64>| limit.map_or_else(|| "-1".to_owned(), |limit| limit.to_string());
    let batch_bytes = spec
        .max_message_bytes
        .saturating_add(FRAME_BYTES)
        .min(BATCH_BYTES_MAX);
    let fields = [
        (RETENTION_MS, limit(spec.retention_ms)),
        (RETENTION_BYTES, limit(spec.retention_bytes)),
        (MAX_MESSAGE_BYTES, batch_bytes.to_string()),
    ];
    let mut settings = spec.settings.clone();
    settings.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    settings
}

/// The request that creates the topic with these settings.
pub(in crate::kafka) fn new_topic<'a>(
    spec: &'a TopicSpec,
    settings: &'a BTreeMap<String, String>,
) -> NewTopic<'a> {
    // -1 leaves the number of copies to the broker.
    let copies = spec.replication_factor.map_or(-1, i32::from);
    let partitions = i32::try_from(spec.partitions).unwrap_or(i32::MAX);
    let topic = NewTopic::new(&spec.name, partitions, TopicReplication::Fixed(copies));
    settings
        .iter()
        .fold(topic, |topic, (name, value)| topic.set(name, value))
}

/// What a topic with these settings is.
pub(in crate::kafka) fn spec(
    name: &str,
    partitions: u32,
    replication_factor: Option<u16>,
    mut settings: BTreeMap<String, String>,
) -> TopicSpec {
    let mut number = |name: &str| {
        settings
            .remove(name)?
            .parse::<i64>()
            .ok()
            .and_then(|number| u64::try_from(number).ok())
    };
    TopicSpec {
        retention_ms: number(RETENTION_MS),
        retention_bytes: number(RETENTION_BYTES),
        max_message_bytes: number(MAX_MESSAGE_BYTES).map_or(u64::MAX, record_bytes),
        name: name.to_owned(),
        partitions,
        replication_factor,
        settings,
    }
}

/// The largest record, in bytes, of a topic whose batches may have this number of bytes. A topic that
/// takes less than a frame was not created by fedhost: there the cluster refuses what does not fit.
fn record_bytes(batch_bytes: u64) -> u64 {
    batch_bytes
        .checked_sub(FRAME_BYTES)
        .filter(|&bytes| bytes > 0)
        .unwrap_or(batch_bytes)
}

/// What a broker with these settings lets pass.
pub(in crate::kafka) fn broker_limits(settings: &BTreeMap<String, String>) -> BrokerLimits {
    let number = |name: &str| settings.get(name).and_then(|value| value.parse().ok());
    BrokerLimits {
        copied: number("replica.fetch.max.bytes"),
        requested: number("socket.request.max.bytes"),
    }
}

/// A topic whose settings the cluster does not show: whatever limits it has, the cluster watches
/// over them.
pub(super) fn unknown(name: &str, partitions: u32, replication_factor: Option<u16>) -> TopicSpec {
    let name = name.to_owned();
    TopicSpec {
        name,
        partitions,
        replication_factor,
        max_message_bytes: u64::MAX,
        ..TopicSpec::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specification_reads_back_as_it_was_asked_for() {
        for (retention_ms, retention_bytes) in [(None, None), (Some(3_600_000), Some(1 << 30))] {
            let asked = TopicSpec {
                name: "t".into(),
                partitions: 3,
                retention_ms,
                retention_bytes,
                max_message_bytes: 16 << 20,
                replication_factor: Some(2),
                settings: BTreeMap::from([("cleanup.policy".into(), "compact".into())]),
            };
            let found = spec("t", 3, Some(2), of(&asked));
            assert_eq!(found, asked);
        }
    }

    #[test]
    fn the_fields_go_before_settings_of_the_same_name() {
        let settings = BTreeMap::from([(MAX_MESSAGE_BYTES.to_owned(), "1".to_owned())]);
        let asked = TopicSpec {
            max_message_bytes: 1 << 20,
            settings,
            ..TopicSpec::default()
        };
        assert_eq!(
            of(&asked)[MAX_MESSAGE_BYTES],
            ((1 << 20) + FRAME_BYTES).to_string()
        );
    }

    #[test]
    fn a_limit_beyond_what_kafka_can_count_is_the_largest_it_can() {
        let asked = TopicSpec {
            max_message_bytes: u64::MAX,
            ..TopicSpec::default()
        };
        assert_eq!(of(&asked)[MAX_MESSAGE_BYTES], i32::MAX.to_string());
    }

    #[test]
    fn a_topic_that_somebody_made_small_takes_records_all_the_same() {
        let limit = |bytes: u64| {
            let settings = BTreeMap::from([(MAX_MESSAGE_BYTES.to_owned(), bytes.to_string())]);
            spec("t", 1, None, settings).max_message_bytes
        };
        assert_eq!(
            [3_024, FRAME_BYTES, FRAME_BYTES + 1].map(limit),
            [3_024, FRAME_BYTES, 1]
        );
    }
}
