//! Chunks of one partition into records.

use std::time::Instant;

use fedhost_domain::model::Sha256Hex;

use super::open::{Open, Step};
use super::{Chunk, LARGEST_RECORD};
use crate::{Position, Record};

/// Puts together what belongs together; a record is given as soon as its last chunk is there.
#[derive(Default)]
pub(in crate::kafka) struct Assembler {
    /// In the order in which they began.
    open: Vec<Open>,
    troubles: Vec<Trouble>,
}

/// Something is wrong with a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::kafka) enum Trouble {
    /// It was never acknowledged, so that nothing is lost by it.
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
    /// What there is of it is handed out, for whoever reads it to put aside.
    #[error("message {id} at offset {offset} of {topic}/{partition} is damaged: {reason}; it is handed out as it is", topic = at.topic, partition = at.partition, offset = at.offset)]
    Damaged {
        at: Position,
        id: String,
        reason: String,
    },
}

impl Assembler {
    /// Takes a record of the log, and gives the one that is complete with it: itself, a message
    /// whose last chunk it is, or what there is of a damaged one. Chunks without a beginning are
    /// passed over.
    pub(in crate::kafka) fn add(&mut self, record: Record, now: Instant) -> Option<Record> {
        match Chunk::of(&record) {
            None => Some(record),
            Some(chunk) if chunk.index == 0 => self.begin(chunk, record, now),
            Some(chunk) => self.go_on(&chunk, &record, now),
        }
    }

    /// As [`Assembler::add`], but only messages that have begun are put together: all else is
    /// passed over.
    pub(in crate::kafka) fn add_rest(&mut self, record: &Record, now: Instant) -> Option<Record> {
        let chunk = Chunk::of(record)?;
        if chunk.index == 0 {
            self.heed(&chunk, now);
            return None;
        }
        self.go_on(&chunk, record, now)
    }

    /// Whether a record would be the beginning of anything.
    pub(in crate::kafka) fn begins(&self, record: &Record) -> bool {
        let known =
            |chunk: Chunk| chunk.index > 0 || self.open.iter().any(|open| open.id == chunk.id);
        !Chunk::of(record).is_some_and(known)
    }

    /// Where the oldest message begins whose chunks are still coming.
    pub(in crate::kafka) fn oldest(&self) -> Option<u64> {
        self.open.first().map(|open| open.position().offset)
    }

    /// Bytes that unfinished messages take, or will take.
    pub(in crate::kafka) fn bytes(&self) -> usize {
        self.open.iter().map(Open::bytes).sum()
    }

    /// Whether some message's writer has had its time, and nobody has said yet where the log ends.
    pub(in crate::kafka) fn is_overdue(&self, now: Instant) -> bool {
        self.open
            .iter()
            .any(|open| open.last_call.is_none() && open.is_overdue(now))
    }

    /// The log ends at `end`: what there is of messages that are overdue lies before.
    pub(in crate::kafka) fn call_last(&mut self, end: u64, now: Instant) {
        let overdue = self
            .open
            .iter_mut()
            .filter(|open| open.last_call.is_none() && open.is_overdue(now));
        overdue.for_each(|open| open.last_call = Some(end));
    }

    /// Everything below `reached` was read: gives up the messages that nothing more can come of.
    pub(in crate::kafka) fn give_up(&mut self, reached: u64) {
        let hopeless = |open: &Open| open.last_call.is_some_and(|end| end <= reached);
        self.tear("its writer has had its time", hopeless);
    }

    /// What went wrong since this was asked for.
    pub(in crate::kafka) fn take_troubles(&mut self) -> Vec<Trouble> {
        std::mem::take(&mut self.troubles)
    }

    /// `true` when the message is known: it is written again as a whole.
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
            // Nothing of the declared length is set aside for it.
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
