//! An open detector: scores one stream of rows.

use fedhost_domain::model::Weights;

use super::batch::Batch;
use super::bindings::detection;
use super::component::{Opening, Plugin};
use super::crossing::{lend, take};
use super::failure::CallError;
use super::guest::Guest;
use super::sandbox::Usage;

/// One instance. Calls block: make them through [`super::worker::run`].
pub struct Detector {
    guest: Guest<detection::Guest>,
}

impl Detector {
    pub(super) fn open(plugin: &Plugin, opening: Opening<'_>) -> Result<Self, CallError> {
        const CALL: &str = "detector.open";
        let indices = plugin
            .exports
            .detection
            .as_ref()
            .ok_or_else(|| plugin.cannot(CALL, "detection"))?;
        let seed = opening.seed;
        let guest = Guest::open(
            plugin,
            opening,
            CALL,
            |store, instance| indices.load(store, instance),
            |exports, store, columns, parameters| {
                exports
                    .detector()
                    .call_open(store, columns, parameters, seed)
            },
        )?;
        Ok(Self { guest })
    }

    /// Takes the global model, or the detector's own saved state.
    ///
    /// # Errors
    /// When the plug-in declines or fails.
    pub fn load(&mut self, model: &Weights) -> Result<(), CallError> {
        self.guest.call(
            "detector.load",
            |exports, store, session| {
                lend(model, |model| {
                    exports.detector().call_load(store, session, model)
                })
            },
            Ok,
        )
    }

    /// Its state, with everything it has learnt from rows it has scored.
    ///
    /// # Errors
    /// When the plug-in declines, fails, or returns numbers that are not finite.
    pub fn save(&mut self) -> Result<Weights, CallError> {
        const CALL: &str = "detector.save";
        self.guest.call(
            CALL,
            |exports, store, session| exports.detector().call_save(store, session),
            take,
        )
    }

    /// One finite score a row, higher is more anomalous.
    ///
    /// # Errors
    /// When the plug-in declines, fails, or returns too many or too few scores, or one that is not
    /// finite.
    pub fn score(&mut self, input: &Batch) -> Result<Vec<f32>, CallError> {
        const CALL: &str = "detector.score";
        self.guest.check_columns(CALL, input)?;
        self.guest.call(
            CALL,
            |exports, store, session| {
                exports
                    .detector()
                    .call_score(store, session, input.as_param())
            },
            |scores| one_a_row(scores, input.rows()),
        )
    }

    /// What it has used so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.guest.usage()
    }

    /// Whether a call has ended it; a new one has to be opened.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.guest.is_dead()
    }
}

fn one_a_row(scores: Vec<f32>, rows: usize) -> Result<Vec<f32>, String> {
    if scores.len() != rows {
        return Err(format!(
            "it returned {} scores for {rows} rows",
            scores.len()
        ));
    }
    match scores
        .iter()
        .enumerate()
        .find(|(_, score)| !score.is_finite())
    {
        None => Ok(scores),
        Some((row, score)) => Err(format!("its score of row {row} is {score}")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn scores_that_pass_are_one_finite_number_a_row(bits in proptest::collection::vec(any::<u32>(), 0..9), rows in 0_usize..9) {
            let scores: Vec<f32> = bits.into_iter().map(f32::from_bits).collect();
            let good = scores.len() == rows && scores.iter().all(|score| score.is_finite());
            prop_assert_eq!(one_a_row(scores, rows).is_ok(), good);
        }
    }
}
