//! One partition: its batches, numbered without gaps, and how far they reach.
//!
//! A batch is read by its number, alone, so a damaged one takes no other with it.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, BufMut};

use super::batch::{Batch, Head};
use super::chain::Chain;
use super::segment::Files;
use crate::Record;

const TAIL_VERSION: u8 = 1;

/// One partition of a topic.
pub(super) struct Partition {
    pub(super) topic: Arc<str>,
    pub(super) index: u32,
    pub(super) chain: Arc<Chain>,
    files: Arc<Files>,
    tail: Mutex<Tail>,
    /// The oldest readable batch, which retention asks for with every write.
    front: Mutex<Option<(u64, Head)>>,
}

impl Partition {
    /// `tail` is as it was stored; where none was, the batches say how far they reach.
    pub(super) fn new(
        topic: Arc<str>,
        index: u32,
        files: Arc<Files>,
        chain: Arc<Chain>,
        tail: Option<Tail>,
    ) -> Self {
        let partition = Self {
            topic,
            index,
            chain,
            files,
            tail: Mutex::default(),
            front: Mutex::default(),
        };
        partition.publish(tail.unwrap_or_else(|| partition.tail_of_batches()));
        partition.chain.truncate(partition.tail().end);
        partition
    }

    fn tail_of_batches(&self) -> Tail {
        let Some((first, last)) = self.chain.ends() else {
            return Tail::default();
        };
        let oldest = self.first_readable(first..last + 1);
        let newest = (first..last + 1)
            .rev()
            .find_map(|number| Some((number, *self.batch(number).ok()?.head())));
        let (Some((_, oldest)), Some((number, newest))) = (oldest, newest) else {
            return Tail::default();
        };
        let mut tail = Tail {
            first,
            end: number,
            oldest: oldest.base,
            bytes_dropped: oldest.bytes_before,
            ..Tail::default()
        };
        tail.append(&newest);
        tail
    }

    /// How far the acknowledged batches reach.
    pub(super) fn tail(&self) -> Tail {
        *self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes batches up to `tail` visible to readers.
    pub(super) fn publish(&self, tail: Tail) {
        *self.tail.lock().unwrap_or_else(PoisonError::into_inner) = tail;
    }

    /// Reads a batch; the error says what is wrong with it.
    pub(super) fn batch(&self, number: u64) -> Result<Batch, String> {
        let (segment, slot) = self
            .chain
            .find(number)
            .ok_or_else(|| "the batch is missing".to_owned())?;
        let bytes = self.files.read(segment, slot)?;
        Batch::open(bytes).map_err(|broken| self.files.name(segment, slot, &broken.to_string()))
    }

    /// The head of the first readable batch in `numbers`, and its number.
    pub(super) fn first_readable(&self, mut numbers: Range<u64>) -> Option<(u64, Head)> {
        numbers.find_map(|number| Some((number, *self.batch(number).ok()?.head())))
    }

    /// Like [`Partition::first_readable`], remembering what it found.
    pub(super) fn front(&self, numbers: Range<u64>) -> Option<(u64, Head)> {
        let mut front = self.front.lock().unwrap_or_else(PoisonError::into_inner);
        if front.is_none_or(|(number, _)| !numbers.contains(&number)) {
            *front = self.first_readable(numbers);
        }
        *front
    }

    /// The newest record that can be read.
    pub(super) fn newest(&self) -> Option<Record> {
        let tail = self.tail();
        let mut batch = tail
            .numbers()
            .rev()
            .find_map(|number| self.batch(number).ok())?;
        let last = batch
            .head()
            .end()
            .checked_sub(1)
            .filter(|last| tail.offsets().contains(last))?;
        batch.skip_to(last).ok()?;
        batch.next(&self.topic, self.index).ok()?
    }

    /// The number of the first batch that ends after `offset`: the one that holds it, if it is
    /// there.
    pub(super) fn locate(&self, offset: u64, tail: &Tail) -> u64 {
        let Range { mut start, mut end } = tail.numbers();
        while start < end {
            let middle = start + (end - start) / 2;
            match self.first_readable(middle..end) {
                Some((number, head)) if head.end() <= offset => start = number + 1,
                _ => end = middle,
            }
        }
        start
    }
}

/// How far a partition reaches; stored with every write to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tail {
    /// Number of the oldest batch.
    pub(super) first: u64,
    /// Number of the next batch.
    pub(super) end: u64,
    /// Offset of the oldest record.
    pub(super) oldest: u64,
    /// Offset of the next record.
    pub(super) next: u64,
    /// Bytes ever dropped from the front.
    pub(super) bytes_dropped: u64,
    /// Bytes ever written.
    pub(super) bytes_written: u64,
    /// The largest timestamp ever written.
    pub(super) newest_ms: u64,
}

impl Tail {
    pub(super) fn offsets(&self) -> Range<u64> {
        self.oldest..self.next
    }

    /// The batches that are there.
    pub(super) fn numbers(&self) -> Range<u64> {
        self.first..self.end
    }

    /// Takes a batch in.
    pub(super) fn append(&mut self, head: &Head) {
        self.end += 1;
        self.next = head.end();
        self.bytes_written = head.bytes_before + head.bytes;
        self.newest_ms = self.newest_ms.max(head.newest_ms);
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut value = vec![TAIL_VERSION];
        for field in [
            self.first,
            self.end,
            self.oldest,
            self.next,
            self.bytes_dropped,
            self.bytes_written,
            self.newest_ms,
        ] {
            value.put_u64_le(field);
        }
        value
    }

    pub(super) fn decode(mut value: &[u8]) -> Option<Self> {
        if value.try_get_u8().ok()? != TAIL_VERSION {
            return None;
        }
        let mut field = || value.try_get_u64_le().ok();
        Some(Self {
            first: field()?,
            end: field()?,
            oldest: field()?,
            next: field()?,
            bytes_dropped: field()?,
            bytes_written: field()?,
            newest_ms: field()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_comes_back_as_it_was() {
        let tail = Tail {
            first: 1,
            end: 2,
            oldest: 3,
            next: 4,
            bytes_dropped: 5,
            bytes_written: 6,
            newest_ms: 7,
        };
        assert_eq!(Tail::decode(&tail.encode()), Some(tail));
        assert_eq!(Tail::decode(&[9; 57]), None);
    }
}
