//! Which dead-letter records of a partition were replayed: everything below an offset, which is the
//! replaying group's own, and beyond it, where a filter has left dead-letter records out, single
//! ones. Does no I/O: it returns what it has to load and what to store.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::Bytes;

/// Offsets that one stored value covers: a bit each, at most 8 KiB.
const CHUNK: u64 = 1 << 16;

/// Which dead-letter records of a partition were replayed.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Everything below was replayed.
    next: u64,
    /// Nothing was left out since `next`.
    unbroken: bool,
    /// `next` is not stored yet.
    moved: bool,
    chunks: BTreeMap<u64, Chunk>,
}

/// One bit an offset, without trailing zeros.
#[derive(Debug, Default)]
struct Chunk {
    bits: Vec<u8>,
    /// Since it was stored.
    is_changed: bool,
}

/// What is to be stored.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Changes {
    /// The group's offset.
    pub(super) next: Option<u64>,
    /// Values by number of chunk; `None` removes one.
    pub(super) chunks: Vec<(u64, Option<Bytes>)>,
}

impl Marks {
    /// Everything below `next` was replayed.
    pub(super) fn new(next: u64) -> Self {
        Self {
            next,
            unbroken: true,
            ..Self::default()
        }
    }

    /// None of `dead_letters`, all that are there, was replayed, whatever is stored.
    pub(super) fn erased(dead_letters: Range<u64>) -> Self {
        let next = dead_letters.start;
        let forgotten = || Chunk {
            is_changed: true,
            ..Chunk::default()
        };
        let chunks = chunks_of(dead_letters)
            .map(|number| (number, forgotten()))
            .collect();
        Self {
            next,
            unbroken: true,
            moved: true,
            chunks,
        }
    }

    /// Everything below was replayed.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// The chunk to [`learn`](Self::learn) before anything is asked about this offset.
    pub(super) fn unknown(&self, offset: u64) -> Option<u64> {
        let number = offset / CHUNK;
        (offset >= self.next && !self.chunks.contains_key(&number)).then_some(number)
    }

    /// Takes in what is stored for a chunk.
    pub(super) fn learn(&mut self, number: u64, stored: Option<&Bytes>) {
        let bits = stored.map(|bits| bits.to_vec()).unwrap_or_default();
        self.chunks.insert(
            number,
            Chunk {
                bits,
                is_changed: false,
            },
        );
    }

    /// Whether the dead-letter record was replayed.
    pub(super) fn is_replayed(&self, offset: u64) -> bool {
        offset < self.next
            || self
                .chunks
                .get(&(offset / CHUNK))
                .is_some_and(|chunk| chunk.has(offset % CHUNK))
    }

    /// The next dead-letter record in order was replayed: now, or before.
    pub(super) fn replayed(&mut self, offset: u64) {
        if self.unbroken {
            self.moved |= offset >= self.next;
            self.next = self.next.max(offset + 1);
        } else if !self.is_replayed(offset) {
            self.chunks
                .entry(offset / CHUNK)
                .or_default()
                .set(offset % CHUNK);
        }
    }

    /// A dead-letter record was left out: what follows has to be remembered one by one.
    pub(super) fn left_out(&mut self) {
        self.unbroken = false;
    }

    /// What has changed since the last time.
    pub(super) fn changes(&mut self) -> Changes {
        let next = std::mem::take(&mut self.moved).then_some(self.next);
        let mut changes = Changes {
            next,
            ..Changes::default()
        };
        for (&number, chunk) in &mut self.chunks {
            if end_of(number) <= self.next {
                chunk.clear();
            }
            if std::mem::take(&mut chunk.is_changed) {
                let bits = (!chunk.bits.is_empty()).then(|| Bytes::copy_from_slice(&chunk.bits));
                changes.chunks.push((number, bits));
            }
        }
        // Dead-letter records come in order: only the last chunk is needed again.
        if let Some((number, chunk)) = self.chunks.pop_last() {
            self.chunks = BTreeMap::from([(number, chunk)]);
        }
        changes
    }
}

impl Chunk {
    fn has(&self, index: u64) -> bool {
        let (byte, bit) = place(index);
        self.bits.get(byte).is_some_and(|bits| bits & bit != 0)
    }

