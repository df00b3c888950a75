//! Counts of scores in bins: small enough to send, and independent of the order of merges.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::areas::{Areas, Counts};
use super::order::order_key;

/// Bits of a score's mantissa that a bin keeps, beside the sign and all 8 bits of the exponent.
///
/// Two scores in one bin differ by less than one part in 2048, except subnormal ones. A sketch has
/// at most 2^20 bins, and at most one bin per row.
pub const MANTISSA_BITS: u32 = 11;

const DROPPED_BITS: u32 = f32::MANTISSA_DIGITS - 1 - MANTISSA_BITS;
const LOWEST_BIN: u32 = bin(f32::MIN);
const HIGHEST_BIN: u32 = bin(f32::MAX);

/// The serialised form of a bin: bin, normal rows, anomalous rows.
type Entry = (u32, u64, u64);

/// Counts of normal and anomalous rows by score. The areas of the pooled rows of many nodes are
/// computed from merged sketches.
///
/// Scores of one bin count as tied, so the error of the ROC AUC is at most half the share of pairs
/// of an anomaly and a normal row in the same bin. Serialised as a list of `[bin, normals,
/// anomalies]`, bins ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Entry>", into = "Vec<Entry>")]
pub struct ScoreSketch {
    /// Every entry has rows, so equal contents are equal sketches.
    bins: BTreeMap<u32, Counts>,
}

impl ScoreSketch {
    /// Counts a row. Returns false, without counting it, when the score is not finite.
    pub fn add(&mut self, score: f32, anomalous: bool) -> bool {
        let has_place = score.is_finite();
        if has_place {
            self.bins.entry(bin(score)).or_default().add_row(anomalous);
        }
        has_place
    }

    /// Adds all rows of `other`. The order and grouping of merges make no difference.
    pub fn merge(&mut self, other: &Self) {
        for (&bin, &counts) in &other.bins {
            self.bins.entry(bin).or_default().add(counts);
        }
    }

    /// Area under the ROC curve, a tie counting half; `None` unless both classes are present.
    #[must_use]
    pub fn roc_auc(&self) -> Option<f64> {
        self.areas().map(|areas| areas.roc_auc)
    }

    /// Average precision as [`Ranking`](super::Ranking) defines it; `None` unless both classes are
    /// present.
    #[must_use]
    pub fn average_precision(&self) -> Option<f64> {
        self.areas().map(|areas| areas.average_precision)
    }

    /// Rows counted; all counts saturate.
    #[must_use]
    pub fn rows(&self) -> u64 {
        let total = self.total();
        total.normals.saturating_add(total.anomalies)
    }

    /// Anomalous rows.
    #[must_use]
    pub fn anomalous(&self) -> u64 {
        self.total().anomalies
    }

    fn areas(&self) -> Option<Areas> {
        Areas::of(self.bins.values().rev().copied())
    }

    fn total(&self) -> Counts {
        let mut total = Counts::default();
        self.bins.values().for_each(|&counts| total.add(counts));
        total
    }
}

/// The bin of a finite score.
const fn bin(score: f32) -> u32 {
    order_key(score) >> DROPPED_BITS
}

/// Why a list is not a valid sketch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum SketchError {
    /// No finite score has this bin.
    #[error("bin {bin} is not within {LOWEST_BIN}..={HIGHEST_BIN}")]
    #[diagnostic(help("send the sketch as fedhost wrote it"))]
    Range {
        /// The bin.
        bin: u32,
    },
    /// Bins repeat, or are not sorted.
    #[error("bin {bin} follows bin {previous}")]
    #[diagnostic(help("list every bin once, in ascending order"))]
    Order {
        /// The bin.
        bin: u32,
        /// The one before it.
        previous: u32,
    },
    /// A bin holds no row.
    #[error("bin {bin} is empty")]
    #[diagnostic(help("list only bins that hold rows"))]
    Empty {
        /// The bin.
        bin: u32,
    },
    /// More rows than can be counted.
    #[error("the rows up to bin {bin} are more than {}", u64::MAX)]
    #[diagnostic(help("send the sketch as fedhost wrote it"))]
    Overflow {
        /// The bin.
        bin: u32,
    },
}

impl TryFrom<Vec<Entry>> for ScoreSketch {
    type Error = SketchError;

    fn try_from(entries: Vec<Entry>) -> Result<Self, SketchError> {
        let mut previous = None;
        let mut rows = 0_u64;
        for &(bin, normals, anomalies) in &entries {
            if !(LOWEST_BIN..=HIGHEST_BIN).contains(&bin) {
                return Err(SketchError::Range { bin });
            }
            if let Some(previous) = previous.filter(|&previous| previous >= bin) {
                return Err(SketchError::Order { bin, previous });
            }
            if normals == 0 && anomalies == 0 {
                return Err(SketchError::Empty { bin });
            }
            let sum = rows
                .checked_add(normals)
                .and_then(|sum| sum.checked_add(anomalies));
            rows = sum.ok_or(SketchError::Overflow { bin })?;
            previous = Some(bin);
        }
        let bins = entries
            .into_iter()
            .map(|(bin, normals, anomalies)| (bin, Counts { normals, anomalies }));
        Ok(Self {
            bins: bins.collect(),
        })
    }
}

impl From<ScoreSketch> for Vec<Entry> {
    fn from(sketch: ScoreSketch) -> Self {
        sketch
            .bins
            .into_iter()
            .map(|(bin, counts)| (bin, counts.normals, counts.anomalies))
            .collect()
    }
}

#[cfg(test)]
mod tests;
