//! The traits of a plug-in. `wit/plugin.wit` has their laws; the host relies on all of them.

use crate::{Batch, Descriptor, Metric, Parameters, Result, Weights};

/// Transforms one source's rows into other columns, row by row, in order.
///
/// Causal and independent of batches: the output for a row depends on this row and earlier rows
/// only, and never on where batches are cut.
pub trait Preprocessor: Sized + 'static {
    /// Name, version and parameters; the same on every call.
    fn describe() -> Descriptor;

    /// An instance for one source whose rows have these columns; at least one, without repetition.
    ///
    /// # Errors
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) for columns it cannot work on.
    fn open(columns: &[String], parameters: &Parameters) -> Result<Self>;

    /// Names of the columns that come out; the same on every call.
    fn output_columns(&self) -> Vec<String>;

    /// Rows come out as many as went in, with the same labels.
    ///
    /// # Errors
    /// Any, with the state as it was before.
    fn transform(&mut self, batch: Batch) -> Result<Batch>;

    /// Takes the rows in as [`transform`](Self::transform) does, without giving anything out.
    ///
    /// # Errors
    /// Any, with the state as it was before.
    fn fit(&mut self, batch: Batch) -> Result<()> {
        self.transform(batch).map(drop)
    }

    /// All that later rows depend on; see [`state`](crate::state) for exact 64-bit values.
    ///
    /// # Errors
    /// Any.
    fn save(&self) -> Result<Weights>;

    /// Loads a state; afterwards the output equals that of the instance that saved it.
    ///
    /// # Errors
    /// [`Error::InvalidState`](crate::Error::InvalidState) when `state` is not of this plug-in,
    /// these columns and these parameters.
    fn restore(&mut self, state: Weights) -> Result<()>;
}

/// What trainers and detectors have in common: weights over given columns.
pub trait Model: Sized + 'static {
    /// Name, version and parameters; the same on every call.
    fn describe() -> Descriptor;

    /// An untrained model of rows with these columns; at least one, without repetition.
    ///
    /// # Errors
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) for columns it cannot work on.
    fn open(columns: &[String], parameters: &Parameters, seed: u64) -> Result<Self>;

    /// The weights; names and shapes depend on the columns and parameters only.
    ///
    /// # Errors
    /// Any.
    fn save(&self) -> Result<Weights>;

    /// Loads weights that [`save`](Self::save) returned, or a mean of several.
    ///
    /// # Errors
    /// [`Error::InvalidState`](crate::Error::InvalidState) when names or shapes differ.
    fn load(&mut self, model: Weights) -> Result<()>;
}

/// A model that learns from batches of rows.
pub trait Trainer: Model {
    /// Trains on the rows for `epochs` epochs, from the present weights.
    ///
    /// The weights after it depend on columns, parameters, seed, the weights before, `batch` and
    /// `epochs` only. Call `progress` after every epoch, and return early with the present result
    /// when it returns [`Signal::Stop`].
    ///
    /// # Errors
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) for rows it cannot learn from,
    /// [`Error::Diverged`](crate::Error::Diverged) when a weight is no longer finite.
    fn train(
        &mut self,
        batch: Batch,
        epochs: u32,
        progress: &mut dyn FnMut(Progress) -> Signal,
    ) -> Result<Report>;
}

/// A model that scores rows.
pub trait Detector: Model {
    /// One finite score a row, higher is more anomalous. Causal and indifferent to batches, as a
    /// [`Preprocessor`] is.
    ///
    /// # Errors
    /// Any, with the state as it was before.
    fn score(&mut self, batch: Batch) -> Result<Vec<f32>>;
}

/// The result of a training.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Rows trained on; each counts once, for any number of epochs. It is the weight of the result in
    /// a mean.
    pub samples: u64,
    /// Mean loss a row over the last epoch.
    pub loss: f64,
    /// Other metrics.
    pub metrics: Vec<Metric>,
}

/// The progress of a training.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Epochs done, from 1.
    pub epoch: u32,
    /// Epochs asked for.
    pub epochs: u32,
    /// Metrics of this epoch, such as `loss`.
    pub metrics: Vec<Metric>,
}

/// The host's answer to [`Progress`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Continue.
    Proceed,
    /// Return early with the present result.
    Stop,
}
