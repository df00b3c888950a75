//! A perceptron with one hidden layer, trained by Adam on mini-batches.
//!
//! The first training measures the columns' means and deviations. They stay fixed and are part of
//! the model. Training takes the rows in an order shuffled by the seed, and makes one step of Adam
//! after every mini-batch, along the gradient of the mean log loss plus `l2 / 2` times the squared
//! length of all weights. Every training starts with a new Adam: its state is twice the size of the
//! model, is not averaged, and would make a training depend on more than its arguments.
//!
//! A row's score is its log-odds, not its probability, so that strong alarms keep different scores:
//! 0 is even odds, and `1 / (1 + exp(-score))` is the probability.

use fedhost_guest::training::{Epoch, LabelledRows, LogLoss, expect_finite, finite_scores, fit};
use fedhost_guest::{
    Adam, Batch, Descriptor, Detector, Metric, Model, Parameters, Progress, Report, Result, Scales,
    Setting, Signal, Trainer, Weights, kernels,
};

use crate::network::Network;

/// Largest magnitude of a standardised value: an outlier must not dominate the network.
const CLIP: f32 = 10.0;

const HIDDEN: Setting<i64> = Setting::integer("hidden", "units of the hidden layer", 8, 1..=1_024);
const LEARNING_RATE: Setting<f64> = Setting::number(
    "learning_rate",
    "about how far one step of Adam moves a weight",
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
        let summary = "A perceptron with one hidden layer and a linear term; needs labels, scores in log-odds.";
        let descriptor =
            Descriptor::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), summary);
        descriptor
            .with(&HIDDEN)
            .with(&LEARNING_RATE)
            .with(&BATCH_SIZE)
            .with(&L2)
    }

    fn open(columns: &[String], parameters: &Parameters, seed: u64) -> Result<Self> {
        let columns = columns.len();
        let hidden = parameters.get(&HIDDEN) as usize;
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
        let columns = self.columns as u32;
        let hidden = self.hidden as u32;
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
        let columns = [self.columns as u32];
        let hidden = [self.hidden as u32];
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
        let mut rows = LabelledRows::new(batch, self.columns)?;
        trained.scales.apply(rows.values_mut(), CLIP);
        let mut adam = Adam::new(self.network.parameters().len());
        let report = fit(rows.count(), self.seed, epochs, progress, |order| {
            trained.epoch(&rows, order, &mut adam)
        })?;
        *self = trained;
        Ok(report)
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
        finite_scores(scores, "weights times values are too large")
    }
}

impl MlpClassifier {
    fn epoch(&mut self, rows: &LabelledRows, order: &[usize], adam: &mut Adam) -> Result<Epoch> {
        let mut loss = 0.0;
        let mut correct = 0_u32;
        let mut gradient = vec![0.0; self.network.parameters().len()];
        let mut pass = self.network.pass();
        for mini_batch in order.chunks(self.batch_size) {
            gradient.fill(0.0);
            let share = 1.0 / mini_batch.len() as f32;
            for (row, label) in mini_batch.iter().filter_map(|&row| rows.get(row)) {
                let row_loss = LogLoss::of(self.network.log_odds(row, &mut pass), label);
                self.network
                    .add_gradient(share * row_loss.slope, row, &mut pass, &mut gradient);
                loss += f64::from(row_loss.loss);
                correct += u32::from(row_loss.is_correct);
            }
            kernels::axpy(self.l2, self.network.parameters(), &mut gradient);
            adam.step(self.rate, &gradient, self.network.parameters_mut());
        }
        expect_finite(loss, self.network.parameters(), "lower the learning rate")?;
        let count = order.len() as f64;
        Ok(Epoch {
            loss: loss / count,
            metrics: vec![Metric::new("accuracy", f64::from(correct) / count)],
        })
    }
}

#[cfg(test)]
mod tests;
