//! What each node did.

use std::collections::BTreeMap;

use fedhost_domain::event::Participant;
use fedhost_domain::model::NodeId;

use super::{Node, Round};
use crate::report::words;

/// What events outside finished rounds say about nodes.
#[derive(Default)]
pub(super) struct Nodes(BTreeMap<NodeId, Signs>);

#[derive(Default)]
struct Signs {
    last_seen_ms: Option<u64>,
    rejected: u64,
    resumed: u64,
    training_rows_skipped: u64,
}

impl Nodes {
    /// A sign of life.
    pub(super) fn seen(&mut self, node: &NodeId, time_ms: u64) {
        self.signs(node, time_ms);
    }

    /// It resumed from its earlier state.
    pub(super) fn resumed(&mut self, node: &NodeId, time_ms: u64) {
        self.signs(node, time_ms).resumed += 1;
    }

    /// One of its updates was refused.
    pub(super) fn rejected(&mut self, node: &NodeId, time_ms: u64) {
        self.signs(node, time_ms).rejected += 1;
    }

    /// Its training left out `rows`.
    pub(super) fn skipped_training(&mut self, node: &NodeId, rows: u64, time_ms: u64) {
        let signs = self.signs(node, time_ms);
        signs.training_rows_skipped = signs.training_rows_skipped.saturating_add(rows);
    }

    fn signs(&mut self, node: &NodeId, time_ms: u64) -> &mut Signs {
        let signs = self.0.entry(node.clone()).or_default();
        signs.last_seen_ms = signs.last_seen_ms.max(Some(time_ms));
        signs
    }

    /// Everything about every node, by name, `fog-node-2` before `fog-node-10`.
    pub(super) fn finish(self, rounds: &[Round]) -> Vec<Node> {
        let mut parts: BTreeMap<&NodeId, Parts> =
            self.0.keys().map(|node| (node, Parts::default())).collect();
        for round in rounds {
            for participant in &round.closed.participants {
                parts
                    .entry(&participant.node)
                    .or_default()
                    .take_part(participant, round);
            }
            for node in &round.closed.missing {
                parts.entry(node).or_default().missed += 1;
            }
        }
        let mut nodes: Vec<Node> = parts
            .iter()
            .map(|(node, parts)| parts.node(node, self.0.get(node).unwrap_or(&Signs::default())))
            .collect();
        nodes.sort_by_cached_key(|node| words::natural(node.node.as_str()));
        nodes
    }
}

/// What finished rounds say about a node.
#[derive(Default)]
struct Parts {
    rounds: u64,
    missed: u64,
    samples: u64,
    loss: Mean,
    staleness: Mean,
    train_ms: Mean,
    last_seen_ms: Option<u64>,
    last_round: Option<u64>,
}

impl Parts {
    fn take_part(&mut self, participant: &Participant, round: &Round) {
        self.rounds += 1;
        self.samples = self.samples.saturating_add(participant.samples);
        self.loss.add(participant.loss, participant.samples as f64);
        self.staleness.add(participant.staleness as f64, 1.0);
        if let Some(train_ms) = participant.train_ms {
            self.train_ms.add(train_ms as f64, 1.0);
        }
        self.last_seen_ms = self.last_seen_ms.max(Some(round.closed_ms));
        self.last_round = Some(round.closed.round);
    }

    fn node(&self, node: &NodeId, signs: &Signs) -> Node {
        Node {
            node: node.clone(),
            rounds: self.rounds,
            missed: self.missed,
            samples: self.samples,
            loss: self.loss.value(),
            staleness: self.staleness.value(),
            train_ms: self.train_ms.value(),
            rejected: signs.rejected,
            training_rows_skipped: signs.training_rows_skipped,
            resumed: signs.resumed,
            // The moment of an accepted update is more exact than that of its round's end.
            last_seen_ms: signs.last_seen_ms.or(self.last_seen_ms),
            last_round: self.last_round,
        }
    }
}

/// A weighted mean of finite values.
#[derive(Default)]
struct Mean {
    sum: f64,
    weight: f64,
}

impl Mean {
    fn add(&mut self, value: f64, weight: f64) {
        if value.is_finite() {
            self.sum += value * weight;
            self.weight += weight;
        }
    }

    fn value(&self) -> Option<f64> {
        Some(self.sum / self.weight).filter(|mean| mean.is_finite())
    }
}
