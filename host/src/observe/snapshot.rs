//! What is known about a process at one moment, for people and programs.

use std::collections::BTreeMap;

use fedhost_domain::model::f64_or_null;
use serde::{Deserialize, Serialize};

/// What is known about a process at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// This program's version.
    pub version: String,
    /// When it was started, in milliseconds since the Unix epoch.
    pub started_ms: u64,
    /// Whether it is starting, at work or stopping.
    pub phase: Phase,
    /// Whether it is at work, and nothing is in trouble.
    pub ready: bool,
    /// Why it is not ready.
    pub troubles: Vec<Trouble>,
    /// By name.
    pub figures: Vec<Figure>,
    /// Reports of figures that found no room.
    pub figures_left_out: u64,
    /// What it takes of the machine, where the system tells.
    pub process: Option<Process>,
}

/// The life of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Not all of its parts run.
    #[default]
    Starting,
    /// All of its parts run.
    Working,
    /// It finishes what it has in hand.
    Stopping,
}

impl Phase {
    pub(super) fn trouble(self) -> Option<Trouble> {
        match self {
            Self::Starting => Some(Trouble::new("process", "it is starting")),
            Self::Working => None,
            Self::Stopping => Some(Trouble::new("process", "it is stopping")),
        }
    }
}

/// One reason why a process is not ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Who is in trouble, such as `writer of fog-node-1`.
    pub part: String,
    /// The whole story.
    pub reason: String,
}

impl Trouble {
    pub(super) fn new(part: &str, reason: &str) -> Self {
        Self {
            part: part.to_owned(),
            reason: reason.to_owned(),
        }
    }
}

/// Whether a figure can fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It goes up and down.
    Gauge,
    /// It only rises while the process lives; begins again at 0 with it.
    Counter,
}

/// A figure with all its values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// In `snake_case`, with the unit at the end.
    pub name: String,
    /// Whether it can fall.
    pub kind: Kind,
    /// What it tells.
    pub help: String,
    /// At least one, by labels.
    pub series: Vec<Series>,
}

/// One value of a figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// What it is about.
    pub labels: BTreeMap<String, String>,
    /// In the unit that the figure's name ends with, otherwise a number of things.
    #[serde(deserialize_with = "f64_or_null")]
    pub value: f64,
}

/// What a process takes of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Memory in use.
    pub resident_memory_bytes: u64,
    /// Time spent computing, by all threads together.
    pub cpu_seconds: f64,
}
