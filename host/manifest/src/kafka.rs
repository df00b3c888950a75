//! `[kafka]`: how to reach a cluster, and what to promise on it.
//!
//! Settings of clients are given by librdkafka's names or by those of the Java and Python clients,
//! in the table of all clients, of those that write or read, or of one role; each lies over the one
//! before. Below them lies the profile, and below that what every client of this host has. Knows
//! the names, not the library.

mod decided;
mod effective;
mod environment;
mod print;
mod profile;
mod property;
mod rules;
mod schema;
mod secrets;
mod settings;
mod spelling;
mod table;
#[cfg(test)]
mod tests;
mod warnings;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Manifest;
use effective::Effective;
pub(super) use environment::well_known;
use fedhost_base::secrets::{HIDDEN, is_secret};
pub(super) use print::listing;
pub use profile::Profile;
use property::Side;
pub(super) use rules::check;
pub(super) use schema::MARK;
pub(super) use secrets::{displace, read_files};
pub use settings::Settings;
pub(super) use spelling::{settle_names, settle_values};

/// Prefix of transactional ids, behind that of the topics.
const TRANSACTIONAL_ID: &str = "fedhost";

/// How to reach a cluster, and what to promise on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Kafka {
    /// A named set of settings of producers and consumers; what is given below goes before it.
    pub profile: Profile,
    /// What a write promises: `exactly-once`, its records, offsets and state in one transaction;
    /// `at-least-once`, a crash may repeat records.
    pub delivery: Delivery,
    /// In front of the transactional ids of this manifest's writers; two federations on one cluster
    /// need different ones. Without it, `topics.prefix` and `fedhost`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "name"))]
    pub transactional_id_prefix: Option<String>,
    /// In front of the names of this manifest's consumer groups; two federations on one cluster
    /// need different ones. Without it, `topics.prefix`. Example: `"plant-7."`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "prefix"))]
    pub group_prefix: Option<String>,
    /// How readers that share a group's partitions agree on them: `classic` (cooperative), or
    /// `consumer` (KIP-848), which Kafka has from 4.0. The roles of a run share none yet: one reader
    /// has all partitions and the others stand by; they are always classic.
    pub group_protocol: GroupProtocol,
    /// Whether brokers may go unverified: only with it may ssl_check_hostname or
    /// enable_ssl_certificate_verification be false.
    pub insecure: bool,
    /// Milliseconds after which a partition that has records and gives none is stalled: 1000 to
    /// 3600000.
    #[schemars(range(min = 1000, max = 3_600_000))]
    pub stall_after_ms: u64,
    /// Milliseconds for a reader that shares partitions to finish the work under way when one goes
    /// to another reader, 0 to 3600000; then it is taken, and the reader's late writes are refused.
    #[schemars(range(min = 0, max = 3_600_000))]
    pub drain_ms: u64,
    /// Milliseconds that a client may take to close, 0 to 3600000; then it is left behind.
    #[schemars(range(min = 0, max = 3_600_000))]
    pub close_ms: u64,
    /// Milliseconds that a request about topics or groups may take: 100 to 3600000.
    #[schemars(range(min = 100, max = 3_600_000))]
    pub request_ms: u64,
    /// File that holds sasl_password and nothing else, relative to the manifest. Example:
    /// `"secrets/kafka-password"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sasl_password_file: Option<PathBuf>,
    /// File that holds ssl_key_password and nothing else, relative to the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssl_key_password_file: Option<PathBuf>,
    /// Settings of clients that write. Example: `linger_ms = 50`, or `"linger.ms" = 50`.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    #[schemars(schema_with = "schema::producer")]
    pub producer: Settings,
    /// Settings of clients that read. Example: `auto_offset_reset = "earliest"`.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    #[schemars(schema_with = "schema::consumer")]
    pub consumer: Settings,
    /// What differs for the aggregator.
    #[serde(default, skip_serializing_if = "RoleSettings::is_empty")]
    pub aggregator: RoleSettings,
    /// What differs for fog nodes.
    #[serde(default, skip_serializing_if = "RoleSettings::is_empty")]
    pub fog_node: RoleSettings,
    /// What differs for sensors, which only write.
    #[serde(default, skip_serializing_if = "SensorSettings::is_empty")]
    pub sensor: SensorSettings,
    /// Settings of all clients: `bootstrap_servers`, `security_protocol` and the like.
    #[serde(flatten)]
    #[schemars(schema_with = "schema::shared")]
    pub clients: Settings,
    /// What the files of secrets hold, by librdkafka's names.
    #[serde(skip)]
    secrets: secrets::Secrets,
}

