//! The test bench of a component: opens its instances and counts its progress reports.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fedhost_base::event::{Event, PluginEvent};
use fedhost_domain::model::Weights;
use tokio_util::sync::CancellationToken;

use super::rows::{ROWS, Rows};
use super::stream::{Stage, Stream};
use super::{Setup, stream};
use crate::component::{Opening, Plugin};
use crate::context::{Context, EventSink};
use crate::detector::Detector;
use crate::failure::CallError;
use crate::parameters::Parameter;
use crate::preprocessor::Preprocessor;
use crate::trainer::Trainer;

/// Epochs with which the checks train a model.
const TRAINING_EPOCHS: u32 = 2;

pub(super) struct Bench<'a> {
    pub(super) plugin: &'a Plugin,
    pub(super) setup: &'a Setup,
    events: EventSink,
    reports: Arc<AtomicU64>,
}

impl<'a> Bench<'a> {
    pub(super) fn new(plugin: &'a Plugin, setup: &'a Setup) -> Self {
        let reports = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&reports);
        let events: EventSink = Arc::new(move |event| {
            if matches!(event, Event::Plugin(PluginEvent::PluginProgress { .. })) {
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        Self {
            plugin,
            setup,
            events,
            reports,
        }
    }

    pub(super) fn columns(&self) -> usize {
        self.setup.columns.len()
    }

    pub(super) fn rows(&self, seed: u64) -> Rows {
        Rows::waves(self.columns(), ROWS, seed)
    }

    /// Returns the number of progress reports so far.
    pub(super) fn reports(&self) -> u64 {
        self.reports.load(Ordering::Relaxed)
    }

    pub(super) fn context(&self) -> Context {
        Context::new("check", Arc::clone(&self.events))
    }

    /// Returns a context that asks the guest to stop at its first progress report.
    pub(super) fn cancelled(&self) -> Context {
        let cancel = CancellationToken::new();
        cancel.cancel();
        self.context().cancelled_by(cancel)
    }

    fn opening<'b>(
        &'b self,
        parameters: &'b [Parameter],
        seed: u64,
        context: Context,
    ) -> Opening<'b> {
        Opening {
            columns: &self.setup.columns,
            parameters,
            seed,
            context,
        }
    }

    pub(super) fn preprocessor(&self, parameters: &[Parameter]) -> Result<Preprocessor, CallError> {
        self.plugin
            .open_preprocessor(self.opening(parameters, self.setup.seed, self.context()))
    }

    pub(super) fn trainer(
        &self,
        parameters: &[Parameter],
        seed: u64,
    ) -> Result<Trainer, CallError> {
        self.plugin
            .open_trainer(self.opening(parameters, seed, self.context()))
    }

    pub(super) fn cancelled_trainer(&self) -> Result<Trainer, CallError> {
        self.plugin.open_trainer(self.opening(
            &self.setup.parameters,
            self.setup.seed,
            self.cancelled(),
        ))
    }

    /// Opens a trainer with the parameters and the seed of the set-up.
    pub(super) fn open_trainer(&self) -> Result<Trainer, CallError> {
        self.trainer(&self.setup.parameters, self.setup.seed)
    }

    pub(super) fn detector(&self, parameters: &[Parameter]) -> Result<Detector, CallError> {
        self.plugin
            .open_detector(self.opening(parameters, self.setup.seed, self.context()))
    }

    /// Returns a trained model; the same each time.
    pub(super) fn trained(&self, rows: &Rows) -> Result<Weights, CallError> {
        let mut trainer = self.open_trainer()?;
        trainer.train(&rows.labelled(), TRAINING_EPOCHS)?;
        trainer.save()
    }

    /// Returns the component as a stream that turns rows into rows.
    pub(super) fn preprocessing(&self) -> Stage<'_> {
        let open = move || -> Result<Box<dyn Stream>, CallError> {
            Ok(Box::new(self.preprocessor(&self.setup.parameters)?))
        };
        Stage {
            columns: self.columns(),
            output: stream::Output::Rows,
            open: Box::new(open),
        }
    }

    /// Returns the component as a stream that turns rows into scores; the detector of a model has
    /// loaded a trained model.
    pub(super) fn scoring(&self) -> Stage<'_> {
        let open = move || -> Result<Box<dyn Stream>, CallError> {
            let mut detector = self.detector(&self.setup.parameters)?;
            if self.plugin.abilities().training {
                detector.load(&self.trained(&self.rows(1))?)?;
            }
            Ok(Box::new(detector))
        };
        Stage {
            columns: self.columns(),
            output: stream::Output::Scores,
            open: Box::new(open),
        }
    }
}
