//! From scored rows to figures, in bounded memory.
//!
//! A [`ScoreBook`] takes every row as it was scored; once all are there, [`ScoreBook::figures`]
//! passes over them:
//!
//! 1. training scores in order of size: quantiles;
//! 2. scored rows in time order: lengths of windows;
//! 3. again: what each row does to the NAB score, and its block for confidence intervals; sorted by
//!    score;
//! 4. in descending order of score: areas, curves, best F1, NAB;
//! 5. in time order, the threshold now known: confusion, delay, calibration.
//!
//! The mathematics is in `fedhost_domain::metrics`; here rows are only kept, sorted and handed on.

mod book;
mod compute;
mod effects;
mod judge;
mod ranked;
mod sorter;
mod tape;
mod threshold;
mod walk;

use fedhost_domain::metrics::{
    Confusion, Curves, DetectionDelay, FalseAlarms, Intervals, Nab, Probabilities,
};
use serde::Serialize;

pub use book::{Error, RowScore, ScoreBook};
pub use compute::Request;
pub use threshold::{Threshold, ThresholdError};

/// What scored rows say about a detector. A figure that the rows do not support is `None`: of one
/// class alone, of rows whose order is not time, without a threshold.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Scored rows.
    pub rows: u64,
    /// Of which anomalous.
    pub anomalous_rows: u64,
    /// Area under the ROC curve.
    pub roc_auc: Option<f64>,
    /// Average precision, as scikit-learn defines it.
    pub average_precision: Option<f64>,
    /// F1 at the threshold.
    pub f1: Option<f64>,
    /// Precision at the threshold; 0 when no row is flagged.
    pub precision: Option<f64>,
    /// Recall at the threshold.
    pub recall: Option<f64>,
    /// False alarm rate at the threshold: the share of normal rows that are flagged.
    pub far: Option<f64>,
    /// Missed alarm rate at the threshold: the share of anomalous rows that are not flagged.
    pub mar: Option<f64>,
    /// Rows that score at least this much are flagged.
    pub threshold: Option<f32>,
    /// What the threshold was taken from.
    pub threshold_from: ThresholdFrom,
    /// Rows by class and outcome at the threshold.
    pub confusion: Option<Confusion>,
    /// How long windows stayed unnoticed at the threshold.
    pub detection_delay: Option<DetectionDelay>,
    /// The NAB score, each profile at its own best threshold.
    pub nab: Option<Nab>,
    /// Whether scores mean what they promise.
    pub calibration: Calibration,
    /// 95 % confidence intervals of the figures above.
    pub intervals: Intervals,
    /// ROC and precision-recall curve: for pictures only.
    #[serde(skip)]
    pub curves: Option<Curves>,
}

impl Figures {
    /// Of nothing.
    #[must_use]
    pub fn none() -> Self {
        Self {
            rows: 0,
            anomalous_rows: 0,
            roc_auc: None,
            average_precision: None,
            f1: None,
            precision: None,
            recall: None,
            far: None,
            mar: None,
            threshold: None,
            threshold_from: ThresholdFrom::Given,
            confusion: None,
            detection_delay: None,
            nab: None,
            calibration: Calibration::default(),
            intervals: Intervals::default(),
            curves: None,
        }
    }
}

/// What a threshold was taken from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThresholdFrom {
    /// The scores of training rows.
    #[default]
    TrainingScores,
    /// The command.
    Given,
    /// The labels of the very rows that are judged: figures at this threshold are an upper bound.
    ScoredLabels,
}

/// Whether scores mean what they promise.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Calibration {
    /// False alarms at quantiles of the training scores; none without training scores or normal
    /// rows.
    pub false_alarms: Vec<FalseAlarms>,
    /// Scores as probabilities; `None` unless all lie within 0 to 1.
    pub probabilities: Option<Probabilities>,
}

#[cfg(test)]
mod tests;
