//! Manifests for tests.

use crate::plugins;

/// Two nodes with a finite simulated sensor each, as fast as they can; further lines follow the sections' own.
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
