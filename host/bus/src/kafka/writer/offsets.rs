//! The offsets of groups, merged over several writes, and the owner as which they are stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::super::groups::{Groups, Reader};
use super::super::offset_note::Note;
use super::super::options::Options;
use crate::{Error, GroupOffset, TopicId};

/// The offsets of one reader, or of a group without a reader in this process.
#[derive(Clone)]
pub(super) struct Share {
    pub(super) group: String,
    owner: Owner,
    pub(super) offsets: Vec<GroupOffset>,
}

/// As whom offsets are stored.
#[derive(Clone)]
enum Owner {
    Reader(Arc<dyn Reader>),
    /// A member that had its partition before and is gone.
    Gone,
    /// No reader: the group has none in this process.
    Outsider,
}

impl Owner {
    fn of(groups: &Groups, offset: &GroupOffset) -> Self {
        match groups.reader(offset) {
            Some(reader) => Self::Reader(reader),
            None if offset.epoch.is_some() => Self::Gone,
            None => Self::Outsider,
        }
    }

    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Reader(a), Self::Reader(b)) => Arc::ptr_eq(a, b),
            (Self::Gone, Self::Gone) | (Self::Outsider, Self::Outsider) => true,
            _ => false,
        }
    }
}

/// The last offset for each partition of each group.
pub(super) fn merge<'a>(offsets: impl Iterator<Item = &'a GroupOffset>) -> Vec<GroupOffset> {
    let key = |offset: &'a GroupOffset| (&offset.group, &offset.topic, offset.partition);
    let merged: BTreeMap<_, _> = offsets.map(|offset| (key(offset), offset)).collect();
    merged.into_values().cloned().collect()
}

/// Divides merged offsets among their readers.
pub(super) fn shares(groups: &Groups, merged: Vec<GroupOffset>) -> Vec<Share> {
    let mut shares: Vec<Share> = Vec::new();
    for offset in merged {
        let owner = Owner::of(groups, &offset);
        let same = |share: &&mut Share| share.group == offset.group && share.owner.is(&owner);
        match shares.iter_mut().find(same) {
            Some(share) => share.offsets.push(offset),
            None => shares.push(Share {
                group: offset.group.clone(),
                owner,
                offsets: vec![offset],
            }),
        }
    }
    shares
}

/// Refuses a write whose offsets its reader may no longer move.
pub(super) fn check(groups: &Groups, offsets: &[GroupOffset]) -> Result<(), Error> {
    offsets.iter().try_for_each(|offset| groups.check(offset))
}

/// Whether the broker reports that the reader has lost its place in its group.
pub(super) fn is_stale(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::IllegalGeneration
            | Code::UnknownMemberId
            | Code::RebalanceInProgress
            | Code::FencedInstanceId
            | Code::FencedMemberEpoch
            | Code::StaleMemberEpoch
            | Code::AssignmentLost
            | Code::UnknownGroup
    )
}

/// Whether the group was in a rebalance, so that its reader may soon have a place again.
pub(super) fn is_in_rebalance(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::IllegalGeneration | RDKafkaErrorCode::RebalanceInProgress
    )
}

