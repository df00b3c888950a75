//! What is evaluated: a plug-in with its parameters, and the preprocessor before it.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::cost::Phase;
use super::notes::Notes;
use fedhost_plugin::{
    CallError, Context, Detector, Opening, Parameter, Plugin, Preprocessor, Trainer,
};

/// A plug-in and how it is opened.
#[derive(Clone)]
pub struct Subject {
    /// The component.
    pub plugin: Arc<Plugin>,
    /// As [`Plugin::check_parameters`] returned them.
    pub parameters: Vec<Parameter>,
}

/// Opens instances of a subject for one trial.
pub(super) struct Opener<'a> {
    pub(super) subject: &'a Subject,
    pub(super) seed: u64,
    pub(super) notes: &'a Notes,
    pub(super) cancel: &'a CancellationToken,
}

impl Opener<'_> {
    pub(super) fn preprocessor(
        &self,
        columns: &[String],
        phase: &mut Phase,
    ) -> Result<Preprocessor, CallError> {
        let opened = self
            .subject
            .plugin
            .open_preprocessor(self.opening(columns))?;
        phase.add(Default::default(), opened.usage());
        Ok(opened)
    }

    pub(super) fn trainer(
        &self,
        columns: &[String],
        phase: &mut Phase,
    ) -> Result<Trainer, CallError> {
        let opened = self.subject.plugin.open_trainer(self.opening(columns))?;
        phase.add(Default::default(), opened.usage());
        Ok(opened)
    }

    pub(super) fn detector(
        &self,
        columns: &[String],
        phase: &mut Phase,
    ) -> Result<Detector, CallError> {
        let opened = self.subject.plugin.open_detector(self.opening(columns))?;
        phase.add(Default::default(), opened.usage());
        Ok(opened)
    }

    fn opening<'c>(&'c self, columns: &'c [String]) -> Opening<'c> {
        let context = Context::new("evaluate", self.notes.sink()).cancelled_by(self.cancel.clone());
        Opening {
            columns,
            parameters: &self.subject.parameters,
            seed: self.seed,
            context,
        }
    }
}
