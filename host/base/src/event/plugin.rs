//! Events of plug-ins.

use std::collections::BTreeMap;

use fedhost_domain::model::{Metric, NodeId, PluginId};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// An event of a plug-in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum PluginEvent {
    /// A component was accepted.
    PluginLoaded {
        /// Which.
        plugin: PluginId,
        /// The file it came from.
        file: String,
        /// Time spent compiling, or loading from the cache.
        compile_ms: u64,
    },
    /// A component was refused, or a call into it failed.
    PluginFailed {
        /// Its name, or its file when it has none.
        plugin: String,
        /// The call, such as `detector.score`, or `load`.
        call: String,
        /// `trap`, `deadline`, `fuel`, `memory`, `output-too-large`, `invalid-output`, `refused`,
        /// `quarantined` or `error`.
        kind: String,
        /// The full explanation.
        detail: String,
    },
    /// A node took another component into use.
    PluginSwapped {
        /// Where.
        node: NodeId,
        /// In place of what: `preprocess` or `model`.
        part: String,
        /// The component until now.
        old: PluginId,
        /// The component from now on.
        new: PluginId,
        /// The topic of the node's readings.
        topic: String,
        /// By partition, the first offset that the new component handles.
        #[serde(deserialize_with = "by_partition")]
        first_offsets: BTreeMap<u32, u64>,
        /// What the new component resumes from, as text.
        state: String,
    },
    /// A component kept failing, and is not called until a pause ends.
    PluginQuarantined {
        /// Its name.
        plugin: String,
        /// As what: `preprocessor`, `trainer` or `detector`.
        part: String,
        /// The call that failed.
        call: String,
        /// How often in a row.
        failures: u32,
        /// For how long.
        pause_ms: u64,
        /// The full explanation of the last failure.
        detail: String,
    },
    /// A component that was in quarantine works again.
    PluginReleased {
        /// Its name.
        plugin: String,
        /// As what.
        part: String,
    },
    /// A component said something.
    PluginLogged {
        /// Its name.
        plugin: String,
        /// Where the instance works, such as `fog-node-1`.
        instance: String,
        /// `debug`, `info`, `warning` or `error`.
        level: String,
        /// What it said, cut to the limit.
        message: String,
    },
    /// A component reported the end of an epoch or a mini-batch.
    PluginProgress {
        /// Its name.
        plugin: String,
        /// Where the instance works.
        instance: String,
        /// Epochs done.
        epoch: u32,
        /// Epochs asked for.
        epochs: u32,
        /// As the component reports them.
        metrics: Vec<Metric>,
    },
}

impl PluginEvent {
    /// The names of the events of this family in the run log.
    pub const NAMES: &'static [&'static str] = &[
        "plugin_loaded",
        "plugin_failed",
        "plugin_swapped",
        "plugin_quarantined",
        "plugin_released",
        "plugin_logged",
        "plugin_progress",
    ];
}

/// Keys of a JSON object are text; serde reads them as numbers only where it has not buffered them,
/// as it does for a tagged enum.
fn by_partition<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<u32, u64>, D::Error> {
    let by_text = BTreeMap::<String, u64>::deserialize(deserializer)?;
    let by_partition = by_text.into_iter().map(|(partition, offset)| {
        let partition = partition.parse().map_err(D::Error::custom)?;
        Ok((partition, offset))
    });
    by_partition.collect()
}
