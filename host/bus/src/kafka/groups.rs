//! Records which reader of this process reads what, so that a writer commits a group's offsets as
//! that reader.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::{Error, GroupOffset, TopicId};

/// A client in its consumer group.
pub(super) trait Reader: Send + Sync {
    /// Whether it shares the partitions with other readers of the group.
    fn shares(&self) -> bool;

    /// Stores offsets as this reader, in its generation; blocks until the broker has answered.
    /// `list` holds the same offsets.
    fn commit(&self, offsets: &[GroupOffset], list: &TopicPartitionList) -> KafkaResult<()>;

    /// The group metadata for a transaction that carries offsets of this reader.
    fn metadata(&self) -> Option<ConsumerGroupMetadata>;

    /// Why this reader must not commit that offset: it no longer owns the partition. `None` if it
    /// may commit.
    fn fenced(&self, offset: &GroupOffset) -> Option<String>;

    /// The topic that it reads under that name.
    fn topic_id(&self, topic: &str) -> Option<TopicId>;

    /// The offset is stored: everything below it is safe.
    fn stored(&self, offset: &GroupOffset);
}

/// By group and topic.
type Readers = HashMap<(String, Arc<str>), Vec<Weak<dyn Reader>>>;

/// The readers in this process.
#[derive(Default)]
pub(super) struct Groups(Mutex<Readers>);

impl Groups {
    /// Registers a reader for its lifetime.
    ///
    /// # Errors
    /// [`Error::GroupBusy`]: the group already has a live reader of a topic, and one of the two
    /// reads all partitions.
    pub(super) fn join(
        &self,
        group: &str,
        topics: &[Arc<str>],
        reader: &Arc<dyn Reader>,
    ) -> Result<(), Error> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, readers| {
            readers.retain(|reader| reader.strong_count() > 0);
            !readers.is_empty()
        });
        let key = |topic: &Arc<str>| (group.to_owned(), Arc::clone(topic));
        for topic in topics {
            let mut others = all
                .get(&key(topic))
                .into_iter()
                .flatten()
                .filter_map(Weak::upgrade);
            if others.any(|other| !other.shares() || !reader.shares()) {
                return Err(Error::GroupBusy {
                    group: group.to_owned(),
                    topic: topic.to_string(),
                });
            }
        }
        for topic in topics {
            let readers = all.entry(key(topic)).or_default();
            readers.push(Arc::downgrade(reader));
        }
        Ok(())
    }

    /// The live reader of this process as which that offset is stored.
    pub(super) fn reader(&self, offset: &GroupOffset) -> Option<Arc<dyn Reader>> {
        let readers = self.readers(offset);
        readers
            .into_iter()
            .find(|reader| !reader.shares() || reader.fenced(offset).is_none())
    }

    /// Whether that offset may be written.
    ///
    /// # Errors
    /// [`Error::Lost`] for a reader of all partitions, [`Error::Fenced`] where they are shared.
    pub(super) fn check(&self, offset: &GroupOffset) -> Result<(), Error> {
        let fenced = |reason| {
            Err(Error::Fenced {
                group: offset.group.clone(),
                reason,
            })
        };
        let mut refusal = None;
        for reader in self.readers(offset) {
            match reader.fenced(offset) {
                None => return Ok(()),
                Some(reason) => refusal = Some((reader.shares(), reason)),
            }
        }
        match refusal {
            Some((true, reason)) => fenced(reason),
            Some((false, reason)) => Err(Error::Lost {
                what: format!("group {:?}", offset.group),
                reason,
            }),
            None if offset.epoch.is_some() => fenced(format!(
                "the member that read partition {} of {} has left the group",
                offset.partition, offset.topic
            )),
            None => Ok(()),
        }
    }

    fn readers(&self, offset: &GroupOffset) -> Vec<Arc<dyn Reader>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let readers = all.get(&(offset.group.clone(), Arc::clone(&offset.topic)));
        readers
            .into_iter()
            .flatten()
            .filter_map(Weak::upgrade)
            .collect()
    }
}
