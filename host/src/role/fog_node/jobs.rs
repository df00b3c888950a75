//! What a node does with a global model: scores its held-out rows with it, and trains it further.
//! Both call guests for long, so they run on guest threads beside the stream of readings.

use std::sync::Arc;

use fedhost_domain::event::FederationEvent;
use fedhost_domain::fog::schedule::TrainingJob;
use fedhost_domain::fog::window::LabelledRows;
use fedhost_domain::metrics::ScoreSketch;
use fedhost_domain::model::{Metric, NodeId, PluginId, Sha256Hex, Weights};

use crate::role::engine::plugins::Plugins;
use fedhost_base::clock::Stopwatch;
use fedhost_base::hint::explain;
use fedhost_plugin::{CallError, Kind, Report};

/// A local model, and the component that trained it: another may be in use by now.
pub(super) struct Trained {
    pub(super) plugin: PluginId,
    pub(super) training: TrainingJob,
    pub(super) weights: Weights,
    pub(super) samples: u64,
    pub(super) loss: f64,
    pub(super) metrics: Vec<Metric>,
    pub(super) train_ms: f64,
}

impl Trained {
    /// As it is announced.
    pub(super) fn event(&self, node: NodeId) -> FederationEvent {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive number of milliseconds"
        )]
        let train_ms = self.train_ms.round() as u64;
        FederationEvent::NodeTrained {
            node,
            round: self.training.base_round + 1,
            samples: self.samples,
            loss: self.loss,
            train_ms,
        }
    }
}

/// Rows to train on.
pub(super) struct Examples {
    pub(super) rows: LabelledRows,
    /// Whether their labels mean anything.
    pub(super) has_labels: bool,
}

/// Trains on `examples` for `epochs`, from `base` or from the initial model.
pub(super) fn train(
    plugins: &Plugins,
    features: &[String],
    base: Option<&Weights>,
    examples: Examples,
    training: TrainingJob,
    epochs: u32,
) -> Result<Trained, CallError> {
    let watch = Stopwatch::start();
    let seed = seed_of(plugins, training.base_round);
    let mut trainer = plugins.open_trainer(features, base, seed)?;
    let Examples { rows, has_labels } = examples;
    let labels = Some(rows.labels).filter(|_| has_labels);
    let batch = plugins.batch(features.len(), rows.values, labels)?;
    // At most as many samples as there were rows: the runtime has refused everything else.
    let Report {
        samples,
        loss,
        metrics,
    } = trainer.train(&batch, epochs)?;
    if samples == 0 {
        return Err(nothing_learnt(plugins));
    }
    let weights = trainer.save()?;
    let plugin = plugins.model_id().clone();
    Ok(Trained {
        plugin,
        training,
        weights,
        samples,
        loss,
        metrics,
        train_ms: watch.milliseconds(),
    })
}

fn nothing_learnt(plugins: &Plugins) -> CallError {
    CallError {
        plugin: plugins.model_id().name.clone(),
        call: "trainer.train",
        kind: Kind::InvalidOutput,
        detail: "it says that it learnt from no row".to_owned(),
    }
}

/// The failure of a training whose model cannot be sent.
pub(super) fn unsendable(plugin: &PluginId, reason: &dyn miette::Diagnostic) -> CallError {
    CallError {
        plugin: plugin.name.clone(),
        call: "trainer.save",
        kind: Kind::OutputTooLarge,
        detail: format!("its model cannot be sent: {}", explain(reason)),
    }
}

/// Another seed for each node and round, the same for a repeated training.
fn seed_of(plugins: &Plugins, base_round: u64) -> u64 {
    let text = format!("{}\n{}\n{base_round}", plugins.seed, plugins.node);
    let digest = Sha256Hex::of(text.as_bytes());
    u64::from_str_radix(digest.as_str().get(..16).unwrap_or("0"), 16).unwrap_or(0)
}

/// What a detector found on held-out rows.
pub(super) struct Evaluated {
    pub(super) plugin: PluginId,
    pub(super) sketch: ScoreSketch,
}

/// Scores held-out rows with a detector of their own, so that it learns nothing from them.
pub(super) fn evaluate(
    plugins: &Plugins,
    features: &[String],
    weights: &Arc<Weights>,
    rows: &LabelledRows,
) -> Result<Evaluated, CallError> {
    let plugin = plugins.model_id().clone();
    let mut sketch = ScoreSketch::default();
    if rows.labels.is_empty() {
        return Ok(Evaluated { plugin, sketch });
    }
    let mut detector = plugins.open_detector(features, weights)?;
    let width = features.len().max(1);
    let calls = rows
        .values
        .chunks(width * plugins.batch_rows)
        .zip(rows.labels.chunks(plugins.batch_rows));
    for (values, labels) in calls {
        let scores = detector.score(&plugins.batch(width, values.to_vec(), None)?)?;
        for (score, label) in scores.into_iter().zip(labels) {
            sketch.add(score, *label >= 0.5);
        }
    }
    Ok(Evaluated { plugin, sketch })
}
