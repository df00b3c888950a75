//! `[[fog_node]]`: the nodes that train.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One node that trains on its own rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FogNode {
    /// Its number, 0 to 4294967295, each once. Example: `1`, which sends updates as `fog-node-1`.
    #[schemars(range(min = 0, max = 4_294_967_295_u64))]
    pub id: u32,
    /// The fields of its readings that are features; without them, the fields that occur in the
    /// first 100 readings, or in those of the first half second. A node that is started with other
    /// columns than before begins again. Example: `["vibration", "temperature"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// The field that is 1 in anomalous rows and 0 in others, beside the labels of its sensors;
    /// `anomaly` when there is neither. Example: `"label"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Fields of its readings that are no features. Example: `["state"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// The field that holds the name of a reading's sensor; without it, `sensor`, or else the
    /// record's key. Example: `"machine_id"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensor: Option<String>,
}
