//! What models that are trained by gradient steps share: labelled rows, the log loss and the loop
//! over epochs.

use crate::{Batch, Error, Metric, Progress, Random, Report, Result, Signal};

/// Rows with a label each.
#[derive(Clone, Debug)]
pub struct LabelledRows {
    columns: usize,
    values: Vec<f32>,
    labels: Vec<f32>,
}

impl LabelledRows {
    /// The rows of a batch with `columns` columns.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] when there are no rows, no labels, or a label that is neither 0 nor
    /// 1.
    pub fn new(batch: Batch, columns: usize) -> Result<Self> {
        let labels = batch
            .labels
            .ok_or_else(|| Error::InvalidInput("there are no labels to learn from".into()))?;
        if labels.is_empty() {
            return Err(Error::InvalidInput(
                "there are no rows to learn from".into(),
            ));
        }
        if let Some((row, label)) = labels
            .iter()
            .enumerate()
            .find(|&(_, &label)| label != 0.0 && label != 1.0)
        {
            return Err(Error::InvalidInput(format!(
                "the label of row {row} is {label}, legal: 0 or 1"
            )));
        }
        Ok(Self {
            columns,
            values: batch.values,
            labels,
        })
    }

    /// The number of rows.
    #[must_use]
    pub fn count(&self) -> usize {
        self.labels.len()
    }

    /// All values, row-major.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All values, row-major, for scaling in place.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// The values and the label of a row.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<(&[f32], f32)> {
        let start = row * self.columns;
        Some((
            self.values.get(start..start + self.columns)?,
            *self.labels.get(row)?,
        ))
    }
}

/// The log loss of one row, from the model's log-odds.
#[derive(Clone, Copy, Debug)]
pub struct LogLoss {
    /// The loss.
    pub loss: f32,
    /// The derivative of the loss with respect to the log-odds.
    pub slope: f32,
    /// Whether the log-odds are on the side of the label.
    pub is_correct: bool,
}

impl LogLoss {
    /// The loss of a row with this label, 0 or 1.
    ///
    /// It takes `exp` of negative numbers only, so it does not overflow for any log-odds. `libm`
    /// gives the same bits natively and in a component.
    #[must_use]
    pub fn of(log_odds: f32, label: f32) -> Self {
        let unlikely = libm::expf(-log_odds.abs());
        let probability = if log_odds >= 0.0 { 1.0 } else { unlikely } / (1.0 + unlikely);
        Self {
            loss: log_odds.max(0.0) - log_odds * label + libm::log1pf(unlikely),
            slope: probability - label,
            is_correct: (log_odds > 0.0) == (label > 0.0),
        }
    }
}

/// Means over the rows of one epoch, each row taken just before the step of its mini-batch.
#[derive(Clone, Debug, Default)]
pub struct Epoch {
    /// Mean loss per row.
    pub loss: f64,
    /// Other metrics, such as `accuracy`.
    pub metrics: Vec<Metric>,
}

/// Trains for `epochs` epochs over `rows` rows.
///
/// `epoch` gets the numbers of the rows in an order shuffled by `seed`, a new one in every epoch.
/// Each epoch is reported to `progress`, and the training ends early when it returns
/// [`Signal::Stop`]. The report is that of the last epoch.
///
/// # Errors
/// The first error of `epoch`.
pub fn fit(
    rows: usize,
    seed: u64,
    epochs: u32,
    progress: &mut dyn FnMut(Progress) -> Signal,
    mut epoch: impl FnMut(&[usize]) -> Result<Epoch>,
) -> Result<Report> {
    let mut order: Vec<usize> = (0..rows).collect();
    let mut random = Random::new(seed);
    let mut last = Epoch::default();
    for number in 1..=epochs {
        random.shuffle(&mut order);
        last = epoch(&order)?;
        let mut metrics = vec![Metric::new("loss", last.loss)];
        metrics.extend(last.metrics.iter().cloned());
        let signal = progress(Progress {
            epoch: number,
            epochs,
            metrics,
        });
        if signal == Signal::Stop {
            break;
        }
    }
    Ok(Report {
        samples: rows as u64,
        loss: last.loss,
        metrics: last.metrics,
    })
}

/// Checks the result of an epoch.
///
/// # Errors
/// [`Error::Diverged`] with `hint` when the loss or a parameter is not finite.
pub fn expect_finite<'a>(
    loss: f64,
    parameters: impl IntoIterator<Item = &'a f32>,
    hint: &str,
) -> Result<()> {
    if loss.is_finite() && parameters.into_iter().all(|value| value.is_finite()) {
        return Ok(());
    }
    Err(Error::Diverged(format!(
        "the weights or the loss are no longer finite\nhint: {hint}"
    )))
}

/// Returns the scores when all are finite.
///
/// # Errors
/// [`Error::Diverged`] with the first score that is not finite, and its `cause`.
pub fn finite_scores(scores: Vec<f32>, cause: &str) -> Result<Vec<f32>> {
    match scores.iter().find(|score| !score.is_finite()) {
        Some(score) => Err(Error::Diverged(format!("a score is {score}: {cause}"))),
        None => Ok(scores),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_valid_labels_are_refused() {
        let unlabelled = Batch::new(2, vec![1.0; 4]);
        let cases = [
            (unlabelled.clone(), "there are no labels to learn from"),
            (
                Batch::default().with_labels(vec![]),
                "there are no rows to learn from",
            ),
            (
                unlabelled.with_labels(vec![0.0, 0.5]),
                "the label of row 1 is 0.5, legal: 0 or 1",
            ),
        ];
        for (batch, reason) in cases {
            assert_eq!(
                LabelledRows::new(batch, 2).err(),
                Some(Error::InvalidInput(reason.into()))
            );
        }
    }

    #[test]
    fn a_row_has_its_values_and_its_label() {
        let batch = Batch::new(2, vec![1.0, 2.0, 3.0, 4.0]).with_labels(vec![0.0, 1.0]);
        let rows = LabelledRows::new(batch, 2).unwrap();
        assert_eq!(rows.get(1), Some(([3.0, 4.0].as_slice(), 1.0)));
        assert_eq!(rows.get(2), None);
    }

    #[test]
    fn the_log_loss_stays_finite_and_its_slope_is_bounded() {
        let even = LogLoss::of(0.0, 1.0);
        assert!((even.loss - 2.0_f32.ln()).abs() < 1e-6);
        assert_eq!((even.slope, even.is_correct), (-0.5, false));
        let wrong = LogLoss::of(1e30, 0.0);
        assert_eq!(
            (wrong.loss, wrong.slope, wrong.is_correct),
            (1e30, 1.0, false)
        );
    }

    #[test]
    fn a_training_reports_every_epoch_and_stops_on_request() {
        let mut reported = Vec::new();
        let mut progress = |progress: Progress| {
            reported.push(progress.epoch);
            if progress.epoch == 2 {
                Signal::Stop
            } else {
                Signal::Proceed
            }
        };
        let mut loss = 3.0;
        let report = fit(5, 7, 9, &mut progress, |order| {
            assert_eq!(order.len(), 5);
            loss -= 1.0;
            Ok(Epoch {
                loss,
                metrics: Vec::new(),
            })
        })
        .unwrap();
        assert_eq!((report.samples, report.loss), (5, 1.0));
        assert_eq!(reported, [1, 2]);
    }
}
