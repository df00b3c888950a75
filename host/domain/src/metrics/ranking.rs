//! Exact metrics of scored rows.

use super::areas::Counts;
use super::confusion::Confusion;
use super::sweep::{OperatingPoint, Sweep, Swept};

/// Why rows cannot be ranked.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum RankingError {
    /// The numbers of scores and labels differ.
    #[error("{scores} scores do not match {labels} labels")]
    #[diagnostic(help("give exactly one label for each score"))]
    Lengths {
        /// Number of scores.
        scores: usize,
        /// Number of labels.
        labels: usize,
    },
    /// A score is not finite.
    #[error("the score of row {row} is {score}, not a finite number")]
    #[diagnostic(help("leave out rows that have no score"))]
    NotFinite {
        /// Counted from 0.
        row: usize,
        /// What was found.
        score: f32,
    },
    /// The rows are of one class.
    #[error("{normals} normal and {anomalies} anomalous rows have no ranking")]
    #[diagnostic(help("choose rows in which both occur"))]
    OneClass {
        /// Rows labelled normal.
        normals: u64,
        /// Rows labelled anomalous.
        anomalies: u64,
    },
    /// A threshold is NaN.
    #[error("the threshold is not a number")]
    #[diagnostic(help("give a number; rows that score at least as much are flagged"))]
    Threshold,
}

/// Labelled rows in the order of their scores. Both classes are present, so every metric exists.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// Each distinct score with its rows, highest first.
    steps: Vec<(f32, Counts)>,
    total: Counts,
    swept: Swept,
}

impl Ranking {
    /// Ranks rows by score; `labels` says which are anomalous. Takes O(n log n) time.
    ///
    /// # Errors
    /// The lengths differ, a score is not finite, or only one class is present.
    pub fn new(scores: &[f32], labels: &[bool]) -> Result<Self, RankingError> {
        let steps = steps(&descending(scores, labels)?);
        let total = sum(&steps);
        let mut sweep = Sweep::new(total.normals, total.anomalies);
        steps
            .iter()
            .for_each(|&(score, counts)| sweep.close(score, counts));
        let swept = sweep.metrics().ok_or(RankingError::OneClass {
            normals: total.normals,
            anomalies: total.anomalies,
        })?;
        Ok(Self {
            steps,
            total,
            swept,
        })
    }

    /// Area under the ROC curve: the share of pairs of an anomaly and a normal row in which the
    /// anomaly scores higher, a tie counting half (Mann-Whitney).
    #[must_use]
    pub fn roc_auc(&self) -> f64 {
        self.swept.roc_auc
    }

    /// Average precision as scikit-learn defines it: the precision at each score that occurs,
    /// weighted by the recall gained there, without interpolation.
    #[must_use]
    pub fn average_precision(&self) -> f64 {
        self.swept.average_precision
    }

    /// The confusion matrix when rows with a score of `threshold` or more are flagged.
    ///
    /// # Errors
    /// `threshold` is NaN. Infinite thresholds are legal: they flag all rows, or none.
    pub fn confusion(&self, threshold: f32) -> Result<Confusion, RankingError> {
        if threshold.is_nan() {
            return Err(RankingError::Threshold);
        }
        let flagged = self.steps.partition_point(|&(score, _)| score >= threshold);
        Ok(Confusion::of(
            self.total,
            sum(self.steps.get(..flagged).unwrap_or_default()),
        ))
    }

    /// The threshold with the best F1; of several, the highest, which flags the fewest rows.
    ///
    /// It is chosen with knowledge of the labels, so it is an upper bound for a threshold that is
    /// set beforehand.
    #[must_use]
    pub fn best_f1(&self) -> OperatingPoint {
        self.swept.best_f1
    }
}

/// The rows, highest score first.
fn descending(scores: &[f32], labels: &[bool]) -> Result<Vec<(f32, bool)>, RankingError> {
    if scores.len() != labels.len() {
        return Err(RankingError::Lengths {
            scores: scores.len(),
            labels: labels.len(),
        });
    }
    if let Some((row, &score)) = scores
        .iter()
        .enumerate()
        .find(|(_, score)| !score.is_finite())
    {
        return Err(RankingError::NotFinite { row, score });
    }
    let mut rows: Vec<_> = scores.iter().copied().zip(labels.iter().copied()).collect();
    rows.sort_unstable_by(|(left, _), (right, _)| right.total_cmp(left));
    Ok(rows)
}

/// Groups rows with equal scores. They are compared by `==`, not by the sort order, so that both
/// zeros are one score.
fn steps(rows: &[(f32, bool)]) -> Vec<(f32, Counts)> {
    let tied = rows.chunk_by(|(left, _), (right, _)| left == right);
    tied.filter_map(|rows| {
        let mut counts = Counts::default();
        rows.iter()
            .for_each(|&(_, anomalous)| counts.add_row(anomalous));
        rows.first().map(|&(score, _)| (score, counts))
    })
    .collect()
}

fn sum(steps: &[(f32, Counts)]) -> Counts {
    let mut total = Counts::default();
    steps.iter().for_each(|&(_, counts)| total.add(counts));
    total
}

#[cfg(test)]
mod tests;
