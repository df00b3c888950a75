//! A reader as a group member, for its owner's lifetime.

use std::sync::{Arc, PoisonError, RwLock};

use rdkafka::consumer::{CommitMode, Consumer as _, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::context::Client;
use super::fetch_buffer::{FetchBuffer, Phase};
use super::plan::Sharing;
use super::shared::Shared;
use crate::kafka::groups::Reader;
use crate::{GroupOffset, TopicId};

/// The current client; empty while there is none.
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

impl Membership {
    fn why_fenced(&self, buffer: &FetchBuffer, offset: &GroupOffset) -> Option<String> {
        if let Phase::Ended(error) = buffer.phase() {
            return Some(error.to_string());
        }
        let GroupOffset {
            topic,
            partition,
            next,
            epoch,
            ..
        } = offset;
        match (self.sharing, buffer.find(topic, *partition), epoch) {
            (_, None, _) => Some(format!(
                "{topic}/{partition} is with another reader of the group"
            )),
            // The reader has owned the partition since it joined. Older work is what remained in a
            // spool, and the spool is processed first.
            (Sharing::Whole, Some(_), None) => None,
            (Sharing::Whole, Some(_), Some(_)) => Some(format!(
                "{topic}/{partition} was read when the members of the group shared it"
            )),
            (Sharing::Shared, Some(owned), Some(epoch)) if owned.epoch() == *epoch => {
                owned.fenced(*next)
            }
            (Sharing::Shared, Some(_), Some(_)) => Some(format!(
                "{topic}/{partition} was taken from the member that read it"
            )),
            (Sharing::Shared, Some(_), None) => Some(format!(
                "the members of the group share {topic}/{partition}, so an offset needs an epoch"
            )),
        }
    }
}

impl Reader for Membership {
    fn shares(&self) -> bool {
        self.sharing == Sharing::Shared
    }

    fn commit(&self, offsets: &[GroupOffset], list: &TopicPartitionList) -> KafkaResult<()> {
        let refused = |code| Err(KafkaError::ConsumerCommit(code));
        let Some(client) = self.slot.get() else {
            return refused(RDKafkaErrorCode::UnknownMemberId);
        };
        if !self.shares() {
            return client.commit(list, CommitMode::Sync);
        }
        {
            // The client commits in its newest generation, in which a revoked partition belongs to
            // another member. So no partition is released before the commit has finished.
            let mut buffer = self.shared.buffer();
            let is_fenced = |offset| self.why_fenced(&buffer, offset).is_some();
            if offsets.iter().any(is_fenced) {
                return refused(RDKafkaErrorCode::AssignmentLost);
            }
            buffer.begin_commit();
        }
        let committed = client.commit(list, CommitMode::Sync);
        self.shared.buffer().end_commit();
        self.shared.settle();
        committed
    }

    fn metadata(&self) -> Option<ConsumerGroupMetadata> {
        self.slot.get()?.group_metadata()
    }

    fn fenced(&self, offset: &GroupOffset) -> Option<String> {
        self.why_fenced(&self.shared.buffer(), offset)
    }

    fn topic_id(&self, topic: &str) -> Option<TopicId> {
        self.shared.buffer().topic_id(topic)
    }

    fn stored(&self, offset: &GroupOffset) {
        let mut buffer = self.shared.buffer();
        if let Some(partition) = buffer.find_mut(&offset.topic, offset.partition)
            && offset.epoch.is_none_or(|epoch| epoch == partition.epoch())
        {
            partition.stored(offset.next);
        }
        drop(buffer);
        self.shared.settle();
    }
}
