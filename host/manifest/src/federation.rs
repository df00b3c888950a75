//! `[federation]`: how the fog nodes' updates become global models.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the fog nodes' updates become global models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Federation {
    /// How updates are joined: `fedavg`, the mean weighted by sample counts.
    pub strategy: Strategy,
    /// How models are written into records: `json`, which every tool can show; `binary`, a quarter
    /// smaller. Both are read.
    pub wire: Wire,
    /// How models are compressed inside their records; every kind is read.
    pub compression: Packing,
    /// Fog nodes without whose updates no round closes: 1 to 100000.
    #[schemars(range(min = 1, max = 100_000))]
    pub min_nodes: u32,
    /// Milliseconds after which a round closes with the nodes that have answered, when they are
    /// enough: 1 to 86400000.
    #[schemars(range(min = 1, max = 86_400_000))]
    pub round_interval_ms: u64,
    /// How many global models an update may be behind the newest: 0 to 1000.
    #[schemars(range(min = 0, max = 1000))]
    pub max_staleness_rounds: u64,
    /// Milliseconds after which an update is too old to count, and that its sender's clock may be
    /// ahead of the aggregator's: 1 to 604800000.
    #[schemars(range(min = 1, max = 604_800_000))]
    pub max_update_age_ms: u64,
    /// Who may send updates: `listed`, the fog nodes of this manifest; `open`, any node.
    pub join: Join,
    /// Global models after which the run is complete, from 1; without it the run continues until it
    /// is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9_223_372_036_854_775_807_u64))]
    pub rounds: Option<u64>,
    /// The largest legal size of a single weight: 1e-6 to 1e30.
    #[schemars(range(min = 1e-6, max = 1e30))]
    pub max_weight: f64,
    /// The largest legal Euclidean norm of an update's weights: 1e-6 to 1e30.
    #[schemars(range(min = 1e-6, max = 1e30))]
    pub max_norm: f64,
    /// The most rows that one update may claim to stand for: 1 to 1000000000.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub max_samples: u64,
    /// The most nodes whose updates one round takes: 1 to 100000.
    #[schemars(range(min = 1, max = 100_000))]
    pub max_nodes: u32,
}

/// How updates are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The mean, weighted by sample counts.
    #[serde(rename = "fedavg")]
    FedAvg,
}

/// How models are written into records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    /// One JSON object, the model in base64.
    Json,
    /// The model as the record's value, the rest as a header.
    Binary,
}

/// How models are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Packing {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// The LZ4 frame format.
    Lz4,
    /// As it is: trained weights hardly shrink.
    None,
}

/// Who may send updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// The fog nodes of this manifest.
    Listed,
    /// Any node: a host elsewhere, a client in another language.
    Open,
}
