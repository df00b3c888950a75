//! Writes that were sent to the client, in order, and which of their records are acknowledged. No
//! I/O here.
//!
//! Each record has a number, which the client returns in its report. Numbers only increase. Records
//! that have to be sent again get new numbers, so that a late report of an earlier attempt has no
//! effect.

use std::collections::VecDeque;
use std::time::Duration;

use rdkafka::error::RDKafkaErrorCode;

use super::job::{Content, Job, Outgoing};
use super::mailbox::Report;
use crate::Position;
use fedhost_base::clock::Stopwatch;

#[derive(Default)]
pub(super) struct Pending {
    entries: VecDeque<Entry>,
    /// The next number.
    next: usize,
    /// State is held until the records before it are acknowledged.
    state_follows: bool,
}

/// One write.
pub(super) struct Entry {
    pub(super) job: Job,
    /// The number of its first record; the others have the next numbers.
    first: usize,
    /// The offsets of its records; `None` while not acknowledged.
    offsets: Vec<Option<u64>>,
    /// Number of records that are not acknowledged.
    missing: usize,
    /// Number of its first records that may be sent; the others are state that is held.
    open: usize,
    /// Since it was added, or since it has to be written again as a whole.
    age: Stopwatch,
}

/// A record that was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// The record's number.
    pub(super) number: usize,
    /// The reason.
    pub(super) code: RDKafkaErrorCode,
}

