//! The table of roles: which roles a manifest asks for, and what each reads, writes and remembers.
//!
//! What depends on the set of roles derives from this table and lists no role of its own: the tasks
//! of a run, the clients of Kafka and the sizes that they must let pass, `--role` and `--node`,
//! `doctor`, `topics lag`, `dlq acknowledge`. A new role is an entry here and in the app's match
//! that starts it; the compiler reports a missing one.

#[cfg(test)]
mod tests;

use std::str::FromStr;

use fedhost_domain::model::NodeId;

use super::{ClientRole, Manifest, Topic};

/// The entries of the table, in the order in which roles are listed and started.
const TABLE: [fn(&Manifest) -> Vec<RoleSpec>; 3] = [aggregator, fog_nodes, sensors];

/// What a role does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoleKind {
    /// Averages the fog nodes' updates into global models.
    Aggregator,
    /// Preprocesses, scores and learns.
    FogNode,
    /// Puts rows on a fog node's topic.
    Sensor,
}

impl RoleKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Aggregator, Self::FogNode, Self::Sensor];

    /// Its name on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Aggregator => "aggregator",
            Self::FogNode => "fog-node",
            Self::Sensor => "sensor",
        }
    }

    /// What it does, as one line of help.
    #[must_use]
    pub fn summary(self) -> &'static str {
        match self {
            Self::Aggregator => "Averages the fog nodes' updates into global models",
            Self::FogNode => "Preprocesses, scores and learns",
            Self::Sensor => "Puts rows on a fog node's topic",
        }
    }
}

impl FromStr for RoleKind {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let kind = Self::ALL.into_iter().find(|kind| kind.word() == word);
        kind.ok_or_else(|| format!("there is no role {word:?}"))
    }
}

/// Which role of its kind, by the section of the manifest that describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleId {
    /// The only aggregator.
    Aggregator,
    /// The fog node of this id.
    FogNode(u32),
    /// A sensor.
    Sensor {
        /// The id of the fog node that it feeds.
        node: u32,
        /// Its name, unlike any other sensor's.
        name: String,
    },
}

impl RoleId {
    /// What the role does.
    #[must_use]
    pub fn kind(&self) -> RoleKind {
        match self {
            Self::Aggregator => RoleKind::Aggregator,
            Self::FogNode(_) => RoleKind::FogNode,
            Self::Sensor { .. } => RoleKind::Sensor,
        }
    }

    /// The fog node that the role is, or feeds; `None` for a role of the whole federation.
    #[must_use]
    pub fn node(&self) -> Option<u32> {
        match self {
            Self::Aggregator => None,
            Self::FogNode(node) | Self::Sensor { node, .. } => Some(*node),
        }
    }

    /// The role's only name, such as `fog-node-1`: of its task, its clients, its spool, its halt,
    /// and in events.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Aggregator => NodeId::AGGREGATOR.to_owned(),
            Self::FogNode(node) => NodeId::fog(*node).to_string(),
            Self::Sensor { node, name } => format!("sensor-{node}-{name}"),
        }
    }
}

/// One role of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleSpec {
    /// Which role it is.
    pub id: RoleId,
    /// As [`RoleId::name`].
    pub name: String,
    /// Whose settings its Kafka clients take.
    pub clients: ClientRole,
    /// What it reads. A role is the only reader of its groups, and reads all partitions.
    pub reads: Vec<Read>,
    /// What it writes, but for dead-letter records; see [`RoleSpec::writes`].
    pub results: Vec<Topic>,
    /// Whether it stores state between runs.
    pub keeps_state: bool,
    /// Whether it calls plug-ins.
    pub needs_plugins: bool,
    /// Which of its writes may wait on this machine's disk for a cluster.
    pub spooling: Spooling,
    /// What it does after it was fenced.
    pub restart: RestartPolicy,
    /// What its end means for the run.
    pub completion: Completion,
}

/// A topic that a role reads. What cannot be used of it goes to its dead-letter topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// The consumer group.
    pub group: String,
    /// The topic's key in `[topics]`.
    pub key: &'static str,
    /// The topic.
    pub topic: Topic,
    /// Which of its records are read.
    pub extent: Extent,
}

