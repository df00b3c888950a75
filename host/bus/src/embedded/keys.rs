//! Keys and forms of the small values in the log.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{GroupOffset, TopicSpec};

pub(super) const TOPIC: u8 = b't';
const TAIL: u8 = b'p';
const GROUP: u8 = b'g';
const STATE: u8 = b's';

/// Longer names of groups and state are refused.
pub(super) const NAME_BYTES_MAX: usize = 32 << 10;

pub(super) fn topic(name: &str) -> Vec<u8> {
    key(TOPIC, &[name.as_bytes()])
}

pub(super) fn tail(topic: &str, partition: u32) -> Vec<u8> {
    // Unique, because what follows the last dash is a number.
    key(TAIL, &[format!("{topic}-{partition}").as_bytes()])
}

/// What all offsets of a group begin with.
pub(super) fn group(group: &str) -> Vec<u8> {
    // A length in front: no group's keys begin with another group's.
    let length = u32::try_from(group.len()).unwrap_or(u32::MAX);
    key(GROUP, &[&length.to_be_bytes(), group.as_bytes()])
}

pub(super) fn group_offset(offset: &GroupOffset) -> Vec<u8> {
    let mut key = group(&offset.group);
    key.extend(offset.partition.to_be_bytes());
    key.extend(offset.topic.as_bytes());
    key
}

pub(super) fn decode_group_offset(name: &str, key: &[u8], value: &[u8]) -> Option<GroupOffset> {
    let (partition, topic) = key
        .strip_prefix(group(name).as_slice())?
        .split_first_chunk()?;
    Some(GroupOffset {
        group: name.to_owned(),
        topic: str::from_utf8(topic).ok()?.into(),
        partition: u32::from_be_bytes(*partition),
        next: u64::from_be_bytes(value.try_into().ok()?),
        epoch: None,
    })
}

pub(super) fn state(name: &str) -> Vec<u8> {
    key(STATE, &[name.as_bytes()])
}

fn key(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![kind];
    parts.iter().for_each(|part| key.extend(*part));
    key
}

/// A topic's specification as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredSpec {
    name: String,
    partitions: u32,
    retention_ms: Option<u64>,
    retention_bytes: Option<u64>,
    max_message_bytes: u64,
    /// Logs of earlier versions have none.
    #[serde(default)]
    settings: BTreeMap<String, String>,
}

pub(super) fn encode_spec(spec: &TopicSpec) -> serde_json::Result<Vec<u8>> {
    let TopicSpec {
        name,
        partitions,
        retention_ms,
        retention_bytes,
        max_message_bytes,
        settings,
        ..
    } = spec.clone();
    serde_json::to_vec(&StoredSpec {
        name,
        partitions,
        retention_ms,
        retention_bytes,
        max_message_bytes,
        settings,
    })
}

pub(super) fn decode_spec(value: &[u8]) -> serde_json::Result<TopicSpec> {
    let StoredSpec {
        name,
        partitions,
        retention_ms,
        retention_bytes,
        max_message_bytes,
        settings,
    } = serde_json::from_slice(value)?;
    let replication_factor = None;
    Ok(TopicSpec {
        name,
        partitions,
        retention_ms,
        retention_bytes,
        max_message_bytes,
        replication_factor,
        settings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_whose_names_begin_alike_are_kept_apart() {
        let offset = GroupOffset {
            group: "fog-1".into(),
            topic: "t".into(),
            partition: 3,
            next: 9,
            epoch: None,
        };
        let key = group_offset(&offset);
        assert!(!key.starts_with(&group("fog")));
        assert_eq!(
            decode_group_offset("fog-1", &key, &9_u64.to_be_bytes()),
            Some(offset)
        );
    }

    #[test]
    fn a_topic_of_an_earlier_version_has_no_settings() {
        let stored = br#"{"name":"t","partitions":2,"retention_ms":null,"retention_bytes":7,"max_message_bytes":9}"#;
        let spec = decode_spec(stored).unwrap();
        let expected = TopicSpec {
            name: "t".into(),
            partitions: 2,
            retention_bytes: Some(7),
            ..TopicSpec::default()
        };
        assert_eq!(
            spec,
            TopicSpec {
                max_message_bytes: 9,
                ..expected
            }
        );
    }
}
