//! Events of a run: its start and end, its roles, and what they read.

use fedhost_domain::model::{NodeId, PluginId, Sha256Hex};
use serde::{Deserialize, Serialize};

/// An event of a run and its roles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RunEvent {
    /// A run began, or began again after a stop.
    RunStarted {
        /// The manifest's file name.
        manifest: String,
        /// Digest of the effective manifest.
        manifest_sha256: Sha256Hex,
        /// This program's version.
        version: String,
        /// The newest global model found, 0 for a fresh start.
        resumed_round: u64,
        /// The components in use.
        plugins: Vec<PluginId>,
    },
    /// A role lost its bus and restarts from what it has stored.
    RoleRestarted {
        /// Which role.
        role: String,
        /// Why.
        reason: String,
    },
    /// A sensor has put all its rows on its topic.
    SensorFinished {
        /// The fog node whose topic it feeds.
        node: NodeId,
        /// The sensor's name.
        sensor: String,
        /// Rows published in all.
        rows: u64,
        /// Rows of the source that could not be read.
        skipped: u64,
    },
    /// A record could not be used; when it came from the bus, one of those who read it keeps it in
    /// the dead-letter topic.
    RecordSkipped {
        /// The topic, or the file.
        source: String,
        /// The partition, or 0.
        partition: u32,
        /// The offset, or the line.
        offset: u64,
        /// A short stable code, such as `undecodable`.
        reason: String,
        /// The full explanation.
        detail: String,
    },
    /// Probes and requests for metrics are answered over HTTP.
    Listening {
        /// Address and port.
        address: String,
    },
    /// Something is not as it should be, and nothing is lost by it yet.
    Warned {
        /// Which part of the host, such as `log`.
        part: String,
        /// The full explanation.
        detail: String,
    },
    /// The run is over.
    RunFinished {
        /// The last round whose global model was published.
        round: u64,
        /// `completed`, `interrupted`, `time-limit` or `failed`.
        outcome: String,
        /// Identity of the last global model.
        weights_sha256: Option<Sha256Hex>,
    },
}

impl RunEvent {
    /// The names of the events of this family in the run log.
    pub const NAMES: &'static [&'static str] = &[
        "run_started",
        "role_restarted",
        "sensor_finished",
        "record_skipped",
        "listening",
        "warned",
        "run_finished",
    ];
}
