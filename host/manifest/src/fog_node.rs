//! `[[fog_node]]`: who trains.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One node that trains on its own rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FogNode {
    /// Its number, 0 to 4294967295, each once. Example: `1`, which sends updates as `fog-node-1`.
    #[schemars(range(min = 0, max = 4_294_967_295_u64))]
    pub id: u32,
}
