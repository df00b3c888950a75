//! Takes other components into use, between two batches: never while a batch is being handled, nor
//! in the middle of a training, which goes on with the component that began it.
//!
//! A new component goes on from the state of the old one when it says that it can, else it begins
//! anew. One that cannot take the old one's place (it has other columns, or models of another
//! shape) is refused, and the old one stays.

use fedhost_base::hint::explain;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use fedhost_domain::event::Event;
use fedhost_domain::model::{PluginId, TensorSpec, Weights};

use super::batches::Held;
use super::pipeline::Pipeline;
use super::plugins::{Configured, Lineup, Plugins};
use super::{Node, offsets_of};
use crate::role::Error;
use fedhost_bus::Write;
use fedhost_plugin::{CallError, Detector, Preprocessor};

const PREPROCESS: &str = "preprocess";
const MODEL: &str = "model";

/// What became of a new component.
enum Outcome {
    Taken {
        part: &'static str,
        old: PluginId,
        new: PluginId,
        state: String,
    },
    Refused {
        new: PluginId,
        reason: String,
    },
}

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

impl Node {
    /// Takes the components into use that are wanted now, and stores where each began.
    pub(super) async fn take_lineup(&mut self) -> Result<(), Error> {
        let wanted = self.service.lineup.borrow_and_update().clone();
        let Some(pipeline) = &self.pipeline else {
            return Ok(());
        };
        let before = Arc::clone(&pipeline.plugins);
        let (plugins, outcomes) = self
            .on_guest_thread(move |pipeline| {
                let outcomes = swap(pipeline, wanted);
                (Arc::clone(&pipeline.plugins), outcomes)
            })
            .await?;
        let is_swapped = !Arc::ptr_eq(&before, &plugins);
        self.service.plugins = plugins;
        for outcome in outcomes {
            self.tell_of(outcome);
        }
        // A batch that has waited for the old component need not wait any longer.
        self.go_on().await?;
        if !is_swapped || self.held.is_some() || self.pipeline.is_none() {
            return Ok(());
        }
        // Earlier rows were handled by the old component: after a restart they must not be handled
        // by the new one.
        let mut write = Write {
            offsets: self.models.progress(),
            ..Write::default()
        };
        self.add_snapshot(&mut write).await?;
        self.service.context.write(&self.role, write).await
    }

    fn tell_of(&self, outcome: Outcome) {
        self.service.context.announcer.announce(match outcome {
            Outcome::Taken {
                part,
                old,
                new,
                state,
            } => Event::PluginSwapped {
                node: self.service.id(),
                part: part.to_owned(),
                old,
                new,
                topic: self.service.readings.to_string(),
                first_offsets: self.first_offsets(part),
                state,
            },
            Outcome::Refused { new, reason } => Event::PluginFailed {
                plugin: new.name.clone(),
                call: "swap".to_owned(),
                kind: "refused".to_owned(),
                detail: format!(
                    "{} does not take {new} into use: {reason}",
                    self.service.id()
                ),
            },
        });
    }

    /// By partition, what comes next; a batch that waits comes before what is read next.
    fn first_offsets(&self, part: &str) -> BTreeMap<u32, u64> {
        let mut offsets = offsets_of(self.readings.as_ref());
        let Some(Held { records, work }) = &self.held else {
            return offsets;
        };
        let waiting: Vec<usize> = if part == PREPROCESS {
            work.to_preprocess().collect()
        } else {
            work.to_score().collect()
        };
        for position in waiting
            .into_iter()
            .filter_map(|index| records.get(index))
            .map(|record| &record.position)
        {
            offsets
                .entry(position.partition)
                .and_modify(|next| *next = position.offset.min(*next));
        }
        offsets
    }
}

/// One component after the other, so that one of them can be refused.
fn swap(pipeline: &mut Pipeline, wanted: Lineup) -> Vec<Outcome> {
    let current = pipeline.plugins.lineup.clone();
    let mut outcomes = Vec::new();
    if let (Some(old), Some(new)) = (current.preprocess, wanted.preprocess)
        && !new.is(&old)
    {
        outcomes.push(outcome(
            PREPROCESS,
            &old,
            &new,
            swap_preprocessor(pipeline, &new),
        ));
    }
    if !wanted.model.is(&current.model) {
        outcomes.push(outcome(
            MODEL,
            &current.model,
            &wanted.model,
            swap_model(pipeline, &wanted.model),
        ));
    }
    outcomes
}

fn outcome(
    part: &'static str,
    old: &Configured,
    new: &Configured,
    swapped: Result<String, Unfit>,
) -> Outcome {
    let (old, new) = (old.plugin.id().clone(), new.plugin.id().clone());
    match swapped {
        Ok(state) => Outcome::Taken {
            part,
            old,
            new,
            state,
        },
        Err(unfit) => Outcome::Refused {
            new,
            reason: explain(&unfit),
        },
    }
}

