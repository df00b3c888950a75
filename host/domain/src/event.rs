//! Every fact the host announces. One enum feeds the terminal, the run log, the metrics and every
//! other listener.
//!
//! A variant says what happened, in the past tense, with the ids and numbers a reader needs to act
//! on it.

mod damage;
mod round;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::model::{Metric, NodeId, PluginId, Sha256Hex, f64_or_null};
pub use damage::Damage;
pub use round::{Durations, Evaluation, NodeEvaluation, Participant, RoundClosed};

/// An event and when it happened; one line of the run log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    /// Milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A run began, or began again after a stop.
    RunStarted {
        /// The manifest's file name.
        manifest: String,
        /// Digest of the effective manifest.
        manifest_sha256: Sha256Hex,
        /// This program's version.
        version: String,
        /// The newest global model found, 0 for a fresh start.
        resumed_round: u64,
        /// The components in use.
        plugins: Vec<PluginId>,
    },
    /// The aggregator began to gather updates.
    RoundOpened {
        /// The round whose global model is to be made.
        round: u64,
    },
    /// An update was added to the sum.
    UpdateAccepted {
        /// The round it counts in.
        round: u64,
        /// The sender, and its weight in the mean.
        participant: Participant,
    },
    /// An update never reached the sum.
    UpdateRejected {
        /// The round that was being gathered.
        round: u64,
        /// The sender, when it is known.
        node: Option<NodeId>,
        /// A short stable code, such as `stale`.
        reason: String,
        /// The full explanation.
        detail: String,
    },
    /// A round's time is up and too few nodes have answered; it goes on gathering.
    RoundFailed {
        /// The round.
        round: u64,
        /// Nodes that have answered.
        answered: u64,
        /// Nodes that must.
        min_nodes: u64,
    },
    /// A global model was made and published.
    RoundClosed(RoundClosed),
    /// Nodes scored their held-out rows with a round's global model.
    RoundEvaluated {
        /// The round whose global model was scored.
        round: u64,
        /// The previous global model on its held-out rows.
        before: Option<Evaluation>,
        /// This round's global model.
        after: Evaluation,
    },
    /// A fog node published an update.
    NodeTrained {
        /// The node.
        node: NodeId,
        /// The round the update is meant for.
        round: u64,
        /// Labelled rows in the training window.
        samples: u64,
        /// As the plug-in reports it.
        #[serde(deserialize_with = "f64_or_null")]
        loss: f64,
        /// Wall time of the plug-in's call.
        train_ms: u64,
    },
    /// A fog node found its earlier state and goes on from there.
    NodeResumed {
        /// The node.
        node: NodeId,
        /// Rows it had read before it stopped.
        rows: u64,
        /// Rows read again to restore its windows; their results were already published.
        replayed: u64,
        /// The newest global model it holds.
        round: u64,
    },
    /// Training could not keep up with the rows and moved on to newer ones.
    TrainingSkipped {
        /// The node.
        node: NodeId,
        /// Labelled rows that no round has waited for.
        rows: u64,
    },
    /// A sensor has put all its rows on its topic.
    SensorFinished {
        /// The fog node whose topic it feeds.
        node: NodeId,
        /// The sensor's name.
        sensor: String,
        /// Rows published in all.
        rows: u64,
        /// Rows of the source that could not be read.
        skipped: u64,
    },
    /// A record could not be used; when it came from the bus, one of those who read it keeps it in
    /// the dead-letter topic.
    RecordSkipped {
        /// The topic, or the file.
        source: String,
        /// The partition, or 0.
        partition: u32,
        /// The offset, or the line.
        offset: u64,
        /// A short stable code, such as `undecodable`.
        reason: String,
        /// The full explanation.
        detail: String,
    },
    /// Records of the embedded log cannot be read any more.
    LogDamaged(Damage),
    /// Something is not as it should be, and nothing is lost by it yet.
    Warned {
        /// Which part of the host, such as `log`.
        part: String,
        /// The full explanation.
        detail: String,
    },
    /// A client of the bus lost its broker, or was refused; what it holds is kept, and tried again.
    ConnectionLost {
        /// Which client, such as `writer of fog-node-1`.
        part: String,
        /// The full explanation.
        reason: String,
        /// What to do about it.
        hint: String,
    },
    /// A client that had lost its broker works again.
    ConnectionRestored {
        /// Which client.
        part: String,
        /// How long it was away.
        after_ms: u64,
    },
    /// Another process reads for this group; this one waits to take over.
    StandingBy {
        /// The consumer group.
        group: String,
    },
    /// A partition has records and none arrived for a while.
    PartitionStalled {
        /// The consumer group.
        group: String,
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// The next offset to be read.
        next: u64,
        /// One past the newest record.
        end: u64,
    },
    /// Records were dropped by their topic's retention before their group read them.
    RecordsExpired {
        /// The consumer group.
        group: String,
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// First lost offset.
        from: u64,
        /// One past the last lost offset.
        to: u64,
    },
    /// Probes and requests for metrics are answered over HTTP.
    Listening {
        /// Address and port.
        address: String,
    },
    /// A role was cut off from the bus and begins again from what it has stored.
    RoleRestarted {
        /// Which role.
        role: String,
        /// Why.
        reason: String,
    },
    /// A topic is not as the manifest asks; it was left as it is.
    TopicDiffers {
        /// The topic.
        topic: String,
        /// The setting, by Kafka's name, or `partitions` or `replication.factor`.
        setting: String,
        /// What the manifest asks for.
        asked: String,
        /// What the topic has.
        found: String,
    },
    /// A component was accepted.
    PluginLoaded {
        /// Which.
        plugin: PluginId,
        /// The file it came from.
        file: String,
        /// Time spent compiling, or loading from the cache.
        compile_ms: u64,
    },
    /// A component was refused, or a call into it failed.
    PluginFailed {
        /// Its name, or its file when it has none.
        plugin: String,
        /// The call, such as `detector.score`, or `load`.
        call: String,
        /// `trap`, `deadline`, `fuel`, `memory`, `output-too-large`, `invalid-output`, `refused`,
        /// `quarantined` or `error`.
        kind: String,
        /// The full explanation.
        detail: String,
    },
    /// A node took another component into use.
    PluginSwapped {
        /// Where.
        node: NodeId,
        /// In place of what: `preprocess` or `model`.
        part: String,
        /// The component until now.
        old: PluginId,
        /// The component from now on.
        new: PluginId,
        /// The topic of the node's readings.
        topic: String,
        /// By partition, the first offset that the new component handles.
        #[serde(deserialize_with = "by_partition")]
        first_offsets: BTreeMap<u32, u64>,
        /// What the new component resumes from, as text.
        state: String,
    },
    /// A component kept failing, and is not called until a pause ends.
    PluginQuarantined {
        /// Its name.
        plugin: String,
        /// As what: `preprocessor`, `trainer` or `detector`.
        part: String,
        /// The call that failed.
        call: String,
        /// How often in a row.
        failures: u32,
        /// For how long.
        pause_ms: u64,
        /// The full explanation of the last failure.
        detail: String,
    },
    /// A component that was in quarantine works again.
    PluginReleased {
        /// Its name.
        plugin: String,
        /// As what.
        part: String,
    },
    /// A component said something.
    PluginLogged {
        /// Its name.
        plugin: String,
        /// Where the instance works, such as `fog-node-1`.
        instance: String,
        /// `debug`, `info`, `warning` or `error`.
        level: String,
        /// What it said, cut to the limit.
        message: String,
    },
    /// A component reported the end of an epoch or a mini-batch.
    PluginProgress {
        /// Its name.
        plugin: String,
        /// Where the instance works.
        instance: String,
        /// Epochs done.
        epoch: u32,
        /// Epochs asked for.
        epochs: u32,
        /// As the component reports them.
        metrics: Vec<Metric>,
    },
    /// The run is over.
    RunFinished {
        /// The last round whose global model was published.
        round: u64,
        /// `completed`, `interrupted`, `time-limit` or `failed`.
        outcome: String,
        /// Identity of the last global model.
        weights_sha256: Option<Sha256Hex>,
    },
}

/// Keys of a JSON object are text; serde reads them as numbers only where it has not buffered them,
/// as it does for a tagged enum.
fn by_partition<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<u32, u64>, D::Error> {
    let by_text = BTreeMap::<String, u64>::deserialize(deserializer)?;
    let by_partition = by_text.into_iter().map(|(partition, offset)| {
        let partition = partition.parse().map_err(D::Error::custom)?;
        Ok((partition, offset))
    });
    by_partition.collect()
}
