//! What the header and the metadata of an update claim, judged before the update counts.

use super::rules::Update;
use crate::envelope::{Envelope, MessageKind};
use crate::model::{Metric, NodeId};

/// The metric that is an update's training loss.
const LOSS: &str = "loss";
/// Timestamps from here on, the year 5138 in seconds, are taken for milliseconds.
const MILLISECONDS_FROM: f64 = 1e11;

/// An update that contradicts itself, or that no node can have sent.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum HeaderFault {
    /// It is a global model.
    #[error("it is a global model, not a model update")]
    #[diagnostic(help("send updates with the type \"model_update\""))]
    NotAnUpdate,
    /// It has the aggregator's name.
    #[error("the sender is {:?}, the name of the aggregator", NodeId::AGGREGATOR)]
    #[diagnostic(help("send updates under the node's own name, such as \"fog-node-1\""))]
    ReservedSender,
    /// The rounds contradict each other.
    #[error("round_number is {round_number}, but base_round {base_round} leads to {}", base_round.saturating_add(1))]
    #[diagnostic(help(
        "send as base_round the round of the global model that the update was trained from, and as round_number the one after it"
    ))]
    WrongRound {
        /// The round that the update is for.
        round_number: u64,
        /// The global model that it was trained from.
        base_round: u64,
    },
    /// Rounds count from 1.
    #[error("round_number is 0, but rounds count from 1")]
    #[diagnostic(help(
        "send as round_number the round of the global model that the update was trained from, plus 1"
    ))]
    RoundZero,
    /// The time is not in seconds.
    #[error("the timestamp is {timestamp}, which looks like milliseconds")]
    #[diagnostic(help("send seconds since the Unix epoch, such as 1640995200.125"))]
    Milliseconds {
        /// The timestamp.
        timestamp: f64,
    },
    /// The time is before 1970.
    #[error("the timestamp is {timestamp}, before the Unix epoch")]
    #[diagnostic(help("send seconds since the Unix epoch, such as 1640995200.125"))]
    BeforeEpoch {
        /// The timestamp.
        timestamp: f64,
    },
}

impl HeaderFault {
    /// A short stable name of the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAnUpdate => "wrong_type",
            Self::ReservedSender => "reserved_sender",
            Self::WrongRound { .. } | Self::RoundZero => "bad_round",
            Self::Milliseconds { .. } | Self::BeforeEpoch { .. } => "bad_timestamp",
        }
    }
}

impl TryFrom<Envelope> for Update {
    type Error = HeaderFault;

    fn try_from(envelope: Envelope) -> Result<Self, HeaderFault> {
        let Envelope {
            header,
            metadata,
            weights,
        } = envelope;
        if header.kind != MessageKind::ModelUpdate {
            return Err(HeaderFault::NotAnUpdate);
        }
        if header.sender.as_str() == NodeId::AGGREGATOR {
            return Err(HeaderFault::ReservedSender);
        }
        let base_round = base_round(metadata.round_number, metadata.base_round)?;
        let timestamp_ms = milliseconds(header.timestamp)?;
        let mut metrics = metadata.metrics;
        Ok(Self {
            node: header.sender,
            base_round,
            timestamp_ms,
            samples: metadata.num_samples,
            weights,
            plugin: metadata.plugin,
            loss: metrics.remove(LOSS).unwrap_or(0.0),
            train_ms: metadata.train_ms,
            metrics: metrics
                .into_iter()
                .map(|(name, value)| Metric { name, value })
                .collect(),
        })
    }
}

/// Without a base round, the update's round follows the model that it started from.
fn base_round(round_number: u64, base_round: Option<u64>) -> Result<u64, HeaderFault> {
    let before = round_number.checked_sub(1).ok_or(HeaderFault::RoundZero)?;
    match base_round {
        Some(base_round) if base_round != before => Err(HeaderFault::WrongRound {
            round_number,
            base_round,
        }),
        _ => Ok(before),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 10^14"
)]
fn milliseconds(timestamp: f64) -> Result<u64, HeaderFault> {
    if timestamp < 0.0 {
        Err(HeaderFault::BeforeEpoch { timestamp })
    } else if timestamp < MILLISECONDS_FROM {
        Ok((timestamp * 1e3).round() as u64)
    } else {
        Err(HeaderFault::Milliseconds { timestamp })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::{Header, Metadata};
    use crate::model::{PluginId, Sha256Hex, TensorSpec, Weights};

    fn envelope(change: impl FnOnce(&mut Header, &mut Metadata)) -> Envelope {
        let spec = TensorSpec {
            name: "w".into(),
            shape: vec![1],
        };
        let mut header = Header {
            kind: MessageKind::ModelUpdate,
            timestamp: 1_640_995_200.125,
            sender: NodeId::fog(1),
            message_id: "id".into(),
        };
        let mut metadata = Metadata {
            model_version: 4,
            round_number: 5,
            base_round: Some(4),
            num_samples: 10,
            plugin: PluginId {
                name: "p".into(),
                version: "0.1.0".into(),
                sha256: Sha256Hex::of(b"p"),
            },
            metrics: [(LOSS.to_owned(), 0.5), ("accuracy".to_owned(), 0.75)].into(),
            train_ms: None,
        };
        change(&mut header, &mut metadata);
        Envelope {
            header,
            metadata,
            weights: Weights::new(vec![spec], vec![1.0]).unwrap(),
        }
    }

    #[test]
    fn an_update_is_read_with_and_without_its_base() {
        for base_round in [Some(4), None] {
            let read = envelope(|_, metadata| metadata.base_round = base_round);
            let update = Update::try_from(read).unwrap();
            assert_eq!(
                (update.base_round, update.timestamp_ms),
                (4, 1_640_995_200_125)
            );
            assert_eq!((update.loss, update.metrics.len()), (0.5, 1));
        }
    }

    #[test]
    fn claims_that_cannot_be_true_are_refused_with_the_reason() {
        type Change = fn(&mut Header, &mut Metadata);
        let cases: [(&str, Change); 9] = [
            ("wrong_type", |header, _| {
                header.kind = MessageKind::GlobalModel
            }),
            ("reserved_sender", |header, _| {
                header.sender = NodeId::aggregator()
            }),
            ("bad_round", |_, metadata| metadata.round_number = 0),
            ("bad_round", |_, metadata| {
                metadata.round_number = 0;
                metadata.base_round = None;
            }),
            ("bad_round", |_, metadata| {
                metadata.round_number = 99;
                metadata.base_round = Some(0);
            }),
            ("bad_round", |_, metadata| {
                metadata.base_round = Some(u64::MAX)
            }),
            ("bad_timestamp", |header, _| header.timestamp *= 1e3),
            ("bad_timestamp", |header, _| header.timestamp = -1.0),
            ("bad_timestamp", |header, _| header.timestamp = f64::MAX),
        ];
        for (code, change) in cases {
            let fault = Update::try_from(envelope(change)).unwrap_err();
            assert_eq!(fault.code(), code, "{fault}");
            assert!(miette::Diagnostic::help(&fault).is_some(), "{fault}");
        }
    }
}
