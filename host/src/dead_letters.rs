//! Dead-letter records: records that could not be used, kept byte for byte in a topic of their own,
//! with the reason.
//!
//! The format and its writing lie below the roles, which write dead-letter records; an operator
//! counts, shows, replays and purges them, on any bus. Nothing here knows a role, and nothing
//! prints.

mod bound;
mod filter;
mod format;
mod marks;
mod purge;
mod reader;
mod replay;
mod sink;
mod survey;

pub use bound::{BadBound, Bound};
pub use filter::Filter;
pub use format::{DeadLetter, Failure, dead_letter, headers};
pub use purge::{Cut, delete, plan_purge};
pub use reader::{Begin, Reader, ScanProgress};
pub use replay::{REPLAYS_MAX, Replay, ReplayRefusal, ReplaySummary};
pub use sink::DeadLetterSink;
pub use survey::{Survey, survey};

use fedhost_bus::{self as bus, Bus};

/// A topic's dead-letter records, and the topic itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterTopic {
    /// Where the dead-letter records lie.
    pub name: String,
    /// Where their originals came from, and go to when they are replayed.
    pub source: String,
}

impl DeadLetterTopic {
    /// `name` is that of either topic.
    #[must_use]
    pub fn of(name: &str, suffix: &str) -> Self {
        let source = name.strip_suffix(suffix).unwrap_or(name);
        Self {
            name: format!("{source}{suffix}"),
            source: source.to_owned(),
        }
    }
}

/// Why dead-letter records could not be read or changed.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum Error {
    /// The bus refused.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Bus(#[from] bus::Error),
    /// It was never created.
    #[error("there is no topic {topic:?}")]
    #[diagnostic(help(
        "`fedhost dlq list MANIFEST` shows the topics of dead-letter records; the first run of a manifest makes them"
    ))]
    NoTopic {
        /// The name that was looked for.
        topic: String,
    },
    /// The topic has fewer partitions.
    #[error("topic {topic:?} has {partitions} partitions, there is no partition {partition}")]
    #[diagnostic(help("they count from 0"))]
    NoPartition {
        /// The topic.
        topic: String,
        /// The partition asked for.
        partition: u32,
        /// How many it has.
        partitions: usize,
    },
}

/// The topic as it is.
async fn describe(bus: &dyn Bus, name: &str) -> Result<bus::TopicInfo, Error> {
    let topics = bus.topics().await?;
    let info = topics.into_iter().find(|info| info.spec.name == name);
    info.ok_or_else(|| Error::NoTopic {
        topic: name.to_owned(),
    })
}
