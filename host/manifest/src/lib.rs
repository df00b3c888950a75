//! The manifest: what a run consists of, read from layers of TOML into plain structs.
//!
//! Lowest first: the built-in `config/default.toml`, the file, environment variables (those that
//! Kafka's users know, such as `KAFKA_BOOTSTRAP_SERVERS`, then `FEDHOST__SECTION__KEY`), `--set`.
//! [`load`] answers with everything that is wrong at once. It reads the file and the files of
//! secrets that it names, looks for other files that it names, and touches nothing else: the
//! environment is an argument.

mod api;
mod bus;
mod check;
mod consistency;
mod csv_files;
mod data;
mod dead_letters;
mod expand;
mod expected;
mod federation;
mod file;
mod fog_node;
mod formats;
mod kafka;
mod layers;
mod load;
mod model;
mod origins;
mod overrides;
mod plugins;
mod preprocess;
mod print;
mod problem;
mod roles;
mod schema;
mod selector;
mod sensor;
mod spool;
#[cfg(test)]
mod tests;
mod topics;
mod training;
mod tree;

use std::collections::BTreeSet;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use api::Api;
pub use bus::{Bus, BusKind, Fsync};
pub use data::Data;
pub use dead_letters::DeadLetters;
pub use federation::{Federation, Join, Packing, Strategy, Wire};
pub use fedhost_domain::model::PluginSelector;
pub use fog_node::FogNode;
pub use kafka::{
    ClientRole, Delivery, GroupProtocol, Kafka, KafkaClients, NewGroup, Profile, RoleSettings,
    SensorSettings, Settings,
};
use load::built_in;
pub use load::{Loaded, load};
pub use model::Model;
pub use origins::Origins;
pub use plugins::{Limits, PluginOverride, Plugins};
pub use preprocess::{Parameter, Parameters, Preprocess};
pub use problem::{Origin, Problem, Problems};
pub use roles::{Completion, Extent, Read, RestartPolicy, RoleId, RoleKind, RoleSpec, Spooling};
pub use schema::schema;
pub use sensor::{CsvSensor, Decimal, FileFormat, Sensor, SimulatedSensor};
pub use spool::Spool;
pub use topics::{CleanupPolicy, DEAD_LETTER_HEADROOM, Retention, Topic, TopicCompression, Topics};
pub use training::{All, RowsPerRound, Training, WhenBehind};

/// What a run consists of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// The log that carries every message.
    pub bus: Bus,
    /// How to reach the cluster, with `bus.kind = "kafka"`.
    pub kafka: Kafka,
    /// Where fog nodes and sensors keep what the cluster has not taken yet.
    pub spool: Spool,
    /// When a record is given up, and when a role.
    pub dead_letters: DeadLetters,
    /// Where the run answers HTTP requests.
    #[serde(default)]
    pub api: Api,
    /// Where rows are read from.
    pub data: Data,
    /// Names and limits of the topics.
    pub topics: Topics,
    /// Where components lie, and what a call may use.
    pub plugins: Plugins,
    /// What rows pass through before the model sees them; without this section they reach it as
    /// they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preprocess: Option<Preprocess>,
    /// What learns.
    pub model: Model,
    /// How the fog nodes' updates become global models.
    pub federation: Federation,
    /// Which rows a fog node learns from, and when.
    pub training: Training,
    /// Where the fog nodes' rows come from.
    #[serde(default)]
    pub sensor: Vec<Sensor>,
    /// Who trains.
    #[serde(default)]
    pub fog_node: Vec<FogNode>,
}

impl Manifest {
    /// The ids of the fog nodes, in order.
    #[must_use]
    pub fn fog_node_ids(&self) -> BTreeSet<u32> {
        self.fog_node.iter().map(|node| node.id).collect()
    }

    /// The sensors of one fog node.
    pub fn sensors_of(&self, node: u32) -> impl Iterator<Item = &Sensor> {
        self.sensor
            .iter()
            .filter(move |sensor| sensor.node() == node)
    }

    /// Where the spool lies.
    #[must_use]
    pub fn spool_directory(&self) -> PathBuf {
        self.spool
            .directory
            .clone()
            .unwrap_or_else(|| self.bus.directory.join("spool"))
    }

    /// The plug-ins in use: the preprocessor, if any, then the model.
    pub fn selectors(&self) -> impl Iterator<Item = &PluginSelector> {
        self.preprocess
            .iter()
            .map(|preprocess| &preprocess.plugin)
            .chain([&self.model.plugin])
    }
}
