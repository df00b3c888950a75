//! A node's plug-ins with their parameters: opens instances of them.

use std::sync::Arc;
use std::time::Duration;

use fedhost_domain::model::{NodeId, PluginId, Weights};
use tokio_util::sync::CancellationToken;

use fedhost_base::announce::Announcer;
use fedhost_plugin::{
    Batch, CallError, Context, Detector, Kind, Opening, Parameter, Plugin, Preprocessor, Refusal,
    Trainer,
};

/// A component and the parameters that the manifest gives it.
#[derive(Clone)]
pub struct Configured {
    /// The component.
    pub plugin: Arc<Plugin>,
    /// Checked against its description.
    pub parameters: Vec<Parameter>,
}

impl Configured {
    /// Whether it is the same component; other parameters come only with another run.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.plugin.id() == other.plugin.id()
    }
}

/// The components in use.
#[derive(Clone)]
pub struct Lineup {
    /// Applied to each source's rows; without it models see the columns as they are.
    pub preprocess: Option<Configured>,
    /// Trains and scores.
    pub model: Configured,
}

/// What a fog node's rows go through.
#[derive(Clone)]
pub struct Plugins {
    /// Whose instances these are.
    pub node: NodeId,
    /// The components.
    pub lineup: Lineup,
    /// Of the manifest; each training has its own, derived from it.
    pub seed: u64,
    /// Most rows in one call.
    pub batch_rows: usize,
    /// Where events go.
    pub announcer: Announcer,
    /// Asks guests to return early.
    pub cancel: CancellationToken,
}

impl Plugins {
    /// The model's component.
    #[must_use]
    pub fn model_id(&self) -> &PluginId {
        self.lineup.model.plugin.id()
    }

    /// The preprocessor's component, if there is one.
    #[must_use]
    pub fn preprocessor_id(&self) -> Option<&PluginId> {
        self.lineup
            .preprocess
            .as_ref()
            .map(|configured| configured.plugin.id())
    }

    /// How much longer rows cannot be taken, because a plug-in that they need has an open circuit breaker.
    /// Training has no part in it.
    #[must_use]
    pub fn rest(&self) -> Option<Duration> {
        let Lineup { preprocess, model } = &self.lineup;
        let preprocess = preprocess
            .as_ref()
            .and_then(|configured| configured.plugin.preprocessor_quarantine());
        preprocess.max(model.plugin.detector_quarantine())
    }

    /// Reports a failed call; an open circuit breaker was reported when it opened.
    pub fn announce(&self, failure: &CallError) {
        if failure.kind != Kind::Quarantined {
            self.announcer.announce(failure.event());
        }
    }

    fn context(&self, source: Option<&str>) -> Context {
        let instance = source.map_or_else(
            || self.node.to_string(),
            |source| format!("{}/{source}", self.node),
        );
        Context::new(instance, self.announcer.sink()).cancelled_by(self.cancel.clone())
    }

    /// Rows for a call.
    ///
    /// # Errors
    /// The values do not fill the rows.
    pub fn batch(
        &self,
        columns: usize,
        values: Vec<f32>,
        labels: Option<Vec<f32>>,
    ) -> Result<Batch, CallError> {
        let rows = values.len() / columns.max(1);
        Batch::new(rows, columns, values, labels).map_err(|error| CallError {
            plugin: self.model_id().name.clone(),
            call: "batch",
            kind: Kind::Refused(Refusal::InvalidInput),
            detail: error.to_string(),
        })
    }

    /// A preprocessor for one source, from its start or from where it was saved.
    ///
    /// # Errors
    /// The component failed.
    pub fn open_preprocessor(
        &self,
        source: &str,
        columns: &[String],
        state: Option<&Weights>,
    ) -> Result<Preprocessor, CallError> {
        let Some(configured) = &self.lineup.preprocess else {
            return Err(CallError {
                plugin: source.to_owned(),
                call: "open",
                kind: Kind::Dead,
                detail: "the manifest has no preprocessor".to_owned(),
            });
        };
        let opening = Opening {
            columns,
            parameters: &configured.parameters,
            seed: 0,
            context: self.context(Some(source)),
        };
        let mut preprocessor = configured.plugin.open_preprocessor(opening)?;
        if let Some(state) = state {
            preprocessor.restore(state)?;
        }
        Ok(preprocessor)
    }

    fn model_opening<'a>(&'a self, columns: &'a [String], seed: u64) -> Opening<'a> {
        Opening {
            columns,
            parameters: &self.lineup.model.parameters,
            seed,
            context: self.context(None),
        }
    }

    /// A detector with a global model.
    ///
    /// # Errors
    /// The component failed.
    pub fn open_detector(
        &self,
        features: &[String],
        weights: &Weights,
    ) -> Result<Detector, CallError> {
        let mut detector = self
            .lineup
            .model
            .plugin
            .open_detector(self.model_opening(features, self.seed))?;
        detector.load(weights)?;
        Ok(detector)
    }

    /// The model that all nodes start from.
    ///
    /// # Errors
    /// The component failed.
    pub fn initial_model(&self, features: &[String]) -> Result<Weights, CallError> {
        self.new_trainer(features, self.seed)?.save()
    }

    /// A trainer with a global model, or with the initial one, which is the same for all nodes.
    ///
    /// # Errors
    /// The component failed.
    pub fn open_trainer(
        &self,
        features: &[String],
        base: Option<&Weights>,
        seed: u64,
    ) -> Result<Trainer, CallError> {
        let initial = match base {
            Some(_) => None,
            None => Some(self.initial_model(features)?),
        };
        let mut trainer = self.new_trainer(features, seed)?;
        if let Some(start) = base.or(initial.as_ref()) {
            trainer.load(start)?;
        }
        Ok(trainer)
    }

    fn new_trainer(&self, features: &[String], seed: u64) -> Result<Trainer, CallError> {
        self.lineup
            .model
            .plugin
            .open_trainer(self.model_opening(features, seed))
    }
}
