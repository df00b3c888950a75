//! What the client delivered of one partition, on its way to the queue: put together where it comes
//! in chunks, and in the order in which records begin. Those behind an unfinished one wait for it.
//!
//! Lent to the client's thread, which takes its time over large records without keeping the reader
//! from the shelf. Pure: the time is an argument.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::Record;
use crate::kafka::chunks::{Assembler, Trouble};

pub(super) struct Intake {
    /// The lowest offset that may still come.
    tail: u64,
    assembler: Assembler,
    /// Behind an unfinished record, by offset.
    waiting: BTreeMap<u64, Record>,
    waiting_bytes: usize,
    /// For the queue.
    ready: Vec<Record>,
    ready_bytes: usize,
    /// Bytes that may be queued, or wait, before no further records are let in.
    room: usize,
    /// Records from here on were not let in: they are read again when all unfinished ones are done.
    full_at: Option<u64>,
    /// The client is to be sent there.
    back_to: Option<u64>,
}

impl Intake {
    /// Takes in what lies at `tail` and behind.
    pub(super) fn new(tail: u64) -> Self {
        Self {
            tail,
            assembler: Assembler::default(),
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            ready: Vec::new(),
            ready_bytes: 0,
            room: usize::MAX,
            full_at: None,
            back_to: None,
        }
    }

    pub(super) fn tail(&self) -> u64 {
        self.tail
    }

    /// No record is unfinished, or waits for one that is.
    pub(super) fn is_settled(&self) -> bool {
        self.assembler.oldest().is_none()
    }

    /// Lets records in as long as no more than so many bytes wait.
    pub(super) fn make_room(&mut self, room: usize) {
        self.room = room;
    }

    /// Takes in what the client delivered; what it delivers twice is dropped.
    pub(super) fn add(&mut self, records: Vec<Record>, now: Instant) {
        for record in records {
            if record.position.offset < self.tail || self.back_to.is_some() {
                continue;
            }
            self.tail = record.position.offset + 1;
            self.take_in(record, now);
        }
    }

    fn take_in(&mut self, record: Record, now: Instant) {
        if self.full_at.is_none() && self.is_full() && self.assembler.begins(&record) {
            self.full_at = Some(record.position.offset);
        }
        let complete = match self.full_at {
            None => self.assembler.add(record, now),
            Some(_) => self.assembler.add_rest(&record, now),
        };
        match complete {
            Some(record) if self.is_settled() && self.waiting.is_empty() => self.let_go(record),
            Some(record) => {
                self.waiting_bytes += bytes(&record);
                self.waiting.insert(record.position.offset, record);
            }
            None => {}
        }
        self.release();
    }

    fn let_go(&mut self, record: Record) {
        self.ready_bytes += bytes(&record);
        self.ready.push(record);
    }

    /// Lets go of what waits for nothing any more.
    fn release(&mut self) {
        let oldest = self.assembler.oldest();
        while let Some(first) = self.waiting.first_entry()
            && oldest.is_none_or(|oldest| *first.key() < oldest)
        {
            let record = first.remove();
            self.waiting_bytes -= bytes(&record);
            self.let_go(record);
        }
        if self.is_settled()
            && let Some(full_at) = self.full_at.take()
        {
            (self.tail, self.back_to) = (full_at, Some(full_at));
        }
    }

    /// Without an unfinished record the client is stopped instead.
    fn is_full(&self) -> bool {
        !self.is_settled() && self.bytes() >= self.room
    }

    fn bytes(&self) -> usize {
        self.ready_bytes + self.waiting_bytes + self.assembler.bytes()
    }

    /// What may be queued now, in order.
    pub(super) fn take_ready(&mut self) -> Vec<Record> {
        self.ready_bytes = 0;
        std::mem::take(&mut self.ready)
    }

    /// Where the client has to be sent to read again what was not let in.
    pub(super) fn take_back_to(&mut self) -> Option<u64> {
        self.back_to.take()
    }

    /// The log no longer has what comes before `to`.
    pub(super) fn skip_to(&mut self, to: u64) {
        self.tail = to;
        self.full_at = self.full_at.map(|full_at| full_at.max(to));
    }

    /// Whether somebody has to say where the log ends, since some writer has had its time.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        self.assembler.is_overdue(now)
    }

    /// The log ends at `end`: what has not come by then, of records whose writer has had its time,
    /// never will.
    pub(super) fn call_last(&mut self, end: u64, now: Instant) {
        self.assembler.call_last(end, now);
    }

    /// Everything below `reached` was taken in: gives up the records that nothing more can come of.
    pub(super) fn give_up(&mut self, reached: u64) {
        self.assembler.give_up(reached);
        self.release();
    }

    /// What went wrong since this was asked for.
    pub(super) fn take_troubles(&mut self) -> Vec<Trouble> {
        self.assembler.take_troubles()
    }
}

/// Bytes of key and value.
pub(super) fn bytes(record: &Record) -> usize {
    record.value.len() + record.key.as_ref().map_or(0, |key| key.len())
}

#[cfg(test)]
mod tests;
