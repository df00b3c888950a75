//! The federation that faults are done to.

use std::fmt::Write as _;

/// Nodes of the federation, each with a sensor.
pub(crate) const NODES: [u32; 2] = [1, 2];
/// Global models to be made.
pub(crate) const ROUNDS: u64 = 6;

/// What a write promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Delivery {
    ExactlyOnce,
    AtLeastOnce,
}

impl Delivery {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::ExactlyOnce => "exactly-once",
            Self::AtLeastOnce => "at-least-once",
        }
    }
}

/// What each sensor has to say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Rows of each sensor. A fifth is held out; the six rounds need 1500.
    pub(crate) rows: u64,
    /// Rows a second: a sensor that is done at once cannot be disturbed at its work. The model does
    /// not depend on it.
    pub(crate) rate_hz: u64,
}

/// Without `[bus]`. Only complete rounds close, and every row is trained on, so the model depends
/// on nothing but the rows.
pub(crate) fn federation(load: Load, rate_hz: u64) -> String {
    let plugins = fedhost_e2e::plugins().display().to_string();
    let mut text = format!(
        "[plugins]\ndirectory = \"{plugins}\"\n\n\
         [preprocess]\nplugin = \"baseline-deviation\"\n\n\
         [model]\nplugin = \"logistic-regression\"\n\n\
         [federation]\nmin_nodes = 2\nrounds = {ROUNDS}\nround_interval_ms = 600000\nmax_update_age_ms = 600000\n\n\
         [training]\nrows_per_round = 200\nwindow_rows = 1000\nwhen_behind = \"wait\"\n\n"
    );
    for node in NODES {
        let rows = load.rows;
        write!(
            text,
            "[[sensor]]\nname = \"{sensor}\"\nnode = {node}\nkind = \"simulated\"\nrate_hz = {rate_hz}\nrows = {rows}\nseed = {node}\n\n\
             [[fog_node]]\nid = {node}\n\n",
            sensor = sensor_of(node)
        )
        .unwrap();
    }
    text
}

/// On an embedded log.
pub(crate) fn embedded(load: Load) -> String {
    format!("[bus]\ndirectory = \"data\"\n\n{}", federation(load, 0))
}

/// On a cluster, with names of its own for everything.
pub(crate) fn on_kafka(load: Load, delivery: Delivery, bootstrap: &str, prefix: &str) -> String {
    format!(
        "[bus]\nkind = \"kafka\"\ndirectory = \"data\"\n\n\
         [kafka]\nbootstrap_servers = [\"{bootstrap}\"]\ndelivery = \"{}\"\n\
         transactional_id_prefix = \"{prefix}\"\ngroup_prefix = \"{prefix}.\"\ndrain_ms = 3000\n\
         [kafka.consumer]\nsession_timeout_ms = 6000\nheartbeat_interval_ms = 500\nfetch_min_bytes = 1\n\n\
         [topics]\nprefix = \"{prefix}.\"\n\n{}",
        delivery.word(),
        federation(load, load.rate_hz)
    )
}

/// The name of a node's only sensor.
pub(crate) fn sensor_of(node: u32) -> String {
    format!("machine-{node}")
}
