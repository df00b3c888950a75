//! One partition: its batches in the store, numbered without gaps, and how far they reach.
//!
//! Batches are found by number with point reads only. A range scan would stop at the first damaged
//! block, and a scan over merged tables even skips sound entries beside it; a point read fails
//! alone.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, BufMut, Bytes};
use fjall::Keyspace;

use super::batch::{Batch, Head};
use super::store::guarded;
use crate::Record;

const TAIL_VERSION: u8 = 1;

/// One partition of a topic.
pub(super) struct Partition {
    pub(super) topic: Arc<str>,
    pub(super) index: u32,
    pub(super) keyspace: Keyspace,
    tail: Mutex<Tail>,
    /// The oldest readable batch, which retention asks for with every write.
    front: Mutex<Option<(u64, Head)>>,
}

impl Partition {
    pub(super) fn new(topic: Arc<str>, index: u32, keyspace: Keyspace, tail: Tail) -> Self {
        Self {
            topic,
            index,
            keyspace,
            tail: Mutex::new(tail),
            front: Mutex::default(),
        }
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
        read_batch(&self.keyspace, number)
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

/// Where a batch lies in the keyspace of its partition.
pub(super) fn batch_key(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

fn read_batch(keyspace: &Keyspace, number: u64) -> Result<Batch, String> {
    let value = guarded(|| keyspace.get(batch_key(number)))?;
    let value = value.ok_or_else(|| "the batch is missing".to_owned())?;
    Batch::open(Bytes::from_owner(value)).map_err(|broken| broken.to_string())
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

    /// What the batches themselves tell, for a partition whose stored tail was lost with a damaged
    /// write.
    pub(super) fn from_batches(keyspace: &Keyspace) -> Result<Self, String> {
        let number = |guard: Option<fjall::Guard>| -> Result<Option<u64>, String> {
            let Some(guard) = guard else { return Ok(None) };
            let key = guarded(|| guard.key())?;
            let key =
                <[u8; 8]>::try_from(&*key).map_err(|_| "a batch has an unknown key".to_owned())?;
            Ok(Some(u64::from_be_bytes(key)))
        };
        let (Some(first), Some(last)) = (
            number(keyspace.first_key_value())?,
            number(keyspace.last_key_value())?,
        ) else {
            return Ok(Self::default());
        };
        let oldest = *read_batch(keyspace, first)?.head();
        let mut tail = Self {
            first,
            end: last,
            oldest: oldest.base,
            bytes_dropped: oldest.bytes_before,
            ..Self::default()
        };
        tail.append(read_batch(keyspace, last)?.head());
        Ok(tail)
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
