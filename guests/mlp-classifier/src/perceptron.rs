//! A perceptron with one hidden layer, trained by Adam on mini-batches.
//!
//! The first training measures the columns' means and deviations; they stay, and are part of the
//! model. Training takes the rows in an order shuffled by the seed, and after every mini-batch
//! makes one step of Adam's along the gradient of the mean log loss plus `l2 / 2` times the squared
//! length of all weights. Adam starts anew in every training: what it remembers is twice the model,
//! is not averaged, and would make a training depend on more than its arguments.
//!
//! A row's score is its log-odds, not its probability, so that the strongest alarms can still be
//! told apart: 0 is even odds, and `1 / (1 + exp(-score))` is the probability.

use fedhost_guest::{
    Adam, Batch, Descriptor, Detector, Error, Metric, Model, Parameters, Progress, Random, Report,
    Result, Scales, Setting, Signal, Trainer, Weights, kernels,
};

use crate::network::Network;
use crate::rows::{CLIP, Rows};

const HIDDEN: Setting<i64> = Setting::integer("hidden", "units of the hidden layer", 8, 1..=1_024);
const LEARNING_RATE: Setting<f64> = Setting::number(
    "learning_rate",
    "about how far a step of Adam's moves a weight",
    0.004,
    1e-6..=1.0,
);
const BATCH_SIZE: Setting<i64> =
    Setting::integer("batch_size", "rows of a mini-batch", 32, 1..=65_536);
const L2: Setting<f64> = Setting::number("l2", "pull of the weights towards 0", 1e-3, 0.0..=10.0);

/// A model of rows with a given number of columns.
#[derive(Clone, Debug)]
pub struct MlpClassifier {
    columns: usize,
    hidden: usize,
    scales: Scales,
    network: Network,
    rate: f32,
    batch_size: usize,
    l2: f32,
    seed: u64,
}

impl Model for MlpClassifier {
    fn describe() -> Descriptor {
        let summary = "A perceptron with one hidden layer beside a straight line; needs labels, scores in log-odds.";
        let descriptor =
            Descriptor::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), summary);
        descriptor
            .with(&HIDDEN)
            .with(&LEARNING_RATE)
            .with(&BATCH_SIZE)
            .with(&L2)
    }

    fn open(columns: &[String], parameters: &Parameters, seed: u64) -> Result<Self> {
        let (columns, hidden) = (columns.len(), parameters.get(&HIDDEN) as usize);
        Ok(Self {
            columns,
            hidden,
            scales: Scales::unknown(columns),
            network: Network::new(columns, hidden),
            rate: parameters.get(&LEARNING_RATE) as f32,
            batch_size: parameters.get(&BATCH_SIZE) as usize,
            l2: parameters.get(&L2) as f32,
            seed,
        })
    }

    fn save(&self) -> Result<Weights> {
        let (columns, hidden) = (self.columns as u32, self.hidden as u32);
        let parts = self.network.parts();
        let weights = Weights::default().with("mean", &[columns], self.scales.mean());
        let weights = weights.with("deviation", &[columns], self.scales.deviation());
        let weights = weights.with("hidden_weight", &[hidden, columns], parts.hidden_weight);
        let weights = weights.with("hidden_bias", &[hidden], parts.hidden_bias);
        let weights = weights.with("output_weight", &[hidden], parts.output_weight);
        Ok(weights
            .with("skip_weight", &[columns], parts.skip_weight)
            .with("bias", &[1], parts.bias))
    }

    fn load(&mut self, model: Weights) -> Result<()> {
        let (columns, hidden) = ([self.columns as u32], [self.hidden as u32]);
        let square = [self.hidden as u32, self.columns as u32];
        let [mean, deviation, parts @ ..] = model.tensors([
            ("mean", &columns),
            ("deviation", &columns),
            ("hidden_weight", &square),
            ("hidden_bias", &hidden),
            ("output_weight", &hidden),
            ("skip_weight", &columns),
            ("bias", &[1]),
        ])?;
        self.scales = Scales::new(mean, deviation)?;
        self.network
            .parameters_mut()
            .copy_from_slice(&parts.concat());
        Ok(())
    }
}

impl Trainer for MlpClassifier {
    fn train(
        &mut self,
        batch: Batch,
        epochs: u32,
        progress: &mut dyn FnMut(Progress) -> Signal,
    ) -> Result<Report> {
        let mut trained = self.clone();
        if trained.scales.are_unknown() {
            trained.scales = Scales::of(&batch.values, self.columns);
        }
        let rows = Rows::new(batch, &trained.scales)?;
        let mut order: Vec<usize> = (0..rows.count()).collect();
        let mut random = Random::new(self.seed);
        let mut adam = Adam::new(self.network.parameters().len());
        let mut last = Epoch::default();
        for epoch in 1..=epochs {
            random.shuffle(&mut order);
            last = trained.epoch(&rows, &order, &mut adam)?;
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
        Ok(Report {
            samples: rows.count() as u64,
            loss: last.loss,
            metrics: vec![Metric::new("accuracy", last.accuracy)],
        })
    }
}

impl Detector for MlpClassifier {
    fn score(&mut self, mut batch: Batch) -> Result<Vec<f32>> {
        self.scales.apply(&mut batch.values, CLIP);
        let mut pass = self.network.pass();
        let rows = batch.values.chunks_exact(self.columns);
        let scores: Vec<f32> = rows
            .map(|row| self.network.log_odds(row, &mut pass))
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

impl MlpClassifier {
    fn epoch(&mut self, rows: &Rows, order: &[usize], adam: &mut Adam) -> Result<Epoch> {
        let (mut loss, mut right) = (0.0, 0_u32);
        let mut gradient = vec![0.0; self.network.parameters().len()];
        let mut pass = self.network.pass();
        for mini_batch in order.chunks(self.batch_size) {
            gradient.fill(0.0);
            let share = 1.0 / mini_batch.len() as f32;
            for (row, label) in mini_batch.iter().filter_map(|&row| rows.get(row)) {
                let guess = Guess::of(self.network.log_odds(row, &mut pass), label);
                self.network
                    .add_gradient(share * guess.slope, row, &mut pass, &mut gradient);
                loss += f64::from(guess.loss);
                right += u32::from(guess.right);
            }
            kernels::axpy(self.l2, self.network.parameters(), &mut gradient);
            adam.step(self.rate, &gradient, self.network.parameters_mut());
        }
        if !loss.is_finite()
            || !self
                .network
                .parameters()
                .iter()
                .all(|value| value.is_finite())
        {
            let remedy = "lower the learning rate";
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

#[cfg(test)]
mod tests;
