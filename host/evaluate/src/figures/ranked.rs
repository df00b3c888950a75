//! A scored row on its way through the sorter.

use fedhost_domain::metrics::{Effect, order_key};

use super::sorter::Sortable;
use super::tape::Record;

/// A scored row as it is sorted: the highest scores first.
#[derive(Clone, Copy, Debug)]
pub(super) struct RankedRow {
    pub(super) score: f32,
    pub(super) anomalous: bool,
    /// For confidence intervals.
    pub(super) block: u16,
    /// Its effect on the NAB score, in two fields to be as small as can be.
    value: f64,
    detects: bool,
}

impl RankedRow {
    /// No effect yet.
    pub(super) fn new(score: f32, anomalous: bool, block: u16) -> Self {
        Self {
            score,
            anomalous,
            block,
            value: 0.0,
            detects: false,
        }
    }

    pub(super) fn with(self, Effect { value, detects }: Effect) -> Self {
        Self {
            value,
            detects,
            ..self
        }
    }

    pub(super) fn effect(self) -> Effect {
        Effect {
            value: self.value,
            detects: self.detects,
        }
    }
}

impl Sortable for RankedRow {
    fn key(&self) -> u32 {
        !order_key(self.score)
    }
}

impl Record for RankedRow {
    type Bytes = [u8; 15];

    fn encode(&self) -> [u8; 15] {
        let mut bytes = [u8::from(self.anomalous) | u8::from(self.detects) << 1; 15];
        let fields = self
            .value
            .to_le_bytes()
            .into_iter()
            .chain(self.score.to_le_bytes())
            .chain(self.block.to_le_bytes());
        bytes
            .iter_mut()
            .zip(fields)
            .for_each(|(to, byte)| *to = byte);
        bytes
    }

    fn decode(&[a, b, c, d, e, f, g, h, i, j, k, l, m, n, flags]: &[u8; 15]) -> Self {
        Self {
            value: f64::from_le_bytes([a, b, c, d, e, f, g, h]),
            score: f32::from_le_bytes([i, j, k, l]),
            block: u16::from_le_bytes([m, n]),
            anomalous: flags & 1 == 1,
            detects: flags & 2 == 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_row_reads_back_as_it_was_written(
            score in any::<f32>(),
            (anomalous, detects) in any::<(bool, bool)>(),
            block in any::<u16>(),
            value in any::<f64>(),
        ) {
            let row = RankedRow::new(score, anomalous, block).with(Effect { value, detects });
            let back = RankedRow::decode(&row.encode());
            prop_assert_eq!((back.score, back.anomalous, back.block), (score, anomalous, block));
            prop_assert_eq!(back.effect(), Effect { value, detects });
        }
    }

    #[test]
    fn the_highest_score_comes_first() {
        let mut rows = [0.0, -1.0, 7.0, -0.0, 3.5].map(|score| RankedRow::new(score, false, 0));
        rows.sort_by_key(Sortable::key);
        assert_eq!(rows.map(|row| row.score), [7.0, 3.5, 0.0, 0.0, -1.0]);
    }
}
