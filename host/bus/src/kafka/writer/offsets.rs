//! Offsets of groups, merged over many writes, and in whose name they are stored.

use std::collections::BTreeMap;
use std::sync::Arc;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::super::groups::{Groups, Member};
use super::super::options::Options;
use crate::{Error, GroupOffset};

/// The offsets of one reader, or of a group that has none in this process.
#[derive(Clone)]
pub(super) struct Share {
    pub(super) group: String,
    member: Option<Arc<dyn Member>>,
    pub(super) offsets: Vec<GroupOffset>,
}

/// The last word on each partition of each group.
pub(super) fn merge<'a>(offsets: impl Iterator<Item = &'a GroupOffset>) -> Vec<GroupOffset> {
    let key = |offset: &'a GroupOffset| (&offset.group, &offset.topic, offset.partition);
    let merged: BTreeMap<_, _> = offsets.map(|offset| (key(offset), offset)).collect();
    merged.into_values().cloned().collect()
}

/// Divides merged offsets among the readers that they belong to.
pub(super) fn shares(groups: &Groups, merged: Vec<GroupOffset>) -> Vec<Share> {
    let mut shares: Vec<Share> = Vec::new();
    for offset in merged {
        let member = groups.member(&offset.group, &offset.topic);
        let same = |share: &Share| {
            share.group == offset.group && is_same(share.member.as_ref(), member.as_ref())
        };
        match shares.iter_mut().find(|share| same(share)) {
            Some(share) => share.offsets.push(offset),
            None => shares.push(Share {
                group: offset.group.clone(),
                member,
                offsets: vec![offset],
            }),
        }
    }
    shares
}

fn is_same(a: Option<&Arc<dyn Member>>, b: Option<&Arc<dyn Member>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, None) => true,
        _ => false,
    }
}

/// Refuses a write whose offsets its reader must not move any more.
pub(super) fn check(groups: &Groups, offsets: &[GroupOffset]) -> Result<(), Error> {
    for offset in offsets {
        let member = groups.member(&offset.group, &offset.topic);
        if let Some(reason) = member.and_then(|member| member.fenced(offset)) {
            return Err(lost(&offset.group, reason));
        }
    }
    Ok(())
}

pub(super) fn lost(group: &str, reason: impl Into<String>) -> Error {
    Error::Lost {
        what: format!("group {group:?}"),
        reason: reason.into(),
    }
}

/// Whether the broker says that the reader's place in its group is gone.
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

/// Whether the group was being arranged anew: its reader may have a place in it again in a moment.
pub(super) fn is_in_rebalance(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::IllegalGeneration | RDKafkaErrorCode::RebalanceInProgress
    )
}

impl Share {
    /// Stores the offsets, in the name of the reader if there is one; blocks until the broker has
    /// answered.
    pub(super) fn commit(&self, options: &Options) -> KafkaResult<()> {
        let list = self.list()?;
        match &self.member {
            Some(member) => member.commit(&list),
            None => self.outsider(options)?.commit(&list, CommitMode::Sync),
        }
    }

    /// In whose name a transaction carries the offsets.
    pub(super) fn metadata(&self, options: &Options) -> KafkaResult<ConsumerGroupMetadata> {
        let metadata = match &self.member {
            Some(member) => member.metadata(),
            None => self.outsider(options)?.group_metadata(),
        };
        metadata.ok_or(KafkaError::ConsumerCommit(RDKafkaErrorCode::UnknownGroup))
    }

    pub(super) fn list(&self) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::with_capacity(self.offsets.len());
        for offset in &self.offsets {
            let (partition, next) = (
                offset.partition.cast_signed(),
                Offset::Offset(offset.next.cast_signed()),
            );
            list.add_partition_offset(&offset.topic, partition, next)?;
        }
        Ok(list)
    }

    /// Tells the reader that everything below its offsets is safe.
    pub(super) fn stored(&self) {
        if let Some(member) = &self.member {
            self.offsets.iter().for_each(|offset| member.stored(offset));
        }
    }

    pub(super) fn holds(&self, offset: &GroupOffset) -> bool {
        let same = |mine: &GroupOffset| {
            (&mine.group, &mine.topic, mine.partition)
                == (&offset.group, &offset.topic, offset.partition)
        };
        self.offsets.iter().any(same)
    }

    /// A consumer that is no member of the group: it may store offsets while the group has no
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

    struct Reader;

    impl Member for Reader {
        fn commit(&self, _: &TopicPartitionList) -> KafkaResult<()> {
            Ok(())
        }

        fn metadata(&self) -> Option<ConsumerGroupMetadata> {
            None
        }

        fn fenced(&self, offset: &GroupOffset) -> Option<String> {
            (offset.partition == 1).then(|| "partition 1 was taken away".to_owned())
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
        // Given a group with two readers, and a third topic that nobody here reads
        let (groups, readers): (_, [Arc<dyn Member>; 2]) =
            (Groups::default(), [Arc::new(Reader), Arc::new(Reader)]);
        assert!(groups.join("g", &["a".into(), "b".into()], &readers[0]));
        assert!(groups.join("g", &["c".into()], &readers[1]));
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
        let (groups, reader): (_, Arc<dyn Member>) = (Groups::default(), Arc::new(Reader));
        assert!(groups.join("g", &["t".into()], &reader));
        check(&groups, &[offset("g", "t", 0, 1)]).unwrap();
        let refused =
            check(&groups, &[offset("g", "t", 0, 1), offset("g", "t", 1, 1)]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "group \"g\" is cut off: partition 1 was taken away"
        );
    }
}
