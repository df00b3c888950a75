//! A batch under way: it can stop where a plug-in is left alone, and go on from there.

use fedhost_domain::reading::Reading;

use super::pipeline::Outcome;
use fedhost_plugin::CallError;

/// A reading that was decoded.
pub(super) struct Row {
    /// Which record of the batch.
    pub(super) record: usize,
    pub(super) reading: Reading,
    pub(super) held_out: bool,
    /// Empty until the row is preprocessed.
    pub(super) features: Vec<f32>,
    pub(super) refused: bool,
}

/// A batch under way: what is left to do, and what became of it so far.
pub(super) struct Work {
    pub(super) rows: Vec<Row>,
    pub(super) ended_sources: Vec<String>,
    pub(super) stage: Stage,
    /// Tries of the call that comes next.
    pub(super) attempts: u32,
    pub(super) outcome: Outcome,
}

/// What is to be done next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Preprocess,
    Score,
}

/// How far a batch has come.
pub(super) enum Processed {
    /// To its end.
    Done(Outcome),
    /// To where a plug-in is needed that is left alone for a while.
    Resting(Work),
}

impl Work {
    /// Those records that no preprocessor has handled yet.
    pub(super) fn to_preprocess(&self) -> impl Iterator<Item = usize> {
        self.rows
            .iter()
            .filter(|row| row.features.is_empty() && !row.refused)
            .map(|row| row.record)
    }

    /// What has failed since this was last asked.
    pub(super) fn take_failures(&mut self) -> Vec<CallError> {
        std::mem::take(&mut self.outcome.failures)
    }

    /// Those records that are not scored yet.
    pub(super) fn to_score(&self) -> impl Iterator<Item = usize> {
        self.rows
            .iter()
            .filter(|row| !row.refused)
            .map(|row| row.record)
    }
}
