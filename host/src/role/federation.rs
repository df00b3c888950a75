//! What the roles of a federation share: their topics, and how models are written to them.

use std::sync::Arc;

use fedhost_domain::envelope::Compression;

/// The topics that the roles of a federation share.
#[derive(Clone, Debug)]
pub struct FederationTopics {
    /// From the aggregator to the fog nodes.
    pub global_model: Arc<str>,
    /// From the fog nodes to the aggregator.
    pub model_updates: Arc<str>,
    /// Scores of readings.
    pub predictions: Arc<str>,
    /// From the fog nodes to the aggregator: how well a global model does.
    pub evaluations: Arc<str>,
    /// Added to a topic's name for the records of it that could not be used.
    pub dead_letter_suffix: String,
    /// How models are written.
    pub wire: Wire,
}

/// How models are written; every way is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire {
    /// In the binary form rather than as one JSON object.
    pub binary: bool,
    /// Of the weights.
    pub compression: Compression,
}

impl Default for Wire {
    fn default() -> Self {
        Self {
            binary: false,
            compression: Compression::Gzip,
        }
    }
}
