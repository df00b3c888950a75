//! The state of a process at one moment: its health and its metrics.

use std::collections::BTreeMap;

use fedhost_domain::model::f64_or_null;
use serde::{Deserialize, Serialize};

/// The state of a process at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// This program's version.
    pub version: String,
    /// When it was started, in milliseconds since the Unix epoch.
    pub started_ms: u64,
    /// Whether it is starting, at work or stopping.
    pub phase: Phase,
    /// Whether it is working and has no trouble.
    pub ready: bool,
    /// The reasons why it is not ready.
    pub troubles: Vec<NotReady>,
    /// All metrics, sorted by name.
    #[serde(alias = "figures")]
    pub metrics: Vec<MetricFamily>,
    /// Reports of metrics that were dropped because there were too many series.
    #[serde(alias = "figures_left_out")]
    pub metrics_left_out: u64,
    /// Its memory and processor time; `None` where the system does not report them.
    pub process: Option<Process>,
}

/// The phases of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Some of its parts do not run yet.
    #[default]
    Starting,
    /// All of its parts run.
    Working,
    /// It finishes the work that it has begun.
    Stopping,
}

impl Phase {
    pub(super) fn trouble(self) -> Option<NotReady> {
        match self {
            Self::Starting => Some(NotReady::new("process", "it is starting")),
            Self::Working => None,
            Self::Stopping => Some(NotReady::new("process", "it is stopping")),
        }
    }
}

/// One reason why a process is not ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotReady {
    /// The part that is in trouble, such as `writer of fog-node-1`.
    pub part: String,
    /// What is wrong with it.
    pub reason: String,
}

impl NotReady {
    pub(super) fn new(part: &str, reason: &str) -> Self {
        Self {
            part: part.to_owned(),
            reason: reason.to_owned(),
        }
    }
}

/// Whether a metric is a gauge or a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// It goes up and down.
    Gauge,
    /// It only rises; it starts at 0 with the process.
    Counter,
}

/// A metric with all its values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricFamily {
    /// In `snake_case`, with the unit at the end.
    pub name: String,
    /// Gauge or counter.
    pub kind: MetricKind,
    /// Its description.
    pub help: String,
    /// At least one, sorted by labels.
    pub series: Vec<Series>,
}

/// One value of a metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Names and values of its labels.
    pub labels: BTreeMap<String, String>,
    /// In the unit at the end of the metric's name; without one, a count of things.
    #[serde(deserialize_with = "f64_or_null")]
    pub value: f64,
}

/// The memory and processor time of a process.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Memory in use.
    pub resident_memory_bytes: u64,
    /// Time spent computing, by all threads together.
    pub cpu_seconds: f64,
}
