//! `[dead_letters]`: when a record is dead-lettered, and when a role stops.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When a record is given up and put aside, and when a role stops because it gives up too many.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetters {
    /// How often a record is tried again whose handling failed: 0 to 100.
    #[schemars(range(min = 0, max = 100))]
    pub retries: u32,
    /// Milliseconds before the first of these tries, doubled each time: 0 to 3600000.
    #[schemars(range(min = 0, max = 3_600_000))]
    pub retry_first_ms: u64,
    /// Milliseconds before further tries, at the most: 0 to 3600000.
    #[schemars(range(min = 0, max = 3_600_000))]
    pub retry_longest_ms: u64,
    /// Share of the last `cap_records` records that may be put aside, 0 to 1: a role that puts
    /// aside more stops.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub cap_share: f64,
    /// How many records that share is of: 1 to 1000000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub cap_records: u64,
}
