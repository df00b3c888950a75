//! The engine that runs rows through plug-ins: an optional preprocessor of each source, and a
//! detector with the newest model.
//!
//! Rows come in as one row-major matrix with the ids that the caller gave them; prepared rows,
//! scores and failures go out with the same ids. The engine opens instances, tries failed calls
//! again, pauses where a circuit breaker is open, and takes other components into use between two
//! batches. It must not know topics, records or rounds of a federation.
//!
//! Calls guests, so it runs on a guest thread. As long as no call fails, an outcome depends on the
//! rows alone, never on where batches are cut. After a failed call an instance is opened again, and
//! the same rows are tried again.

mod outcome;
pub mod plugins;
mod retry;
mod rows;
mod scorer;
mod sources;
mod swap;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;

use fedhost_base::hint::with_hint;
use fedhost_domain::model::{PluginId, Weights};

pub(crate) use outcome::{FailedRows, Outcome, Scores, Stage};
pub(crate) use retry::{RetryPolicy, Stopped};
pub(crate) use rows::Rows;
pub(crate) use swap::Swapped;
pub(crate) use work::Work;

use fedhost_plugin::{Batch, CallError, Kind, Preprocessor};
use plugins::Plugins;
use retry::GaveUp;
use scorer::Scorer;
use sources::Sources;

/// Open plug-ins, and what they have learnt.
pub(crate) struct Engine {
    plugins: Arc<Plugins>,
    /// Names of a row's values; empty before the first row.
    columns: Vec<String>,
    /// Names of a prepared row's values; empty before the first row is prepared.
    features: Vec<String>,
    sources: Sources,
    scorer: Scorer,
}

/// What an engine continues from after a restart.
pub(crate) struct Saved {
    /// Names of a row's values.
    pub(crate) columns: Vec<String>,
    /// Names of a prepared row's values.
    pub(crate) features: Vec<String>,
    /// The component whose states those of the sources are.
    pub(crate) preprocessor: Option<PluginId>,
    /// By source.
    pub(crate) sources: BTreeMap<String, Weights>,
}

/// How far a batch has come.
pub(crate) enum Progress {
    /// To its end.
    Done,
    /// To where a plug-in is needed whose circuit breaker is open.
    Paused,
}

/// Why a batch does not continue.
enum Halt {
    Stopped,
    Paused,
}

impl Engine {
    /// An engine that has seen no row.
    pub(crate) fn new(plugins: Arc<Plugins>) -> Self {
        Self {
            plugins,
            columns: Vec::new(),
            features: Vec::new(),
            sources: Sources::default(),
            scorer: Scorer::default(),
        }
    }

    /// The components in use.
    pub(crate) fn plugins(&self) -> &Arc<Plugins> {
        &self.plugins
    }

    /// Names of a prepared row's values; empty before the first row is prepared.
    pub(crate) fn features(&self) -> &[String] {
        &self.features
    }

    /// The newest model and its version.
    pub(crate) fn model(&self) -> Option<&(u64, Arc<Weights>)> {
        self.scorer.model.as_ref()
    }

    /// From now on rows are scored with this model.
    pub(crate) fn set_model(&mut self, version: u64, weights: Arc<Weights>) {
        self.scorer = Scorer {
            model: Some((version, weights)),
            detector: None,
        };
    }

    /// Names of a row's values; the first call fixes them.
    pub(crate) fn set_columns(&mut self, columns: &[String]) {
        if self.columns.is_empty() {
            self.columns = columns.to_vec();
        }
    }

    /// Continues with a batch, at first or after a pause.
    ///
    /// # Errors
    /// The role is to stop. A part of the batch was taken already, so the engine must be dropped.
    pub(crate) fn run(
        &mut self,
        work: &mut Work,
        retry: &RetryPolicy,
    ) -> Result<Progress, Stopped> {
        let mut result = Ok(());
        if work.stage == Stage::Preprocess {
            result = self.preprocess(work, retry);
            if result.is_ok() {
                self.close_ended(work);
                work.stage = Stage::Score;
            }
        }
        match result.and_then(|()| self.score(work, retry)) {
            Ok(()) => Ok(Progress::Done),
            Err(Halt::Paused) => Ok(Progress::Paused),
            Err(Halt::Stopped) => Err(Stopped),
        }
    }

    /// One call a source; rows that could not be preprocessed are left out.
    fn preprocess(&mut self, work: &mut Work, retry: &RetryPolicy) -> Result<(), Halt> {
        for index in 0..work.sources.len() {
            let Some((source, values)) = work.source_to_preprocess(index) else {
                continue;
            };
            let batch = self.plugins.batch(self.columns.len(), values, None);
            let transform = || self.transform(&source, batch.as_ref().map_err(Clone::clone)?);
            let called = retry.call(&mut work.attempts, &mut work.outcome.failures, transform);
            match called {
                Ok(Some(features)) => work.put_prepared(index, features),
                Ok(None) => {
                    // Without a preprocessor the rows are prepared as they are.
                    let Ok(batch) = batch else { continue };
                    work.put_prepared(index, batch);
                }
                Err(GaveUp::Stopped) => return Err(Halt::Stopped),
                Err(GaveUp::Paused) => {
                    if let Ok(batch) = batch {
                        work.put_back(batch);
                    }
                    return Err(Halt::Paused);
                }
                Err(GaveUp::Failed(failed)) => {
                    let component = self.plugins.preprocessor_id().cloned();
                    work.fail_source(index, component, failed);
                }
            }
        }
        work.finish_preprocessing();
        Ok(())
    }

