//! A batch under way: it can pause where a circuit breaker is open, and continue from there.

use std::collections::BTreeSet;
use std::sync::Arc;

use fedhost_domain::model::PluginId;
use fedhost_plugin::{Batch, CallError};

use super::outcome::{FailedRows, Outcome, Scores, Stage};
use super::retry::Failed;
use super::rows::Rows;

/// A batch under way: what is left to do, and what became of it so far.
pub(crate) struct Work {
    pub(super) sources: Vec<SourceRows>,
    /// Sources whose last row is in this batch or came before it.
    pub(super) ended_sources: Vec<String>,
    pub(super) stage: Stage,
    /// Tries of the call that comes next.
    pub(super) attempts: u32,
    pub(super) outcome: Outcome,
    values: Vec<f32>,
    ids: Vec<usize>,
}

/// The rows of one source.
pub(super) struct SourceRows {
    name: Arc<str>,
    /// Indices of rows.
    rows: Vec<usize>,
    stage: SourceStage,
}

/// How far the rows of one source have come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SourceStage {
    Waiting,
    Prepared,
    Failed,
}

impl Work {
    /// A batch of which nothing is done yet.
    pub(crate) fn new(rows: Rows, ended_sources: Vec<String>) -> Self {
        let sources = rows.sources.into_iter().map(|(name, rows)| SourceRows {
            name,
            rows,
            stage: SourceStage::Waiting,
        });
        Self {
            sources: sources.collect(),
            ended_sources,
            stage: Stage::Preprocess,
            attempts: 0,
            outcome: Outcome::default(),
            values: rows.values,
            ids: rows.ids,
        }
    }

    /// What became of the batch.
    pub(crate) fn into_outcome(self) -> Outcome {
        self.outcome
    }

    /// Ids of the rows that no preprocessor has handled yet.
    pub(crate) fn to_preprocess(&self) -> impl Iterator<Item = usize> {
        self.ids_of(SourceStage::Waiting)
    }

    /// Ids of the rows that are not scored yet.
    pub(crate) fn to_score(&self) -> impl Iterator<Item = usize> {
        self.ids_of(SourceStage::Waiting)
            .chain(self.ids_of(SourceStage::Prepared))
    }

    fn ids_of(&self, stage: SourceStage) -> impl Iterator<Item = usize> {
        self.sources
            .iter()
            .filter(move |source| source.stage == stage)
            .flat_map(|source| &source.rows)
            .filter_map(|&row| self.ids.get(row).copied())
    }

    /// What has failed since the last call.
    pub(crate) fn take_failures(&mut self) -> Vec<CallError> {
        std::mem::take(&mut self.outcome.failures)
    }

    /// Name and values of a source that is still to be preprocessed. The matrix of a batch of one
    /// source is handed out as it is.
    pub(super) fn source_to_preprocess(&mut self, index: usize) -> Option<(Arc<str>, Vec<f32>)> {
        let is_only = self.sources.len() == 1;
        let source = self.sources.get(index)?;
        if source.stage != SourceStage::Waiting {
            return None;
        }
        let name = Arc::clone(&source.name);
        if is_only {
            return Some((name, std::mem::take(&mut self.values)));
        }
        let width = self.values.len() / self.ids.len().max(1);
        let mut values = Vec::with_capacity(width * source.rows.len());
        for &row in &source.rows {
            values.extend_from_slice(row_of(&self.values, width, row));
        }
        Some((name, values))
    }

    /// Returns the values of a source whose call has to wait.
    pub(super) fn put_back(&mut self, batch: Batch) {
        if self.sources.len() == 1 {
            self.values = batch.into_parts().0;
        }
    }

    /// Takes the prepared rows of a source.
    pub(super) fn put_prepared(&mut self, index: usize, batch: Batch) {
        let (is_only, rows) = (self.sources.len() == 1, self.ids.len());
        let Some(source) = self.sources.get_mut(index) else {
            return;
        };
        source.stage = SourceStage::Prepared;
        let prepared = &mut self.outcome.prepared.values;
        if is_only {
            *prepared = batch.into_parts().0;
            return;
        }
        let width = batch.columns();
        prepared.resize(rows * width, f32::NAN);
        let values = batch.values().chunks_exact(width.max(1));
        for (&row, values) in source.rows.iter().zip(values) {
            if let Some(place) = prepared.get_mut(row * width..(row + 1) * width) {
                place.copy_from_slice(values);
            }
        }
    }