impl Share {
    /// Stores the offsets, as the reader if there is one; blocks until the broker has answered.
    pub(super) fn commit(&self, options: &Options) -> KafkaResult<()> {
        let list = self.list()?;
        match &self.owner {
            Owner::Reader(reader) => reader.commit(&self.offsets, &list),
            Owner::Gone => Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::AssignmentLost)),
            Owner::Outsider => self.outsider(options)?.commit(&list, CommitMode::Sync),
        }
    }

    /// The group metadata with which a transaction carries the offsets.
    pub(super) fn metadata(&self, options: &Options) -> KafkaResult<ConsumerGroupMetadata> {
        let gone = || KafkaError::ConsumerCommit(RDKafkaErrorCode::AssignmentLost);
        let metadata = match &self.owner {
            Owner::Reader(reader) => {
                let metadata = reader.metadata();
                // Checked after the generation is known: a partition that the reader still owns
                // belongs to it in that generation; in a later generation the broker refuses.
                let is_fenced = |offset| reader.shares() && reader.fenced(offset).is_some();
                if self.offsets.iter().any(is_fenced) {
                    return Err(gone());
                }
                metadata
            }
            Owner::Gone => return Err(gone()),
            Owner::Outsider => self.outsider(options)?.group_metadata(),
        };
        metadata.ok_or(KafkaError::ConsumerCommit(RDKafkaErrorCode::UnknownGroup))
    }

    /// The error for a write whose offsets are refused.
    pub(super) fn refusal(&self, reason: impl Into<String>) -> Error {
        let reason = reason.into();
        if self.is_shared() {
            let group = self.group.clone();
            return Error::Fenced { group, reason };
        }
        Error::Lost {
            what: format!("group {:?}", self.group),
            reason,
        }
    }

    /// Whether the offsets belong to members that share partitions. Then a refusal of the broker
    /// only shows that the group changes; the partitions of each member show which write is fenced.
    pub(super) fn is_shared(&self) -> bool {
        self.offsets.iter().any(|offset| offset.epoch.is_some())
    }

    pub(super) fn list(&self) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::with_capacity(self.offsets.len());
        for offset in &self.offsets {
            let mut element = list.add_partition(&offset.topic, offset.partition.cast_signed());
            element.set_offset(Offset::Offset(offset.next.cast_signed()))?;
            element.set_metadata(Note::text(self.topic_id(&offset.topic).as_ref()));
        }
        Ok(list)
    }

    fn topic_id(&self, topic: &str) -> Option<TopicId> {
        match &self.owner {
            Owner::Reader(reader) => reader.topic_id(topic),
            Owner::Gone | Owner::Outsider => None,
        }
    }

    /// Reports to the reader that everything below its offsets is safe.
    pub(super) fn stored(&self) {
        if let Owner::Reader(reader) = &self.owner {
            self.offsets.iter().for_each(|offset| reader.stored(offset));
        }
    }

    pub(super) fn holds(&self, offset: &GroupOffset) -> bool {
        let same = |mine: &GroupOffset| {
            (&mine.group, &mine.topic, mine.partition)
                == (&offset.group, &offset.topic, offset.partition)
        };
        self.offsets.iter().any(same)
    }

    /// A consumer that is not a member of the group: it may store offsets while the group has no
    /// members.
    fn outsider(&self, options: &Options) -> KafkaResult<BaseConsumer> {
        let others = [
            ("group.id", &*self.group),
            ("enable.auto.commit", "false"),
            ("statistics.interval.ms", "0"),
        ];
        options
            .consumer
            .clone()
            .with(others)
            .client_config()
            .create()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(group: &str, topic: &str, partition: u32, next: u64) -> GroupOffset {
        GroupOffset {
            group: group.into(),
            topic: topic.into(),
            partition,
            next,
            epoch: None,
        }
    }

    struct Whole;

    impl Reader for Whole {
        fn shares(&self) -> bool {
            false
        }

        fn commit(&self, _: &[GroupOffset], _: &TopicPartitionList) -> KafkaResult<()> {
            Ok(())
        }

        fn metadata(&self) -> Option<ConsumerGroupMetadata> {
            None
        }

        fn fenced(&self, offset: &GroupOffset) -> Option<String> {
            (offset.partition == 1).then(|| "partition 1 was taken away".to_owned())
        }

        fn topic_id(&self, _: &str) -> Option<TopicId> {
            None
        }

        fn stored(&self, _: &GroupOffset) {}
    }

    #[test]
    fn the_last_word_on_a_partition_counts() {
        let offsets = [
            offset("g", "t", 0, 7),
            offset("h", "t", 0, 1),
            offset("g", "t", 0, 3),
            offset("g", "t", 1, 2),
        ];
        assert_eq!(
            merge(offsets.iter()),
            [
                offset("g", "t", 0, 3),
                offset("g", "t", 1, 2),
                offset("h", "t", 0, 1)
            ]
        );
    }

    #[test]
    fn each_reader_gets_its_own_offsets() {
        // Given a group with two readers, and a third topic without a reader in this process
        let (groups, readers): (_, [Arc<dyn Reader>; 2]) =
            (Groups::default(), [Arc::new(Whole), Arc::new(Whole)]);
        groups
            .join("g", &["a".into(), "b".into()], &readers[0])
            .unwrap();
        groups.join("g", &["c".into()], &readers[1]).unwrap();
        let all = ["a", "b", "c", "d"].map(|topic| offset("g", topic, 0, 1));
        // When offsets of all of them are divided
        let shares = shares(&groups, merge(all.iter()));
        // Then each share belongs to one reader
        let topics: Vec<Vec<&str>> = shares
            .iter()
            .map(|share| share.offsets.iter().map(|offset| &*offset.topic).collect())
            .collect();
        assert_eq!(topics, [vec!["a", "b"], vec!["c"], vec!["d"]]);
    }

    #[test]
    fn a_reader_that_lost_the_partition_does_not_move_its_offset() {
        let (groups, reader): (_, Arc<dyn Reader>) = (Groups::default(), Arc::new(Whole));
        groups.join("g", &["t".into()], &reader).unwrap();
        check(&groups, &[offset("g", "t", 0, 1)]).unwrap();
        let refused =
            check(&groups, &[offset("g", "t", 0, 1), offset("g", "t", 1, 1)]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "group \"g\" is cut off: partition 1 was taken away"
        );
    }
}
