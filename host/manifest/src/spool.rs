//! `[spool]`: where fog nodes and sensors keep what the brokers have not taken yet.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bus::Fsync;

/// Where fog nodes and sensors keep what the brokers have not taken yet; with `bus.kind = "kafka"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spool {
    /// Whether they do; without it they wait for the brokers.
    pub enabled: bool,
    /// Where it lies, relative to the working directory; without it, `spool` in `bus.directory`.
    /// Example: `"/var/spool/fedhost"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
    /// Bytes that each role may keep there: 1 MiB to 1 TiB. A role whose spool is full waits.
    #[schemars(range(min = 1_048_576, max = 1_099_511_627_776_u64))]
    pub max_bytes: u64,
    /// What a write in it survives: `never`, the end of this process by any means; `always`, a loss
    /// of power too.
    pub fsync: Fsync,
}
