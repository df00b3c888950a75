//! When the node trains and evaluates, and the guest threads that do it beside the stream.

use std::sync::Arc;

use bytes::Bytes;
use fedhost_base::clock;
use fedhost_domain::fog::schedule::{self, Input, Output, Schedule};
use fedhost_domain::fog::window::LabelledRows;
use fedhost_plugin::CallError;
use tokio::task::{JoinError, JoinSet};

use super::pipeline::Pipeline;
use super::{Training, jobs};

/// The schedule, and what runs by it.
pub(super) struct Learning {
    schedule: Schedule,
    epochs: u32,
    window_rows: u64,
    has_labels: bool,
    jobs: JoinSet<Done>,
    /// The round of a global model that the held-out rows are to be scored with.
    unevaluated: Option<u64>,
    /// The trace of the newest global model, if it is not that of its round.
    foreign: Option<Bytes>,
}

/// A job that ran beside the stream.
pub(super) enum Done {
    /// A global model was evaluated.
    Evaluated {
        round: u64,
        foreign: Option<Bytes>,
        result: Result<jobs::Evaluated, CallError>,
    },
    /// A local model was trained.
    Trained {
        training: schedule::TrainingJob,
        foreign: Option<Bytes>,
        result: Result<jobs::Trained, CallError>,
    },
}

impl Learning {
    pub(super) fn new(training: &Training, schedule: Schedule) -> Self {
        Self {
            schedule,
            epochs: training.epochs,
            window_rows: training.window_rows as u64,
            has_labels: training.has_labels,
            jobs: JoinSet::new(),
            unevaluated: None,
            foreign: None,
        }
    }

    /// The newest global model's round, 0 before the first.
    pub(super) fn newest(&self) -> u64 {
        self.schedule.newest()
    }

    /// Rows that are, or were, in the training window.
    pub(super) fn seen_rows(&self) -> u64 {
        self.schedule.seen_rows()
    }

    /// Whether reading must pause until training has caught up.
    pub(super) fn must_wait(&self) -> bool {
        self.schedule.must_wait()
    }

    /// When [`Input::Tick`] is due.
    pub(super) fn deadline_ms(&self) -> Option<u64> {
        self.schedule.deadline_ms()
    }

    /// Whether the last global model of the run is evaluated.
    pub(super) fn is_done(&self) -> bool {
        self.schedule.is_complete() && self.jobs.is_empty() && self.unevaluated.is_none()
    }

    /// The next job that ends; `None` when none runs.
    pub(super) async fn next_done(&mut self) -> Option<Result<Done, JoinError>> {
        self.jobs.join_next().await
    }

    /// Ends all jobs without their results.
    pub(super) async fn abort(&mut self) {
        self.jobs.abort_all();
        while self.jobs.join_next().await.is_some() {}
    }

    /// A global model is in use, and is to be evaluated.
    pub(super) fn set_global(&mut self, round: u64, foreign: Option<Bytes>) {
        self.foreign = foreign;
        self.unevaluated = Some(round);
    }

    /// Evaluates the newest global model on the held-out rows, unless it is evaluated already.
    pub(super) fn evaluate(&mut self, pipeline: &Pipeline) {
        let Some(round) = self.unevaluated.take() else {
            return;
        };
        let Some((_, weights)) = pipeline.engine.model().cloned() else {
            return;
        };
        let rows = match &pipeline.windows {
            Some(windows) => windows.held_out.copy_all(),
            None => LabelledRows::default(),
        };
        let plugins = Arc::clone(pipeline.engine.plugins());
        let features = pipeline.engine.features().to_vec();
        let foreign = self.foreign.clone();
        self.jobs.spawn_blocking(move || {
            let result = jobs::evaluate(&plugins, &features, &weights, &rows);
            Done::Evaluated {
                round,
                foreign,
                result,
            }
        });
    }

    /// Takes an input, and begins the training that is due. Returns how many labelled rows training
    /// has moved over, each time that it has.
    pub(super) fn take(&mut self, input: Input, pipeline: Option<&Pipeline>) -> Vec<u64> {
        let mut skipped = Vec::new();
        for output in self.schedule.handle(clock::now_ms(), input) {
            match (output, pipeline) {
                (Output::Train(training), Some(pipeline)) => self.train(training, pipeline),
                (Output::Train(_), None) => {}
                (Output::Skipped { rows }, _) => skipped.push(rows),
            }
        }
        skipped
    }

    fn train(&mut self, training: schedule::TrainingJob, pipeline: &Pipeline) {
        let Some(windows) = &pipeline.windows else {
            return;
        };
        let first = training.end_row.saturating_sub(self.window_rows);
        let examples = jobs::Examples {
            rows: windows.training.copy(first..training.end_row),
            has_labels: self.has_labels,
        };
        let base = pipeline
            .engine
            .model()
            .map(|(_, weights)| Arc::clone(weights));
        let plugins = Arc::clone(pipeline.engine.plugins());
        let features = pipeline.engine.features().to_vec();
        let epochs = self.epochs;
        let foreign = self.foreign.clone();
        self.jobs.spawn_blocking(move || {
            let base = base.as_deref();
            let result = jobs::train(&plugins, &features, base, examples, training, epochs);
            Done::Trained {
                training,
                foreign,
                result,
            }
        });
    }
}
