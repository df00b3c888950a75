//! What events say about rounds and their global models.

use serde::{Deserialize, Serialize};

use crate::model::{Metric, NodeId, Sha256Hex, f64_or_null};

/// One node's part in a round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Participant {
    /// The node.
    pub node: NodeId,
    /// Rows it trained on: its weight in the mean.
    pub samples: u64,
    /// How many global models behind the newest its update was.
    pub staleness: u64,
    /// Training loss, as its plug-in reports it.
    #[serde(deserialize_with = "f64_or_null")]
    pub loss: f64,
    /// Euclidean norm of its weights.
    #[serde(deserialize_with = "f64_or_null")]
    pub norm: f64,
    /// Wall time of local training, when the node reports it.
    pub train_ms: Option<u64>,
    /// Other figures of its plug-in.
    pub metrics: Vec<Metric>,
}

/// A finished round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoundClosed {
    /// Its number, from 1.
    pub round: u64,
    /// The nodes whose updates are in it, by node.
    pub participants: Vec<Participant>,
    /// Expected nodes that did not answer.
    pub missing: Vec<NodeId>,
    /// Updates refused while it was open.
    pub rejected: u64,
    /// `complete` when every expected node answered, else `interval`.
    pub closed_by: String,
    /// Sum of the participants' samples.
    pub samples: u64,
    /// Sample-weighted mean of the participants' losses.
    #[serde(deserialize_with = "f64_or_null")]
    pub loss: f64,
    /// Identity of the new global model.
    pub weights_sha256: Sha256Hex,
    /// Its Euclidean norm.
    #[serde(deserialize_with = "f64_or_null")]
    pub norm: f64,
    /// Where the time went.
    pub durations: Durations,
}

/// Where a round's time went, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Durations {
    /// From opening to the last update.
    #[serde(deserialize_with = "f64_or_null")]
    pub gathering_ms: f64,
    /// Finishing the mean.
    #[serde(deserialize_with = "f64_or_null")]
    pub aggregating_ms: f64,
    /// Encoding, and the durable write.
    #[serde(deserialize_with = "f64_or_null")]
    pub publishing_ms: f64,
}

/// How well a global model separates held-out anomalies from normal rows, over all nodes that
/// answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GlobalEvaluation {
    /// Held-out rows.
    pub rows: u64,
    /// Of which anomalous.
    pub anomalous: u64,
    /// Area under the ROC curve of all nodes' rows pooled; absent when only one class is present.
    pub roc_auc: Option<f64>,
    /// Average precision, pooled.
    pub average_precision: Option<f64>,
    /// The same, node by node.
    pub nodes: Vec<NodeEvaluation>,
}

/// One node's part of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeEvaluation {
    /// The node.
    pub node: NodeId,
    /// Its held-out rows.
    pub rows: u64,
    /// Of which anomalous.
    pub anomalous: u64,
    /// On its own rows.
    pub roc_auc: Option<f64>,
}
