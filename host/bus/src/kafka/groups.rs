//! Which reader of this process reads what, so that a writer commits a group's offsets as that
//! reader.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::GroupOffset;

/// A reader as a member of its group.
pub(super) trait Member: Send + Sync {
    /// Stores offsets in the name of this member and its generation; blocks until the broker has
    /// answered.
    fn commit(&self, offsets: &TopicPartitionList) -> KafkaResult<()>;

    /// For a transaction that carries offsets of this member.
    fn metadata(&self) -> Option<ConsumerGroupMetadata>;

    /// Why this member must not move that offset any more: the partition was taken away from it.
    /// `None` while it may.
    fn fenced(&self, offset: &GroupOffset) -> Option<String>;

    /// That offset is stored: everything below it is safe.
    fn stored(&self, offset: &GroupOffset);
}

/// By group and topic.
type Members = HashMap<(String, Arc<str>), Weak<dyn Member>>;

/// The members in this process.
#[derive(Default)]
pub(super) struct Groups(Mutex<Members>);

impl Groups {
    /// Remembers a member for as long as it lives; `false` when the group has a living reader of
    /// the topic already.
    pub(super) fn join(&self, group: &str, topics: &[Arc<str>], member: &Arc<dyn Member>) -> bool {
        let mut members = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        members.retain(|_, member| member.strong_count() > 0);
        let key = |topic: &Arc<str>| (group.to_owned(), Arc::clone(topic));
        if topics.iter().any(|topic| members.contains_key(&key(topic))) {
            return false;
        }
        members.extend(
            topics
                .iter()
                .map(|topic| (key(topic), Arc::downgrade(member))),
        );
        true
    }

    /// The living reader of the topic, if it is in this process.
    pub(super) fn member(&self, group: &str, topic: &Arc<str>) -> Option<Arc<dyn Member>> {
        let members = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        members
            .get(&(group.to_owned(), Arc::clone(topic)))?
            .upgrade()
    }
}
