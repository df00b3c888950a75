//! The confusion matrix of rows at a threshold.

use serde::Serialize;

use super::areas::Counts;

/// A confusion matrix: rows by label and by decision.
///
/// A rate is 0 when it has no rows; check [`normals`](Self::normals) and
/// [`anomalies`](Self::anomalies). A [`Ranking`](super::Ranking) always has rows of both classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Confusion {
    /// Anomalies that were flagged.
    pub true_positives: u64,
    /// Normal rows that were flagged: false alarms.
    pub false_positives: u64,
    /// Normal rows that were not flagged.
    pub true_negatives: u64,
    /// Anomalies that were not flagged: missed alarms.
    pub false_negatives: u64,
}

impl Confusion {
    /// The matrix of `total` rows, of which the rows of `flagged` are flagged.
    pub(super) fn of(total: Counts, flagged: Counts) -> Self {
        Self {
            true_positives: flagged.anomalies,
            false_positives: flagged.normals,
            true_negatives: total.normals.saturating_sub(flagged.normals),
            false_negatives: total.anomalies.saturating_sub(flagged.anomalies),
        }
    }

    /// Counts one row.
    pub fn add_row(&mut self, flagged: bool, anomalous: bool) {
        let count = match (flagged, anomalous) {
            (true, true) => &mut self.true_positives,
            (true, false) => &mut self.false_positives,
            (false, false) => &mut self.true_negatives,
            (false, true) => &mut self.false_negatives,
        };
        *count = count.saturating_add(1);
    }

    /// Counts every row of `other` `times` times.
    pub(super) fn add_times(&mut self, other: &Self, times: u64) {
        self.true_positives += other.true_positives * times;
        self.false_positives += other.false_positives * times;
        self.true_negatives += other.true_negatives * times;
        self.false_negatives += other.false_negatives * times;
    }

    /// Normal rows.
    #[must_use]
    pub fn normals(&self) -> u64 {
        self.false_positives.saturating_add(self.true_negatives)
    }

    /// Anomalous rows.
    #[must_use]
    pub fn anomalies(&self) -> u64 {
        self.true_positives.saturating_add(self.false_negatives)
    }

    /// The share of flagged rows that are anomalies; 0 when none is flagged, as in scikit-learn.
    #[must_use]
    pub fn precision(&self) -> f64 {
        share(self.true_positives, self.false_positives)
    }

    /// The share of anomalies that are flagged.
    #[must_use]
    pub fn recall(&self) -> f64 {
        share(self.true_positives, self.false_negatives)
    }

    /// The harmonic mean of precision and recall; 0 when no anomaly is flagged.
    #[must_use]
    pub fn f1(&self) -> f64 {
        share(
            2 * self.true_positives,
            self.false_positives + self.false_negatives,
        )
    }

    /// False alarm rate: the share of normal rows that are flagged. The SKAB benchmark prints it in
    /// percent.
    #[must_use]
    pub fn far(&self) -> f64 {
        share(self.false_positives, self.true_negatives)
    }

    /// Missed alarm rate: the share of anomalies that are not flagged. The SKAB benchmark prints it
    /// in percent.
    #[must_use]
    pub fn mar(&self) -> f64 {
        share(self.false_negatives, self.true_positives)
    }
}

/// The share of `part` in `part + rest`; 0 when both are 0.
fn share(part: u64, rest: u64) -> f64 {
    if part == 0 {
        0.0
    } else {
        part as f64 / (part as f64 + rest as f64)
    }
}
