//! The client's thread puts records here, and the reader takes them. Pure bookkeeping, the same for
//! every reader.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::partition::{FlowControl, Partition, Place};
use crate::{Beginning, Error, MemberEvent, Record, TopicId};

/// The partitions and the state of a reader.
pub(super) struct FetchBuffer {
    partitions: Vec<Partition>,
    /// Changes of its partitions that a reader that shares has not received yet.
    changes: VecDeque<MemberEvent>,
    /// Commits of offsets in progress: no partition is released meanwhile.
    commits: usize,
    /// The partition with which the next read begins.
    turn: usize,
    phase: Phase,
    /// The group has assigned its partitions to this reader; where they begin may still be unknown.
    called: bool,
    /// The reader has run its turn: no transaction of an earlier reader is open any more.
    settled: bool,
    /// The owner has dropped the reader.
    closing: bool,
    /// Bytes that may be queued.
    ahead_bytes: usize,
}

/// The phase of a reader.
pub(super) enum Phase {
    /// The group has not answered yet.
    Joining,
    /// Another member has the group's partitions.
    StandingBy,
    /// The reader returns records.
    Reading,
    /// The group rebalances: no records are returned until the next leader is known.
    Suspended,
    /// The reader has ended.
    Ended(Error),
}

impl FetchBuffer {
    pub(super) fn new(ahead_bytes: usize) -> Self {
        Self {
            partitions: Vec::new(),
            changes: VecDeque::new(),
            commits: 0,
            turn: 0,
            phase: Phase::Joining,
            called: false,
            settled: false,
            closing: false,
            ahead_bytes,
        }
    }

    pub(super) fn phase(&self) -> &Phase {
        &self.phase
    }

    /// Enters another phase; [`Phase::Ended`] is final.
    pub(super) fn enter(&mut self, phase: Phase) {
        if !matches!(self.phase, Phase::Ended(_)) {
            self.phase = phase;
        }
    }

    /// The group has assigned its partitions to this reader.
    pub(super) fn call(&mut self) {
        self.called = true;
    }

    pub(super) fn is_called(&self) -> bool {
        self.called
    }

    /// The reader has run its turn.
    pub(super) fn settle(&mut self) {
        self.settled = true;
    }

    pub(super) fn is_settled(&self) -> bool {
        self.settled
    }

    /// Why the reader has ended, if it has. Later calls return only that it was fenced, and why.
    pub(super) fn take_end(&mut self) -> Option<Error> {
        let Phase::Ended(error) = &mut self.phase else {
            return None;
        };
        let (what, reason) = match error {
            Error::Lost { what, reason } => (what.clone(), reason.clone()),
            ref other => ("the reader".to_owned(), other.to_string()),
        };
        Some(std::mem::replace(error, Error::Lost { what, reason }))
    }

    /// Queues a change that the reader has to receive before any further record.
    pub(super) fn change(&mut self, change: MemberEvent) {
        self.changes.push_back(change);
    }

    pub(super) fn take_change(&mut self) -> Option<MemberEvent> {
        self.changes.pop_front()
    }

    pub(super) fn begin_commit(&mut self) {
        self.commits += 1;
    }

    pub(super) fn end_commit(&mut self) {
        self.commits = self.commits.saturating_sub(1);
    }

    pub(super) fn commits_nothing(&self) -> bool {
        self.commits == 0
    }

    pub(super) fn is_reading(&self) -> bool {
        matches!(self.phase, Phase::Reading)
    }

    pub(super) fn is_over(&self) -> bool {
        self.closing || matches!(self.phase, Phase::Ended(_))
    }

    pub(super) fn close(&mut self) {
        self.closing = true;
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing
    }

    /// Adds a partition that is read from its beginning on.
    pub(super) fn add(&mut self, place: Place, beginning: Beginning) {
        self.remove(&place);
        self.partitions.push(Partition::new(place, beginning));
    }

    /// The topic that is read under that name.
    pub(super) fn topic_id(&self, topic: &str) -> Option<TopicId> {
        let mut partitions = self.partitions.iter();
        let partition = partitions.find(|partition| *partition.place().0 == *topic)?;
        partition.beginning().topic_id.clone()
    }

    pub(super) fn beginnings(&self) -> BTreeMap<Place, Beginning> {
        let beginning = |partition: &Partition| (partition.place(), partition.beginning().clone());
        self.partitions.iter().map(beginning).collect()
    }

    /// Releases a partition.
    pub(super) fn remove(&mut self, (topic, index): &Place) -> Option<Partition> {
        let at = self
            .partitions
            .iter()
            .position(|partition| partition.is(topic, *index))?;
        Some(self.partitions.swap_remove(at))
    }

    pub(super) fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    pub(super) fn partitions_mut(&mut self) -> &mut [Partition] {
        &mut self.partitions
    }

    pub(super) fn find(&self, topic: &str, index: u32) -> Option<&Partition> {
        self.partitions
            .iter()
            .find(|partition| partition.is(topic, index))
    }

    pub(super) fn find_mut(&mut self, topic: &str, index: u32) -> Option<&mut Partition> {
        self.partitions
            .iter_mut()
            .find(|partition| partition.is(topic, index))
    }

    /// At most `max` records, taken from all partitions in turn.
    pub(super) fn take(&mut self, max: usize) -> Vec<Record> {
        let mut records = Vec::new();
        let count = self.partitions.len();
        if !self.is_reading() || count == 0 {
            return records;
        }
        self.turn = (self.turn + 1) % count;
        loop {
            let before = records.len();
            // Each partition gets an equal share; unused shares are divided again.
            let share = (max - before).div_ceil(count);
            let (first, second) = self.partitions.split_at_mut(self.turn.min(count));
            for partition in second.iter_mut().chain(first) {
                partition.take(share.min(max - records.len()), &mut records);
            }
            if records.len() == before || records.len() == max {
                return records;
            }
        }
    }

    pub(super) fn positions(&self) -> BTreeMap<(Arc<str>, u32), u64> {
        self.partitions
            .iter()
            .map(|partition| (partition.place(), partition.next()))
            .collect()
    }

    /// Partitions that the client has to pause or resume, so that the queues stay within the limit.
    pub(super) fn brake(&mut self) -> Vec<(Place, FlowControl)> {
        let share = self.share();
        let brakes = self
            .partitions
            .iter_mut()
            .map(|partition| (partition.place(), partition.brake(share)));
        brakes
            .filter_map(|(place, brake)| Some((place, brake?)))
            .collect()
    }

    /// Some partition is paused and may be resumed.
    pub(super) fn waits_for_room(&self) -> bool {
        let share = self.share();
        self.partitions
            .iter()
            .any(|partition| partition.waits_for_room(share))
    }

    fn share(&self) -> usize {
        (self.ahead_bytes / self.partitions.len().max(1)).max(1)
    }

    /// The offsets that the client has to seek to.
    pub(super) fn sought(&self) -> Vec<(Place, u64)> {
        self.partitions
            .iter()
            .filter_map(|partition| Some((partition.place(), partition.sought()?)))
            .collect()
    }
}

#[cfg(test)]
mod tests;
