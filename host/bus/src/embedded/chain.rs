//! Where the batches of one partition lie, by their numbers. Takes eight bytes of memory a batch.

use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use super::segment::Slot;

/// The batches of a partition. Shared by readers and the one writer.
#[derive(Default)]
pub(super) struct Chain {
    pieces: RwLock<Vec<Piece>>,
}

/// A topic's name and a partition.
pub(super) type Place = (Arc<str>, u32);

/// Batches without a gap in one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) segment: u64,
    /// Number of the first batch.
    pub(super) first: u64,
    pub(super) slots: Vec<Slot>,
}

impl Piece {
    /// The numbers of its batches.
    pub(super) fn numbers(&self) -> Range<u64> {
        self.first..self.first + self.slots.len() as u64
    }
}

impl Chain {
    /// Takes a batch in. A number that is there already was never acknowledged, or its commit was
    /// lost: it and all behind it are forgotten.
    pub(super) fn push(&self, segment: u64, number: u64, slot: Slot) {
        let mut pieces = self.pieces.write().unwrap_or_else(PoisonError::into_inner);
        truncate(&mut pieces, number);
        match pieces.last_mut() {
            Some(last) if last.segment == segment && last.numbers().end == number => {
                last.slots.push(slot);
            }
            _ => pieces.push(Piece {
                segment,
                first: number,
                slots: vec![slot],
            }),
        }
    }

    /// Forgets all batches from `number` on.
    pub(super) fn truncate(&self, number: u64) {
        truncate(
            &mut self.pieces.write().unwrap_or_else(PoisonError::into_inner),
            number,
        );
    }

    /// The segment of a batch, and its place there.
    pub(super) fn find(&self, number: u64) -> Option<(u64, Slot)> {
        let pieces = self.pieces.read().unwrap_or_else(PoisonError::into_inner);
        let behind = pieces.partition_point(|piece| piece.first <= number);
        let piece = pieces.get(behind.checked_sub(1)?)?;
        let at = usize::try_from(number - piece.first).ok()?;
        Some((piece.segment, *piece.slots.get(at)?))
    }

    /// As if a batch could not be read any more.
    #[cfg(test)]
    pub(super) fn lose(&self, number: u64) {
        let mut pieces = self.pieces.write().unwrap();
        for piece in pieces.iter_mut() {
            if piece.numbers().contains(&number) {
                piece.slots[(number - piece.first) as usize].length = 0;
            }
        }
    }

    /// The first and the last number.
    pub(super) fn ends(&self) -> Option<(u64, u64)> {
        let pieces = self.pieces.read().unwrap_or_else(PoisonError::into_inner);
        Some((pieces.first()?.first, pieces.last()?.numbers().end - 1))
    }

    /// What lies in `segment`.
    pub(super) fn pieces_in(&self, segment: u64) -> Vec<Piece> {
        let pieces = self.pieces.read().unwrap_or_else(PoisonError::into_inner);
        pieces
            .iter()
            .filter(|piece| piece.segment == segment)
            .cloned()
            .collect()
    }

    /// The segments in which batches lie.
    pub(super) fn segments(&self) -> Vec<u64> {
        let pieces = self.pieces.read().unwrap_or_else(PoisonError::into_inner);
        pieces.iter().map(|piece| piece.segment).collect()
    }

    /// Forgets pieces of which all batches are below `number`, in segments before `segment`, and
    /// returns the segments they were in.
    pub(super) fn release_below(&self, number: u64, segment: u64) -> Vec<u64> {
        let mut pieces = self.pieces.write().unwrap_or_else(PoisonError::into_inner);
        let released = |piece: &Piece| piece.segment < segment && piece.numbers().end <= number;
        let segments = pieces.iter().filter(|piece| released(piece));
        let segments = segments.map(|piece| piece.segment).collect();
        pieces.retain(|piece| !released(piece));
        segments
    }
}

fn truncate(pieces: &mut Vec<Piece>, number: u64) {
    while let Some(last) = pieces.last_mut()
        && last.numbers().end > number
    {
        let kept = number.saturating_sub(last.first);
        last.slots
            .truncate(usize::try_from(kept).unwrap_or(usize::MAX));
        if last.slots.is_empty() {
            pieces.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOT: Slot = Slot {
        position: 7,
        length: 3,
    };

    #[test]
    fn batches_are_found_by_number_also_where_some_are_missing() {
        let chain = Chain::default();
        for (segment, number) in [(1, 2), (1, 3), (1, 6), (2, 7)] {
            chain.push(segment, number, SLOT);
        }
        let found: Vec<u64> = (0..9)
            .filter(|number| chain.find(*number).is_some())
            .collect();
        assert_eq!(found, [2, 3, 6, 7]);
        assert_eq!(chain.find(7), Some((2, SLOT)));
        assert_eq!(chain.ends(), Some((2, 7)));
        assert_eq!(chain.release_below(5, 2), [1]);
        assert_eq!(chain.ends(), Some((6, 7)));
    }

    #[test]
    fn a_number_that_comes_again_replaces_itself_and_all_behind_it() {
        let chain = Chain::default();
        (0..4).for_each(|number| chain.push(1, number, SLOT));
        chain.push(2, 1, SLOT);
        assert_eq!(chain.find(0), Some((1, SLOT)));
        assert_eq!(chain.find(1), Some((2, SLOT)));
        assert_eq!(chain.find(2), None);
    }
}
