//! The parts of a federation. Each role is a task that owns its machines and turns their outputs
//! into reads and writes.

pub mod aggregator;
pub mod engine;
pub mod federation;
pub mod fog_node;
pub mod halt;
pub mod message;
pub mod models;
pub mod refusal;
pub mod sensor;
pub mod sequence;
pub mod trace;

use std::sync::Arc;

use fedhost_domain::dead_letter::{Cap, Retries};
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::dead_letters::DeadLetterSink;
use fedhost_base::announce::Announcer;
use fedhost_base::hint::hint;
use fedhost_base::observer::Observer;
use fedhost_bus::{self as bus, Bus, Write};
use fedhost_dataset::DatasetError;

/// What every role is given.
#[derive(Clone)]
pub struct Context {
    /// Where records, offsets and state live.
    pub bus: Arc<dyn Bus>,
    /// Where events go.
    pub announcer: Announcer,
    /// Where figures go.
    pub observer: Arc<dyn Observer>,
    /// Set when the role is to finish what it has in hand, and return.
    pub stop: CancellationToken,
    /// To be sent once everything that the role reads and writes is there.
    pub started: StartedSignal,
}

/// Reports that a role has begun its work: all that it reads and writes was there, and access was
/// granted.
#[derive(Clone)]
pub struct StartedSignal(Arc<dyn Fn() + Send + Sync>);

impl StartedSignal {
    /// Calls `on_start`, which must not block.
    pub fn new(on_start: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(on_start))
    }

    /// Reports that the role is at work.
    pub fn send(&self) {
        (self.0)();
    }
}

impl Default for StartedSignal {
    /// No callback.
    fn default() -> Self {
        Self::new(|| {})
    }
}

impl Context {
    /// Writes records of which some may be dead-letter records.
    ///
    /// # Errors
    /// As [`DeadLetterSink::write`].
    pub(crate) async fn write(&self, role: &str, write: Write) -> Result<(), Error> {
        let sink = DeadLetterSink {
            sink: self.bus.as_ref(),
            role,
            announcer: &self.announcer,
            observer: self.observer.as_ref(),
        };
        sink.write(write).await.map_err(on_bus(role))
    }
}

/// When a role dead-letters a record, and when it stops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeadLetters {
    /// A record whose call into a plug-in failed is tried so often again.
    pub retries: u32,
    /// The pause before it is tried again, in milliseconds; doubled with each try.
    pub first_ms: u64,
    /// The longest pause, in milliseconds.
    pub longest_ms: u64,
    /// Of the newest records at most this share may be dead-lettered, 0 to 1; beyond it the role
    /// ends.
    pub cap_share: f64,
    /// How many records are the newest.
    pub cap_records: u32,
}

impl DeadLetters {
    pub(crate) fn retries(&self) -> Retries {
        Retries {
            retries: self.retries,
            first_ms: self.first_ms,
            longest_ms: self.longest_ms,
        }
    }

    pub(crate) fn cap(&self) -> Cap {
        Cap::new(self.cap_records, self.cap_share)
    }
}

impl Default for DeadLetters {
    fn default() -> Self {
        Self {
            retries: 2,
            first_ms: 50,
            longest_ms: 2_000,
            cap_share: 0.5,
            cap_records: 1_000,
        }
    }
}

/// Why a role ended.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum Error {
    /// The bus refused.
    #[error("{role}: {error}")]
    Bus {
        /// Which role, such as `fog-node-1`.
        role: String,
        /// The bus's error.
        error: Box<bus::Error>,
        /// What to do about it.
        #[help]
        hint: Option<String>,
    },
    /// What the role stored earlier cannot be read.
    #[error("{role}: its stored state {name:?} cannot be read: {reason}")]
    #[diagnostic(help(
        "it was written by another version; start with another `bus.directory`, or remove this one"
    ))]
    State {
        /// Which role.
        role: String,
        /// The state's name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The global model that the stored state speaks of is not on the bus.
    #[error("{role}: the global model of round {round} is not there: {reason}")]
    #[diagnostic(help(
        "begin a new federation in another bus.directory, or with other topics, and let only fedhost write to them"
    ))]
    ModelGone {
        /// Which role.
        role: String,
        /// The round that made it.
        round: u64,
        /// What was found instead.
        reason: String,
    },
    /// A plug-in cannot be used at all.
    #[error("{role}: {reason}")]
    Plugin {
        /// Which role.
        role: String,
        /// Why not.
        reason: String,
    },
    /// Its rows would be misread.
    #[error("{role}: {error}")]
    Rows {
        /// Which role.
        role: String,
        /// What is wrong with which file.
        error: Box<DatasetError>,
        /// What to do about it.
        #[help]
        hint: Option<String>,
    },
    /// No row can be trained on, and so few nodes can train that no round can be closed.
    #[error("{role}: {reason}, so no global model can be made")]
    #[diagnostic(help(
        "look at the rows that were skipped, and at the keys of the sensors that say how files are read, such as label"
    ))]
    NothingToTrain {
        /// Which role.
        role: String,
        /// Why it cannot train.
        reason: String,
    },
    /// A part that belongs to no role cannot begin.
    #[error("{part}: {reason}")]
    Start {
        /// Which part.
        part: String,
        /// Why not.
        reason: String,
        /// What to do about it.
        #[help]
        hint: Option<String>,
    },
    /// The share of records that cannot be used is so large that the fault must lie elsewhere. They
    /// are all in the dead-letter topic. Started again, the role fails the same way until an
    /// operator has acknowledged it.
    #[error(
        "{role}: {dead} of the last {of} records of {topic} could not be used, so it stops; they are kept as dead-letter records"
    )]
    #[diagnostic(help(
        "look at them with `fedhost dlq list`, fix the source or the plug-in, and let it continue with `fedhost dlq acknowledge`, or raise dead_letters.cap_share"
    ))]
    TooManyDeadLetters {
        /// Which role.
        role: String,
        /// The topic that it reads.
        topic: String,
        /// Records that were dead-lettered.
        dead: u64,
        /// The newest records that were looked at.
        of: u64,
    },
    /// A fault of this program.
    #[error("{role}: {reason}")]
    #[diagnostic(help("this is a defect of fedhost; please report it with the run log"))]
    Defect {
        /// Which role.
        role: String,
        /// What happened.
        reason: String,
    },
}

/// Adds the role's name to an error of the bus.
pub(crate) fn on_bus(role: &str) -> impl Fn(bus::Error) -> Error + '_ {
    move |error| Error::Bus {
        role: role.to_owned(),
        hint: hint(&error),
        error: Box::new(error),
    }
}

/// A value that a role stored as JSON.
pub(crate) async fn stored<T: DeserializeOwned>(
    bus: &dyn Bus,
    role: &str,
    name: &str,
) -> Result<Option<T>, Error> {
    let Some(bytes) = bus.state(name).await.map_err(on_bus(role))? else {
        return Ok(None);
    };
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| Error::State {
            role: role.to_owned(),
            name: name.to_owned(),
            reason: error.to_string(),
        })
}
