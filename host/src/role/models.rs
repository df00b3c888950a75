//! Model weights on the bus: envelopes in, updates and global models out; and the nodes'
//! evaluations of global models.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use bytes::Bytes;
use fedhost_domain::envelope::{
    Binary, EncodeError, Envelope, EnvelopeLimits, Header, MessageKind, Metadata, Reject,
};
use fedhost_domain::metrics::ScoreSketch;
use fedhost_domain::model::{Metric, NodeId, PluginId, Weights};
use fedhost_domain::round::{GlobalModel, HeaderFault, Update};
use serde::{Deserialize, Serialize};

use super::federation::{FederationTopics, Wire};
use super::message::{self, Message};
use super::{Error, trace};
use fedhost_base::clock;
use fedhost_base::event::Event;
use fedhost_base::hint::explain;
use fedhost_bus::{self as bus, Bus, NewRecord, Position, Record};
use fedhost_plugin::worker;

/// Largest envelope that is looked at.
const MAX_BYTES: usize = 64 << 20;
/// Most parameters of a model that is unpacked.
const MAX_PARAMETERS: usize = 16 << 20;
/// Larger envelopes are packed and unpacked on a thread of their own.
const LARGE_BYTES: usize = 256 << 10;
const LOSS: &str = "loss";

/// How well a global model scores a node's held-out rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModelEvaluation {
    /// The global model's round.
    pub round: u64,
    /// The node.
    pub node: NodeId,
    /// Counts of scores, which can be added up over nodes.
    pub sketch: ScoreSketch,
}

/// A record that is no usable model message.
#[derive(Debug, thiserror::Error)]
pub enum RefusedModel {
    /// Its envelope is damaged, or breaks the format.
    #[error(transparent)]
    Envelope(#[from] Reject),
    /// An update contradicts itself, or claims what no node can.
    #[error(transparent)]
    Header(#[from] HeaderFault),
    /// It is of another plug-in.
    #[error("it is a model of plug-in {found:?}, not of {expected:?}")]
    Plugin {
        /// The plug-in in use here.
        expected: String,
        /// The model's.
        found: String,
    },
    /// It is an update on the topic of global models.
    #[error("it is a model update, not a global model")]
    NotAGlobalModel,
}

impl miette::Diagnostic for RefusedModel {
    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        match self {
            Self::Envelope(reject) => reject.help(),
            Self::Header(fault) => fault.help(),
            Self::Plugin { .. } | Self::NotAGlobalModel => None,
        }
    }
}

impl RefusedModel {
    /// A short stable name of the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Envelope(reject) => reject.code(),
            Self::Plugin { .. } => "wrong_plugin",
            Self::Header(fault) => fault.code(),
            Self::NotAGlobalModel => "wrong_type",
        }
    }

    /// As an event about the record.
    #[must_use]
    pub fn event(&self, record: &Record) -> Event {
        message::skipped(record, self.code(), explain(self))
    }

    /// The sender that the record's key names; its content cannot be trusted.
    #[must_use]
    pub fn sender(&self, record: &Record) -> Option<NodeId> {
        let key = String::from_utf8(record.key.as_ref()?.to_vec()).ok()?;
        NodeId::try_from(key).ok()
    }
}

/// A global model as a fog node reads it.
#[derive(Clone, Debug)]
pub struct ReceivedGlobal {
    /// The round that made it.
    pub round: u64,
    /// Its weights.
    pub weights: Arc<Weights>,
}

/// What an update is made of.
#[derive(Debug)]
pub struct NewUpdate<'a> {
    /// Who trained.
    pub node: NodeId,
    /// The global model it was trained from, 0 being the initial model.
    pub base_round: u64,
    /// Rows it was trained on.
    pub samples: u64,
    /// The weights after training.
    pub weights: &'a Weights,
    /// Which component trained.
    pub plugin: &'a PluginId,
    /// Training loss.
    pub loss: f64,
    /// Other figures.
    pub metrics: &'a [Metric],
    /// Wall time of training.
    pub train_ms: f64,
}

