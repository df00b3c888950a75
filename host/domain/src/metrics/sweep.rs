//! Exact metrics of rows that arrive in the order of their scores, in constant memory.

use serde::Serialize;

use super::areas::{AreaSums, Counts};
use super::confusion::Confusion;
use super::curves::{CurveBuilder, Curves};

/// Why rows cannot be swept.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum SweepError {
    /// A score is not finite, or out of order.
    #[error("the score {score} comes after {previous}")]
    #[diagnostic(help("give rows in descending order of finite scores"))]
    Order {
        /// The score.
        score: f32,
        /// The one before it; infinity before the first.
        previous: f32,
    },
    /// The numbers of rows differ from the announced ones.
    #[error(
        "{normals} normal and {anomalies} anomalous rows came where {normals_announced} and {anomalies_announced} were announced"
    )]
    #[diagnostic(help("count the rows that are swept"))]
    Totals {
        /// Normal rows that came.
        normals: u64,
        /// Anomalous rows that came.
        anomalies: u64,
        /// Normal rows that were announced.
        normals_announced: u64,
        /// Anomalous rows that were announced.
        anomalies_announced: u64,
    },
}

/// A threshold and its confusion matrix.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct OperatingPoint {
    /// Rows with at least this score are flagged.
    pub threshold: f32,
    /// The confusion matrix.
    pub confusion: Confusion,
}

/// The metrics of a sweep over all rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Swept {
    /// Area under the ROC curve, a tie counting half (Mann-Whitney).
    pub roc_auc: f64,
    /// Average precision as scikit-learn defines it.
    pub average_precision: f64,
    /// The threshold with the best F1; of several, the highest. It is chosen with knowledge of the
    /// labels.
    pub best_f1: OperatingPoint,
    /// Both curves.
    pub curves: Curves,
}

/// A sweep over rows, highest scores first.
#[derive(Clone, Debug)]
pub struct Sweep {
    total: Counts,
    flagged: Counts,
    /// The score of the newest rows, and the number of rows with it.
    tied: Option<(f32, Counts)>,
    sums: AreaSums,
    best_f1: OperatingPoint,
    curves: CurveBuilder,
}

impl Sweep {
    /// A sweep over these numbers of rows of each class.
    #[must_use]
    pub fn new(normals: u64, anomalies: u64) -> Self {
        let total = Counts { normals, anomalies };
        let confusion = Confusion::of(total, Counts::default());
        Self {
            total,
            flagged: Counts::default(),
            tied: None,
            sums: AreaSums::default(),
            best_f1: OperatingPoint {
                threshold: f32::INFINITY,
                confusion,
            },
            curves: CurveBuilder::default(),
        }
    }

    /// Adds the next row.
    ///
    /// # Errors
    /// The score is not finite, or is higher than the previous one.
    pub fn add(&mut self, score: f32, anomalous: bool) -> Result<(), SweepError> {
        let previous = self.tied.map_or(f32::INFINITY, |(previous, _)| previous);
        if !score.is_finite() || score > previous {
            return Err(SweepError::Order { score, previous });
        }
        if score < previous {
            self.close_tied();
        }
        self.tied
            .get_or_insert((score, Counts::default()))
            .1
            .add_row(anomalous);
        Ok(())
    }

    /// The metrics of all rows; `None` unless both classes are present.
    ///
    /// # Errors
    /// Fewer or more rows came than were announced.
    pub fn finish(mut self) -> Result<Option<Swept>, SweepError> {
        self.close_tied();
        if self.flagged != self.total {
            return Err(SweepError::Totals {
                normals: self.flagged.normals,
                anomalies: self.flagged.anomalies,
                normals_announced: self.total.normals,
                anomalies_announced: self.total.anomalies,
            });
        }
        Ok(self.metrics())
    }

    fn close_tied(&mut self) {
        if let Some((score, counts)) = self.tied.take() {
            self.close(score, counts);
        }
    }

    /// Adds all rows of a score, which is lower than all before.
    pub(super) fn close(&mut self, score: f32, counts: Counts) {
        self.sums.add(counts);
        self.flagged.add(counts);
        let confusion = Confusion::of(self.total, self.flagged);
        if confusion.f1() > self.best_f1.confusion.f1() {
            self.best_f1 = OperatingPoint {
                threshold: score,
                confusion,
            };
        }
        self.curves.add(&confusion);
    }

    /// The metrics of the rows that were closed.
    pub(super) fn metrics(self) -> Option<Swept> {
        let areas = self.sums.areas()?;
        Some(Swept {
            roc_auc: areas.roc_auc,
            average_precision: areas.average_precision,
            best_f1: self.best_f1,
            curves: self.curves.finish(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metrics::Ranking;

    fn sweep(rows: &[(f32, bool)]) -> Result<Option<Swept>, SweepError> {
        let anomalies = rows.iter().filter(|(_, anomalous)| *anomalous).count() as u64;
        let mut sweep = Sweep::new(rows.len() as u64 - anomalies, anomalies);
        for &(score, anomalous) in rows {
            sweep.add(score, anomalous)?;
        }
        sweep.finish()
    }

    proptest! {
        #[test]
        fn a_sweep_row_by_row_agrees_with_the_ranking(
            mut rows in prop::collection::vec(((-9_i8..9).prop_map(f32::from), any::<bool>()), 0..80),
        ) {
            rows.sort_by(|(left, _), (right, _)| right.total_cmp(left));
            let (scores, labels): (Vec<f32>, Vec<bool>) = rows.iter().copied().unzip();
            let swept = sweep(&rows).unwrap();
            match Ranking::new(&scores, &labels) {
                Ok(ranking) => {
                    let swept = swept.unwrap();
                    prop_assert_eq!(swept.roc_auc, ranking.roc_auc());
                    prop_assert_eq!(swept.average_precision, ranking.average_precision());
                    prop_assert_eq!(swept.best_f1, ranking.best_f1());
                }
                Err(_) => prop_assert_eq!(swept, None, "one class alone has no areas"),
            }
        }
    }

    #[test]
    fn rows_out_of_order_are_refused() {
        let order = |score: f32, previous: f32| Err(SweepError::Order { score, previous });
        assert_eq!(sweep(&[(1.0, true), (2.0, false)]), order(2.0, 1.0));
        assert_eq!(
            sweep(&[(f32::INFINITY, true)]),
            order(f32::INFINITY, f32::INFINITY)
        );
        assert!(matches!(
            sweep(&[(f32::NAN, true)]),
            Err(SweepError::Order { .. })
        ));
    }

    #[test]
    fn other_rows_than_were_announced_are_refused() {
        let mut sweep = Sweep::new(2, 1);
        sweep.add(0.5, true).unwrap();
        let error = sweep.finish().unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("0 normal and 1 anomalous rows came where 2 and 1"),
            "{error}"
        );
    }
}
