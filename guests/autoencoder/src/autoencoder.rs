//! An autoencoder with one hidden layer, trained by Adam on mini-batches.
//!
//! The first training measures the columns' means and deviations. They stay fixed and are part of
//! the model. Every training starts with a new Adam: its state is twice the size of the model, is
//! not averaged, and would make a training depend on more than its arguments.

use fedhost_guest::training::{Epoch, expect_finite, finite_scores, fit};
use fedhost_guest::{
    Adam, Batch, Descriptor, Detector, Error, Model, Parameters, Progress, Report, Result, Scales,
    Setting, Signal, Trainer, Weights,
};

use crate::network::Network;

const HIDDEN: Setting<i64> = Setting::integer(
    "hidden",
    "units of the hidden layer; 0 for half as many as columns",
    0,
    0..=1_024,
);
const LEARNING_RATE: Setting<f64> = Setting::number(
    "learning_rate",
    "about how far one step of Adam moves a weight",
    0.005,
    1e-6..=1.0,
);
const BATCH_SIZE: Setting<i64> =
    Setting::integer("batch_size", "rows of a mini-batch", 32, 1..=65_536);
const NORMAL_ONLY: Setting<bool> = Setting::flag(
    "normal_only",
    "whether rows labelled anomalous are left out of training",
    true,
);

/// Largest magnitude of a standardised value in training: an outlier must not dominate the network.
const TRAINING_CLIP: f32 = 10.0;
/// The same in scoring, where an outlier must raise the score: its square stays finite in 32 bits.
const SCORING_CLIP: f32 = 1e6;

/// A model of rows with a given number of columns.
#[derive(Clone, Debug)]
pub struct Autoencoder {
    columns: usize,
    hidden: usize,
    scales: Scales,
    network: Network,
    rate: f32,
    batch_size: usize,
    normal_only: bool,
    seed: u64,
}

impl Model for Autoencoder {
    fn describe() -> Descriptor {
        let summary = "A neural network that reconstructs normal rows; scores are mean squared reconstruction errors.";
        let descriptor =
            Descriptor::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), summary);
        descriptor
            .with(&HIDDEN)
            .with(&LEARNING_RATE)
            .with(&BATCH_SIZE)
            .with(&NORMAL_ONLY)
    }

    fn open(columns: &[String], parameters: &Parameters, seed: u64) -> Result<Self> {
        let columns = columns.len();
        let hidden = match parameters.get(&HIDDEN) as usize {
            0 => (columns / 2).clamp(1, 1_024),
            given => given,
        };
        Ok(Self {
            columns,
            hidden,
            scales: Scales::unknown(columns),
            network: Network::new(columns, hidden),
            rate: parameters.get(&LEARNING_RATE) as f32,
            batch_size: parameters.get(&BATCH_SIZE) as usize,
            normal_only: parameters.get(&NORMAL_ONLY),
            seed,
        })
    }

    fn save(&self) -> Result<Weights> {
        let columns = self.columns as u32;
        let hidden = self.hidden as u32;
        let parts = self.network.parts();
        let weights = Weights::default().with("mean", &[columns], self.scales.mean());
        let weights = weights.with("deviation", &[columns], self.scales.deviation());
        let weights = weights.with("encoder", &[hidden, columns], parts.encoder);
        let weights = weights.with("encoder_bias", &[hidden], parts.encoder_bias);
        let weights = weights.with("decoder", &[hidden, columns], parts.decoder);
        Ok(weights.with("decoder_bias", &[columns], parts.decoder_bias))
    }

    fn load(&mut self, model: Weights) -> Result<()> {
        let columns = [self.columns as u32];
        let hidden = [self.hidden as u32];
        let square = [self.hidden as u32, self.columns as u32];
        let [mean, deviation, parts @ ..] = model.tensors([
            ("mean", &columns),
            ("deviation", &columns),
            ("encoder", &square),
            ("encoder_bias", &hidden),
            ("decoder", &square),
            ("decoder_bias", &columns),
        ])?;
        self.scales = Scales::new(mean, deviation)?;
        self.network
            .parameters_mut()
            .copy_from_slice(&parts.concat());
        Ok(())
    }
}

impl Trainer for Autoencoder {
    fn train(
        &mut self,
        batch: Batch,
        epochs: u32,
        progress: &mut dyn FnMut(Progress) -> Signal,
    ) -> Result<Report> {
        let mut values = self.rows_to_learn(batch);
        if values.is_empty() {
            return Err(Error::InvalidInput(
                "there are no normal rows to learn from".into(),
            ));
        }
        let mut trained = self.clone();
        if trained.scales.are_unknown() {
            trained.scales = Scales::of(&values, self.columns);
        }
        trained.scales.apply(&mut values, TRAINING_CLIP);
        let rows: Vec<&[f32]> = values.chunks_exact(self.columns).collect();
        let mut adam = Adam::new(self.network.parameters().len());
        let report = fit(rows.len(), self.seed, epochs, progress, |order| {
            trained.epoch(&rows, order, &mut adam)
        })?;
        *self = trained;
        Ok(report)
    }
}

impl Detector for Autoencoder {
    fn score(&mut self, mut batch: Batch) -> Result<Vec<f32>> {
        self.scales.apply(&mut batch.values, SCORING_CLIP);
        let mut pass = self.network.pass();
        let rows = batch.values.chunks_exact(self.columns);
        let scores = rows.map(|row| self.network.reconstruct(row, &mut pass));
        finite_scores(scores.collect(), "the weights are too large")
    }
}

impl Autoencoder {
    fn rows_to_learn(&self, batch: Batch) -> Vec<f32> {
        match batch.labels.filter(|_| self.normal_only) {
            Some(labels) => {
                let rows = batch.values.chunks_exact(self.columns).zip(labels);
                rows.filter(|(_, label)| *label < 0.5)
                    .flat_map(|(row, _)| row)
                    .copied()
                    .collect()
            }
            None => batch.values,
        }
    }

    fn epoch(&mut self, rows: &[&[f32]], order: &[usize], adam: &mut Adam) -> Result<Epoch> {
        let mut loss = 0.0;
        let mut gradient = vec![0.0; self.network.parameters().len()];
        let mut pass = self.network.pass();
        for mini_batch in order.chunks(self.batch_size) {
            gradient.fill(0.0);
            let share = 1.0 / mini_batch.len() as f32;
            for row in mini_batch.iter().filter_map(|&row| rows.get(row)) {
                loss += f64::from(self.network.reconstruct(row, &mut pass));
                self.network
                    .add_gradient(share, row, &mut pass, &mut gradient);
            }
            adam.step(self.rate, &gradient, self.network.parameters_mut());
        }
        expect_finite(loss, self.network.parameters(), "lower the learning rate")?;
        Ok(Epoch {
            loss: loss / order.len() as f64,
            metrics: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests;