/// What differs for one role.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoleSettings {
    /// Settings of its clients that write.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    #[schemars(schema_with = "schema::producer")]
    pub producer: Settings,
    /// Settings of its clients that read.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    #[schemars(schema_with = "schema::consumer")]
    pub consumer: Settings,
}

impl RoleSettings {
    fn is_empty(&self) -> bool {
        self.producer.is_empty() && self.consumer.is_empty()
    }
}

/// What differs for sensors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-refused" = { "consumer": { "reason": "a sensor only writes", "hint": "leave it out" } }))]
pub struct SensorSettings {
    /// Settings of their clients.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    #[schemars(schema_with = "schema::producer")]
    pub producer: Settings,
}

impl SensorSettings {
    fn is_empty(&self) -> bool {
        self.producer.is_empty()
    }
}

/// What a write promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// Records, offsets and state in one transaction.
    ExactlyOnce,
    /// A crash may repeat records, and loses none.
    AtLeastOnce,
}

/// How readers that share partitions come to an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GroupProtocol {
    /// One of the readers divides the partitions.
    Classic,
    /// The broker does (KIP-848).
    Consumer,
}

/// Whose clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientRole {
    /// The aggregator's.
    Aggregator,
    /// A fog node's.
    FogNode,
    /// A sensor's.
    Sensor,
    /// Those of commands that look after topics, groups and dead-letter records.
    Admin,
}

impl ClientRole {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Aggregator, Self::FogNode, Self::Sensor, Self::Admin];

    /// As in names of clients.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Aggregator => "aggregator",
            Self::FogNode => "fog-node",
            Self::Sensor => "sensor",
            Self::Admin => "admin",
        }
    }
}

/// Where a new group begins to read a fog node's readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewGroup {
    /// At the oldest record still there.
    Earliest,
    /// After the newest record.
    Latest,
    /// Nowhere: it refuses to begin without a stored offset.
    Refuses,
}

/// The clients of one role: properties by librdkafka's names, checked against each other. Secrets
/// stay out of its `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaClients {
    /// Of clients that write.
    pub producer: BTreeMap<String, String>,
    /// Of clients that read.
    pub consumer: BTreeMap<String, String>,
    /// Records handed out at a time, at the most.
    pub max_poll_records: usize,
    /// Milliseconds that a writer waits for room in a full queue before it says so.
    pub max_block_ms: u64,
    /// Where a new group begins to read a fog node's readings; models and updates are always read
    /// from the earliest.
    pub start: NewGroup,
}

impl fmt::Debug for KafkaClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |properties: &BTreeMap<String, String>| -> BTreeMap<String, String> {
            let shown = |name: &str, value: &str| {
                if is_secret(&property::key_of(name)) {
                    HIDDEN
                } else {
                    value
                }
                .to_owned()
            };
            properties
                .iter()
                .map(|(name, value)| (name.clone(), shown(name, value)))
                .collect()
        };
        f.debug_struct("KafkaClients")
            .field("producer", &shown(&self.producer))
            .field("consumer", &shown(&self.consumer))
            .field("max_poll_records", &self.max_poll_records)
            .field("max_block_ms", &self.max_block_ms)
            .field("start", &self.start)
            .finish()
    }
}

impl Manifest {
    /// What stands in front of the transactional ids of this manifest's writers. Federations that
    /// share a cluster have different topics, so the topics' prefix keeps them apart.
    #[must_use]
    pub fn transactional_id_prefix(&self) -> String {
        let given = self.kafka.transactional_id_prefix.clone();
        given.unwrap_or_else(|| format!("{}{TRANSACTIONAL_ID}", self.topics.prefix()))
    }

    /// What stands in front of the names of this manifest's consumer groups.
    #[must_use]
    pub fn group_prefix(&self) -> String {
        let given = self.kafka.group_prefix.clone();
        given.unwrap_or_else(|| self.topics.prefix().to_owned())
    }

    /// The clients of a role.
    #[must_use]
    pub fn kafka_clients(&self, role: ClientRole) -> KafkaClients {
        let producer = Effective::of(self, role, Side::Producer);
        let consumer = Effective::of(self, role, Side::Consumer);
        KafkaClients {
            max_poll_records: consumer
                .whole("max.poll.records")
                .try_into()
                .unwrap_or(usize::MAX),
            max_block_ms: producer.whole("max.block.ms"),
            start: match consumer.text("auto.offset.reset") {
                "latest" => NewGroup::Latest,
                "error" => NewGroup::Refuses,
                _ => NewGroup::Earliest,
            },
            producer: producer.properties(),
            consumer: consumer.properties(),
        }
    }

    /// What a run on Kafka must announce before it begins: settings that the user chose, and that
    /// weaken a promise.
    #[must_use]
    pub fn kafka_warnings(&self) -> Vec<String> {
        warnings::warnings(self)
    }
}
