//! `[plugins]`: where components lie, and what a call may use.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tree::{Content, Node};

/// Where components lie, and what a call may use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plugins {
    /// The folder of components, relative to the working directory. Example: `"plugins"`.
    pub directory: PathBuf,
    /// What a call of any plug-in may use.
    pub limits: Limits,
    /// By the name of a plug-in: what differs for it. Example: `[plugins.autoencoder.limits]`.
    #[serde(flatten)]
    pub overrides: BTreeMap<String, PluginOverride>,
}

/// What a call of a plug-in may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// Bytes of memory of one instance: 1 MiB to 4 GiB.
    #[schemars(range(min = 1_048_576, max = 4_294_967_296_u64))]
    pub memory_bytes: u64,
    /// Milliseconds after which a call is ended: 1 to 3600000.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub call_deadline_ms: u64,
    /// Bytes a call may answer with: 1024 to 4 GiB.
    #[schemars(range(min = 1024, max = 4_294_967_296_u64))]
    pub output_bytes: u64,
    /// Lines a call may log; further ones are counted, not shown: 0 to 1000000.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub log_lines_per_call: u32,
    /// Bytes after which a line of log is cut: 1 to 1048576.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub log_line_bytes: u32,
}

/// What differs for one plug-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PluginOverride {
    /// What a call of this plug-in may use; what is not given is as in `plugins.limits`.
    pub limits: Limits,
}

impl Plugins {
    /// What a call of plug-in `name` may use.
    #[must_use]
    pub fn limits_for(&self, name: &str) -> Limits {
        self.overrides.get(name).map_or(self.limits, |plugin| plugin.limits)
    }
}

/// Fills in the limits that a plug-in of its own `limits` does not mention.
pub(super) fn inherit_limits(root: &mut Node) {
    let Content::Table(sections) = &mut root.content else { return };
    let Some(Content::Table(plugins)) = sections.get_mut("plugins").map(|node| &mut node.content) else { return };
    let Some(base) = plugins.get("limits").cloned() else { return };
    for (_, plugin) in plugins.iter_mut().filter(|(name, _)| *name != "limits") {
        let Content::Table(entries) = &mut plugin.content else { continue };
        let mut limits = base.clone();
        if let Some(own) = entries.remove("limits") {
            limits.merge(own);
        }
        entries.insert("limits".into(), limits);
    }
}
