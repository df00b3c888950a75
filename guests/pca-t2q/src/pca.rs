//! Principal components with Hotelling's T² and the squared prediction error Q.
//!
//! Training is counting: the model is the [`Moments`] of the rows, and everything else follows from
//! them. A row with a value that is missing or infinite is not learnt from, so that every number of
//! the model stands for the same rows, those that `samples` reports; in scoring such a value counts
//! as its column's mean. A model that was never trained, or on rows that never varied, gives every
//! row a score of 0.

use fedhost_guest::{
    Batch, Descriptor, Detector, Error, Metric, Model, Parameters, Progress, Report, Result,
    Setting, Signal, Trainer, Weights, kernels,
};

use crate::chart::Chart;
use crate::moments::Moments;

const VARIANCE: Setting<f64> = Setting::number(
    "variance",
    "share of the variance that the principal components hold",
    0.7,
    0.1..=0.999,
);
const CONFIDENCE: Setting<f64> = Setting::number(
    "confidence",
    "share of normal rows that should score below 1",
    0.99,
    0.5..=0.9999,
);
const NORMAL_ONLY: Setting<bool> = Setting::flag(
    "normal_only",
    "whether rows labelled anomalous are left out of training",
    true,
);

/// The model and a row's part in training grow with their square, and finding the components with
/// their cube.
const COLUMNS_MAX: usize = 256;

/// A model of rows with a given number of columns.
#[derive(Clone, Debug)]
pub struct PcaT2Q {
    moments: Moments,
    chart: Chart,
    columns: usize,
    variance: f64,
    confidence: f64,
    normal_only: bool,
}

impl Model for PcaT2Q {
    fn describe() -> Descriptor {
        let summary = "Principal components: distance in their plane (T2) and from it (Q); the control limit is 1.";
        let descriptor =
            Descriptor::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), summary);
        descriptor
            .with(&VARIANCE)
            .with(&CONFIDENCE)
            .with(&NORMAL_ONLY)
    }

    fn open(columns: &[String], parameters: &Parameters, _seed: u64) -> Result<Self> {
        let columns = columns.len();
        if columns > COLUMNS_MAX {
            return Err(Error::InvalidInput(format!(
                "there are {columns} columns, legal: 1 to {COLUMNS_MAX}"
            )));
        }
        let (variance, confidence) = (parameters.get(&VARIANCE), parameters.get(&CONFIDENCE));
        let moments = Moments::none(columns);
        let chart = Chart::new(&moments, variance, confidence);
        Ok(Self {
            moments,
            chart,
            columns,
            variance,
            confidence,
            normal_only: parameters.get(&NORMAL_ONLY),
        })
    }

    fn save(&self) -> Result<Weights> {
        Ok(self.moments.to_weights())
    }

    fn load(&mut self, model: Weights) -> Result<()> {
        self.take(Moments::from_weights(&model, self.columns)?);
        Ok(())
    }
}

impl Trainer for PcaT2Q {
    fn train(
        &mut self,
        batch: Batch,
        epochs: u32,
        progress: &mut dyn FnMut(Progress) -> Signal,
    ) -> Result<Report> {
        let rows = self.complete_rows(&batch);
        if rows.is_empty() {
            return Err(Error::InvalidInput(
                "there are no complete normal rows to learn from".into(),
            ));
        }
        let moments = Moments::of(&rows, &self.moments);
        if !moments.is_finite() {
            let remedy = "scale the columns";
            return Err(Error::Diverged(format!(
                "squares of the values are too large for 32 bits\nhint: {remedy}"
            )));
        }
        self.take(moments);
        let (loss, components) = (self.chart.unexplained(), self.chart.components() as f64);
        let metrics = vec![Metric::new("components", components)];
        // More epochs would find the same.
        progress(Progress {
            epoch: epochs,
            epochs,
            metrics: vec![Metric::new("loss", loss)],
        });
        Ok(Report {
            samples: rows.len() as u64,
            loss,
            metrics,
        })
    }
}

impl Detector for PcaT2Q {
    fn score(&mut self, batch: Batch) -> Result<Vec<f32>> {
        Ok(self.chart.scores(&batch.values))
    }
}

impl PcaT2Q {
    fn take(&mut self, moments: Moments) {
        self.chart = Chart::new(&moments, self.variance, self.confidence);
        self.moments = moments;
    }

    fn complete_rows<'a>(&self, batch: &'a Batch) -> Vec<&'a [f32]> {
        let labels = batch
            .labels
            .as_deref()
            .filter(|_| self.normal_only)
            .unwrap_or_default();
        let labels = labels.iter().copied().chain(std::iter::repeat(0.0));
        let rows = batch.values.chunks_exact(self.columns).zip(labels);
        rows.filter(|(row, label)| *label < 0.5 && kernels::are_finite(row))
            .map(|(row, _)| row)
            .collect()
    }
}

#[cfg(test)]
mod tests;
