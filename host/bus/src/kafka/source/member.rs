//! A reader as a member of its group, as long as its owner keeps it.

use std::sync::{Arc, PoisonError, RwLock};

use rdkafka::consumer::{CommitMode, Consumer as _, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::Sharing;
use super::context::Client;
use super::shared::Shared;
use super::shelf::Phase;
use crate::GroupOffset;
use crate::kafka::groups::Member;

/// The client at work; empty while there is none.
#[derive(Default)]
pub(super) struct Slot(RwLock<Option<Arc<Client>>>);

impl Slot {
    pub(super) fn put(&self, client: Option<Arc<Client>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = client;
    }

    fn get(&self) -> Option<Arc<Client>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

pub(super) struct Membership {
    pub(super) sharing: Sharing,
    pub(super) shared: Arc<Shared>,
    pub(super) slot: Arc<Slot>,
}

impl Member for Membership {
    fn commit(&self, offsets: &TopicPartitionList) -> KafkaResult<()> {
        let client = self.slot.get().ok_or(KafkaError::ConsumerCommit(
            RDKafkaErrorCode::UnknownMemberId,
        ))?;
        client.commit(offsets, CommitMode::Sync)
    }

    fn metadata(&self) -> Option<ConsumerGroupMetadata> {
        self.slot.get()?.group_metadata()
    }

    fn fenced(&self, offset: &GroupOffset) -> Option<String> {
        let GroupOffset {
            topic,
            partition,
            next,
            ..
        } = offset;
        let shelf = self.shared.shelf();
        if let Phase::Ended(error) = shelf.phase() {
            return Some(error.to_string());
        }
        match shelf.find(topic, *partition) {
            // Whoever reads alone has had it since it joined: older work is what a spool has left,
            // which comes first.
            Some(_) if self.sharing == Sharing::Whole => None,
            Some(owned) => owned.fenced(*next),
            None => Some(format!(
                "{topic}/{partition} is with another reader of the group"
            )),
        }
    }

    fn stored(&self, offset: &GroupOffset) {
        if let Some(partition) = self
            .shared
            .shelf()
            .find_mut(&offset.topic, offset.partition)
        {
            partition.stored(offset.next);
        }
        self.shared.settle();
    }
}
