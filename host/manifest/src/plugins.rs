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
    /// Milliseconds between two looks at the folder for new and changed components; 0 looks only at
    /// the start. At most 3600000.
    #[schemars(range(min = 0, max = 3_600_000))]
    pub watch_ms: u64,
    /// Ed25519 public keys, 32 bytes in base64 each, of those whose signatures in `NAME.wasm.sig`
    /// are taken. A component with a bad signature is refused. Example:
    /// `["11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="]`.
    pub trusted_keys: Vec<String>,
    /// Whether a component without a signature is refused too.
    pub require_signature: bool,
    /// Bytes of memory that all instances of all plug-ins have together: 64 MiB to 1 TiB.
    #[schemars(range(min = 67_108_864, max = 1_099_511_627_776_u64))]
    pub total_memory_bytes: u64,
    /// What a call of any plug-in may use.
    pub limits: Limits,
    /// By the name of a plug-in: what differs for it. Example: `[plugins.autoencoder.limits]`.
    #[serde(flatten)]
    pub overrides: BTreeMap<String, PluginOverride>,
}

/// What a plug-in may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// Bytes of memory of one instance: 1 MiB to 4 GiB.
    #[schemars(range(min = 1_048_576, max = 4_294_967_296_u64))]
    pub memory_bytes: u64,
    /// Elements of all tables of one instance: 1 to 10000000.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub table_elements: u32,
    /// Tables of one instance: 1 to 10000.
    #[schemars(range(min = 1, max = 10_000))]
    pub tables: u32,
    /// Core instances that one instance of the component is made of: 1 to 10000.
    #[schemars(range(min = 1, max = 10_000))]
    pub instances: u32,
    /// Bytes of stack of a call: 16 KiB to 1 MiB.
    #[schemars(range(min = 16_384, max = 1_048_576))]
    pub stack_bytes: u32,
    /// Milliseconds after which a call is ended: 1 to 3600000.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub call_deadline_ms: u64,
    /// Units of work of a call, about one an instruction, the same on every machine; without it
    /// work is not counted, which is faster. Example: 10000000000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9_223_372_036_854_775_807_u64))]
    pub fuel_per_call: Option<u64>,
    /// Bytes a call may answer with: 1024 to 4 GiB.
    #[schemars(range(min = 1024, max = 4_294_967_296_u64))]
    pub output_bytes: u64,
    /// Lines a call may log; further ones are counted, not shown: 0 to 1000000.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub log_lines_per_call: u32,
    /// Bytes after which a line of log is cut: 1 to 1048576.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub log_line_bytes: u32,
    /// Bytes that all instances of a plug-in together log in a minute; further lines are counted,
    /// not shown: 0 to 1 GiB.
    #[schemars(range(min = 0, max = 1_073_741_824_u64))]
    pub log_bytes_per_minute: u64,
    /// Columns that a preprocessor may return, if it gets fewer: 1 to 65536.
    #[schemars(range(min = 1, max = 65_536))]
    pub output_columns: u32,
    /// Bytes of the component's file: 1024 to 1 GiB.
    #[schemars(range(min = 1024, max = 1_073_741_824_u64))]
    pub component_bytes: u64,
    /// Milliseconds in which it must be compiled: 100 to 3600000.
    #[schemars(range(min = 100, max = 3_600_000))]
    pub compile_ms: u64,
    /// Bytes of memory for compiling it: 512 MiB to 64 GiB.
    #[schemars(range(min = 536_870_912, max = 68_719_476_736_u64))]
    pub compile_memory_bytes: u64,
    /// Failures of one call in a row after which the plug-in is quarantined for a while: 1 to
    /// 1000000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub failures_in_a_row: u32,
    /// Milliseconds for which it is quarantined the first time, doubled each time that it fails
    /// again: 1 to 3600000.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub quarantine_first_ms: u64,
    /// Milliseconds for which it is quarantined at most: 1 to 86400000.
    #[schemars(range(min = 1, max = 86_400_000))]
    pub quarantine_longest_ms: u64,
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
        self.overrides
            .get(name)
            .map_or(self.limits, |plugin| plugin.limits)
    }
}

/// Fills in the limits that a plug-in of its own `limits` does not mention.
pub(super) fn inherit_limits(root: &mut Node) {
    let Content::Table(sections) = &mut root.content else {
        return;
    };
    let Some(Content::Table(plugins)) = sections.get_mut("plugins").map(|node| &mut node.content)
    else {
        return;
    };
    let Some(base) = plugins.get("limits").cloned() else {
        return;
    };
    for (_, plugin) in plugins.iter_mut().filter(|(name, _)| *name != "limits") {
        let Content::Table(entries) = &mut plugin.content else {
            continue;
        };
        let mut limits = base.clone();
        if let Some(own) = entries.remove("limits") {
            limits.merge(own);
        }
        entries.insert("limits".into(), limits);
    }
}
