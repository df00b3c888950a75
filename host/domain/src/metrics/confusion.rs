//! What a threshold makes of the rows.

/// Rows by what they are and what they were called. Made by a [`Ranking`](super::Ranking), so both classes are present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Confusion {
    /// Anomalies that were flagged.
    pub true_positives: u64,
    /// Normal rows that were flagged: false alarms.
    pub false_positives: u64,
    /// Normal rows that were not.
    pub true_negatives: u64,
    /// Anomalies that were not: missed alarms.
    pub false_negatives: u64,
}

impl Confusion {
    /// The share of flagged rows that are anomalies; 0 when none is flagged, as scikit-learn has it.
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
        share(2 * self.true_positives, self.false_positives + self.false_negatives)
    }

    /// False alarm rate: the share of normal rows that are flagged. The SKAB benchmark prints it in percent.
    #[must_use]
    pub fn far(&self) -> f64 {
        share(self.false_positives, self.true_negatives)
    }

    /// Missed alarm rate: the share of anomalies that are not flagged. The SKAB benchmark prints it in percent.
    #[must_use]
    pub fn mar(&self) -> f64 {
        share(self.false_negatives, self.true_positives)
    }
}

/// `part` in `part + rest`, and 0 in nothing.
fn share(part: u64, rest: u64) -> f64 {
    if part == 0 { 0.0 } else { part as f64 / (part as f64 + rest as f64) }
}
