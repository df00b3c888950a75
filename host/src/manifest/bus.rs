//! `[bus]`: the log that carries every message.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The log that carries every message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bus {
    /// Which log: `embedded`, a durable log in a directory of this machine.
    #[schemars(extend("x-refused" = {"kafka": "this build has the embedded log only"}))]
    pub kind: BusKind,
    /// Where the embedded log lies, relative to the working directory; made when missing. Example: `"data/demo"`.
    pub directory: PathBuf,
    /// What an acknowledged write survives: `never`, the end of this process by any means; `always`, a loss of power too.
    pub fsync: Fsync,
}

/// Which log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BusKind {
    /// A durable log in a directory of this machine.
    Embedded,
}

/// When the embedded log asks the disk to keep what it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fsync {
    /// Before it acknowledges a write.
    Always,
    /// It leaves that to the operating system.
    Never,
}