/// Which records of a topic a role reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of them: the group stores its offsets, and can be behind.
    All,
    /// The newest and those after it: the group is never behind.
    FromNewest,
}

/// What of a role's writes may wait on this machine's disk for a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spooling {
    /// Nothing.
    No,
    /// All of it, once the role has started with the state that the cluster keeps.
    Writes,
    /// The role also starts without the cluster, from what it has written here: no other process
    /// does its work.
    Alone,
}

/// What a role does after another process has fenced it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestartPolicy {
    /// It waits until its groups are free, and resumes.
    Rejoin,
    /// It ends: it has no group that decides whose turn it is, so two of them would fence each other
    /// for ever.
    Never,
}

/// What the end of a role means for its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// The run is complete once all such roles have ended.
    EndsRun,
    /// It feeds other roles: it is stopped before them, and ends the run only where it runs without
    /// them.
    Feeds,
}

impl RoleSpec {
    /// Every topic that it writes: its results, and the dead-letter topics of what it reads.
    #[must_use]
    pub fn writes(&self, manifest: &Manifest) -> Vec<Topic> {
        let topics = &manifest.topics;
        let dead_letters = self
            .reads
            .iter()
            .map(|read| topics.dead_letter_of(&read.topic));
        let state = self.keeps_state.then(|| topics.state());
        let results = self.results.iter().cloned();
        results.chain(dead_letters).chain(state).collect()
    }
}

impl Manifest {
    /// The roles that it asks for.
    #[must_use]
    pub fn roles(&self) -> Vec<RoleSpec> {
        TABLE.iter().flat_map(|roles| roles(self)).collect()
    }
}

fn aggregator(manifest: &Manifest) -> Vec<RoleSpec> {
    let topics = &manifest.topics;
    let id = RoleId::Aggregator;
    let name = id.name();
    let read = |key, topic| Read {
        group: name.clone(),
        key,
        topic,
        extent: Extent::All,
    };
    vec![RoleSpec {
        reads: vec![
            read("model_updates", topics.model_updates()),
            read("evaluations", topics.evaluations()),
        ],
        results: vec![topics.global_model()],
        clients: ClientRole::Aggregator,
        keeps_state: true,
        needs_plugins: true,
        spooling: Spooling::No,
        restart: RestartPolicy::Rejoin,
        completion: Completion::EndsRun,
        id,
        name,
    }]
}

fn fog_nodes(manifest: &Manifest) -> Vec<RoleSpec> {
    let nodes = manifest.fog_node_ids().into_iter();
    nodes.map(|node| fog_node(manifest, node)).collect()
}

fn fog_node(manifest: &Manifest, node: u32) -> RoleSpec {
    let topics = &manifest.topics;
    let id = RoleId::FogNode(node);
    let name = id.name();
    RoleSpec {
        reads: vec![
            Read {
                group: name.clone(),
                key: "sensor_data",
                topic: topics.sensor_data_of(node),
                extent: Extent::All,
            },
            Read {
                group: format!("{name}.models"),
                key: "global_model",
                topic: topics.global_model(),
                extent: Extent::FromNewest,
            },
        ],
        results: vec![
            topics.model_updates(),
            topics.predictions(),
            topics.evaluations(),
        ],
        clients: ClientRole::FogNode,
        keeps_state: true,
        needs_plugins: true,
        spooling: Spooling::Writes,
        restart: RestartPolicy::Rejoin,
        completion: Completion::EndsRun,
        id,
        name,
    }
}

fn sensors(manifest: &Manifest) -> Vec<RoleSpec> {
    let sensors = manifest.sensor.iter();
    sensors
        .map(|sensor| {
            let id = RoleId::Sensor {
                node: sensor.node(),
                name: sensor.name().to_owned(),
            };
            RoleSpec {
                name: id.name(),
                clients: ClientRole::Sensor,
                reads: Vec::new(),
                results: vec![manifest.topics.sensor_data_of(sensor.node())],
                keeps_state: true,
                needs_plugins: false,
                spooling: Spooling::Alone,
                restart: RestartPolicy::Never,
                completion: Completion::Feeds,
                id,
            }
        })
        .collect()
}
