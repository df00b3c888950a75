//! The newest model, and a detector that has it loaded.

use std::sync::Arc;

use fedhost_domain::model::Weights;
use fedhost_plugin::{Batch, CallError, Detector};

use super::outcome::Scores;
use super::plugins::Plugins;

#[derive(Default)]
pub(super) struct Scorer {
    pub(super) model: Option<(u64, Arc<Weights>)>,
    pub(super) detector: Option<Detector>,
}

impl Scorer {
    /// A detector that fails is dropped; the next try opens another.
    pub(super) fn score(
        &mut self,
        plugins: &Plugins,
        features: &[String],
        batch: &Batch,
    ) -> Result<Scores, CallError> {
        let Some((version, weights)) = &self.model else {
            return Ok(Scores::NoModel);
        };
        let mut detector = match self.detector.take() {
            Some(detector) => detector,
            None => plugins.open_detector(features, weights)?,
        };
        let scores = detector.score(batch)?;
        self.detector = Some(detector);
        Ok(Scores::Scored {
            version: *version,
            scores,
        })
    }
}
