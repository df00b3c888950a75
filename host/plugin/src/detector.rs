//! An open detector, which scores one stream of rows.

use fedhost_domain::model::Weights;

use super::batch::Batch;
use super::bindings::detection;
use super::component::{Opening, Plugin};
use super::conversion::{lend, take};
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
            .ok_or_else(|| plugin.lacks(CALL, "detection"))?;
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

    /// Loads the global model, or a saved state of the detector.
    ///
    /// # Errors
    /// The plug-in declines or fails.
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

    /// Returns its state, including what it has learnt from scored rows.
    ///
    /// # Errors
    /// The plug-in declines, fails, or returns numbers that are not finite.
    pub fn save(&mut self) -> Result<Weights, CallError> {
        const CALL: &str = "detector.save";
        self.guest.call(
            CALL,
            |exports, store, session| exports.detector().call_save(store, session),
            take,
        )
    }

    /// Returns one finite score a row; a higher score is more anomalous.
    ///
    /// # Errors
    /// The plug-in declines, fails, or returns a wrong number of scores or one that is not finite.
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
            |scores| check_scores(scores, input.rows()),
        )
    }

    /// Returns what it has used so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.guest.usage()
    }

    /// Whether a failed call has ended it, so that a new one has to be opened.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.guest.is_dead()
    }
}

fn check_scores(scores: Vec<f32>, rows: usize) -> Result<Vec<f32>, String> {
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
        fn accepted_scores_are_one_finite_number_a_row(bits in proptest::collection::vec(any::<u32>(), 0..9), rows in 0_usize..9) {
            let scores: Vec<f32> = bits.into_iter().map(f32::from_bits).collect();
            let good = scores.len() == rows && scores.iter().all(|score| score.is_finite());
            prop_assert_eq!(check_scores(scores, rows).is_ok(), good);
        }
    }
}