/// What the new component begins with, in words.
fn swap_preprocessor(pipeline: &mut Pipeline, new: &Configured) -> Result<String, Unfit> {
    let mut plugins = Plugins::clone(&pipeline.plugins);
    plugins.lineup.preprocess = Some(new.clone());
    let columns = pipeline.decoder.columns().to_vec();
    let mut states = states(pipeline);
    if states.is_empty() && !pipeline.features.is_empty() {
        // Only to see what its columns are.
        check_columns(
            pipeline,
            &plugins.open_preprocessor("swap", &columns, None)?,
        )?;
    }
    let mut sources = HashMap::new();
    let mut anew = BTreeMap::new();
    for (source, state) in states.drain(..) {
        let (preprocessor, reason) = carry_over(&plugins, &source, &columns, state)?;
        check_columns(pipeline, &preprocessor)?;
        anew.extend(reason.map(|reason| (source.clone(), reason)));
        sources.insert(source, preprocessor);
    }
    let carried = sources.len() - anew.len();
    pipeline.plugins = Arc::new(plugins);
    pipeline.sources = sources;
    pipeline.checkpoints.clear();
    Ok(in_words(carried, &anew))
}

type State = Result<Weights, CallError>;

/// What each source's preprocessor has learnt, or why it does not tell.
fn states(pipeline: &mut Pipeline) -> Vec<(String, State)> {
    let live: Vec<(String, State)> = pipeline
        .sources
        .iter_mut()
        .map(|(source, preprocessor)| (source.clone(), preprocessor.save()))
        .collect();
    // A preprocessor that has failed would have begun again from its checkpoint.
    let resting = pipeline
        .checkpoints
        .iter()
        .filter(|(source, _)| !pipeline.sources.contains_key(*source));
    let resting: Vec<_> = resting
        .map(|(source, state)| (source.clone(), Ok(state.clone())))
        .collect();
    live.into_iter().chain(resting).collect()
}

/// A preprocessor that goes on from the state, or begins anew for the reason given.
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

fn check_columns(pipeline: &Pipeline, preprocessor: &Preprocessor) -> Result<(), Unfit> {
    let (expected, found) = (&pipeline.features, preprocessor.output_columns());
    if expected.is_empty() || expected == found {
        return Ok(());
    }
    Err(Unfit::Columns {
        expected: expected.join(", "),
        found: found.join(", "),
    })
}

fn in_words(carried: usize, anew: &BTreeMap<String, CallError>) -> String {
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

/// What the new component begins with, in words.
fn swap_model(pipeline: &mut Pipeline, new: &Configured) -> Result<String, Unfit> {
    let mut plugins = Plugins::clone(&pipeline.plugins);
    plugins.lineup.model = new.clone();
    let (detector, state) = if pipeline.features.is_empty() {
        (None, "there was no state yet".to_owned())
    } else {
        check_shape(pipeline, &plugins)?;
        new_detector(pipeline, &plugins)?
    };
    pipeline.plugins = Arc::new(plugins);
    pipeline.scorer.detector = detector;
    Ok(state)
}

/// Weights of another shape are not fed to it, and it makes none that others would have to refuse.
fn check_shape(pipeline: &Pipeline, plugins: &Plugins) -> Result<(), Unfit> {
    let initial = plugins.initial_model(&pipeline.features)?;
    if let Some(expected) = expected_tensors(pipeline) {
        initial
            .expect_tensors(&expected)
            .map_err(|mismatch| Unfit::Shape(mismatch.to_string()))?;
    }
    if let Some(global) = global(pipeline) {
        plugins.open_trainer(&pipeline.features, Some(global), plugins.seed)?;
    }
    Ok(())
}

/// Those of the global model; before the first, those of the old component's initial model, if it
/// works at all.
fn expected_tensors(pipeline: &Pipeline) -> Option<Vec<TensorSpec>> {
    if let Some(global) = global(pipeline) {
        return Some(global.tensors().to_vec());
    }
    let initial = pipeline.plugins.initial_model(&pipeline.features).ok()?;
    Some(initial.tensors().to_vec())
}

fn global(pipeline: &Pipeline) -> Option<&Weights> {
    pipeline
        .scorer
        .global
        .as_ref()
        .map(|(_, weights)| weights.as_ref())
}

/// A detector with the global model, or with all that the old one has learnt since.
fn new_detector(
    pipeline: &mut Pipeline,
    plugins: &Plugins,
) -> Result<(Option<Detector>, String), Unfit> {
    let Some((round, weights)) = pipeline.scorer.global.clone() else {
        return Ok((None, "there is no global model yet".to_owned()));
    };
    let features = &pipeline.features;
    let mut detector = plugins.open_detector(features, &weights)?;
    let Some(old) = &mut pipeline.scorer.detector else {
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
    fn what_a_component_goes_on_from_is_said_in_words() {
        let reason = CallError {
            plugin: "scaler".into(),
            call: "preprocessor.restore",
            kind: Kind::Trap,
            detail: "unreachable".into(),
        };
        let one: BTreeMap<String, CallError> = [("pump".to_owned(), reason)].into();
        let cases = [
            (in_words(0, &BTreeMap::new()), "there was no state yet"),
            (
                in_words(2, &BTreeMap::new()),
                "it goes on from the state of 2 sources",
            ),
            (
                in_words(0, &one),
                "it begins anew for all 1 sources; pump: plug-in scaler failed in preprocessor.restore",
            ),
            (
                in_words(2, &one),
                "it goes on from the state of 2 sources, and begins anew for 1; pump: ",
            ),
        ];
        for (words, expected) in cases {
            assert!(words.starts_with(expected), "{words}");
        }
    }
}
