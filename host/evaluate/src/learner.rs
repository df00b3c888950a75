//! Training of a model: how often it goes over which rows, and whether it sees their labels.

use std::time::Duration;

use super::cost::{Cost, charge};
use super::feed::{Afterwards, Feed, Prepared};
use super::schedule::Life;
use super::trial::Stop;
use super::{LabelUse, Options};
use fedhost_plugin::{Batch, CallError, Kind, Limits, Refusal, Trainer};

/// Values that one training call is given at most, 16 MiB: more rows are learnt from in several
/// calls, once an epoch.
const VALUES_PER_CALL: u64 = 4 << 20;

/// Trains models alike, one after the other.
pub(super) struct Learner {
    epochs: u32,
    labels: LabelUse,
    /// Whether every row to train on has a label.
    has_labels: bool,
    /// Whether the plug-in has declined to learn without labels.
    wants_labels: bool,
    /// Time of a call after which the plug-in is asked to stop.
    stop_after: Duration,
    cut_short: bool,
}

impl Learner {
    /// `has_labels` says whether every row to train on has a label.
    pub(super) fn new(options: &Options, limits: &Limits, has_labels: bool) -> Self {
        let Options { epochs, labels, .. } = *options;
        Self {
            epochs,
            labels,
            has_labels,
            wants_labels: false,
            stop_after: limits.stop_after(),
            cut_short: false,
        }
    }

    /// Whether a training was asked to stop because its time was nearly up.
    pub(super) fn was_cut_short(&self) -> bool {
        self.cut_short
    }

    /// Whether rows to train on come with their labels.
    pub(super) fn gives_labels(&self) -> bool {
        match self.labels {
            _ if !self.has_labels => false,
            LabelUse::Always => true,
            LabelUse::Never => false,
            LabelUse::WhereNeeded => self.wants_labels,
        }
    }

    /// Goes over the rows to train on, and says how many rows each step took.
    pub(super) fn fit(
        &mut self,
        trainer: &mut Trainer,
        life: &Life,
        feed: &mut Feed<'_>,
        cost: &mut Cost,
        progress: &mut dyn FnMut(u64) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let columns = feed.columns().len();
        let rows: u64 = life.train.iter().map(super::schedule::Part::rows).sum();
        let rows_per_call = (VALUES_PER_CALL / (columns as u64).max(1)).max(1);
        // All at once where that is possible; otherwise an epoch is a pass over all calls' rows.
        let (passes, epochs) = if rows <= rows_per_call {
            (1, self.epochs)
        } else {
            (self.epochs, 1)
        };
        for _ in 0..passes {
            let mut gathered = Prepared {
                rows: 0,
                values: Vec::new(),
                labels: Vec::new(),
            };
            for part in &life.train {
                feed.training(part, Afterwards::Forget, &mut |prepared| {
                    progress(prepared.rows as u64)?;
                    gathered.extend(prepared);
                    if (gathered.rows as u64) < rows_per_call {
                        return Ok(());
                    }
                    self.learn(
                        trainer,
                        std::mem::take(&mut gathered),
                        columns,
                        epochs,
                        cost,
                    )
                })?;
            }
            if gathered.rows > 0 {
                self.learn(trainer, gathered, columns, epochs, cost)?;
            }
        }
        Ok(())
    }

    /// One call.
    pub(super) fn learn(
        &mut self,
        trainer: &mut Trainer,
        rows: Prepared,
        columns: usize,
        epochs: u32,
        cost: &mut Cost,
    ) -> Result<(), Stop> {
        let Prepared {
            rows,
            values,
            labels,
        } = rows;
        let labels: Vec<f32> = labels
            .iter()
            .map(|&anomalous| f32::from(u8::from(anomalous)))
            .collect();
        let batch = Batch::new(
            rows,
            columns,
            values,
            self.gives_labels().then(|| labels.clone()),
        )?;
        let before = trainer.usage().busy;
        let mut train =
            |batch: &Batch| charge(&mut cost.fit, trainer, |it| it.train(batch, epochs));
        match train(&batch) {
            Err(declined) if self.may_want_labels(&declined) => {
                train(&Batch::new(
                    rows,
                    columns,
                    batch.into_parts().0,
                    Some(labels),
                )?)?;
                self.wants_labels = true;
            }
            outcome => drop(outcome?),
        }
        self.cut_short |= trainer.usage().busy.saturating_sub(before) >= self.stop_after;
        Ok(())
    }

    fn may_want_labels(&self, declined: &CallError) -> bool {
        declined.kind == Kind::Refused(Refusal::InvalidInput)
            && self.labels == LabelUse::WhereNeeded
            && self.has_labels
            && !self.wants_labels
    }
}

impl Prepared {
    fn extend(&mut self, more: Self) {
        self.rows += more.rows;
        self.values.extend(more.values);
        self.labels.extend(more.labels);
    }
}
