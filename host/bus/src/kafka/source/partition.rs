//! One partition that a reader owns: the records that wait to be returned, and which returned
//! records are safe.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::intake::{Intake, bytes};
use crate::kafka::chunks::Trouble;
use crate::{Assignment, Beginning, Record, StoredOffset, epoch};

/// Topic and partition.
pub(super) type Place = (Arc<str>, u32);

pub(super) struct Partition {
    topic: Arc<str>,
    index: u32,
    beginning: Beginning,
    queue: VecDeque<Record>,
    queued_bytes: usize,
    /// The next offset to return.
    next: u64,
    /// Records before the queue; empty while it is lent.
    intake: Intake,
    feed: Feed,
    /// Identifies this ownership of the partition.
    epoch: u64,
    ledger: Ledger,
    /// One past the newest record in the log, as far as known.
    end: u64,
    /// Every record below this offset was queued. Transaction markers make it higher than the tail.
    passed: u64,
    /// The last `passed` that the client reported, and the tail at that time.
    told: Option<(u64, u64)>,
    newest_ms: Option<u64>,
    fresh: Handed,
}

/// The state of the client for a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feed {
    /// The client has to seek to `to`; until then it delivers from the old offset.
    Seeking {
        to: u64,
        /// The caller chose the offset; it may not exist.
        unproven: bool,
    },
    /// The client has sought to an offset and has delivered nothing from there yet.
    Unproven,
    /// The client delivers records.
    Delivering,
    /// The client is paused: the queue is full.
    Paused,
    /// The partition is being revoked: no more records are returned.
    Leaving,
    /// The partition is being revoked, and the returned records are done.
    Released,
}

/// Which records were returned, and which of them are safe.
struct Ledger {
    /// The offsets that may be stored: from the lowest offset at which reading began, to one past
    /// the highest record that was returned.
    lowest: u64,
    furthest: u64,
    /// One past the newest record that was returned; after a seek, the target.
    handed: u64,
    /// All records below this offset are stored.
    safe: u64,
    /// Whether the group has ever stored an offset.
    kept: bool,
}

/// Amount of returned records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Handed {
    pub(super) records: u64,
    /// Bytes of keys and values.
    pub(super) bytes: u64,
}

/// The lag of a reader in one partition.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Lag {
    /// Records from the stored offset to the end of the log; from the last returned record if no
    /// offset is ever stored.
    pub(super) records: u64,
    /// Age of the newest returned record, while there are others after it.
    pub(super) seconds: f64,
    /// Records that were returned and are not stored.
    pub(super) not_safe: u64,
}

impl Partition {
    pub(super) fn new((topic, index): Place, beginning: Beginning) -> Self {
        let next = beginning.next;
        let kept = matches!(beginning.stored, StoredOffset::Own | StoredOffset::Foreign);
        let ledger = Ledger {
            lowest: next,
            furthest: next,
            handed: next,
            safe: next,
            kept,
        };
        Self {
            topic,
            index,
            beginning,
            queue: VecDeque::new(),
            queued_bytes: 0,
            next,
            intake: Intake::new(next),
            feed: Feed::Delivering,
            epoch: epoch::next(),
            ledger,
            end: next,
            passed: next,
            told: None,
            newest_ms: None,
            fresh: Handed::default(),
        }
    }

    pub(super) fn is(&self, topic: &str, index: u32) -> bool {
        self.index == index && *self.topic == *topic
    }

    pub(super) fn place(&self) -> Place {
        (Arc::clone(&self.topic), self.index)
    }

    /// Where reading began.
    pub(super) fn beginning(&self) -> &Beginning {
        &self.beginning
    }

    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// The lowest offset that may still be queued.
    pub(super) fn tail(&self) -> u64 {
        self.intake.tail()
    }

    #[cfg(test)]
    #[cfg(feature = "broker-tests")]
    pub(super) fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// Lends the intake for the client's records; `None` while the client delivers from another
    /// offset. The caller has to give it back.
    pub(super) fn lend(&mut self) -> Option<Intake> {
        let wanted = self.is_fed();
        let empty = Intake::new(self.tail());
        wanted.then(|| std::mem::replace(&mut self.intake, empty))
    }

    /// Queues the new records, unless the reader has sought another offset in the meantime.
    pub(super) fn give_back(&mut self, intake: Intake) {
        if !self.is_fed() {
            return;
        }
        if self.feed == Feed::Unproven && intake.tail() != self.tail() {
            self.feed = Feed::Delivering;
        }
        self.end = self.end.max(intake.tail());
        self.intake = intake;
        self.queue_ready();
    }