    /// A source that ends has had its last row in this batch or before.
    fn close_ended(&mut self, work: &mut Work) {
        for source in work.ended_sources.drain(..) {
            self.sources.remove(&source);
        }
    }

    /// `None` if there is no preprocessor. An instance that fails is dropped; the next try opens
    /// another.
    fn transform(&mut self, source: &Arc<str>, batch: &Batch) -> Result<Option<Batch>, CallError> {
        if self.plugins.lineup.preprocess.is_none() {
            if self.features.is_empty() {
                self.features.clone_from(&self.columns);
            }
            return Ok(None);
        }
        let mut preprocessor = match self.sources.take(source) {
            Some(preprocessor) => preprocessor,
            None => self.open_source(source)?,
        };
        let features = preprocessor.transform(batch)?;
        self.check_width(&features)?;
        if let Some(failure) = self.sources.put(source, preprocessor) {
            self.plugins.announce(&failure);
        }
        Ok(Some(features))
    }

    /// All sources have the same columns and parameters, so the features of the first one are those
    /// of all.
    fn open_source(&mut self, source: &str) -> Result<Preprocessor, CallError> {
        let checkpoint = self.sources.checkpoint(source);
        if checkpoint.is_none() {
            self.sources.check_room(&self.plugins, source)?;
        }
        let preprocessor = self
            .plugins
            .open_preprocessor(source, &self.columns, checkpoint)?;
        if self.features.is_empty() {
            self.features = preprocessor.output_columns().to_vec();
        }
        Ok(preprocessor)
    }

    /// A component that replaced another one while the role was down may have other columns.
    fn check_width(&self, features: &Batch) -> Result<(), CallError> {
        let (expected, found) = (self.features.len(), features.columns());
        if found == expected {
            return Ok(());
        }
        let plugin = self
            .plugins
            .preprocessor_id()
            .map(|id| id.name.clone())
            .unwrap_or_default();
        let detail = with_hint(
            format_args!(
                "it returned rows of {found} columns, and this node has learnt from rows of {expected}"
            ),
            Some("begin a new federation with it, in another bus.directory or with other topics"),
        );
        Err(CallError {
            plugin,
            call: "preprocessor.transform",
            kind: Kind::InvalidOutput,
            detail,
        })
    }

    /// Rows that cannot be scored stay prepared: what is learnt does not depend on scores.
    fn score(&mut self, work: &mut Work, retry: &RetryPolicy) -> Result<(), Halt> {
        if work.outcome.prepared.ids.is_empty() {
            return Ok(());
        }
        let Self {
            plugins,
            features,
            scorer,
            ..
        } = self;
        let values = std::mem::take(&mut work.outcome.prepared.values);
        let batch = plugins.batch(features.len(), values, None);
        let score = || scorer.score(plugins, features, batch.as_ref().map_err(Clone::clone)?);
        let called = retry.call(&mut work.attempts, &mut work.outcome.failures, score);
        if let Ok(batch) = batch {
            work.outcome.prepared.values = batch.into_parts().0;
        }
        match called {
            Ok(scores) => work.outcome.scores = scores,
            Err(GaveUp::Stopped) => return Err(Halt::Stopped),
            Err(GaveUp::Paused) => return Err(Halt::Paused),
            Err(GaveUp::Failed(failed)) => {
                work.fail_scoring(plugins.model_id().clone(), failed);
            }
        }
        Ok(())
    }

    /// States of all preprocessors. They are also what an instance begins again from after a failed
    /// call.
    ///
    /// # Errors
    /// A component failed.
    pub(crate) fn save(&mut self) -> Result<Saved, CallError> {
        let sources = self.sources.save()?;
        Ok(Saved {
            columns: self.columns.clone(),
            features: self.features.clone(),
            preprocessor: self.plugins.preprocessor_id().cloned(),
            sources,
        })
    }

    /// Puts a fresh engine where the state was saved. Returns for which sources another component
    /// than that of the state begins again, because it cannot continue from what is stored.
    ///
    /// # Errors
    /// The component that saved a state does not take it back.
    pub(crate) fn restore(&mut self, saved: Saved) -> Result<Vec<String>, CallError> {
        let is_other = saved.preprocessor.is_some()
            && saved.preprocessor.as_ref() != self.plugins.preprocessor_id();
        let mut again = Vec::new();
        for (source, state) in saved.sources {
            let opened = self
                .plugins
                .open_preprocessor(&source, &saved.columns, Some(&state));
            match opened {
                Ok(preprocessor) => {
                    let failure = self.sources.restore(source.into(), preprocessor, state);
                    if let Some(failure) = failure {
                        self.plugins.announce(&failure);
                    }
                }
                Err(reason) if is_other => again.push(format!("{source}: {reason}")),
                Err(reason) => return Err(reason),
            }
        }
        self.columns = saved.columns;
        self.features = saved.features;
        Ok(again)
    }
}
