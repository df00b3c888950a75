//! What became of a batch of rows.

use fedhost_domain::model::PluginId;
use fedhost_plugin::CallError;

/// Prepared rows, scores and failures of one batch.
#[derive(Default)]
pub(crate) struct Outcome {
    /// All rows that were prepared, in the order in which they came.
    pub(crate) prepared: Prepared,
    /// One a prepared row, when there is a model and it could be applied.
    pub(crate) scores: Scores,
    /// Rows that are given up.
    pub(crate) failed: Vec<FailedRows>,
    /// One for every failed try.
    pub(crate) failures: Vec<CallError>,
}

/// Rows as models see them.
#[derive(Default)]
pub(crate) struct Prepared {
    /// One a row.
    pub(crate) ids: Vec<usize>,
    /// Row after row.
    pub(crate) values: Vec<f32>,
}

/// The scores of a batch.
#[derive(Default)]
pub(crate) enum Scores {
    /// There is no model yet.
    #[default]
    NoModel,
    /// The detector failed on the batch.
    Failed,
    /// One a prepared row, of the model of this version.
    Scored {
        /// The model's version.
        version: u64,
        /// One a prepared row.
        scores: Vec<f32>,
    },
}

/// Rows that a component could not handle.
pub(crate) struct FailedRows {
    pub(crate) ids: Vec<usize>,
    pub(crate) stage: Stage,
    pub(crate) component: Option<PluginId>,
    pub(crate) error: CallError,
    /// How often it was tried.
    pub(crate) attempts: u32,
}

/// What is done with a batch, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Preprocessing, source by source.
    #[default]
    Preprocess,
    /// Scoring.
    Score,
}

impl Stage {
    /// Its stable name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Preprocess => "preprocess",
            Self::Score => "score",
        }
    }
}
