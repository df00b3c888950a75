//! One partition that a reader owns: what waits to be handed out, and how much of what was handed
//! out is safe.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::intake::{Intake, bytes};
use crate::kafka::chunks::Trouble;
use crate::{Assignment, Record, epoch};

/// Partition and topic.
pub(super) type Place = (Arc<str>, u32);

pub(super) struct Partition {
    topic: Arc<str>,
    index: u32,
    queue: VecDeque<Record>,
    queued_bytes: usize,
    /// The next offset to be handed out.
    next: u64,
    /// On the way to the queue; an empty one while it is lent.
    intake: Intake,
    feed: Feed,
    /// Identifies this ownership of the partition.
    epoch: u64,
    ledger: Ledger,
    /// One past the newest record in the log, as far as known.
    end: u64,
    /// No record below lies in the log that was not queued. Marks of transactions make it higher
    /// than the tail.
    passed: u64,
    /// What the client told last about `passed`, and the tail at that time.
    told: Option<(u64, u64)>,
    newest_ms: Option<u64>,
    fresh: Handed,
}

/// Where the client stands with a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feed {
    /// The client is to be sent to `to`; what it delivers meanwhile comes from the old place.
    Seeking {
        to: u64,
        /// Somebody outside asked for that place, which need not exist.
        unproven: bool,
    },
    /// The client was sent to a place of which nothing has come yet.
    Unproven,
    /// The client delivers what comes.
    Delivering,
    /// The client delivers nothing: enough is queued.
    Paused,
    /// Being taken away: nothing is handed out any more.
    Leaving,
    /// Being taken away, and what was handed out is done.
    Released,
}

/// What was handed out, and what of it is safe.
struct Ledger {
    /// The offsets that may be stored: from the lowest place it began at to one past the furthest
    /// record handed out.
    lowest: u64,
    furthest: u64,
    /// One past the newest record handed out; where it was sent by a seek.
    handed: u64,
    /// Everything below is stored.
    safe: u64,
    /// Whether the group has ever stored an offset.
    kept: bool,
}

/// How much was handed out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Handed {
    pub(super) records: u64,
    /// Of keys and values.
    pub(super) bytes: u64,
}

/// How far a reader is behind in one partition.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Lag {
    /// From what is stored, or handed out where nothing is ever stored, to the end of the log.
    pub(super) records: u64,
    /// Age of the newest record handed out, while there are others.
    pub(super) seconds: f64,
    /// Handed out and not stored.
    pub(super) not_safe: u64,
}

impl Partition {
    /// Begins at `next`; `kept` says whether that is the group's stored offset.
    pub(super) fn new((topic, index): Place, next: u64, kept: bool) -> Self {
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

    /// For what the client delivered; `None` while what it delivers comes from elsewhere. To be
    /// given back.
    pub(super) fn lend(&mut self) -> Option<Intake> {
        let wanted = self.is_fed();
        let empty = Intake::new(self.tail());
        wanted.then(|| std::mem::replace(&mut self.intake, empty))
    }

    /// Queues what has come, unless the reader was sent elsewhere meanwhile.
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

    /// What the client delivers is wanted.
    fn is_fed(&self) -> bool {
        matches!(self.feed, Feed::Unproven | Feed::Delivering | Feed::Paused)
    }

    pub(super) fn is_leaving(&self) -> bool {
        matches!(self.feed, Feed::Leaving | Feed::Released)
    }

    /// Takes in and queues in one go.
    #[cfg(test)]
    pub(super) fn put(&mut self, records: Vec<Record>) {
        if let Some(mut intake) = self.lend() {
            intake.add(records, fedhost_base::clock::now());
            self.give_back(intake);
        }
    }

    /// Hands out at most `max` records to `records`.
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

    /// Goes on from `next`; nothing from before is handed out any more. Changes nothing once the
    /// partition is being taken away.
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

    /// Where the client is to be sent.
    pub(super) fn sought(&self) -> Option<u64> {
        match self.feed {
            Feed::Seeking { to, .. } => Some(to),
            _ => None,
        }
    }

    /// The client was sent to `next`. Another seek may have come in between.
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

    /// It was sent to a place of which it is not known yet whether it exists.
    pub(super) fn is_unproven(&self) -> bool {
        matches!(
            self.feed,
            Feed::Unproven | Feed::Seeking { unproven: true, .. }
        )
    }

    /// The log no longer has what comes after the queue: the client goes on at `to`.
    pub(super) fn skip_to(&mut self, to: u64) {
        self.intake.skip_to(to);
        if self.queue.is_empty() && self.intake.is_settled() {
            self.next = to;
            self.ledger.seek(to);
        }
    }

    /// The client tells that it has delivered everything below `passed`, and that the log ends at
    /// `end`. It takes a moment to notice that it was sent elsewhere, so that it is believed when
    /// it says the same again.
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

    /// Nothing is queued, and the client is to deliver what comes.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty() && matches!(self.feed, Feed::Unproven | Feed::Delivering)
    }

    /// How far it has come, in queued records or marks.
    pub(super) fn reached(&self) -> u64 {
        self.tail().max(self.passed)
    }

    /// Stops handing out. What is queued is dropped: whoever reads on begins at the stored offset.
    pub(super) fn begin_to_leave(&mut self) {
        self.feed = Feed::Leaving;
        self.intake = Intake::new(self.tail());
        self.queue.clear();
        self.queued_bytes = 0;
    }

    /// What was handed out is done: the next reader may have the partition.
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

    /// As its owner gets to know it.
    pub(super) fn assignment(&self, group: &str) -> Assignment {
        Assignment {
            group: group.to_owned(),
            topic: Arc::clone(&self.topic),
            partition: self.index,
            next: self.next,
            epoch: self.epoch,
        }
    }

    /// Everything handed out is stored.
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

    /// Why `next` must not be stored: it does not come from what this ownership handed out.
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
        // Nothing that lies between is a record: marks, or the rest of those that travel in chunks.
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

    /// What was handed out since this was asked for.
    pub(super) fn fresh(&mut self) -> Handed {
        std::mem::take(&mut self.fresh)
    }

    /// Whether the client has to be stopped or set going, now that a partition's queue may hold
    /// `share` bytes. It goes on while a record is unfinished: nothing else would ever make room.
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

    /// It was stopped, and half of what may be queued is handed out.
    pub(super) fn waits_for_room(&self, share: usize) -> bool {
        self.feed == Feed::Paused && self.has_room(share)
    }

    fn has_room(&self, share: usize) -> bool {
        self.queued_bytes <= share / 2
    }

    /// Whether it has to be known where the log ends, see [`Partition::call_last`].
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        self.intake.is_overdue(now)
    }

    /// The log ends at `end`, and what has not come by then of overdue records never will.
    pub(super) fn call_last(&mut self, end: u64, now: Instant) {
        self.intake.call_last(end, now);
    }

    /// Passes over unfinished records that will never be complete; says which.
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

/// What the client is to do with a partition.
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
            // What lies between is given up.
            self.safe = self.safe.max(next);
        }
        self.handed = next;
        self.lowest = self.lowest.min(next);
        self.furthest = self.furthest.max(next);
    }
}

#[cfg(test)]
mod tests;
