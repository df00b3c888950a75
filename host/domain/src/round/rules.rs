//! The rules of a federation, updates, and the reasons for which an update is refused.

use std::collections::BTreeSet;

use crate::fedavg::{LimitsError, MeanLimits};
use crate::model::{Metric, NodeId, PluginId, Weights};

/// The rules of a federation; all limits are inclusive.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// The nodes that may send updates, and whose answers close a round early.
    pub expected: Expected,
    /// The fewest nodes that close a round; at least 1.
    pub min_nodes: u64,
    /// How long a round gathers before it closes with the updates it has.
    pub round_interval_ms: u64,
    /// How many rounds the base of an update may be behind the newest global model.
    pub max_staleness_rounds: u64,
    /// How much older than the opening of the round an update may be, and how far ahead of the
    /// aggregator's clock. The age is measured from the opening, not from now, so that an aggregator
    /// does not discard the updates that arrived while it was down.
    pub max_update_age_ms: u64,
    /// The plug-in whose weights are averaged.
    pub plugin: String,
    /// Largest legal magnitude of a weight.
    pub max_weight: f64,
    /// Largest legal Euclidean norm of an update.
    pub max_norm: f64,
    /// Largest legal sample count of an update.
    pub max_samples: u64,
    /// Most updates in a round.
    pub max_nodes: u64,
    /// The last round; `None` for no end.
    pub rounds: Option<u64>,
}

impl Rules {
    /// The limits of the mean, derived from the rules.
    #[must_use]
    pub fn limits(&self) -> MeanLimits {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a limit that is too large for f32 becomes infinite, and is refused"
        )]
        let max_abs = self.max_weight as f32;
        MeanLimits {
            max_abs,
            max_samples: self.max_samples,
            max_updates: self.max_nodes,
        }
    }

    /// Checks that the limits together allow an exact mean.
    ///
    /// # Errors
    /// The first limit that is out of range.
    pub fn check(&self) -> Result<(), LimitsError> {
        self.limits().check()
    }
}

/// The nodes whose updates count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Only these nodes; a round is complete when all have answered.
    Listed(BTreeSet<NodeId>),
    /// Any node; a round ends with its interval.
    Open,
}

/// A node's update, decoded from its envelope.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// The sender.
    pub node: NodeId,
    /// The global model it was trained from; 0 is the initial model.
    pub base_round: u64,
    /// When it was made, milliseconds since the Unix epoch by the sender's clock.
    pub timestamp_ms: u64,
    /// Rows it was trained on.
    pub samples: u64,
    /// The weights after training.
    pub weights: Weights,
    /// The component that trained it.
    pub plugin: PluginId,
    /// Training loss.
    pub loss: f64,
    /// Wall time of training, when the sender reported it.
    pub train_ms: Option<u64>,
    /// Other metrics.
    pub metrics: Vec<Metric>,
}

