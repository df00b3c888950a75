//! What a run log says, in numbers: the report's model, and the document of `report --json`.
//!
//! Times are milliseconds, moments count from the Unix epoch. A number that is not finite is
//! absent.

mod collect;
mod nodes;
mod tally;

use std::path::Path;

use fedhost_base::event::{Damage, Stamped};
use fedhost_domain::event::{GlobalEvaluation, RoundClosed};
use fedhost_domain::model::{NodeId, PluginId, Sha256Hex};
use serde::Serialize;

use crate::run_log::{self, BadLine};
use collect::Collector;
pub use tally::Tally;

/// One run: everything from its first start to the end of its log.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RunSummary {
    /// The part of `log` that differs from the other runs.
    pub name: String,
    /// The log's path, as given.
    pub log: String,
    /// What was run, from the latest start.
    pub manifest: Option<RunManifest>,
    /// Starts of the program; more than one means that it was resumed.
    pub starts: u64,
    /// The first event.
    pub first_ms: Option<u64>,
    /// The last event.
    pub last_ms: Option<u64>,
    /// Time between a start and the last event before the next one, over all starts.
    pub active_ms: u64,
    /// How the latest start ended; `None` when the log stops before that.
    pub outcome: Option<String>,
    /// Identity of the last global model.
    pub weights_sha256: Option<Sha256Hex>,
    /// Samples of all finished rounds.
    pub samples: u64,
    /// Updates that never reached a sum.
    pub rejected: u64,
    /// Of the last finished round.
    pub loss: Option<f64>,
    /// From the first global model scored to the last.
    pub roc_auc: Option<Change>,
    /// Finished rounds, in order of number.
    pub rounds: Vec<Round>,
    /// The round that was still gathering when the log ends.
    pub open_round: Option<OpenRound>,
    /// Scores of global models on held-out rows, in order of round.
    pub evaluations: Vec<RoundEvaluation>,
    /// Every node that took part, sent something, or was expected; by name.
    pub nodes: Vec<Node>,
    /// Refused updates by sender and reason, most frequent first.
    pub rejections: Vec<Tally<RejectedUpdates>>,
    /// Components in use, in order of appearance.
    pub plugins: Vec<UsedPlugin>,
    /// Failed calls and refused components, most frequent first.
    pub plugin_failures: Vec<Tally<PluginFailure>>,
    /// Warnings by the part of the host that reported them, most frequent first.
    pub warnings: Vec<Tally<String>>,
    /// Roles that lost their bus and restarted, most frequent first.
    pub restarts: Vec<Tally<String>>,
    /// Records that could not be used, most frequent first.
    pub skipped_records: Vec<Tally<SkippedRecords>>,
    /// What the embedded log lost.
    pub damage: Vec<Damage>,
    /// Sensors that have come to their end.
    pub sensors: Vec<SensorRows>,
    /// Lines of the run log that hold no known event, most frequent first.
    pub bad_lines: Vec<Tally<String>>,
}

impl RunSummary {
    /// Reads the log at `path` line by line.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(path: &Path) -> Result<Self, run_log::Error> {
        let mut collector = Collector::default();
        run_log::read(path, |line| collector.add(line))?;
        Ok(collector.finish(&path.display().to_string()))
    }

    /// Adds up the lines of the log that is called `name`.
    pub fn of(name: &str, lines: impl IntoIterator<Item = Result<Stamped, BadLine>>) -> Self {
        let mut collector = Collector::default();
        lines.into_iter().for_each(|line| collector.add(line));
        collector.finish(name)
    }

    /// The score of a round's global model.
    #[must_use]
    pub fn evaluation(&self, round: u64) -> Option<&RoundEvaluation> {
        let index = self
            .evaluations
            .binary_search_by_key(&round, |evaluation| evaluation.round)
            .ok()?;
        self.evaluations.get(index)
    }
}

/// What was run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunManifest {
    /// Its file name.
    pub file: String,
    /// Digest of the effective manifest.
    pub sha256: Sha256Hex,
    /// The program's version.
    pub version: String,
}

/// A number at the beginning and at the end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// At the beginning.
    pub first: f64,
    /// At the end.
    pub last: f64,
}

/// A finished round.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Round {
    /// When its global model was published.
    pub closed_ms: u64,
    /// As announced.
    #[serde(flatten)]
    pub closed: RoundClosed,
    /// Nodes that had an update refused while it was open.
    pub refused: Vec<NodeId>,
    /// How often its time was up with too few answers.
    pub extensions: u64,
}

/// A round without a global model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct OpenRound {
    /// Its number.
    pub round: u64,
    /// How often its time was up with too few answers.
    pub extensions: u64,
    /// Nodes that had answered when its time was last up.
    pub answered: Option<u64>,
    /// Nodes that had to answer at that time.
    pub min_nodes: Option<u64>,
}

/// The score of one global model on held-out rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RoundEvaluation {
    /// The round that made the model.
    pub round: u64,
    /// The model before it, on its own held-out rows.
    pub before: Option<GlobalEvaluation>,
    /// This model.
    pub after: GlobalEvaluation,
}

/// One node over all finished rounds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Node {
    /// Its name.
    pub node: NodeId,
    /// Rounds it took part in.
    pub rounds: u64,
    /// Rounds that closed without it although it was expected.
    pub missed: u64,
    /// Samples it brought in.
    pub samples: u64,
    /// Mean training loss, weighted by samples.
    pub loss: Option<f64>,
    /// Mean number of global models by which its updates were behind.
    pub staleness: Option<f64>,
    /// Mean wall time of local training.
    pub train_ms: Option<f64>,
    /// Its updates that were refused.
    pub rejected: u64,
    /// Labelled rows that no round has waited for.
    pub training_rows_skipped: u64,
    /// How often it found its earlier state and resumed from there.
    pub resumed: u64,
    /// When it last sent something.
    pub last_seen_ms: Option<u64>,
    /// The last round it took part in.
    pub last_round: Option<u64>,
}

/// Updates refused for one reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RejectedUpdates {
    /// The sender, when it is known.
    pub node: Option<NodeId>,
    /// A short stable code.
    pub reason: String,
}

/// A component.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UsedPlugin {
    /// Name, version, digest.
    #[serde(flatten)]
    pub id: PluginId,
    /// The file it came from.
    pub file: Option<String>,
    /// Time spent compiling, or loading from the cache, when it was last loaded.
    pub compile_ms: Option<u64>,
    /// The round that was open when it was first loaded.
    pub since_round: Option<u64>,
}

/// Failures of one kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct PluginFailure {
    /// Name, or file.
    pub plugin: String,
    /// The call, or `load`.
    pub call: String,
    /// A short stable code.
    pub kind: String,
}

/// Records skipped for one reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SkippedRecords {
    /// The topic, or the file.
    pub source: String,
    /// A short stable code.
    pub reason: String,
}

/// A sensor that has published all its rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SensorRows {
    /// The fog node it feeds.
    pub node: NodeId,
    /// Its name.
    pub sensor: String,
    /// Rows published.
    pub rows: u64,
    /// Rows that could not be read.
    pub skipped: u64,
}

#[cfg(test)]
mod tests;