/// A random id for a message that is never repeated.
#[must_use]
pub fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// The record before this one in its partition; untrusted records may lie behind the wanted one.
///
/// # Errors
/// The bus refused.
pub async fn before(bus: &dyn Bus, record: &Record) -> Result<Option<Record>, bus::Error> {
    let Position {
        topic,
        partition,
        offset,
    } = &record.position;
    let first_from = async |from| {
        let found = bus.first_from(topic, *partition, from).await?;
        Ok::<_, bus::Error>(found.filter(|found| found.position.offset < *offset))
    };
    // A bus leaves offsets out, so how far back it lies has to be found.
    let mut back = 1_u64;
    loop {
        let from = offset.saturating_sub(back);
        if let Some(mut found) = first_from(from).await? {
            while let Some(later) = first_from(found.position.offset + 1).await? {
                found = later;
            }
            return Ok(Some(found));
        }
        if from == 0 {
            return Ok(None);
        }
        back = back.saturating_mul(2);
    }
}

/// The weights of the newest global model, which must be that of `round`; `newest` is its record.
///
/// # Errors
/// It is not there, another one than that of `round` is, or it is of another plug-in.
pub async fn published(
    topic: &Arc<str>,
    newest: Option<&Record>,
    round: u64,
    plugin: &PluginId,
) -> Result<Arc<Weights>, Error> {
    let lost = |reason: String| Error::ModelGone {
        role: NodeId::AGGREGATOR.to_owned(),
        round,
        reason,
    };
    let record = newest.ok_or_else(|| {
        lost(format!(
            "topic {topic} holds none of an aggregator; a record of another program with the model's key, or the \
             topic's retention, may have erased it"
        ))
    })?;
    let envelope = decode(record)
        .await
        .map_err(|reject| lost(reject.to_string()))?;
    if envelope.metadata.round_number != round {
        return Err(lost(format!(
            "the newest is that of round {}",
            envelope.metadata.round_number
        )));
    }
    check_line(plugin, &envelope.metadata.plugin).map_err(|refused| lost(refused.to_string()))?;
    Ok(Arc::new(envelope.weights))
}

/// Reads a global model.
///
/// # Errors
/// The record is damaged, or of another kind or plug-in.
pub async fn decode_global(
    record: &Record,
    plugin: &PluginId,
) -> Result<ReceivedGlobal, RefusedModel> {
    let envelope = decode(record).await?;
    if envelope.header.kind != MessageKind::GlobalModel {
        return Err(RefusedModel::NotAGlobalModel);
    }
    check_line(plugin, &envelope.metadata.plugin)?;
    Ok(ReceivedGlobal {
        round: envelope.metadata.round_number,
        weights: Arc::new(envelope.weights),
    })
}

/// Whether a model can be averaged with those of `expected`, or loaded into it.
///
/// # Errors
/// It is of another plug-in, or of a version whose models may mean something else.
pub fn check_line(expected: &PluginId, found: &PluginId) -> Result<(), RefusedModel> {
    if found.shares_weights_with(expected) {
        return Ok(());
    }
    let (expected, found) = if found.name == expected.name {
        let versioned = |id: &PluginId| format!("{}@{}", id.name, id.version);
        (versioned(expected), versioned(found))
    } else {
        (expected.name.clone(), found.name.clone())
    };
    Err(RefusedModel::Plugin { expected, found })
}

/// Reads an update.
///
/// # Errors
/// The record is damaged, of another kind, or contradicts itself.
pub async fn decode_update(record: &Record) -> Result<Update, RefusedModel> {
    Ok(Update::try_from(decode(record).await?)?)
}

/// Reads a node's evaluation of a global model.
///
/// # Errors
/// The record is not one; the error says where.
pub fn decode_evaluation(record: &Record) -> Result<ModelEvaluation, String> {
    let message: Message =
        serde_json::from_slice(&record.value).map_err(|error| error.to_string())?;
    serde_json::from_value(message.data).map_err(|error| error.to_string())
}