/// Why an update is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum Rejection {
    /// The federation is closed and does not list the sender.
    #[error("{node} is not one of the fog nodes listed in the manifest")]
    UnknownNode {
        /// The sender.
        node: NodeId,
    },
    /// Trained by another plug-in.
    #[error("the update is of plug-in {found:?}, the federation averages {expected:?}")]
    WrongPlugin {
        /// The plug-in that the federation averages.
        expected: String,
        /// The plug-in that trained the update.
        found: String,
    },
    /// Trained from a global model that does not exist.
    #[error("the update was trained from global model {base_round}, but the newest is {newest}")]
    UnknownBase {
        /// The base that the update states.
        base_round: u64,
        /// The newest global model.
        newest: u64,
    },
    /// Trained from too old a global model.
    #[error("the update is {staleness} rounds behind, {limit} are allowed")]
    Stale {
        /// Rounds behind the newest global model.
        staleness: u64,
        /// The limit.
        limit: u64,
    },
    /// Made too long before the round opened.
    #[error("the update was made {age_ms} ms before the round opened, {limit_ms} ms are allowed")]
    #[diagnostic(help(
        "compare the sender's clock with the aggregator's, or raise federation.max_update_age_ms"
    ))]
    TooOld {
        /// Its age when the round opened.
        age_ms: u64,
        /// The limit.
        limit_ms: u64,
    },
    /// The sender's clock is ahead of the aggregator's.
    #[error(
        "the update was made {ahead_ms} ms ahead of the aggregator's clock, {limit_ms} ms are allowed"
    )]
    #[diagnostic(help("set the sender's clock, or the aggregator's"))]
    AheadOfTime {
        /// How far its timestamp is ahead.
        ahead_ms: u64,
        /// The limit.
        limit_ms: u64,
    },
    /// An update of the node was counted already, in this round or with this base.
    #[error("an update of {node} from this global model has been counted already")]
    Duplicate {
        /// The sender.
        node: NodeId,
    },
    /// The sample count is zero or too large.
    #[error("a sample count of {samples} is not between 1 and {limit}")]
    BadSampleCount {
        /// What it says.
        samples: u64,
        /// The limit.
        limit: u64,
    },
    /// The tensors have other names or shapes.
    #[error("the model has tensors {expected}, the update has {found}")]
    WrongShape {
        /// Names and shapes of the model.
        expected: String,
        /// Names and shapes of the update.
        found: String,
    },
    /// A weight is out of range.
    #[error("a weight of magnitude {magnitude} is over the limit of {limit}")]
    OverWeight {
        /// The largest magnitude found.
        magnitude: f64,
        /// The limit.
        limit: f64,
    },
    /// The norm of the weights is out of range.
    #[error("a norm of {norm} is over the limit of {limit}")]
    OverNorm {
        /// The norm found.
        norm: f64,
        /// The limit.
        limit: f64,
    },
    /// The loss is not a finite number.
    #[error("the training loss is {loss}")]
    BadLoss {
        /// What it says.
        loss: f64,
    },
    /// The round is full.
    #[error("the round already has {limit} updates, its limit")]
    TooManyUpdates {
        /// The limit.
        limit: u64,
    },
}

impl Rejection {
    /// Whether an honest node can cause it: it repeats an update while it waits, answers after the
    /// round has moved on, has a wrong clock, or comes when the round is full. Such updates are no
    /// sign of a broken sender, so they do not count towards the cap of dead-letter records.
    #[must_use]
    pub fn is_honest(&self) -> bool {
        match self {
            Self::Duplicate { .. }
            | Self::Stale { .. }
            | Self::TooOld { .. }
            | Self::AheadOfTime { .. }
            | Self::TooManyUpdates { .. } => true,
            Self::UnknownNode { .. }
            | Self::WrongPlugin { .. }
            | Self::UnknownBase { .. }
            | Self::BadSampleCount { .. }
            | Self::WrongShape { .. }
            | Self::OverWeight { .. }
            | Self::OverNorm { .. }
            | Self::BadLoss { .. } => false,
        }
    }

    /// Whether the sender should know: all but a repeated update, of which the first one counts.
    #[must_use]
    pub fn is_news_to_sender(&self) -> bool {
        !matches!(self, Self::Duplicate { .. })
    }

    /// A short stable name of the reason.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownNode { .. } => "unknown_node",
            Self::WrongPlugin { .. } => "wrong_plugin",
            Self::UnknownBase { .. } => "unknown_base",
            Self::Stale { .. } => "stale",
            Self::TooOld { .. } => "too_old",
            Self::AheadOfTime { .. } => "ahead_of_time",
            Self::Duplicate { .. } => "duplicate",
            Self::BadSampleCount { .. } => "bad_sample_count",
            Self::WrongShape { .. } => "wrong_shape",
            Self::OverWeight { .. } => "over_weight",
            Self::OverNorm { .. } => "over_norm",
            Self::BadLoss { .. } => "bad_loss",
            Self::TooManyUpdates { .. } => "too_many_updates",
        }
    }
}
