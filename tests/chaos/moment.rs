//! The moment of a fault, relative to the progress of the federation, so that a seed has the same
//! effect on every machine.

use std::fmt;

use crate::process::Part;

/// A point in the course of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The sensors' topics together have this number of records.
    Readings(u64),
    /// This number of global models has been published.
    Rounds(u64),
    /// A part has announced an event so often.
    Said {
        part: Part,
        event: &'static str,
        times: usize,
    },
    /// A part has announced an event whose text holds this.
    Logged { part: Part, text: &'static str },
    /// This number of milliseconds after the previous step.
    Later(u64),
}

impl Moment {
    /// Right after the step before.
    pub(crate) const NOW: Self = Self::Later(0);
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Readings(readings) => write!(f, "at {readings} readings"),
            Self::Rounds(rounds) => write!(f, "after round {rounds}"),
            Self::Said { part, event, times } => write!(f, "after {times} {event} of {part}"),
            Self::Logged { part, text } => write!(f, "when {part} logs {text:?}"),
            Self::Later(0) => write!(f, "at once"),
            Self::Later(ms) => write!(f, "{ms} ms later"),
        }
    }
}
