//! Records of one partition between the client and the queue. Chunks are assembled; records are in
//! the order of their first chunks. Records after an unfinished one wait for it.
//!
//! Lent to the client's thread, so that it can process large records without blocking the reader's
//! access to the buffer. Pure: the time is an argument.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::Record;
use crate::kafka::chunks::{Assembler, Trouble};

pub(super) struct Intake {
    /// The lowest offset that may still arrive.
    tail: u64,
    assembler: Assembler,
    /// Records after an unfinished one, by offset.
    waiting: BTreeMap<u64, Record>,
    waiting_bytes: usize,
    /// Records for the queue.
    ready: Vec<Record>,
    ready_bytes: usize,
    /// Bytes that may be queued or wait before further records are refused.
    room: usize,
    /// Records from here on were refused: they are read again when all unfinished records are done.
    full_at: Option<u64>,
    /// The offset that the client has to seek to.
    back_to: Option<u64>,
}

impl Intake {
    /// Takes records from `tail` on.
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

    /// No record is unfinished, and none waits for an unfinished one.
    pub(super) fn is_settled(&self) -> bool {
        self.assembler.oldest().is_none()
    }

    /// Accepts records while at most `room` bytes wait.
    pub(super) fn make_room(&mut self, room: usize) {
        self.room = room;
    }

    /// Takes records from the client; drops those that were delivered before.
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

    /// Moves records that no longer wait to the queue.
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

    /// If no record is unfinished, the client is paused instead.
    fn is_full(&self) -> bool {
        !self.is_settled() && self.bytes() >= self.room
    }

    fn bytes(&self) -> usize {
        self.ready_bytes + self.waiting_bytes + self.assembler.bytes()
    }

    /// Records that may be queued now, in order.
    pub(super) fn take_ready(&mut self) -> Vec<Record> {
        self.ready_bytes = 0;
        std::mem::take(&mut self.ready)
    }

    /// The offset that the client has to seek to, to read the refused records again.
    pub(super) fn take_back_to(&mut self) -> Option<u64> {
        self.back_to.take()
    }

    /// The log no longer contains the records before `to`.
    pub(super) fn skip_to(&mut self, to: u64) {
        self.tail = to;
        self.full_at = self.full_at.map(|full_at| full_at.max(to));
    }

    /// Whether the end of the log is needed, because the time of some writer is over.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        self.assembler.is_overdue(now)
    }

    /// The log ends at `end`. Chunks of overdue records that are missing by then never arrive.
    pub(super) fn call_last(&mut self, end: u64, now: Instant) {
        self.assembler.call_last(end, now);
    }

    /// Everything below `reached` was taken: drops the records that can no longer become complete.
    pub(super) fn give_up(&mut self, reached: u64) {
        self.assembler.give_up(reached);
        self.release();
    }

    /// The problems since the last call.
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
