//! Logistic regression by mini-batch gradient descent.
//!
//! The log-odds that a row is anomalous are `bias` plus the sum of `weight[i]` times column `i`.
//! Training takes the rows in an order shuffled by the seed, and after every mini-batch moves
//! against the gradient of the mean log loss plus `l2 / 2` times the squared length of `weight`
//! (the bias is free). A value that is missing or infinite counts as 0, so the columns should be
//! centred, as `baseline-deviation` and `standard-scaler` do.
//!
//! The log loss curves in the weights as the square of the values, and a step that is right for
//! standardised columns is far too long for values of 50. So the weights' steps are divided by the
//! mean square of the batch's values where that is above 1. It also keeps one node with wild rows
//! from outweighing the others in a federated mean.
//!
//! A row's score is its log-odds, not its probability: in 32 bits a probability is 1 from log-odds
//! of 17 on, and the strongest alarms could no longer be told apart. 0 is even odds, and `1 / (1 +
//! exp(-score))` is the probability.

use fedhost_guest::{
    Batch, Descriptor, Detector, Error, Metric, Model, Parameters, Progress, Random, Report,
    Result, Setting, Signal, Trainer, Weights, kernels,
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
        let rows = Rows::new(batch, self.weight.len())?;
        let mut order: Vec<usize> = (0..rows.labels.len()).collect();
        let mut random = Random::new(self.seed);
        let mut trained = self.clone();
        let mut last = Epoch::default();
        for epoch in 1..=epochs {
            random.shuffle(&mut order);
            last = trained.epoch(&rows, &order)?;
            if progress(Progress {
                epoch,
                epochs,
                metrics: last.metrics(),
            }) == Signal::Stop
            {
                break;
            }
        }
        *self = trained;
        let metrics = vec![Metric::new("accuracy", last.accuracy)];
        Ok(Report {
            samples: rows.labels.len() as u64,
            loss: last.loss,
            metrics,
        })
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
        match scores.iter().find(|score| !score.is_finite()) {
            Some(score) => Err(Error::Diverged(format!(
                "a score is {score}: weights times values are too large"
            ))),
            None => Ok(scores),
        }
    }
}

/// Means over the rows of one epoch, each row taken just before the step of its mini-batch.
#[derive(Clone, Copy, Debug, Default)]
struct Epoch {
    loss: f64,
    accuracy: f64,
}

impl Epoch {
    fn metrics(self) -> Vec<Metric> {
        vec![
            Metric::new("loss", self.loss),
            Metric::new("accuracy", self.accuracy),
        ]
    }
}

impl LogisticRegression {
    fn epoch(&mut self, rows: &Rows, order: &[usize]) -> Result<Epoch> {
        let (mut loss, mut right) = (0.0, 0_u32);
        let weight_rate = self.rate / rows.mean_square.max(1.0);
        let mut gradient = vec![0.0; self.weight.len()];
        for mini_batch in order.chunks(self.batch_size) {
            let penalty = f64::from(self.l2 / 2.0 * kernels::dot(&self.weight, &self.weight));
            gradient.fill(0.0);
            let mut bias_gradient = 0.0;
            for (row, label) in mini_batch.iter().filter_map(|&row| rows.get(row)) {
                let guess = Guess::of(self.log_odds(row), label);
                kernels::axpy(guess.slope, row, &mut gradient);
                bias_gradient += guess.slope;
                loss += f64::from(guess.loss) + penalty;
                right += u32::from(guess.right);
            }
            let count = mini_batch.len() as f32;
            kernels::scale(1.0 - weight_rate * self.l2, &mut self.weight);
            kernels::axpy(-weight_rate / count, &gradient, &mut self.weight);
            self.bias -= self.rate / count * bias_gradient;
        }
        let finite = self.bias.is_finite() && self.weight.iter().all(|weight| weight.is_finite());
        if !finite || !loss.is_finite() {
            let remedy = "lower the learning rate, or scale the columns";
            return Err(Error::Diverged(format!(
                "the weights or the loss are no longer finite\nhint: {remedy}"
            )));
        }
        let count = order.len() as f64;
        Ok(Epoch {
            loss: loss / count,
            accuracy: f64::from(right) / count,
        })
    }
}

/// What the model says of one labelled row.
struct Guess {
    loss: f32,
    /// Of the loss over the log-odds.
    slope: f32,
    right: bool,
}

impl Guess {
    /// `exp` of a negative number only, so nothing overflows however sure the model is. `libm`
    /// gives the same bits natively and in a component.
    fn of(log_odds: f32, label: f32) -> Self {
        let unlikely = libm::expf(-log_odds.abs());
        let probability = if log_odds >= 0.0 { 1.0 } else { unlikely } / (1.0 + unlikely);
        Self {
            loss: log_odds.max(0.0) - log_odds * label + libm::log1pf(unlikely),
            slope: probability - label,
            right: (log_odds > 0.0) == (label > 0.0),
        }
    }
}

/// Labelled rows without missing values.
struct Rows {
    columns: usize,
    values: Vec<f32>,
    labels: Vec<f32>,
    /// Of all values.
    mean_square: f32,
}

impl Rows {
    fn new(batch: Batch, columns: usize) -> Result<Self> {
        let Batch {
            mut values, labels, ..
        } = batch;
        let labels = labels
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
        kernels::fill_missing(&mut values);
        let squares: f64 = values
            .chunks(columns)
            .map(|row| f64::from(kernels::dot(row, row)))
            .sum();
        let mean_square = (squares / values.len() as f64) as f32;
        Ok(Self {
            columns,
            values,
            labels,
            mean_square,
        })
    }

    fn get(&self, row: usize) -> Option<(&[f32], f32)> {
        let start = row * self.columns;
        Some((
            self.values.get(start..start + self.columns)?,
            *self.labels.get(row)?,
        ))
    }
}

#[cfg(test)]
mod tests;