    fn queue_ready(&mut self) {
        for record in self.intake.take_ready() {
            self.queued_bytes += bytes(&record);
            self.queue.push_back(record);
        }
        if let Some(back_to) = self.intake.take_back_to() {
            self.feed = Feed::Seeking {
                to: back_to,
                unproven: self.is_unproven(),
            };
            self.passed = self.passed.min(back_to);
            self.told = None;
        }
    }

    /// Whether records from the client are wanted.
    fn is_fed(&self) -> bool {
        matches!(self.feed, Feed::Unproven | Feed::Delivering | Feed::Paused)
    }

    pub(super) fn is_leaving(&self) -> bool {
        matches!(self.feed, Feed::Leaving | Feed::Released)
    }

    /// Takes records and queues them in one step.
    #[cfg(test)]
    pub(super) fn put(&mut self, records: Vec<Record>) {
        if let Some(mut intake) = self.lend() {
            intake.add(records, fedhost_base::clock::now());
            self.give_back(intake);
        }
    }

    /// Appends at most `max` queued records to `records`.
    pub(super) fn take(&mut self, max: usize, records: &mut Vec<Record>) {
        let count = if self.is_leaving() {
            0
        } else {
            max.min(self.queue.len())
        };
        for record in self.queue.drain(..count) {
            let bytes = bytes(&record);
            self.queued_bytes -= bytes;
            self.fresh.records += 1;
            self.fresh.bytes += bytes as u64;
            self.next = record.position.offset + 1;
            self.newest_ms = Some(record.timestamp_ms);
            records.push(record);
        }
        if count > 0 {
            self.ledger.hand_out(self.next);
        }
    }

    /// Continues from `next`; no earlier record is returned afterwards. Does nothing while the
    /// partition is being revoked.
    pub(super) fn seek(&mut self, next: u64) {
        if self.is_leaving() {
            return;
        }
        self.queue.clear();
        self.queued_bytes = 0;
        self.intake = Intake::new(next);
        self.next = next;
        self.passed = next;
        self.told = None;
        self.feed = Feed::Seeking {
            to: next,
            unproven: true,
        };
        self.ledger.seek(next);
    }

    /// The offset that the client has to seek to.
    pub(super) fn sought(&self) -> Option<u64> {
        match self.feed {
            Feed::Seeking { to, .. } => Some(to),
            _ => None,
        }
    }

    /// The client has sought to `next`. Another seek may have been requested in the meantime.
    pub(super) fn placed(&mut self, next: u64) {
        if let Feed::Seeking { to, unproven } = self.feed
            && to == next
        {
            self.feed = if unproven {
                Feed::Unproven
            } else {
                Feed::Delivering
            };
        }
    }

    /// Whether it is not known yet if the target of the last seek exists.
    pub(super) fn is_unproven(&self) -> bool {
        matches!(
            self.feed,
            Feed::Unproven | Feed::Seeking { unproven: true, .. }
        )
    }

    /// The log no longer contains the records after the queue: the client continues at `to`.
    pub(super) fn skip_to(&mut self, to: u64) {
        self.intake.skip_to(to);
        if self.queue.is_empty() && self.intake.is_settled() {
            self.next = to;
            self.ledger.seek(to);
        }
    }

    /// The client reports that it has delivered everything below `passed` and that the log ends at
    /// `end`. After a seek its reports are outdated for a moment, so `passed` counts only when it
    /// is reported twice.
    pub(super) fn observe(&mut self, passed: Option<u64>, end: u64) {
        self.end = self.end.max(end);
        let told = passed
            .filter(|_| self.is_idle())
            .map(|passed| (passed, self.tail()));
        if let Some((passed, _)) = told.filter(|told| self.told == Some(*told)) {
            self.passed = passed.max(self.tail());
        }
        self.told = told;
    }

