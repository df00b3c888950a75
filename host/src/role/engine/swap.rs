//! Takes other components into use, between two batches: never while a batch is being handled, nor
//! in the middle of a training, which continues with the component that began it.
//!
//! A new component continues from the state of the old one when it can, else it begins again. One
//! that cannot replace the old one (it has other columns, or models of another shape) is refused,
//! and the old one stays.

use std::collections::BTreeMap;
use std::sync::Arc;

use fedhost_base::hint::explain;
use fedhost_domain::model::{PluginId, TensorSpec, Weights};
use fedhost_plugin::{CallError, Detector, Preprocessor};

use super::Engine;
use super::outcome::Stage;
use super::plugins::{Configured, Lineup, Plugins};
use super::sources::Sources;

/// What became of a new component.
pub(crate) enum Swapped {
    /// It is in use.
    Taken {
        /// The stage that it does.
        stage: Stage,
        /// The component that it replaces.
        old: PluginId,
        /// Its own id.
        new: PluginId,
        /// What it begins with.
        state: String,
    },
    /// It cannot replace the old one.
    Refused {
        /// Its own id.
        new: PluginId,
        /// Why not.
        reason: String,
    },
}

/// Rows on which a new component is tried before it replaces the old one.
const TRIAL_ROWS: usize = 2;

