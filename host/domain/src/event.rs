//! Every fact the host announces. One enum feeds the terminal, the log, the run log and whatever
//! listens later.
//!
//! A variant says what happened, in the past tense, with the ids and numbers a reader needs to act
//! on it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Metric, NodeId, PluginId, Sha256Hex, f64_or_null};

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
        /// Who, with how much.
        participant: Participant,
    },
    /// An update never reached the sum.
    UpdateRejected {
        /// The round that was being gathered.
        round: u64,
        /// The sender, when it could be told.
        node: Option<NodeId>,
        /// A short stable code, such as `stale`.
        reason: String,
        /// The whole story.
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
        /// Who trained.
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
        /// Who.
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
        /// Who.
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
        /// The whole story.
        detail: String,
    },
    /// A stretch of the embedded log cannot be read any more.
    LogDamaged {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// First lost offset.
        from: u64,
        /// One past the last lost offset.
        to: u64,
        /// What was found.
        detail: String,
    },
    /// Something is not as it should be, and nothing is lost by it yet.
    Warned {
        /// Which part of the host, such as `log`.
        part: String,
        /// The whole story.
        detail: String,
    },
    /// A client of the bus lost its broker, or was refused; what it holds is kept, and tried again.
    ConnectionLost {
        /// Which client, such as `writer of fog-node-1`.
        part: String,
        /// The whole story.
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
    /// Probes, and whoever collects figures, are answered over HTTP.
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
        /// The whole story.
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
        first_offsets: BTreeMap<u32, u64>,
        /// In words, what the new component goes on from.
        state: String,
    },
    /// A component failed again and again, and is left alone for a while.
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
        /// The last failure's whole story.
        detail: String,
    },
    /// A component that was left alone works again.
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

/// One node's part in a round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Participant {
    /// Who.
    pub node: NodeId,
    /// Rows it trained on: its weight in the mean.
    pub samples: u64,
    /// How many global models behind the newest its update was.
    pub staleness: u64,
    /// Training loss, as its plug-in reports it.
    #[serde(deserialize_with = "f64_or_null")]
    pub loss: f64,
    /// Euclidean norm of its weights.
    #[serde(deserialize_with = "f64_or_null")]
    pub norm: f64,
    /// Wall time of local training, when the node told.
    pub train_ms: Option<u64>,
    /// Other figures of its plug-in.
    pub metrics: Vec<Metric>,
}

/// A finished round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoundClosed {
    /// Its number, from 1.
    pub round: u64,
    /// Who took part, by node.
    pub participants: Vec<Participant>,
    /// Expected nodes that did not answer.
    pub missing: Vec<NodeId>,
    /// Updates refused while it was open.
    pub rejected: u64,
    /// `complete` when every expected node answered, else `interval`.
    pub closed_by: String,
    /// Sum of the participants' samples.
    pub samples: u64,
    /// Sample-weighted mean of the participants' losses.
    #[serde(deserialize_with = "f64_or_null")]
    pub loss: f64,
    /// Identity of the new global model.
    pub weights_sha256: Sha256Hex,
    /// Its Euclidean norm.
    #[serde(deserialize_with = "f64_or_null")]
    pub norm: f64,
    /// Where the time went.
    pub durations: Durations,
}

/// Where a round's time went, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Durations {
    /// From opening to the last update.
    #[serde(deserialize_with = "f64_or_null")]
    pub gathering_ms: f64,
    /// Finishing the mean.
    #[serde(deserialize_with = "f64_or_null")]
    pub aggregating_ms: f64,
    /// Encoding, and the durable write.
    #[serde(deserialize_with = "f64_or_null")]
    pub publishing_ms: f64,
}

/// How well a global model tells held-out anomalies from the rest, over all nodes that answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Held-out rows.
    pub rows: u64,
    /// Of which anomalous.
    pub anomalous: u64,
    /// Area under the ROC curve of all nodes' rows pooled; absent when only one class is present.
    pub roc_auc: Option<f64>,
    /// Average precision, pooled.
    pub average_precision: Option<f64>,
    /// The same, node by node.
    pub nodes: Vec<NodeEvaluation>,
}

/// One node's part of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeEvaluation {
    /// Who.
    pub node: NodeId,
    /// Its held-out rows.
    pub rows: u64,
    /// Of which anomalous.
    pub anomalous: u64,
    /// On its own rows.
    pub roc_auc: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_with_a_loss_that_is_no_number_can_be_read_again() {
        let metrics = vec![Metric {
            name: "accuracy".into(),
            value: f64::INFINITY,
        }];
        let (node, train_ms) = (NodeId::fog(1), None);
        let participant = Participant {
            node,
            samples: 3,
            staleness: 0,
            loss: f64::NAN,
            norm: 2.5,
            train_ms,
            metrics,
        };
        let line = serde_json::to_string(&Stamped {
            time_ms: 1,
            event: Event::UpdateAccepted {
                round: 1,
                participant,
            },
        });

        let Stamped {
            event: Event::UpdateAccepted { participant, .. },
            ..
        } = serde_json::from_str(&line.unwrap()).unwrap()
        else {
            panic!("another event came back")
        };
        assert!(participant.loss.is_nan() && participant.metrics[0].value.is_nan());
        assert_eq!((participant.samples, participant.norm), (3, 2.5));
    }
}
