//! Logistic regression by mini-batch gradient descent.
//!
//! The log-odds that a row is anomalous are `bias` plus the sum of `weight[i]` times column `i`.
//! Training takes the rows in an order shuffled by the seed, and after every mini-batch moves
//! against the gradient of the mean log loss plus `l2 / 2` times the squared length of `weight`
//! (the bias has no penalty). A value that is missing or infinite counts as 0, so the columns should
//! be centred, as `baseline-deviation` and `standard-scaler` do.
//!
//! The curvature of the log loss grows with the square of the values, so a step that is right for
//! standardised columns is far too long for values of 50. The steps of the weights are therefore
//! divided by the mean square of the batch's values when that is above 1. This also prevents that
//! one node with large values dominates a federated mean.
//!
//! A row's score is its log-odds, not its probability: in 32 bits a probability is 1 for log-odds of
//! 17 and more, so strong alarms would have equal scores. 0 is even odds, and `1 / (1 +
//! exp(-score))` is the probability.

use fedhost_guest::training::{Epoch, LabelledRows, LogLoss, expect_finite, finite_scores, fit};
use fedhost_guest::{
    Batch, Descriptor, Detector, Metric, Model, Parameters, Progress, Report, Result, Setting,
    Signal, Trainer, Weights, kernels,
};

const LEARNING_RATE: Setting<f64> = Setting::number(
    "learning_rate",
    "length of a step along a mini-batch's mean gradient",
    0.05,
    1e-6..=10.0,
);
const BATCH_SIZE: Setting<i64> =
    Setting::integer("batch_size", "rows of a mini-batch", 32, 1..=65_536);
const L2: Setting<f64> = Setting::number("l2", "pull of the weights towards 0", 1e-4, 0.0..=10.0);

/// A model of rows with a given number of columns.
#[derive(Clone, Debug)]
pub struct LogisticRegression {
    weight: Vec<f32>,
    bias: f32,
    rate: f32,
    batch_size: usize,
    l2: f32,
    seed: u64,
}

impl LogisticRegression {
    fn shape(&self) -> [u32; 1] {
        [self.weight.len() as u32]
    }

    fn log_odds(&self, row: &[f32]) -> f32 {
        kernels::dot(&self.weight, row) + self.bias
    }
}

impl Model for LogisticRegression {
    fn describe() -> Descriptor {
        let summary =
            "Logistic regression by mini-batch gradient descent; needs labels, scores in log-odds.";
        let descriptor =
            Descriptor::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), summary);
        descriptor.with(&LEARNING_RATE).with(&BATCH_SIZE).with(&L2)
    }

    fn open(columns: &[String], parameters: &Parameters, seed: u64) -> Result<Self> {
        Ok(Self {
            weight: vec![0.0; columns.len()],
            bias: 0.0,
            rate: parameters.get(&LEARNING_RATE) as f32,
            batch_size: parameters.get(&BATCH_SIZE) as usize,
            l2: parameters.get(&L2) as f32,
            seed,
        })
    }

    fn save(&self) -> Result<Weights> {
        Ok(Weights::default()
            .with("weight", &self.shape(), &self.weight)
            .with("bias", &[1], &[self.bias]))
    }

    fn load(&mut self, model: Weights) -> Result<()> {
        let [weight, bias] = model.tensors([("weight", &self.shape()), ("bias", &[1])])?;
        self.weight.copy_from_slice(weight);
        self.bias = bias.iter().sum();
        Ok(())
    }
}

impl Trainer for LogisticRegression {
    fn train(
        &mut self,
        batch: Batch,
        epochs: u32,
        progress: &mut dyn FnMut(Progress) -> Signal,
    ) -> Result<Report> {
        let mut rows = LabelledRows::new(batch, self.weight.len())?;
        kernels::fill_missing(rows.values_mut());
        let weight_rate = self.rate / mean_square(rows.values(), self.weight.len()).max(1.0);
        let mut trained = self.clone();
        let report = fit(rows.count(), self.seed, epochs, progress, |order| {
            trained.epoch(&rows, order, weight_rate)
        })?;
        *self = trained;
        Ok(report)
    }
}

impl Detector for LogisticRegression {
    fn score(&mut self, mut batch: Batch) -> Result<Vec<f32>> {
        kernels::fill_missing(&mut batch.values);
        let scores: Vec<f32> = batch
            .values
            .chunks_exact(self.weight.len())
            .map(|row| self.log_odds(row))
            .collect();
        finite_scores(scores, "weights times values are too large")
    }
}

impl LogisticRegression {
    /// `weight_rate` is the learning rate of the weights; that of the bias is `rate`.
    fn epoch(&mut self, rows: &LabelledRows, order: &[usize], weight_rate: f32) -> Result<Epoch> {
        let mut loss = 0.0;
        let mut correct = 0_u32;
        let mut gradient = vec![0.0; self.weight.len()];
        for mini_batch in order.chunks(self.batch_size) {
            let penalty = f64::from(self.l2 / 2.0 * kernels::dot(&self.weight, &self.weight));
            gradient.fill(0.0);
            let mut bias_gradient = 0.0;
            for (row, label) in mini_batch.iter().filter_map(|&row| rows.get(row)) {
                let row_loss = LogLoss::of(self.log_odds(row), label);
                kernels::axpy(row_loss.slope, row, &mut gradient);
                bias_gradient += row_loss.slope;
                loss += f64::from(row_loss.loss) + penalty;
                correct += u32::from(row_loss.is_correct);
            }
            let count = mini_batch.len() as f32;
            kernels::scale(1.0 - weight_rate * self.l2, &mut self.weight);
            kernels::axpy(-weight_rate / count, &gradient, &mut self.weight);
            self.bias -= self.rate / count * bias_gradient;
        }
        expect_finite(
            loss,
            self.weight.iter().chain([&self.bias]),
            "lower the learning rate, or scale the columns",
        )?;
        let count = order.len() as f64;
        Ok(Epoch {
            loss: loss / count,
            metrics: vec![Metric::new("accuracy", f64::from(correct) / count)],
        })
    }
}

/// The mean of the squares of these values, which are rows of `columns` columns.
fn mean_square(values: &[f32], columns: usize) -> f32 {
    let squares: f64 = values
        .chunks(columns)
        .map(|row| f64::from(kernels::dot(row, row)))
        .sum();
    (squares / values.len() as f64) as f32
}

#[cfg(test)]
mod tests;
