//! `[training]`: which rows a fog node learns from, and when.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which rows a fog node learns from, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Training {
    /// New labelled rows a fog node waits for before it trains again, from 1. `"all"`: it waits
    /// until its sensors have ended, then trains on its whole window whenever a new global model
    /// arrives. Example: `200`.
    pub rows_per_round: RowsPerRound,
    /// Labelled rows a fog node keeps to train on, the newest: 1 to 10000000.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub window_rows: u64,
    /// Held-out rows a fog node keeps to evaluate on, the newest: 1 to 10000000.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub held_out_rows: u64,
    /// The most rows handed to a plug-in in one call: 1 to 65536.
    #[schemars(range(min = 1, max = 65_536))]
    pub batch_rows: u32,
    /// What happens when rows come faster than they can be trained on, by more than `window_rows`:
    /// `skip`, training moves on to the newest rows, so that scoring never waits; `wait`, reading
    /// pauses.
    pub when_behind: WhenBehind,
}

/// How many new labelled rows a fog node waits for before it trains again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RowsPerRound {
    /// At least 1.
    Count(#[schemars(range(min = 1, max = 10_000_000))] u64),
    /// Until the sensors have ended.
    All(All),
}

impl RowsPerRound {
    /// The number of rows; `None` for `"all"`.
    #[must_use]
    pub fn count(self) -> Option<u64> {
        match self {
            Self::Count(rows) => Some(rows),
            Self::All(_) => None,
        }
    }
}

/// The word `all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum All {
    /// `all`.
    All,
}

/// What happens when rows come faster than they can be trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenBehind {
    /// Training moves on to the newest rows, so that scoring never waits.
    Skip,
    /// Reading pauses.
    Wait,
}