    /// Gives up the rows of a source.
    pub(super) fn fail_source(
        &mut self,
        index: usize,
        component: Option<PluginId>,
        failed: Failed,
    ) {
        let Some(source) = self.sources.get_mut(index) else {
            return;
        };
        source.stage = SourceStage::Failed;
        let ids = source
            .rows
            .iter()
            .filter_map(|&row| self.ids.get(row).copied());
        self.outcome.failed.push(FailedRows {
            ids: ids.collect(),
            stage: Stage::Preprocess,
            component,
            error: failed.error,
            attempts: failed.attempts,
        });
    }

    /// Leaves out the rows of sources that failed.
    pub(super) fn finish_preprocessing(&mut self) {
        let prepared = &mut self.outcome.prepared;
        let failed: BTreeSet<usize> = self
            .sources
            .iter()
            .filter(|source| source.stage == SourceStage::Failed)
            .flat_map(|source| source.rows.iter().copied())
            .collect();
        if failed.is_empty() {
            prepared.ids.clone_from(&self.ids);
            return;
        }
        let width = prepared.values.len() / self.ids.len().max(1);
        let whole = std::mem::take(&mut prepared.values);
        for (row, &id) in self.ids.iter().enumerate() {
            if !failed.contains(&row) {
                prepared.ids.push(id);
                prepared
                    .values
                    .extend_from_slice(row_of(&whole, width, row));
            }
        }
    }

    /// Gives up the scores of all prepared rows.
    pub(super) fn fail_scoring(&mut self, component: PluginId, failed: Failed) {
        self.outcome.scores = Scores::Failed;
        self.outcome.failed.push(FailedRows {
            ids: self.outcome.prepared.ids.clone(),
            stage: Stage::Score,
            component: Some(component),
            error: failed.error,
            attempts: failed.attempts,
        });
    }
}

fn row_of(values: &[f32], width: usize, row: usize) -> &[f32] {
    values
        .get(row * width..(row + 1) * width)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use fedhost_plugin::Kind;

    use super::super::outcome::Prepared;
    use super::*;

    /// Rows `(source, value)` of two columns, the second one ten times the first; ids from 100.
    fn work(rows: &[(&str, f32)]) -> Work {
        let mut batch = Rows::with_capacity(rows.len());
        for (id, (source, value)) in (100..).zip(rows) {
            batch.values_mut().extend([*value, value * 10.0]);
            batch.push(source, id);
        }
        Work::new(batch, Vec::new())
    }

    /// Prepares a row by keeping its sum.
    fn prepare(work: &mut Work, index: usize) {
        let (_, values) = work.source_to_preprocess(index).unwrap();
        let sums: Vec<f32> = values.chunks(2).map(|row| row.iter().sum()).collect();
        work.put_prepared(index, Batch::new(sums.len(), 1, sums, None).unwrap());
    }

    fn failed() -> Failed {
        Failed {
            error: CallError {
                plugin: "p".into(),
                call: "preprocessor.transform",
                kind: Kind::Trap,
                detail: String::new(),
            },
            attempts: 2,
        }
    }

    #[test]
    fn rows_of_several_sources_come_out_in_the_order_in_which_they_came() {
        let mut work = work(&[("a", 1.0), ("b", 2.0), ("a", 3.0)]);
        assert_eq!(
            work.source_to_preprocess(0).unwrap().1,
            [1.0, 10.0, 3.0, 30.0]
        );
        prepare(&mut work, 1);
        assert_eq!(work.to_preprocess().collect::<Vec<_>>(), [100, 102]);
        prepare(&mut work, 0);
        work.finish_preprocessing();
        let Prepared { ids, values } = work.into_outcome().prepared;
        assert_eq!((ids, values), (vec![100, 101, 102], vec![11.0, 22.0, 33.0]));
    }

    #[test]
    fn a_source_that_fails_takes_no_rows_of_others_with_it() {
        let mut work = work(&[("a", 1.0), ("b", 2.0), ("a", 3.0)]);
        work.fail_source(0, None, failed());
        prepare(&mut work, 1);
        work.finish_preprocessing();
        assert_eq!(work.to_score().collect::<Vec<_>>(), [101]);
        let outcome = work.into_outcome();
        let Prepared { ids, values } = outcome.prepared;
        assert_eq!((ids, values), (vec![101], vec![22.0]));
        let [FailedRows { ids, attempts, .. }] = &outcome.failed[..] else {
            panic!("one source failed")
        };
        assert_eq!((&ids[..], *attempts), (&[100, 102][..], 2));
    }

    #[test]
    fn the_matrix_of_one_source_is_handed_out_again_after_a_pause() {
        let mut work = work(&[("a", 1.0), ("a", 2.0)]);
        let (_, values) = work.source_to_preprocess(0).unwrap();
        work.put_back(Batch::new(2, 2, values, None).unwrap());
        prepare(&mut work, 0);
        work.finish_preprocessing();
        assert_eq!(work.into_outcome().prepared.values, [11.0, 22.0]);
    }
}
