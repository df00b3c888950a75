//! Judges third-party models on the user's own data: the same rows in the same order for each,
//! every one in a sandbox of its own, and figures that anyone can compute again.
//!
//! ```text
//! Corpus ── rows of all files ──┐
//! Protocol ── Schedule ─────────┤
//! Subject ── Feed (preprocessor) ── Learner, Detector ── ScoreBook ── Figures
//!                                                  └── integrity: label leakage, look-ahead
//! ```
//!
//! What must stay absent: a label in rows to score; a row's number or time; a figure of rows that
//! were trained on.

mod assemble;
mod baseline;
mod breakdown;
mod cost;
mod document;
mod feed;
pub mod figures;
mod integrity;
mod learner;
mod notes;
mod run;
mod schedule;
mod scores;
mod subject;
mod summary;
mod trial;
mod waiting;
mod warnings;

use std::ops::ControlFlow;

use fedhost_domain::protocol::{PlanError, Protocol};
use serde::Serialize;

use fedhost_dataset::{Corpus, DatasetError};
use schedule::Schedule;

pub use document::{
    BaselineResult, Card, DataCard, Document, FileCard, FileResult, FileTrace, PluginResult,
    Repeat, RepeatedRows, Status,
};
pub use figures::{Figures, Threshold};
pub use integrity::IntegrityResult;
pub use notes::Said;
pub use run::{Candidate, Evaluation, Outcome};
pub use scores::Scores;
pub use subject::Subject;
pub use warnings::DataWarning;

/// How models are judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Which rows are trained on, and which are scored.
    pub protocol: Protocol,
    /// Of the first repeat; each further one has the next.
    pub seed: u64,
    /// How often everything is done, each time with another seed; at least 1.
    pub repeat: u32,
    /// From which score on a row is flagged.
    pub threshold: Threshold,
    /// Scores are averaged over this number of rows, the last of which is the one that is scored; 1
    /// changes nothing.
    pub smooth_rows: u32,
    /// How often a model goes over the rows to train on.
    pub epochs: u32,
    /// Who sees the labels of rows to train on.
    pub labels: LabelUse,
    /// Rows that a plug-in is given at once, at least 1.
    pub rows_per_call: usize,
}

impl Options {
    /// Finds out whether the protocol can be followed with these rows.
    ///
    /// # Errors
    /// It cannot.
    pub fn check(&self, corpus: &Corpus) -> Result<(), PlanError> {
        Schedule::new(self.protocol, corpus, self.seed).map(drop)
    }
}

/// Whether a table or a file of scores has a row or a column of this name beside those of plug-ins.
#[must_use]
pub fn is_reserved_name(name: &str) -> bool {
    baseline::Baseline::is_name(name) || scores::HEADS.contains(&name)
}

/// Who sees the labels of rows to train on; rows to score never have any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelUse {
    /// Models that decline to learn without.
    WhereNeeded,
    /// Every model.
    Always,
    /// None.
    Never,
}

/// Something was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Rows were learnt from; a row counts once an epoch when there are too many for one call.
    Fit {
        /// How many.
        rows: u64,
    },
    /// Rows were scored.
    Score {
        /// How many.
        rows: u64,
    },
    /// Anything else.
    Other,
}

/// Receives every step, and returns whether to continue.
pub type Watch<'a> = &'a dyn Fn(&str, Step) -> ControlFlow<()>;

/// Why there is no evaluation at all.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum EvaluateError {
    /// The rows cannot be divided as the protocol says.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Plan(#[from] PlanError),
    /// The rows cannot be read again.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Data(#[from] DatasetError),
    /// There are no figures of scores that need no model.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Figures(#[from] figures::Error),
}
