//! Readers that share the partitions of a topic.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;

use crate::{Error, GroupOffset, Record};

/// One member of a group whose members share the partitions of their topics. Owned by one task.
///
/// Everything that the task has to know comes in one order from [`Member::next`]. The life of a
/// partition:
///
/// 1. [`MemberEvent::Assigned`]. The task loads what belongs to the partition. State that has to
///    move with a partition is written under a name that contains topic and partition, in the same
///    [`crate::Write`] as the offset that it speaks of; then [`crate::Admin::state`] returns what
///    the previous owner stored last.
/// 2. [`MemberEvent::Records`]. The task handles them, and writes results, state and offset
///    together. The offset is built by [`Assignment::offset`], which adds the epoch of this
///    ownership.
/// 3. [`MemberEvent::Revoking`]. No further record of the partition comes. The task finishes and
///    writes what is under way, then calls [`Member::release`]. Only then does the next member get
///    the partition, so nothing is done twice.
/// 4. If the deadline passes before that, or if contact with the group is lost, the partition goes
///    to another member all the same: [`MemberEvent::Lost`]. The task drops what it holds of it.
///
/// A write with the offset of an ownership that has ended fails as a whole with
/// [`Error::Fenced`], even when the same member owns the partition again. So each record takes
/// effect once: the next owner begins at the stored offset. (With at-least-once delivery on Kafka
/// the records of a fenced write may be in the log; its offset never is.)
///
/// A dropped member leaves the group, and its partitions go to the others at once, without a
/// drain. A member without partitions waits in `next`.
#[async_trait]
pub trait Member: Send {
    /// Waits for records or for a change of the assignment. Returns at most `max` records, each
    /// partition in order. Cancelling loses nothing.
    ///
    /// # Errors
    /// The member can be asked again after any error but [`Error::Closed`], [`Error::Lost`] and
    /// [`Error::NoOffset`].
    async fn next(&mut self, max: usize) -> Result<MemberEvent, Error>;

    /// Gives up partitions that are being revoked: all that was read from them is written. Other
    /// partitions are not affected.
    fn release(&mut self, partitions: &[(Arc<str>, u32)]);

    /// The next offset to be read, by topic and partition, of what this member has.
    fn positions(&self) -> BTreeMap<(Arc<str>, u32), u64>;

    /// Goes on from `next`, whatever the group's stored offset says; an offset no longer there
    /// moves to the oldest. Ignored for a partition that this member does not have.
    fn seek(&mut self, topic: &str, partition: u32, next: u64);
}

/// What a member has to act on.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberEvent {
    /// At least one record of assigned partitions.
    Records(Vec<Record>),
    /// These partitions belong to this member from now on.
    Assigned(Vec<Assignment>),
    /// These partitions are wanted by other members.
    Revoking {
        /// By topic and partition.
        partitions: Vec<(Arc<str>, u32)>,
        /// When they are taken if they are not released.
        deadline: Instant,
    },
    /// These partitions were taken without being released: writes of their offsets are refused.
    Lost(Vec<(Arc<str>, u32)>),
}

/// One partition as it was given to a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The group.
    pub group: String,
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: u32,
    /// The next offset to be read: the group's stored one, or where the group begins.
    pub next: u64,
    /// Identifies this ownership; another member, or a later ownership of this one, has another.
    pub epoch: u64,
}

impl Assignment {
    /// The offset to write once everything below `next` is done.
    #[must_use]
    pub fn offset(&self, next: u64) -> GroupOffset {
        GroupOffset {
            group: self.group.clone(),
            topic: Arc::clone(&self.topic),
            partition: self.partition,
            next,
            epoch: Some(self.epoch),
        }
    }
}
