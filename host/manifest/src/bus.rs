//! `[bus]`: the log that carries every message.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The log that carries every message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bus {
    /// Which log: `embedded`, a durable log in a directory of this machine; `kafka`, the cluster of
    /// `[kafka]`.
    pub kind: BusKind,
    /// Where this machine keeps what it needs, relative to the working directory; made when
    /// missing: the embedded log, the spool, the run log. Example: `"data/demo"`.
    pub directory: PathBuf,
    /// Of the embedded log: what an acknowledged write survives: `never`, the end of this process
    /// by any means; `always`, a loss of power too.
    pub fsync: Fsync,
}

/// Which log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BusKind {
    /// A durable log in a directory of this machine.
    Embedded,
    /// A Kafka cluster.
    Kafka,
}

/// When a log on this machine asks the disk to keep what it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fsync {
    /// Before it acknowledges a write.
    Always,
    /// It leaves that to the operating system.
    Never,
}
