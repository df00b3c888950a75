//! Manifests for tests.

use crate::plugins;

/// Two nodes with a finite simulated sensor each, at full speed.
#[must_use]
pub fn simulated(rows: u64, rounds: u64) -> String {
    let plugins = plugins().display().to_string();
    let nodes: String = (1..=2)
        .map(|node| {
            format!(
                "[[sensor]]\nname = \"machine-{node}\"\nnode = {node}\nkind = \"simulated\"\nrate_hz = 0\nrows = {rows}\nseed = {node}\n\n\
                 [[fog_node]]\nid = {node}\n\n"
            )
        })
        .collect();
    format!(
        "[bus]\ndirectory = \"data\"\n\n[plugins]\ndirectory = \"{plugins}\"\n\n\
         [preprocess]\nplugin = \"baseline-deviation\"\n\n\
         [model]\nplugin = \"logistic-regression\"\n\n\
         [federation]\nmin_nodes = 2\nrounds = {rounds}\nround_interval_ms = 60000\n\n\
         [training]\nrows_per_round = 200\nwindow_rows = 1000\nwhen_behind = \"wait\"\n\n{nodes}"
    )
}

/// The same federation on a cluster, where all its names begin with `prefix`. Its processes detect
/// soon that another process was killed.
#[must_use]
pub fn on_kafka(manifest: &str, bootstrap: &str, prefix: &str) -> String {
    let section = format!(
        "[bus]\nkind = \"kafka\"\ndirectory = \"data\"\n\n\
         [kafka]\nbootstrap_servers = [\"{bootstrap}\"]\n\
         transactional_id_prefix = \"{prefix}\"\ngroup_prefix = \"{prefix}.\"\n\n\
         [kafka.consumer]\nsession_timeout_ms = 6000\nheartbeat_interval_ms = 500\n\n\
         [topics]\nprefix = \"{prefix}.\"\n"
    );
    manifest.replacen("[bus]\ndirectory = \"data\"\n", &section, 1)
}
