//! What a topic is made of, and which topics are legal.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::partition::Partition;
use super::partitioner;
use crate::bus::{Error, NewRecord, TopicInfo, TopicSpec};

const NAME_CHARACTERS_MAX: usize = 249;
/// Every partition has files and a write buffer of its own.
const PARTITIONS_MAX: u32 = 1_000;

/// A topic that exists.
pub(super) struct Topic {
    pub(super) name: Arc<str>,
    pub(super) spec: TopicSpec,
    pub(super) partitions: Vec<Arc<Partition>>,
    readers: Mutex<Vec<Arc<Notify>>>,
}

impl Topic {
    pub(super) fn new(spec: TopicSpec, partitions: Vec<Arc<Partition>>) -> Self {
        Self { name: spec.name.as_str().into(), spec, partitions, readers: Mutex::default() }
    }

    pub(super) fn info(&self) -> TopicInfo {
        let offsets = self.partitions.iter().map(|partition| partition.tail().offsets()).collect();
        TopicInfo { spec: self.spec.clone(), offsets }
    }

    /// # Errors
    /// There is no such partition.
    pub(super) fn partition(&self, partition: u32) -> Result<&Arc<Partition>, Error> {
        usize::try_from(partition)
            .ok()
            .and_then(|index| self.partitions.get(index))
            .ok_or_else(|| Error::UnknownPartition { topic: self.spec.name.clone(), partition })
    }

    /// The partition that `record` goes to.
    pub(super) fn partition_of(&self, record: &NewRecord) -> Result<&Arc<Partition>, Error> {
        let by_key = || record.key.as_ref().map_or(0, |key| partitioner::partition(key, self.spec.partitions));
        self.partition(record.partition.unwrap_or_else(by_key))
    }

    /// Wakes `reader` whenever records were added, until [`Topic::leave`].
    pub(super) fn join(&self, reader: &Arc<Notify>) {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(reader));
    }

    pub(super) fn leave(&self, reader: &Arc<Notify>) {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| !Arc::ptr_eq(other, reader));
    }

    pub(super) fn wake(&self) {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(|reader| reader.notify_one());
    }
}

/// # Errors
/// The specification breaks Kafka's rules for names, or has no partition.
pub(super) fn check(spec: &TopicSpec) -> Result<(), Error> {
    let name = &spec.name;
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let reason = if name.is_empty() || name.len() > NAME_CHARACTERS_MAX {
        format!("a name has 1 to {NAME_CHARACTERS_MAX} characters, this one has {}", name.chars().count())
    } else if name == "." || name == ".." {
        "this name is reserved".to_owned()
    } else if !name.chars().all(legal) {
        "a name is made of the characters a-z, A-Z, 0-9, '.', '_' and '-'".to_owned()
    } else if !(1..=PARTITIONS_MAX).contains(&spec.partitions) {
        format!("a topic has 1 to {PARTITIONS_MAX} partitions, not {}", spec.partitions)
    } else {
        return Ok(());
    };
    Err(Error::BadTopic { topic: name.clone(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(name: &str, partitions: u32) -> TopicSpec {
        let (retention_ms, retention_bytes) = (None, None);
        TopicSpec { name: name.to_owned(), partitions, retention_ms, retention_bytes, max_message_bytes: 1 }
    }

    #[test]
    fn names_follow_the_rules_of_kafka() {
        for good in ["a", "sensor-data-node-1", "A.b_C-9", "...", &"x".repeat(249)] {
            assert!(check(&spec(good, 1)).is_ok(), "{good:?}");
        }
        for bad in ["", ".", "..", "a b", "a/b", "ä", "a\0", &"x".repeat(250)] {
            assert!(matches!(check(&spec(bad, 1)), Err(Error::BadTopic { .. })), "{bad:?}");
        }
    }

    #[test]
    fn a_topic_has_at_least_one_partition() {
        assert!(matches!(check(&spec("a", 0)), Err(Error::BadTopic { .. })));
    }
}
