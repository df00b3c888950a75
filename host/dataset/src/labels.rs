//! Labels of many rows, one bit each.

use std::ops::Range;

const WORD_BITS: u64 = u64::BITS as u64;

/// A row of bits that grows.
#[derive(Default)]
pub(super) struct Labels {
    words: Vec<u64>,
    rows: u64,
}

impl Labels {
    pub(super) fn push(&mut self, label: bool) {
        let bit = self.rows % WORD_BITS;
        if bit == 0 {
            self.words.push(0);
        }
        if let Some(word) = self.words.last_mut() {
            *word |= u64::from(label) << bit;
        }
        self.rows += 1;
    }

    /// `false` beyond the last row.
    pub(super) fn get(&self, row: u64) -> bool {
        let word = usize::try_from(row / WORD_BITS)
            .ok()
            .and_then(|index| self.words.get(index));
        word.is_some_and(|word| word >> (row % WORD_BITS) & 1 == 1)
    }

    /// Rows of `range` that are labelled true.
    pub(super) fn count(&self, range: Range<u64>) -> u64 {
        range.map(|row| u64::from(self.get(row))).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_pushed_is_there(bits in proptest::collection::vec(any::<bool>(), 0..300)) {
            let mut labels = Labels::default();
            bits.iter().for_each(|bit| labels.push(*bit));
            let rows = bits.len() as u64;
            prop_assert_eq!((0..rows).map(|row| labels.get(row)).collect::<Vec<_>>(), bits.clone());
            prop_assert!(!labels.get(rows));
            prop_assert_eq!(labels.count(0..rows), bits.iter().filter(|bit| **bit).count() as u64);
        }
    }
}
