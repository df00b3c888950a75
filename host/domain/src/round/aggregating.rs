//! The aggregating phase: the mean of a round, and its summary.

use std::sync::Arc;

use super::Error;
use super::gathering::Gathering;
use super::rules::{Expected, Rules};
use crate::event::{Durations, Participant, RoundClosed};
use crate::model::{NodeId, Weights};

/// A global model to publish.
#[derive(Clone, Debug, PartialEq)]
pub struct GlobalModel {
    /// The round that made it.
    pub round: u64,
    /// The sample-weighted mean of the updates.
    pub weights: Arc<Weights>,
    /// Samples of all updates.
    pub samples: u64,
    /// Sample-weighted mean of the updates' losses.
    pub loss: f64,
    /// The plug-in that the weights belong to.
    pub plugin: String,
}

/// Returns the model and its summary; the caller fills in the durations.
pub(super) fn finish(
    gathering: &mut Gathering,
    rules: &Rules,
    round: u64,
) -> Result<(GlobalModel, RoundClosed), Error> {
    let weights = Arc::new(gathering.finish(rules, round)?);
    let participants: Vec<Participant> = gathering.participants.values().cloned().collect();
    let samples = participants
        .iter()
        .map(|participant| participant.samples)
        .sum();
    let loss = mean_loss(&participants, samples);
    let missing = missing(gathering, rules);
    let complete = gathering.is_complete(rules);
    let summary = RoundClosed {
        round,
        missing,
        rejected: gathering.rejected,
        closed_by: if complete { "complete" } else { "interval" }.to_owned(),
        samples,
        loss,
        weights_sha256: weights.sha256(),
        norm: weights.norm(),
        durations: Durations::default(),
        participants,
    };
    Ok((
        GlobalModel {
            round,
            weights,
            samples,
            loss,
            plugin: rules.plugin.clone(),
        },
        summary,
    ))
}

/// The mean loss, summed in the order of node ids, so that it does not depend on the order of
/// arrival.
#[expect(
    clippy::cast_precision_loss,
    reason = "sample counts are far below 2^53"
)]
fn mean_loss(participants: &[Participant], samples: u64) -> f64 {
    let weighted: f64 = participants
        .iter()
        .map(|participant| participant.loss * participant.samples as f64)
        .sum();
    weighted / samples as f64
}

fn missing(gathering: &Gathering, rules: &Rules) -> Vec<NodeId> {
    match &rules.expected {
        Expected::Listed(nodes) => nodes
            .iter()
            .filter(|node| !gathering.participants.contains_key(node))
            .cloned()
            .collect(),
        Expected::Open => Vec::new(),
    }
}
