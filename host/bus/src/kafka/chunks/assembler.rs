//! Assembles the chunks of one partition into records.

use std::time::Instant;

use fedhost_domain::model::Sha256Hex;

use super::open::{Open, Step};
use super::{Chunk, LARGEST_RECORD};
use crate::{Position, Record};

/// Assembles chunks. A record is returned as soon as its last chunk has arrived.
#[derive(Default)]
pub(in crate::kafka) struct Assembler {
    /// In the order of their first chunks.
    open: Vec<Open>,
    troubles: Vec<Trouble>,
}

/// A problem with a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::kafka) enum Trouble {
    /// It was never acknowledged, so no acknowledged data is lost.
    #[error(
        "{topic}/{partition} holds {got} of {count} chunks of message {id} at offset {offset}: {reason}; it was never acknowledged, and is passed over",
        topic = at.topic,
        partition = at.partition,
        offset = at.offset
    )]
    Torn {
        at: Position,
        id: String,
        got: u32,
        count: u32,
        reason: &'static str,
    },
    /// What exists of it is returned; the consumer rejects it.
    #[error("message {id} at offset {offset} of {topic}/{partition} is damaged: {reason}; it is handed out as it is", topic = at.topic, partition = at.partition, offset = at.offset)]
    Damaged {
        at: Position,
        id: String,
        reason: String,
    },
}

impl Assembler {
    /// Takes a record of the log and returns the record that it completes: the record itself, the
    /// message that it ends, or what exists of a damaged message. Chunks whose chunk 0 is missing
    /// are skipped.
    pub(in crate::kafka) fn add(&mut self, record: Record, now: Instant) -> Option<Record> {
        match Chunk::of(&record) {
            None => Some(record),
            Some(chunk) if chunk.index == 0 => self.begin(chunk, record, now),
            Some(chunk) => self.go_on(&chunk, &record, now),
        }
    }

    /// As [`Assembler::add`], but only messages that have already begun are assembled; all other
    /// records are skipped.
    pub(in crate::kafka) fn add_rest(&mut self, record: &Record, now: Instant) -> Option<Record> {
        let chunk = Chunk::of(record)?;
        if chunk.index == 0 {
            self.heed(&chunk, now);
            return None;
        }
        self.go_on(&chunk, record, now)
    }

    /// Whether a record begins a new record or message.
    pub(in crate::kafka) fn begins(&self, record: &Record) -> bool {
        let known =
            |chunk: Chunk| chunk.index > 0 || self.open.iter().any(|open| open.id == chunk.id);
        !Chunk::of(record).is_some_and(known)
    }

    /// The offset of chunk 0 of the oldest unfinished message.
    pub(in crate::kafka) fn oldest(&self) -> Option<u64> {
        self.open.first().map(|open| open.position().offset)
    }

    /// Bytes that unfinished messages occupy or will occupy.
    pub(in crate::kafka) fn bytes(&self) -> usize {
        self.open.iter().map(Open::bytes).sum()
    }

    /// Whether the writer's time for some message is over and the end of the log is not yet known.
    pub(in crate::kafka) fn is_overdue(&self, now: Instant) -> bool {
        self.open
            .iter()
            .any(|open| open.last_call.is_none() && open.is_overdue(now))
    }

    /// The log ends at `end`; all chunks that overdue messages have lie before it.
    pub(in crate::kafka) fn call_last(&mut self, end: u64, now: Instant) {
        let overdue = self
            .open
            .iter_mut()
            .filter(|open| open.last_call.is_none() && open.is_overdue(now));
        overdue.for_each(|open| open.last_call = Some(end));
    }

    /// Everything below `reached` was read: drops the messages that can no longer become complete.
    pub(in crate::kafka) fn give_up(&mut self, reached: u64) {
        let hopeless = |open: &Open| open.last_call.is_some_and(|end| end <= reached);
        self.tear("its writer has had its time", hopeless);
    }

    /// The problems since the last call.
    pub(in crate::kafka) fn take_troubles(&mut self) -> Vec<Trouble> {
        std::mem::take(&mut self.troubles)
    }

    /// Returns `true` if the message is already known: its writer writes it again.
    fn heed(&mut self, chunk: &Chunk, now: Instant) -> bool {
        let other = |open: &Open| open.writer() == chunk.writer() && open.id != chunk.id;
        self.tear("its writer began another one", other);
        let known = self.open.iter_mut().find(|open| open.id == chunk.id);
        known.is_some_and(|open| {
            matches!(open.add(chunk, &bytes::Bytes::new(), now), Step::Repeated)
        })
    }

    fn begin(&mut self, mut chunk: Chunk, record: Record, now: Instant) -> Option<Record> {
        if self.heed(&chunk, now) {
            return None;
        }
        let whole = chunk.whole.take()?;
        let too_large = (whole.bytes > LARGEST_RECORD).then(|| {
            format!(
                "its {} bytes are more than the {LARGEST_RECORD} that travel in chunks",
                whole.bytes
            )
        });
        let damaged = (Sha256Hex::of(&record.value) != chunk.sha256)
            .then(|| format!("chunk 0 of {} does not have its sha256", chunk.count));
        if let Some(reason) = too_large.or(damaged) {
            // No memory is reserved for the declared length.
            let nothing = super::Whole { bytes: 0, ..whole };
            return Some(self.hand_out_fault(Open::new(chunk, nothing, record, now), reason));
        }
        self.open.push(Open::new(chunk, whole, record, now));
        let last = self.open.len() - 1;
        let step = self.open.get(last)?.check();
        self.settle(last, step)
    }

    fn go_on(&mut self, chunk: &Chunk, record: &Record, now: Instant) -> Option<Record> {
        let index = self.open.iter().position(|open| open.id == chunk.id)?;
        let step = self.open.get_mut(index)?.add(chunk, &record.value, now);
        self.settle(index, step)
    }

    fn settle(&mut self, index: usize, step: Step) -> Option<Record> {
        match step {
            Step::Further | Step::Repeated => None,
            Step::Complete => Some(self.open.remove(index).into_record()),
            Step::Damaged(reason) => {
                let open = self.open.remove(index);
                Some(self.hand_out_fault(open, reason))
            }
            Step::Gap => {
                let open = self.open.remove(index);
                self.troubles.push(torn(&open, "chunks between are gone"));
                None
            }
        }
    }

    fn hand_out_fault(&mut self, open: Open, reason: String) -> Record {
        let (at, id) = (open.position().clone(), open.id.clone());
        let record = open.into_fault(&reason);
        self.troubles.push(Trouble::Damaged { at, id, reason });
        record
    }

    fn tear(&mut self, reason: &'static str, which: impl Fn(&Open) -> bool) {
        let given_up = self.open.extract_if(.., |open| which(open));
        self.troubles
            .extend(given_up.map(|open| torn(&open, reason)));
    }
}

fn torn(open: &Open, reason: &'static str) -> Trouble {
    let (got, count) = open.progress();
    Trouble::Torn {
        at: open.position().clone(),
        id: open.id.clone(),
        got,
        count,
        reason,
    }
}
