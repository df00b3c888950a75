//! What a topic is made of, and which topics are legal.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::partition::Partition;
use crate::partitioner;
use crate::{Error, NewRecord, TopicInfo, TopicSpec, topic_name};

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
        Self {
            name: spec.name.as_str().into(),
            spec,
            partitions,
            readers: Mutex::default(),
        }
    }

    pub(super) fn info(&self) -> TopicInfo {
        let offsets = self
            .partitions
            .iter()
            .map(|partition| partition.tail().offsets())
            .collect();
        TopicInfo {
            spec: self.spec.clone(),
            offsets,
            settings_known: true,
        }
    }

    /// # Errors
    /// There is no such partition.
    pub(super) fn partition(&self, partition: u32) -> Result<&Arc<Partition>, Error> {
        usize::try_from(partition)
            .ok()
            .and_then(|index| self.partitions.get(index))
            .ok_or_else(|| Error::UnknownPartition {
                topic: self.spec.name.clone(),
                partition,
            })
    }

    /// The partition that `record` goes to.
    pub(super) fn partition_of(&self, record: &NewRecord) -> Result<&Arc<Partition>, Error> {
        let by_key = || {
            record
                .key
                .as_ref()
                .map_or(0, |key| partitioner::partition(key, self.spec.partitions))
        };
        self.partition(record.partition.unwrap_or_else(by_key))
    }

    /// Wakes `reader` whenever records were added, until [`Topic::leave`].
    pub(super) fn join(&self, reader: &Arc<Notify>) {
        self.readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::clone(reader));
    }

    pub(super) fn leave(&self, reader: &Arc<Notify>) {
        self.readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|other| !Arc::ptr_eq(other, reader));
    }

    pub(super) fn wake(&self) {
        self.readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .for_each(|reader| reader.notify_one());
    }
}

/// # Errors
/// The name breaks Kafka's rules, or there is no partition, or more than the store can serve.
pub(super) fn check(spec: &TopicSpec) -> Result<(), Error> {
    let bad = |reason| Error::BadTopic {
        topic: spec.name.clone(),
        reason,
        hint: None,
    };
    topic_name::check(&spec.name).map_err(bad)?;
    if !(1..=PARTITIONS_MAX).contains(&spec.partitions) {
        return Err(bad(format!(
            "a topic has 1 to {PARTITIONS_MAX} partitions, not {}",
            spec.partitions
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_a_legal_name_and_at_least_one_partition() {
        let spec = |name: &str, partitions| TopicSpec {
            name: name.to_owned(),
            partitions,
            ..TopicSpec::default()
        };
        assert!(check(&spec("a", 1)).is_ok());
        for bad in [spec("a b", 1), spec("a", 0), spec("a", PARTITIONS_MAX + 1)] {
            assert!(
                matches!(check(&bad), Err(Error::BadTopic { .. })),
                "{bad:?}"
            );
        }
    }
}
