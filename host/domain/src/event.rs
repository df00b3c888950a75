//! Events of a federation: rounds, updates, and the nodes that train.
//!
//! A variant names what happened, in the past tense, with the ids and numbers that a reader needs to
//! act on it. Facts about the host that runs the federation are not here: see `fedhost_base::event`.

mod round;

use serde::{Deserialize, Serialize};

use crate::model::{NodeId, f64_or_null};
pub use round::{Durations, GlobalEvaluation, NodeEvaluation, Participant, RoundClosed};

/// An event of a federation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum FederationEvent {
    /// The aggregator began to gather updates.
    RoundOpened {
        /// The round whose global model is to be made.
        round: u64,
    },
    /// An update was added to the sum.
    UpdateAccepted {
        /// The round it counts in.
        round: u64,
        /// The sender, and its weight in the mean.
        participant: Participant,
    },
    /// An update never reached the sum.
    UpdateRejected {
        /// The round that was being gathered.
        round: u64,
        /// The sender, when it is known.
        node: Option<NodeId>,
        /// A short stable code, such as `stale`.
        reason: String,
        /// The full explanation.
        detail: String,
    },
    /// A round's time is up and too few nodes have answered; it still gathers.
    RoundFailed {
        /// The round.
        round: u64,
        /// Nodes that have answered.
        answered: u64,
        /// Nodes that must.
        min_nodes: u64,
    },
    /// A global model was made and published.
    RoundClosed(RoundClosed),
    /// Nodes scored their held-out rows with a round's global model.
    RoundEvaluated {
        /// The round whose global model was scored.
        round: u64,
        /// The previous global model on its held-out rows.
        before: Option<GlobalEvaluation>,
        /// This round's global model.
        after: GlobalEvaluation,
    },
    /// A fog node published an update.
    NodeTrained {
        /// The node.
        node: NodeId,
        /// The round the update is meant for.
        round: u64,
        /// Labelled rows in the training window.
        samples: u64,
        /// As the plug-in reports it.
        #[serde(deserialize_with = "f64_or_null")]
        loss: f64,
        /// Wall time of the plug-in's call.
        train_ms: u64,
    },
    /// A fog node read that the aggregator refuses its update.
    NodeRefused {
        /// The node.
        node: NodeId,
        /// The round that was being gathered.
        round: u64,
        /// A short stable code, such as `stale`.
        reason: String,
        /// The full explanation.
        detail: String,
    },
    /// A fog node found its earlier state and continues from there.
    NodeResumed {
        /// The node.
        node: NodeId,
        /// Rows it had read before it stopped.
        rows: u64,
        /// Rows read again to restore its windows; their results were already published.
        replayed: u64,
        /// The newest global model it holds.
        round: u64,
    },
    /// Training could not keep up with the rows and moved on to newer ones.
    TrainingSkipped {
        /// The node.
        node: NodeId,
        /// Labelled rows that no round has waited for.
        rows: u64,
    },
}

impl FederationEvent {
    /// The names of the events of this family in the run log.
    pub const NAMES: &'static [&'static str] = &[
        "round_opened",
        "update_accepted",
        "update_rejected",
        "round_failed",
        "round_closed",
        "round_evaluated",
        "node_trained",
        "node_refused",
        "node_resumed",
        "training_skipped",
    ];
}
