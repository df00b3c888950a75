//! An autoencoder with one hidden layer, trained by Adam on mini-batches.
//!
//! The first training measures the columns' means and deviations; they stay, and are part of the
//! model. Adam starts anew in every training: what it remembers is twice the model, is not
//! averaged, and would make a training depend on more than its arguments.

use fedhost_guest::{
    Adam, Batch, Descriptor, Detector, Error, Metric, Model, Parameters, Progress, Random, Report,
    Result, Scales, Setting, Signal, Trainer, Weights,
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
    "about how far a step of Adam's moves a weight",
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

/// Largest magnitude of a standardised value in training: a wild reading is not to bend the whole
/// network.
const TRAINING_CLIP: f32 = 10.0;
/// And in scoring, where it is to show: its square stays finite in 32 bits.
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
        let summary = "A neural network that copies normal rows; scores are the mean squared errors of the copies.";
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
        let (columns, hidden) = (self.columns as u32, self.hidden as u32);
        let parts = self.network.parts();
        let weights = Weights::default().with("mean", &[columns], self.scales.mean());
        let weights = weights.with("deviation", &[columns], self.scales.deviation());
        let weights = weights.with("encoder", &[hidden, columns], parts.encoder);
        let weights = weights.with("encoder_bias", &[hidden], parts.encoder_bias);
        let weights = weights.with("decoder", &[hidden, columns], parts.decoder);
        Ok(weights.with("decoder_bias", &[columns], parts.decoder_bias))
    }

    fn load(&mut self, model: Weights) -> Result<()> {
        let (columns, hidden) = ([self.columns as u32], [self.hidden as u32]);
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
        let mut rows: Vec<&[f32]> = values.chunks_exact(self.columns).collect();
        let mut random = Random::new(self.seed);
        let mut adam = Adam::new(self.network.parameters().len());
        let mut loss = 0.0;
        for epoch in 1..=epochs {
            random.shuffle(&mut rows);
            loss = trained.epoch(&rows, &mut adam)?;
            if progress(Progress {
                epoch,
                epochs,
                metrics: vec![Metric::new("loss", loss)],
            }) == Signal::Stop
            {
                break;
            }
        }
        *self = trained;
        Ok(Report {
            samples: rows.len() as u64,
            loss,
            metrics: Vec::new(),
        })
    }
}

impl Detector for Autoencoder {
    fn score(&mut self, mut batch: Batch) -> Result<Vec<f32>> {
        self.scales.apply(&mut batch.values, SCORING_CLIP);
        let mut pass = self.network.pass();
        let rows = batch.values.chunks_exact(self.columns);
        let scores: Vec<f32> = rows.map(|row| self.network.copy(row, &mut pass)).collect();
        match scores.iter().find(|score| !score.is_finite()) {
            Some(score) => Err(Error::Diverged(format!(
                "a score is {score}: the weights are too large"
            ))),
            None => Ok(scores),
        }
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

    /// The mean error of the rows, each taken just before the step of its mini-batch.
    fn epoch(&mut self, rows: &[&[f32]], adam: &mut Adam) -> Result<f64> {
        let mut loss = 0.0;
        let mut gradient = vec![0.0; self.network.parameters().len()];
        let mut pass = self.network.pass();
        for mini_batch in rows.chunks(self.batch_size) {
            gradient.fill(0.0);
            let share = 1.0 / mini_batch.len() as f32;
            for row in mini_batch {
                loss += f64::from(self.network.copy(row, &mut pass));
                self.network
                    .add_gradient(share, row, &mut pass, &mut gradient);
            }
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
        Ok(loss / rows.len() as f64)
    }
}

#[cfg(test)]
mod tests;
