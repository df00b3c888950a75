//! An accepted plug-in: its description, and how instances are opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fedhost_base::event::{Event, PluginEvent};
use fedhost_domain::model::PluginId;
use wasmtime::component::InstancePre;

use super::context::Context;
use super::descriptor::Descriptor;
use super::detector::Detector;
use super::engine::Engine;
use super::exports::{Abilities, Exports};
use super::failure::{CallError, Kind, Refusal};
use super::host::Budgets;
use super::limits::Limits;
use super::parameters::{Parameter, ParameterProblem, Parameters, check};
use super::preprocessor::Preprocessor;
use super::quarantine::PluginQuarantine;
use super::sandbox::{Sandbox, StoreData};
use super::trainer::Trainer;

/// An accepted component, compiled and linked. Opening an instance takes microseconds, but runs
/// code of the guest: call it through [`super::worker::run`].
pub struct Plugin {
    pub(super) id: PluginId,
    pub(super) descriptor: Descriptor,
    pub(super) limits: Limits,
    pub(super) file: PathBuf,
    pub(super) cached: bool,
    /// Whether a trusted key has signed the file.
    pub(super) signed: bool,
    pub(super) load_ms: u64,
    pub(super) engine: Engine,
    pub(super) pre: InstancePre<StoreData>,
    pub(super) exports: Exports,
    pub(super) quarantine: Arc<PluginQuarantine>,
    pub(super) budgets: Arc<Budgets>,
}

/// The arguments with which an instance is opened.
pub struct Opening<'a> {
    /// Names of the input columns, in the order of every batch.
    pub columns: &'a [String],
    /// As [`Plugin::check_parameters`] returned them.
    pub parameters: &'a [Parameter],
    /// The only source of randomness; preprocessors get none.
    pub seed: u64,
    /// The surroundings of the instance.
    pub context: Context,
}

impl Plugin {
    /// Name, version and digest.
    #[must_use]
    pub fn id(&self) -> &PluginId {
        &self.id
    }

    /// The plug-in's description of itself.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// What it can be opened as.
    #[must_use]
    pub fn abilities(&self) -> Abilities {
        self.exports.abilities()
    }

    /// The limits of each instance.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The file of the component.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Whether its compiled code was found in the cache.
    #[must_use]
    pub fn was_cached(&self) -> bool {
        self.cached
    }

    /// The time until its quarantine as a detector ends; `None` if it is not quarantined.
    #[must_use]
    pub fn detector_quarantine(&self) -> Option<Duration> {
        self.quarantine.remaining("detector")
    }

    /// The time until its quarantine as a preprocessor ends; `None` if it is not quarantined.
    #[must_use]
    pub fn preprocessor_quarantine(&self) -> Option<Duration> {
        self.quarantine.remaining("preprocessor")
    }

    /// Returns the event that it was loaded. The code that starts to use the plug-in announces it.
    #[must_use]
    pub fn loaded(&self) -> Event {
        Event::Plugin(PluginEvent::PluginLoaded {
            plugin: self.id.clone(),
            file: self.file.display().to_string(),
            compile_ms: self.load_ms,
        })
    }

    /// Checks all parameters against the description and fills in defaults.
    ///
    /// # Errors
    /// All problems together.
    pub fn check_parameters(
        &self,
        given: &Parameters,
    ) -> Result<Vec<Parameter>, Vec<ParameterProblem>> {
        check(&self.descriptor, given)
    }

    /// Opens an instance for the rows of one source.
    ///
    /// # Errors
    /// The plug-in is no preprocessor, declines, or fails.
    pub fn open_preprocessor(&self, opening: Opening<'_>) -> Result<Preprocessor, CallError> {
        Preprocessor::open(self, opening)
    }

    /// Opens an instance that trains one model.
    ///
    /// # Errors
    /// The plug-in is no trainer, declines, or fails.
    pub fn open_trainer(&self, opening: Opening<'_>) -> Result<Trainer, CallError> {
        Trainer::open(self, opening)
    }

    /// Opens an instance that scores one stream of rows.
    ///
    /// # Errors
    /// The plug-in is no detector, declines, or fails.
    pub fn open_detector(&self, opening: Opening<'_>) -> Result<Detector, CallError> {
        Detector::open(self, opening)
    }

    /// Creates an empty sandbox with this plug-in's limits.
    pub(super) fn sandbox(&self, context: Context) -> Sandbox {
        Sandbox::new(
            &self.engine,
            Arc::from(self.id.name.as_str()),
            self.limits,
            Arc::clone(&self.budgets),
            context,
        )
    }

    /// Returns the error of opening the plug-in as something that it does not export.
    pub(super) fn lacks(&self, call: &'static str, ability: &str) -> CallError {
        let detail = format!("it has no {ability}; it exports {}", self.abilities());
        CallError {
            plugin: self.id.name.clone(),
            call,
            kind: Kind::Refused(Refusal::Other),
            detail,
        }
    }
}