impl Pending {
    /// For a client without transactions. If state became durable before its records, a crash would
    /// lose those records, because the next process trusts the state.
    pub(super) fn with_state_last() -> Self {
        Self {
            state_follows: true,
            ..Self::default()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn push(&mut self, job: Job) {
        let records = job.content.records.len();
        let (offsets, missing) = (vec![None; records], records);
        let open = if self.state_follows {
            job.content.told
        } else {
            records
        };
        self.entries.push_back(Entry {
            job,
            first: self.next,
            offsets,
            missing,
            open,
            age: Stopwatch::start(),
        });
        self.next += records;
    }

    /// Releases the state of those writes whose records, and all records before them, are
    /// acknowledged; returns the records that can be sent now, in order, with their numbers.
    pub(super) fn release_state(&mut self) -> Vec<(usize, Outgoing)> {
        let mut released = Vec::new();
        for entry in &mut self.entries {
            if entry
                .unacknowledged()
                .any(|(number, _)| number < entry.first + entry.job.content.told)
            {
                break;
            }
            let held = entry.open..entry.offsets.len();
            entry.open = held.end;
            released.extend(held.filter_map(|index| {
                Some((
                    entry.first + index,
                    entry.job.content.records.get(index)?.clone(),
                ))
            }));
        }
        released
    }

    /// Applies the report of a record; returns a failure if it was not written.
    pub(super) fn settle(&mut self, report: Report) -> Option<Failure> {
        let Report { number, outcome } = report;
        let (entry, record) = self.find(number)?;
        let entry = self.entries.get_mut(entry)?;
        let offset = entry.offsets.get_mut(record)?;
        match outcome {
            Ok(written) => {
                entry.missing -= usize::from(offset.is_none());
                *offset = Some(written);
                None
            }
            Err(code) => Some(Failure { number, code }),
        }
    }

    /// The index of the write, counted from the oldest, and the index of the record with that
    /// number.
    fn find(&self, number: usize) -> Option<(usize, usize)> {
        // The last write that begins at or before the number: a write without records begins where
        // the next write does.
        let index = self
            .entries
            .partition_point(|entry| entry.first <= number)
            .checked_sub(1)?;
        let entry = self.entries.get(index)?;
        let record = number - entry.first;
        (record < entry.offsets.len()).then_some((index, record))
    }

    /// Records of the oldest write that were sent and are not acknowledged.
    pub(super) fn missing_of_oldest(&self) -> usize {
        self.entries
            .front()
            .map_or(0, |entry| entry.unacknowledged().count())
    }

    /// Records that are not acknowledged.
    pub(super) fn missing(&self) -> usize {
        self.entries.iter().map(|entry| entry.missing).sum()
    }

    /// Gives new numbers to all unacknowledged records: reports with the old numbers no longer
    /// count.
    pub(super) fn renumber(&mut self) {
        for entry in &mut self.entries {
            entry.first = self.next;
            self.next += entry.offsets.len();
        }
    }

    /// Clears all acknowledgements: their transaction was not committed.
    pub(super) fn forget(&mut self) {
        for entry in &mut self.entries {
            entry.offsets.fill(None);
            entry.missing = entry.offsets.len();
        }
        self.renumber();
    }

    /// Clears the acknowledgements of writes with chunks that finished too late, because readers
    /// may have dropped them in the meantime. These writes have to be sent again as a whole.
    pub(super) fn reopen_late(&mut self, within: Duration) -> Option<Failure> {
        let is_late = |entry: &&mut Entry| entry.missing == 0 && entry.age.elapsed() >= within;
        let late = self
            .entries
            .iter_mut()
            .filter(|entry| entry.job.content.has_chunks())
            .filter(is_late);
        let mut failure = None;
        for entry in late {
            entry.offsets.fill(None);
            (entry.missing, entry.age) = (entry.offsets.len(), Stopwatch::start());
            failure = failure.or(Some(Failure {
                number: entry.first,
                code: RDKafkaErrorCode::MessageTimedOut,
            }));
        }
        failure
    }

    /// All records that are not acknowledged and not held, in order, with their numbers.
    pub(super) fn unacknowledged(&self) -> impl Iterator<Item = (usize, &Outgoing)> {
        self.entries.iter().flat_map(Entry::unacknowledged)
    }

    /// The first record that is not acknowledged, with its number.
    pub(super) fn first_unacknowledged(&self) -> Option<(usize, Outgoing)> {
        self.unacknowledged()
            .next()
            .map(|(number, record)| (number, record.clone()))
    }

    /// The records of the newest write, with their numbers.
    pub(super) fn newest(&self) -> impl Iterator<Item = (usize, &Outgoing)> {
        self.entries
            .back()
            .into_iter()
            .flat_map(Entry::unacknowledged)
    }

    /// All writes, in order.
    pub(super) fn contents(&self) -> impl Iterator<Item = &Content> {
        self.entries.iter().map(|entry| &entry.job.content)
    }

    /// The record with that number.
    pub(super) fn record(&self, number: usize) -> Option<&Outgoing> {
        let (entry, record) = self.find(number)?;
        self.entries.get(entry)?.job.content.records.get(record)
    }

    pub(super) fn is_acknowledged(&self, number: usize) -> bool {
        let entry = self
            .find(number)
            .and_then(|(entry, record)| self.entries.get(entry)?.offsets.get(record));
        entry.is_none_or(Option::is_some)
    }

    /// The offset of the newest write's only record.
    pub(super) fn newest_offset(&self) -> Option<u64> {
        self.entries.back()?.offsets.last().copied().flatten()
    }

    /// Removes the oldest writes that are fully acknowledged, up to the first that is not.
    pub(super) fn take_done(&mut self) -> Vec<Entry> {
        let done = self
            .entries
            .iter()
            .take_while(|entry| entry.missing == 0)
            .count();
        self.entries.drain(..done).collect()
    }

    /// Removes the write that the record belongs to.
    pub(super) fn remove(&mut self, number: usize) -> Option<Entry> {
        let (entry, _) = self.find(number)?;
        self.entries.remove(entry)
    }

    /// Removes the writes for which `take` returns `true`.
    pub(super) fn take_where(&mut self, take: impl Fn(&Content) -> bool) -> Vec<Entry> {
        let (taken, left) = std::mem::take(&mut self.entries)
            .into_iter()
            .partition(|entry| take(&entry.job.content));
        self.entries = left;
        Vec::from(taken)
    }

    /// Removes the newest write.
    pub(super) fn take_newest(&mut self) -> Option<Entry> {
        self.entries.pop_back()
    }

    /// Removes all writes.
    pub(super) fn take_all(&mut self) -> Vec<Entry> {
        Vec::from(std::mem::take(&mut self.entries))
    }
}

impl Entry {
    fn unacknowledged(&self) -> impl Iterator<Item = (usize, &Outgoing)> {
        let records = self
            .job
            .content
            .records
            .iter()
            .zip(&self.offsets)
            .enumerate()
            .take(self.open);
        records
            .filter(|(_, (_, offset))| offset.is_none())
            .map(|(index, (record, _))| (self.first + index, record))
    }

    /// The positions of its records, without those of its state; a record in chunks has the
    /// position of its first chunk.
    pub(super) fn positions(&self) -> Vec<Position> {
        let Content { records, told, .. } = &self.job.content;
        let position = |(record, offset): (&Outgoing, &Option<u64>)| {
            let (topic, partition) = (record.topic.clone(), record.partition);
            offset.map(|offset| Position {
                topic,
                partition,
                offset,
            })
        };
        let told = records.iter().zip(&self.offsets).take(*told);
        told.filter(|(record, _)| !record.follows)
            .filter_map(position)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::sync::oneshot;

    use super::*;

    fn job(records: usize) -> Job {
        let record = Outgoing {
            topic: "t".into(),
            partition: 0,
            timestamp_ms: 0,
            key: None,
            value: None,
            headers: Vec::new(),
            follows: false,
        };
        let content = Content {
            records: vec![record; records],
            told: records,
            offsets: Vec::new(),
        };
        Job {
            content,
            reply: oneshot::channel().0,
            _room: None,
        }
    }

    fn pending(sizes: &[usize]) -> Pending {
        let mut pending = Pending::default();
        sizes.iter().for_each(|size| pending.push(job(*size)));
        pending
    }

    fn written(number: usize) -> Report {
        Report {
            number,
            outcome: Ok(number as u64),
        }
    }

    fn numbers(pending: &Pending) -> Vec<usize> {
        pending.unacknowledged().map(|(number, _)| number).collect()
    }

    #[test]
    fn a_write_waits_for_those_before_it() {
        // Given three writes, the first of which is not fully acknowledged
        let mut pending = pending(&[2, 1, 0]);
        for number in [1, 2] {
            assert_eq!(pending.settle(written(number)), None);
        }
        assert_eq!(pending.take_done().len(), 0);
        assert_eq!(pending.missing_of_oldest(), 1);
        // When its last record is acknowledged, then all three are done, in order
        assert_eq!(pending.settle(written(0)), None);
        let done: Vec<_> = pending
            .take_done()
            .iter()
            .map(|entry| entry.offsets.len())
            .collect();
        assert_eq!(done, [2, 1, 0]);
    }

    #[test]
    fn state_is_held_back_until_all_records_before_it_are_acknowledged() {
        // Given two writes of one record and one state each, and one write of state only
        let mut pending = Pending::with_state_last();
        for (records, told) in [(2, 1), (2, 1), (1, 0)] {
            let mut job = job(records);
            job.content.told = told;
            pending.push(job);
        }
        assert_eq!(
            (numbers(&pending), pending.release_state().len()),
            (vec![0, 2], 0)
        );
        // When the second record is acknowledged first, then no state is released
        assert_eq!(pending.settle(written(2)), None);
        assert_eq!(
            (pending.release_state().len(), pending.missing_of_oldest()),
            (0, 1)
        );
        // When the first record is acknowledged too, then all state is released, in order and once
        assert_eq!(pending.settle(written(0)), None);
        let released: Vec<_> = pending
            .release_state()
            .into_iter()
            .map(|(number, _)| number)
            .collect();
        assert_eq!(
            (released, pending.release_state().len()),
            (vec![1, 3, 4], 0)
        );
        assert_eq!(pending.take_done().len(), 0);
        // And the released state is sent again like all other records
        pending.renumber();
        assert_eq!(numbers(&pending), [6, 8, 9]);
    }

    #[test]
    fn what_is_handed_over_again_is_exactly_what_is_missing_in_order() {
        let mut pending = pending(&[3, 0, 2]);
        assert_eq!(pending.settle(written(1)), None);
        // When the client is replaced
        pending.renumber();
        // Then only the unacknowledged records are sent, and a late report of the first attempt has
        // no effect
        assert_eq!(numbers(&pending), [5, 7, 8, 9]);
        assert_eq!(pending.settle(written(0)), None);
        assert_eq!(pending.missing(), 4);
        [5, 7, 8, 9]
            .into_iter()
            .for_each(|number| assert_eq!(pending.settle(written(number)), None));
        let positions: Vec<_> = pending
            .take_done()
            .iter()
            .flat_map(Entry::positions)
            .collect();
        assert_eq!(
            positions
                .iter()
                .map(|position| position.offset)
                .collect::<Vec<_>>(),
            [5, 1, 7, 8, 9]
        );
    }

    #[test]
    fn a_transaction_that_never_happened_is_handed_over_as_a_whole() {
        let mut pending = pending(&[2, 1]);
        (0..3).for_each(|number| assert_eq!(pending.settle(written(number)), None));
        pending.forget();
        assert_eq!(numbers(&pending), [3, 4, 5]);
    }

    #[test]
    fn a_record_in_chunks_is_one_and_lies_where_its_first_chunk_does() {
        let mut pending = Pending::default();
        let mut job = job(4);
        job.content.records[1].follows = true;
        job.content.records[2].follows = true;
        pending.push(job);
        (0..4).for_each(|number| assert_eq!(pending.settle(written(number)), None));
        let done = pending.take_done();
        let offsets: Vec<_> = done[0]
            .positions()
            .iter()
            .map(|position| position.offset)
            .collect();
        assert_eq!((offsets, done[0].job.content.count()), (vec![0, 3], 2));
    }

    #[test]
    fn chunks_that_took_too_long_are_written_again_together_and_nothing_else_is() {
        let mut pending = pending(&[1, 2]);
        let mut chunked = job(2);
        chunked.content.records[1].follows = true;
        pending.push(chunked);
        (0..5).for_each(|number| assert_eq!(pending.settle(written(number)), None));
        assert_eq!(pending.reopen_late(Duration::from_secs(60)), None);
        // When its time is over
        let late = pending.reopen_late(Duration::ZERO);
        // Then the write with chunks is sent again, and is not done before that
        assert_eq!(
            late,
            Some(Failure {
                number: 3,
                code: RDKafkaErrorCode::MessageTimedOut
            })
        );
        assert_eq!(
            (pending.take_done().len(), numbers(&pending)),
            (2, vec![3, 4])
        );
        assert_eq!(pending.reopen_late(Duration::ZERO), None);
    }

    #[test]
    fn a_failure_leads_to_its_write() {
        let mut pending = pending(&[2, 0, 2]);
        let code = RDKafkaErrorCode::MessageSizeTooLarge;
        let failure = pending.settle(Report {
            number: 3,
            outcome: Err(code),
        });
        assert_eq!(failure, Some(Failure { number: 3, code }));
        assert_eq!(pending.remove(3).map(|entry| entry.first), Some(2));
        assert_eq!(numbers(&pending), [0, 1]);
    }

    proptest! {
        #[test]
        fn whatever_is_reported_in_whatever_order_answers_come_in_order_and_once(
            sizes in proptest::collection::vec(0_usize..4, 1..8),
            reports in proptest::collection::vec((0_usize..40, any::<bool>()), 0..80),
        ) {
            let mut pending = pending(&sizes);
            let mut done = Vec::new();
            for (number, replaced) in reports {
                if replaced && number % 7 == 0 {
                    pending.renumber();
                }
                pending.settle(written(number));
                done.extend(pending.take_done().into_iter().map(|entry| entry.offsets.len()));
            }
            // All remaining records are acknowledged in the end
            let rest = numbers(&pending);
            prop_assert_eq!(rest.len(), pending.missing());
            rest.into_iter().for_each(|number| assert_eq!(pending.settle(written(number)), None));
            done.extend(pending.take_done().into_iter().map(|entry| entry.offsets.len()));
            prop_assert_eq!(done, sizes);
            prop_assert!(pending.is_empty());
        }
    }
}