    /// The queue is empty, and the client is not paused.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && matches!(self.feed, Feed::Unproven | Feed::Delivering)
    }

    /// The highest offset that was reached, by queued records or markers.
    pub(super) fn reached(&self) -> u64 {
        self.tail().max(self.passed)
    }

    /// Stops returning records. Queued records are dropped: the next reader begins at the stored
    /// offset.
    pub(super) fn begin_to_leave(&mut self) {
        self.feed = Feed::Leaving;
        self.intake = Intake::new(self.tail());
        self.queue.clear();
        self.queued_bytes = 0;
    }

    /// The returned records are done: the partition may be released to the next reader.
    pub(super) fn release(&mut self) {
        if self.feed == Feed::Leaving {
            self.feed = Feed::Released;
        }
    }

    pub(super) fn is_released(&self) -> bool {
        self.feed == Feed::Released
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The assignment that is reported to the owner.
    pub(super) fn assignment(&self, group: &str) -> Assignment {
        Assignment {
            group: group.to_owned(),
            topic: Arc::clone(&self.topic),
            partition: self.index,
            next: self.next,
            epoch: self.epoch,
        }
    }

    /// All returned records are stored.
    #[cfg(test)]
    pub(super) fn is_safe(&self) -> bool {
        self.ledger.safe >= self.ledger.handed
    }

    #[cfg(test)]
    #[cfg(feature = "broker-tests")]
    pub(super) fn is_paused(&self) -> bool {
        self.feed == Feed::Paused
    }

    pub(super) fn stored(&mut self, next: u64) {
        (self.ledger.safe, self.ledger.kept) = (next, true);
    }

    /// Why `next` must not be stored: it does not belong to the records returned under this
    /// ownership.
    pub(super) fn fenced(&self, next: u64) -> Option<String> {
        let Ledger {
            lowest, furthest, ..
        } = self.ledger;
        let allowed = (lowest..=furthest).contains(&next);
        (!allowed).then(|| {
            let topic = &self.topic;
            format!(
                "offset {next} of {topic}/{} was read before the partition came back at {lowest}",
                self.index
            )
        })
    }

    pub(super) fn lag(&self, now_ms: u64) -> Lag {
        let ledger = &self.ledger;
        let done = if ledger.kept { ledger.safe } else { self.next };
        // No records lie in between, only markers or the further chunks of a record.
        let nothing_left = done >= self.next && self.queue.is_empty() && self.intake.is_settled();
        let done = if nothing_left {
            done.max(self.reached())
        } else {
            done
        };
        let records = self.end.saturating_sub(done);
        let newest = self
            .newest_ms
            .or_else(|| self.queue.front().map(|record| record.timestamp_ms));
        let age_ms = newest
            .filter(|_| records > 0)
            .map_or(0, |newest| now_ms.saturating_sub(newest));
        Lag {
            records,
            seconds: age_ms as f64 / 1e3,
            not_safe: ledger.handed.saturating_sub(ledger.safe),
        }
    }

    /// The records that were returned since the last call.
    pub(super) fn fresh(&mut self) -> Handed {
        std::mem::take(&mut self.fresh)
    }

    /// Whether the client has to be paused or resumed, if a partition's queue may hold `share`
    /// bytes. It is not paused while a record is unfinished: nothing else could free room.
    pub(super) fn brake(&mut self, share: usize) -> Option<FlowControl> {
        self.intake
            .make_room(share.saturating_sub(self.queued_bytes));
        let settled = self.intake.is_settled();
        match self.feed {
            Feed::Unproven | Feed::Delivering if self.queued_bytes >= share && settled => {
                self.feed = Feed::Paused;
                Some(FlowControl::Pause)
            }
            Feed::Paused if self.has_room(share) || !settled => {
                self.feed = Feed::Delivering;
                Some(FlowControl::Resume)
            }
            _ => None,
        }
    }

    /// The client is paused, and at least half of the allowed queue is free.
    pub(super) fn waits_for_room(&self, share: usize) -> bool {
        self.feed == Feed::Paused && self.has_room(share)
    }

    fn has_room(&self, share: usize) -> bool {
        self.queued_bytes <= share / 2
    }

    /// Whether the end of the log is needed, see [`Partition::call_last`].
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        self.intake.is_overdue(now)
    }

    /// The log ends at `end`. Chunks of overdue records that are missing by then never arrive.
    pub(super) fn call_last(&mut self, end: u64, now: Instant) {
        self.intake.call_last(end, now);
    }

    /// Drops unfinished records that can never become complete, and returns the reports.
    pub(super) fn give_up(&mut self) -> Vec<Trouble> {
        self.intake.give_up(self.reached());
        self.queue_ready();
        self.intake.take_troubles()
    }

    pub(super) fn set_going(&mut self) {
        if self.feed == Feed::Paused {
            self.feed = Feed::Delivering;
        }
    }
}

/// Change of a partition's flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlowControl {
    Pause,
    Resume,
}

impl Ledger {
    fn hand_out(&mut self, next: u64) {
        self.handed = next;
        self.furthest = self.furthest.max(next);
    }

    fn seek(&mut self, next: u64) {
        if next > self.handed {
            // The records in between are skipped.
            self.safe = self.safe.max(next);
        }
        self.handed = next;
        self.lowest = self.lowest.min(next);
        self.furthest = self.furthest.max(next);
    }
}

#[cfg(test)]
mod tests;