/// Why a component cannot take another one's place.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
enum Unfit {
    #[error("{0}")]
    Failed(#[from] CallError),
    #[error("its columns are {found}, and the model was made for {expected}")]
    #[diagnostic(help("begin a new federation with it"))]
    Columns { expected: String, found: String },
    #[error("its models are of another shape: {0}")]
    #[diagnostic(help("begin a new federation with it"))]
    Shape(String),
}

impl Engine {
    /// Takes the wanted components into use, one after the other, so that one of them can be
    /// refused.
    pub(crate) fn swap(&mut self, wanted: Lineup) -> Vec<Swapped> {
        swap(self, wanted)
    }
}

/// One component after the other, so that one of them can be refused.
fn swap(engine: &mut Engine, wanted: Lineup) -> Vec<Swapped> {
    let current = engine.plugins.lineup.clone();
    let mut outcomes = Vec::new();
    if let (Some(old), Some(new)) = (current.preprocess, wanted.preprocess)
        && !new.is(&old)
    {
        outcomes.push(outcome(
            Stage::Preprocess,
            &old,
            &new,
            swap_preprocessor(engine, &new),
        ));
    }
    if !wanted.model.is(&current.model) {
        outcomes.push(outcome(
            Stage::Score,
            &current.model,
            &wanted.model,
            swap_model(engine, &wanted.model),
        ));
    }
    outcomes
}

fn outcome(
    stage: Stage,
    old: &Configured,
    new: &Configured,
    swapped: Result<String, Unfit>,
) -> Swapped {
    let (old, new) = (old.plugin.id().clone(), new.plugin.id().clone());
    match swapped {
        Ok(state) => Swapped::Taken {
            stage,
            old,
            new,
            state,
        },
        Err(unfit) => Swapped::Refused {
            new,
            reason: explain(&unfit),
        },
    }
}

/// What the new component begins with.
fn swap_preprocessor(engine: &mut Engine, new: &Configured) -> Result<String, Unfit> {
    let mut plugins = Plugins::clone(&engine.plugins);
    plugins.lineup.preprocess = Some(new.clone());
    let columns = engine.columns.clone();
    let states = engine.sources.states();
    if states.is_empty() && !engine.features.is_empty() {
        // Only to see what its columns are.
        check_columns(engine, &plugins.open_preprocessor("swap", &columns, None)?)?;
    }
    let mut sources = Sources::default();
    let mut anew = BTreeMap::new();
    let carried = states.len();
    for (index, (source, state)) in states.into_iter().enumerate() {
        if index == 0 {
            try_preprocessor(&plugins, &source, &columns)?;
        }
        let (preprocessor, reason) = carry_over(&plugins, &source, &columns, state)?;
        check_columns(engine, &preprocessor)?;
        anew.extend(reason.map(|reason| (Arc::clone(&source), reason)));
        if let Some(failure) = sources.put(&source, preprocessor) {
            plugins.announce(&failure);
        }
    }
    engine.plugins = Arc::new(plugins);
    engine.sources = sources;
    Ok(describe_state(carried - anew.len(), &anew))
}

type State = Result<Weights, CallError>;

/// A preprocessor that continues from the state, or begins again for the reason given.
fn carry_over(
    plugins: &Plugins,
    source: &str,
    columns: &[String],
    state: State,
) -> Result<(Preprocessor, Option<CallError>), CallError> {
    match state.and_then(|state| plugins.open_preprocessor(source, columns, Some(&state))) {
        Ok(preprocessor) => Ok((preprocessor, None)),
        Err(reason) => Ok((
            plugins.open_preprocessor(source, columns, None)?,
            Some(reason),
        )),
    }
}

/// A component that fails on plain rows, or whose state cannot be saved, must not replace one that
/// works. The instance is dropped: what it learns here must not count.
fn try_preprocessor(plugins: &Plugins, source: &str, columns: &[String]) -> Result<(), CallError> {
    let mut preprocessor = plugins.open_preprocessor(source, columns, None)?;
    let rows = vec![0.0; TRIAL_ROWS * columns.len()];
    preprocessor.transform(&plugins.batch(columns.len(), rows, None)?)?;
    preprocessor.save().map(drop)
}

/// As [`try_preprocessor`].
fn try_detector(
    plugins: &Plugins,
    features: &[String],
    weights: &Weights,
) -> Result<(), CallError> {
    let mut detector = plugins.open_detector(features, weights)?;
    let rows = vec![0.0; TRIAL_ROWS * features.len()];
    detector.score(&plugins.batch(features.len(), rows, None)?)?;
    detector.save().map(drop)
}

fn check_columns(engine: &Engine, preprocessor: &Preprocessor) -> Result<(), Unfit> {
    let (expected, found) = (&engine.features, preprocessor.output_columns());
    if expected.is_empty() || expected == found {
        return Ok(());
    }
    Err(Unfit::Columns {
        expected: expected.join(", "),
        found: found.join(", "),
    })
}

fn describe_state(carried: usize, anew: &BTreeMap<Arc<str>, CallError>) -> String {
    let mut words = match (carried, anew.len()) {
        (0, 0) => "there was no state yet".to_owned(),
        (carried, 0) => format!("it goes on from the state of {carried} sources"),
        (0, anew) => format!("it begins anew for all {anew} sources"),
        (carried, anew) => {
            format!("it goes on from the state of {carried} sources, and begins anew for {anew}")
        }
    };
    if let Some((source, reason)) = anew.first_key_value() {
        words.push_str(&format!("; {source}: {reason}"));
    }
    words
}

/// What the new component begins with.
fn swap_model(engine: &mut Engine, new: &Configured) -> Result<String, Unfit> {
    let mut plugins = Plugins::clone(&engine.plugins);
    plugins.lineup.model = new.clone();
    let (detector, state) = if engine.features.is_empty() {
        (None, "there was no state yet".to_owned())
    } else {
        check_shape(engine, &plugins)?;
        new_detector(engine, &plugins)?
    };
    engine.plugins = Arc::new(plugins);
    engine.scorer.detector = detector;
    Ok(state)
}

/// Weights of another shape are not fed to it, and it makes none that others would have to refuse.
fn check_shape(engine: &Engine, plugins: &Plugins) -> Result<(), Unfit> {
    let initial = plugins.initial_model(&engine.features)?;
    if let Some(expected) = expected_tensors(engine) {
        initial
            .expect_tensors(&expected)
            .map_err(|mismatch| Unfit::Shape(mismatch.to_string()))?;
    }
    if let Some(model) = model(engine) {
        plugins.open_trainer(&engine.features, Some(model), plugins.seed)?;
    }
    Ok(())
}

/// Those of the global model; before the first, those of the old component's initial model, if it
/// works at all.
fn expected_tensors(engine: &Engine) -> Option<Vec<TensorSpec>> {
    if let Some(model) = model(engine) {
        return Some(model.tensors().to_vec());
    }
    let initial = engine.plugins.initial_model(&engine.features).ok()?;
    Some(initial.tensors().to_vec())
}

fn model(engine: &Engine) -> Option<&Weights> {
    engine
        .scorer
        .model
        .as_ref()
        .map(|(_, weights)| weights.as_ref())
}

/// A detector with the global model, or with all that the old one has learnt since.
fn new_detector(
    engine: &mut Engine,
    plugins: &Plugins,
) -> Result<(Option<Detector>, String), Unfit> {
    let Some((round, weights)) = engine.scorer.model.clone() else {
        return Ok((None, "there is no global model yet".to_owned()));
    };
    let features = &engine.features;
    try_detector(plugins, features, &weights)?;
    let mut detector = plugins.open_detector(features, &weights)?;
    let Some(old) = &mut engine.scorer.detector else {
        return Ok((
            Some(detector),
            format!("it begins with the global model of round {round}"),
        ));
    };
    match old.save().and_then(|state| detector.load(&state)) {
        Ok(()) => Ok((
            Some(detector),
            "it goes on from the state of the old one".to_owned(),
        )),
        Err(reason) => {
            let words = format!("it begins anew with the global model of round {round}: {reason}");
            Ok((Some(plugins.open_detector(features, &weights)?), words))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fedhost_plugin::Kind;

    #[test]
    fn what_a_component_continues_from_is_described() {
        let reason = CallError {
            plugin: "scaler".into(),
            call: "preprocessor.restore",
            kind: Kind::Trap,
            detail: "unreachable".into(),
        };
        let one: BTreeMap<Arc<str>, CallError> = [("pump".into(), reason)].into();
        let cases = [
            (
                describe_state(0, &BTreeMap::new()),
                "there was no state yet",
            ),
            (
                describe_state(2, &BTreeMap::new()),
                "it goes on from the state of 2 sources",
            ),
            (
                describe_state(0, &one),
                "it begins anew for all 1 sources; pump: plug-in scaler failed in preprocessor.restore",
            ),
            (
                describe_state(2, &one),
                "it goes on from the state of 2 sources, and begins anew for 1; pump: ",
            ),
        ];
        for (words, expected) in cases {
            assert!(words.starts_with(expected), "{words}");
        }
    }
}
