//! When a fog node trains, and on which rows.
//!
//! A node trains once for each global model, as soon as it has seen enough new labelled rows. The
//! rows of each training end at a boundary that is counted in rows, not in time, so a node that is
//! killed and restarted trains on the same rows as one that was not. Only when no answer comes for
//! long does it train again on newer rows, each time after a pause of twice the length.

use serde::{Deserialize, Serialize};

use crate::backoff::Doubling;

/// How many new labelled rows a node waits for before it trains again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowsPerRound {
    /// This many, at least 1; fewer when the node's sensors have ended.
    Rows(u64),
    /// All: it waits until its sensors have ended.
    All,
}

/// What happens when rows outrun training by more than the backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenBehind {
    /// Training moves on to the newest rows; reading, and with it scoring, never waits.
    Skip,
    /// Reading pauses until training has caught up; every row is trained on.
    Wait,
}

/// The rules of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Rows between two trainings.
    pub rows_per_round: RowsPerRound,
    /// How far rows may run ahead of training.
    pub backlog_rows: u64,
    /// What happens beyond that.
    pub when_behind: WhenBehind,
    /// The last round of the run; a node holding its global model is done.
    pub rounds: Option<u64>,
    /// Without a new global model for this long, enough new rows alone make it train again. Each
    /// further time takes twice as long: what the node has sent is durable, so it is sent again
    /// only in case that it was lost.
    pub retry_after_ms: u64,
}

/// What survives a restart; stored together with the effects it speaks of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Labelled rows that training has used, or passed over: where the next training's new rows
    /// begin.
    pub trained_rows: u64,
    /// The global model of the last training, 0 being the initial model.
    pub trained_base: Option<u64>,
}

/// A training to be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrainingJob {
    /// The global model to start from, 0 being the initial model.
    pub base_round: u64,
    /// Number of the row after the last one to train on.
    pub end_row: u64,
}

/// What the machine asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Train, then say [`Input::Trained`] or [`Input::TrainingFailed`].
    Train(TrainingJob),
    /// Training moved on over this many rows.
    Skipped {
        /// Labelled rows that no training has waited for.
        rows: u64,
    },
}

/// What the machine receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// This many more labelled rows are in the window.
    Rows(u64),
    /// No further row will come.
    Ended,
    /// A global model has arrived.
    Global {
        /// Its round.
        round: u64,
    },
    /// The update is durable.
    Trained(TrainingJob),
    /// The plug-in failed; the node sits this round out.
    TrainingFailed(TrainingJob),
    /// The deadline has passed.
    Tick,
}

/// Decides when to train. Feed one input, carry out the output, feed the next.
#[derive(Clone, Debug)]
pub struct Schedule {
    config: Config,
    progress: Progress,
    seen_rows: u64,
    newest: u64,
    ended: bool,
    running: bool,
    last_trained_ms: u64,
    /// Trainings from the newest global model after the first.
    repeats: u32,
}

impl Schedule {
    /// A node that has seen `seen_rows` labelled rows and holds the global model `newest` (0 is
    /// none).
    #[must_use]
    pub fn new(
        config: Config,
        progress: Progress,
        seen_rows: u64,
        newest: u64,
        now_ms: u64,
    ) -> Self {
        Self {
            config,
            progress,
            seen_rows,
            newest,
            ended: false,
            running: false,
            last_trained_ms: now_ms,
            repeats: 0,
        }
    }

    /// What must be stored with the effects of the last input.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// What must be stored with the update that `training` made, before [`Input::Trained`] is said.
    #[must_use]
    pub fn progress_after(training: TrainingJob) -> Progress {
        Progress {
            trained_rows: training.end_row,
            trained_base: Some(training.base_round),
        }
    }

    /// The newest global model's round, 0 before the first.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// Rows that are, or were, in the window.
    #[must_use]
    pub fn seen_rows(&self) -> u64 {
        self.seen_rows
    }

