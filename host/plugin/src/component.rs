//! A plug-in that was accepted: what it is, and how it is opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fedhost_domain::event::Event;
use fedhost_domain::model::PluginId;
use wasmtime::component::InstancePre;

use super::context::Context;
use super::descriptor::Descriptor;
use super::detector::Detector;
use super::engine::Engine;
use super::exports::{Abilities, Exports};
use super::failure::{CallError, Kind, Refusal};
use super::limits::Limits;
use super::parameters::{Parameter, ParameterProblem, Parameters, check};
use super::preprocessor::Preprocessor;
use super::sandbox::{Inside, Sandbox};
use super::trainer::Trainer;
use super::ward::Ward;

/// An accepted component, compiled and linked. Instances are opened from it in microseconds;
/// opening enters the guest, so call it through [`super::worker::run`].
pub struct Plugin {
    pub(super) id: PluginId,
    pub(super) descriptor: Descriptor,
    pub(super) limits: Limits,
    pub(super) file: PathBuf,
    pub(super) cached: bool,
    pub(super) load_ms: u64,
    pub(super) engine: Engine,
    pub(super) pre: InstancePre<Inside>,
    pub(super) exports: Exports,
    pub(super) ward: Arc<Ward>,
}

/// What an instance is opened with.
pub struct Opening<'a> {
    /// Names of the input columns, in the order of every batch.
    pub columns: &'a [String],
    /// As [`Plugin::check_parameters`] returned them.
    pub parameters: &'a [Parameter],
    /// The only source of randomness; a preprocessor has none.
    pub seed: u64,
    /// Where the instance works.
    pub context: Context,
}

impl Plugin {
    /// Name, version and digest.
    #[must_use]
    pub fn id(&self) -> &PluginId {
        &self.id
    }

    /// What it says of itself.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// What it can be opened as.
    #[must_use]
    pub fn abilities(&self) -> Abilities {
        self.exports.abilities()
    }

    /// What each of its instances may use.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Where it came from.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Whether its compiled code was found in the cache.
    #[must_use]
    pub fn was_cached(&self) -> bool {
        self.cached
    }

    /// How much longer it is left alone as a detector, because it failed again and again.
    #[must_use]
    pub fn detector_rests(&self) -> Option<Duration> {
        self.ward.left("detector")
    }

    /// How much longer it is left alone as a preprocessor.
    #[must_use]
    pub fn preprocessor_rests(&self) -> Option<Duration> {
        self.ward.left("preprocessor")
    }

    /// The fact that it was accepted, to be announced by whoever takes it into use.
    #[must_use]
    pub fn loaded(&self) -> Event {
        Event::PluginLoaded {
            plugin: self.id.clone(),
            file: self.file.display().to_string(),
            compile_ms: self.load_ms,
        }
    }

    /// Checks all parameters against the description and fills in defaults.
    ///
    /// # Errors
    /// Every problem at once.
    pub fn check_parameters(
        &self,
        given: &Parameters,
    ) -> Result<Vec<Parameter>, Vec<ParameterProblem>> {
        check(&self.descriptor, given)
    }

    /// Opens an instance for one source's rows.
    ///
    /// # Errors
    /// When the plug-in is no preprocessor, declines, or fails.
    pub fn open_preprocessor(&self, opening: Opening<'_>) -> Result<Preprocessor, CallError> {
        Preprocessor::open(self, opening)
    }

    /// Opens an instance that trains one model.
    ///
    /// # Errors
    /// When the plug-in is no trainer, declines, or fails.
    pub fn open_trainer(&self, opening: Opening<'_>) -> Result<Trainer, CallError> {
        Trainer::open(self, opening)
    }

    /// Opens an instance that scores one stream of rows.
    ///
    /// # Errors
    /// When the plug-in is no detector, declines, or fails.
    pub fn open_detector(&self, opening: Opening<'_>) -> Result<Detector, CallError> {
        Detector::open(self, opening)
    }

    /// A new, empty sandbox under this plug-in's limits.
    pub(super) fn sandbox(&self, context: Context) -> Sandbox {
        Sandbox::new(
            &self.engine,
            Arc::from(self.id.name.as_str()),
            self.limits,
            context,
        )
    }

    pub(super) fn cannot(&self, call: &'static str, ability: &str) -> CallError {
        let detail = format!("it has no {ability}; it exports {}", self.abilities());
        CallError {
            plugin: self.id.name.clone(),
            call,
            kind: Kind::Refused(Refusal::Other),
            detail,
        }
    }
}