    fn set(&mut self, index: u64) {
        let (byte, bit) = place(index);
        self.bits.resize(self.bits.len().max(byte + 1), 0);
        if let Some(bits) = self.bits.get_mut(byte) {
            *bits |= bit;
        }
        self.is_changed = true;
    }

    fn clear(&mut self) {
        self.is_changed |= !self.bits.is_empty();
        self.bits.clear();
    }
}

/// The byte in a chunk, and the bit in it.
fn place(index: u64) -> (usize, u8) {
    let byte = (index / 8) as usize;
    (byte, 1 << (index % 8))
}

/// One past the last offset that a chunk covers.
pub(super) fn end_of(number: u64) -> u64 {
    (number + 1).saturating_mul(CHUNK)
}

/// The name under which a chunk is stored.
pub(super) fn state_name(topic: &str, partition: u32, number: u64) -> String {
    format!("dead-letters-replayed/{topic}/{partition}/{number}")
}

/// The chunks that hold these offsets.
pub(super) fn chunks_of(offsets: Range<u64>) -> impl Iterator<Item = u64> {
    offsets.start / CHUNK..offsets.end.div_ceil(CHUNK)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a replay does with dead-letter records `0..end`, of which `chosen` are to be replayed;
    /// the answer has those that were.
    fn pass(stored: &mut Stored, end: u64, chosen: impl Fn(u64) -> bool) -> Vec<u64> {
        let mut marks = Marks::new(stored.next);
        let mut replayed = Vec::new();
        for offset in stored.next..end {
            if let Some(number) = marks.unknown(offset) {
                marks.learn(number, stored.chunks.get(&number));
            }
            if marks.is_replayed(offset) {
                marks.replayed(offset);
            } else if chosen(offset) {
                marks.replayed(offset);
                replayed.push(offset);
            } else {
                marks.left_out();
            }
            if offset % 100 == 0 {
                stored.apply(marks.changes());
            }
        }
        stored.apply(marks.changes());
        replayed
    }

    #[derive(Default)]
    struct Stored {
        next: u64,
        chunks: BTreeMap<u64, Bytes>,
    }

    impl Stored {
        fn apply(&mut self, changes: Changes) {
            self.next = changes.next.unwrap_or(self.next);
            for (number, bits) in changes.chunks {
                match bits {
                    Some(bits) => drop(self.chunks.insert(number, bits)),
                    None => drop(self.chunks.remove(&number)),
                }
            }
        }
    }

    #[test]
    fn without_a_filter_an_offset_says_it_all() {
        let mut stored = Stored::default();
        assert_eq!(pass(&mut stored, 70_000, |_| true).len(), 70_000);
        assert_eq!((stored.next, stored.chunks.len()), (70_000, 0));
        assert_eq!(
            pass(&mut stored, 70_003, |_| true),
            [70_000, 70_001, 70_002]
        );
    }

    #[test]
    fn what_a_filter_left_out_is_replayed_later_and_nothing_twice() {
        let mut stored = Stored::default();
        let fives = pass(&mut stored, 140_000, |offset| offset % 5 == 0);
        assert_eq!(
            (fives.len(), stored.next, stored.chunks.len()),
            (28_000, 1, 3)
        );
        let evens = pass(&mut stored, 140_000, |offset| offset % 2 == 0);
        assert!(
            evens
                .iter()
                .all(|offset| offset % 2 == 0 && offset % 5 != 0)
        );
        let rest = pass(&mut stored, 140_000, |_| true);
        assert_eq!(fives.len() + evens.len() + rest.len(), 140_000);
        assert_eq!(
            (stored.next, stored.chunks.len()),
            (140_000, 1),
            "single marks go once the offset has passed their chunk"
        );
    }

    #[test]
    fn erased_marks_are_stored_as_gone() {
        let mut stored = Stored::default();
        pass(&mut stored, 140_000, |offset| offset % 5 == 0);
        let mut marks = Marks::erased(10..140_000);
        assert!(marks.unknown(10).is_none() && !marks.is_replayed(10));
        stored.apply(marks.changes());
        assert_eq!((stored.next, stored.chunks.len()), (10, 0));
    }
}