    /// Whether the last round's global model is here.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.config
            .rounds
            .is_some_and(|rounds| self.newest >= rounds)
    }

    /// Whether reading must pause until training has caught up.
    #[must_use]
    pub fn must_wait(&self) -> bool {
        self.config.when_behind == WhenBehind::Wait && !self.is_complete() && self.is_behind()
    }

    /// When to say [`Input::Tick`].
    #[must_use]
    pub fn deadline_ms(&self) -> Option<u64> {
        let waiting =
            !self.running && !self.is_complete() && self.answered() && self.has_enough_new_rows();
        waiting.then(|| {
            let pauses = Doubling {
                first_ms: self.config.retry_after_ms,
                longest_ms: u64::MAX,
            };
            let pause_ms = pauses.pause_ms(self.repeats.saturating_add(1));
            self.last_trained_ms.saturating_add(pause_ms)
        })
    }

    /// Takes one input; the outputs are to be carried out in order.
    pub fn handle(&mut self, now_ms: u64, input: Input) -> Vec<Output> {
        match input {
            Input::Rows(rows) => self.seen_rows += rows,
            Input::Ended => self.ended = true,
            Input::Global { round } => {
                if round > self.newest {
                    self.newest = round;
                    self.repeats = 0;
                }
            }
            Input::Trained(training) | Input::TrainingFailed(training) => {
                self.running = false;
                self.last_trained_ms = now_ms;
                self.progress = Self::progress_after(training);
            }
            Input::Tick => {}
        }
        let skipped = self.skip_if_behind();
        skipped
            .into_iter()
            .chain(self.next_training(now_ms))
            .collect()
    }

    fn next_training(&mut self, now_ms: u64) -> Option<Output> {
        let overdue = self
            .deadline_ms()
            .is_some_and(|deadline| now_ms >= deadline);
        if self.running || self.is_complete() || (self.answered() && !overdue) {
            return None;
        }
        let end_row = self.boundary()?;
        if self.answered() {
            self.repeats = self.repeats.saturating_add(1);
        }
        self.running = true;
        Some(Output::Train(TrainingJob {
            base_round: self.newest,
            end_row,
        }))
    }

    fn skip_if_behind(&mut self) -> Option<Output> {
        if self.config.when_behind == WhenBehind::Wait
            || self.running
            || self.is_complete()
            || !self.is_behind()
        {
            return None;
        }
        let RowsPerRound::Rows(rows) = self.config.rows_per_round else {
            return None;
        };
        let newest_boundary = self.seen_rows.saturating_sub(rows);
        let skipped = newest_boundary.saturating_sub(self.progress.trained_rows);
        self.progress.trained_rows += skipped;
        (skipped > 0).then_some(Output::Skipped { rows: skipped })
    }

    fn answered(&self) -> bool {
        self.progress
            .trained_base
            .is_some_and(|base| base >= self.newest)
    }

    fn has_enough_new_rows(&self) -> bool {
        match self.config.rows_per_round {
            RowsPerRound::Rows(rows) => {
                self.seen_rows - self.progress.trained_rows.min(self.seen_rows) >= rows
            }
            RowsPerRound::All => false,
        }
    }

    fn is_behind(&self) -> bool {
        match self.config.rows_per_round {
            RowsPerRound::Rows(rows) => {
                self.seen_rows
                    > self
                        .progress
                        .trained_rows
                        .saturating_add(rows)
                        .saturating_add(self.config.backlog_rows)
            }
            RowsPerRound::All => false,
        }
    }

    /// Where the next training's rows end, when enough of them are here.
    fn boundary(&self) -> Option<u64> {
        match self.config.rows_per_round {
            RowsPerRound::Rows(rows) if self.has_enough_new_rows() => {
                Some(self.progress.trained_rows + rows)
            }
            _ => (self.ended && self.seen_rows > 0).then_some(self.seen_rows),
        }
    }
}

#[cfg(test)]
mod tests;