/// An update as it is written.
///
/// # Errors
/// The weights cannot be packed.
pub async fn update_record(
    topics: &FederationTopics,
    update: NewUpdate<'_>,
) -> Result<NewRecord, EncodeError> {
    let mut metrics: BTreeMap<String, f64> = update
        .metrics
        .iter()
        .map(|metric| (metric.name.clone(), metric.value))
        .collect();
    metrics.insert(LOSS.to_owned(), update.loss);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive number of milliseconds"
    )]
    let train_ms = update.train_ms.round() as u64;
    let envelope = Envelope {
        header: header(
            MessageKind::ModelUpdate,
            clock::now_ms(),
            update.node.clone(),
        ),
        metadata: Metadata {
            model_version: update.base_round,
            round_number: update.base_round + 1,
            base_round: Some(update.base_round),
            num_samples: update.samples,
            plugin: update.plugin.clone(),
            metrics,
            train_ms: Some(train_ms),
        },
        weights: update.weights.clone(),
    };
    let trace = trace::of_round(
        &topics.global_model,
        update.base_round + 1,
        update.node.as_str(),
    );
    record(
        topics,
        &topics.model_updates,
        (update.node.as_str(), trace),
        envelope,
    )
    .await
}

/// A global model as it is written.
///
/// # Errors
/// The weights cannot be packed.
pub async fn global_record(
    topics: &FederationTopics,
    plugin: &PluginId,
    model: &GlobalModel,
) -> Result<NewRecord, EncodeError> {
    let envelope = Envelope {
        header: header(
            MessageKind::GlobalModel,
            clock::now_ms(),
            NodeId::aggregator(),
        ),
        metadata: Metadata {
            model_version: model.round,
            round_number: model.round,
            base_round: Some(model.round - 1),
            num_samples: model.samples,
            plugin: plugin.clone(),
            metrics: [(LOSS.to_owned(), model.loss)].into(),
            train_ms: None,
        },
        weights: model.weights.as_ref().clone(),
    };
    let trace = trace::of_round(&topics.global_model, model.round, NodeId::AGGREGATOR);
    record(
        topics,
        &topics.global_model,
        (&model.plugin, trace),
        envelope,
    )
    .await
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates; any time is legal"
)]
fn milliseconds(seconds: f64) -> u64 {
    (seconds * 1e3).round() as u64
}

fn header(kind: MessageKind, time_ms: u64, sender: NodeId) -> Header {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds are far below 2^53"
    )]
    let timestamp = time_ms as f64 / 1e3;
    Header {
        kind,
        timestamp,
        sender,
        message_id: new_id(),
    }
}

async fn record(
    topics: &FederationTopics,
    topic: &Arc<str>,
    (key, trace): (&str, (String, Bytes)),
    envelope: Envelope,
) -> Result<NewRecord, EncodeError> {
    let (wire, time_ms) = (topics.wire, milliseconds(envelope.header.timestamp));
    let large = envelope.weights.data().len() * 4 > LARGE_BYTES;
    let (value, header) = if large {
        worker::run(move || pack(&envelope, wire)).await?
    } else {
        pack(&envelope, wire)?
    };
    Ok(NewRecord {
        topic: Arc::clone(topic),
        partition: None,
        timestamp_ms: time_ms,
        key: Some(Bytes::copy_from_slice(key.as_bytes())),
        value,
        headers: header.into_iter().chain([trace]).collect(),
    })
}

/// The record's value, and its header where the value is not all.
fn pack(envelope: &Envelope, wire: Wire) -> Result<(Bytes, Option<(String, Bytes)>), EncodeError> {
    if wire.binary {
        let Binary { envelope, payload } = envelope.encode_binary(wire.compression)?;
        Ok((
            payload.into(),
            Some((Binary::HEADER.to_owned(), envelope.into())),
        ))
    } else {
        Ok((envelope.encode(wire.compression)?.into(), None))
    }
}

async fn decode(record: &Record) -> Result<Envelope, Reject> {
    let (value, header) = (record.value.clone(), record.header(Binary::HEADER).cloned());
    if value.len() <= LARGE_BYTES {
        return unpack(&value, header.as_ref());
    }
    worker::run(move || unpack(&value, header.as_ref())).await
}

fn unpack(value: &Bytes, header: Option<&Bytes>) -> Result<Envelope, Reject> {
    let limits = EnvelopeLimits {
        max_bytes: MAX_BYTES,
        max_parameters: MAX_PARAMETERS,
    };
    match header {
        Some(header) => Envelope::decode_binary(header, value, &limits),
        None => Envelope::decode(value, &limits),
    }
}
