//! Reads a run log, even a damaged one.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;

use fedhost_base::event::Stamped;
use serde::Deserialize;

use super::Error;

/// A line that is not an event of this version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Its number, counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// It was torn by a crash, or is no line of a run log.
    NotJson,
    /// JSON, but without the name of an event.
    NotAnEvent,
    /// An event this version does not know; most likely a newer version wrote it.
    UnknownEvent {
        /// Its name, cut to a readable length.
        event: String,
    },
    /// A known event with missing or wrong fields.
    BadFields {
        /// Its name.
        event: String,
        /// What is wrong with the first such field, cut to a readable length.
        reason: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson => f.write_str("not JSON, most likely torn by a crash"),
            Self::NotAnEvent => f.write_str("JSON, but not an event"),
            Self::UnknownEvent { event } => write!(f, "event {event:?} is unknown to this version"),
            Self::BadFields { event, reason } => {
                write!(f, "event {event:?} has bad fields: {reason}")
            }
        }
    }
}

/// Returns all events in the order in which they were written, and the bad lines. Empty lines are
/// skipped.
///
/// # Errors
/// The file cannot be read.
pub fn read(path: &Path) -> Result<(Vec<Stamped>, Vec<BadLine>), Error> {
    let (mut events, mut bad) = (Vec::new(), Vec::new());
    for_each_line(path, |line, bytes| match serde_json::from_slice(bytes) {
        Ok(event) => events.push(event),
        Err(error) => bad.push(BadLine {
            line,
            fault: fault(bytes, &error),
        }),
    })
    .map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })?;
    Ok((events, bad))
}

/// Returns the round of the last `round_closed` line, so that a resumed run neither omits nor
/// repeats one; `None` if there is no such line, or no log yet.
///
/// # Errors
/// The file exists and cannot be read.
pub fn last_round(path: &Path) -> Result<Option<u64>, Error> {
    #[derive(Deserialize)]
    struct Closed {
        event: String,
        round: u64,
    }
    let mut last = None;
    let read = for_each_line(path, |_, bytes| {
        match serde_json::from_slice::<Closed>(bytes) {
            Ok(closed) if closed.event == "round_closed" => last = Some(closed.round),
            _ => {}
        }
    });
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(|()| last).map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

fn for_each_line(path: &Path, mut visit: impl FnMut(u64, &[u8])) -> io::Result<()> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        if reader.read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        if !bytes.trim_ascii().is_empty() {
            visit(line, &bytes);
        }
    }
    Ok(())
}

fn fault(bytes: &[u8], error: &serde_json::Error) -> Fault {
    #[derive(Deserialize)]
    struct Named {
        event: String,
    }
    if !error.is_data() {
        return Fault::NotJson;
    }
    let Ok(Named { event }) = serde_json::from_slice(bytes) else {
        return Fault::NotAnEvent;
    };
    let (event, reason) = (cut(&event), error.to_string());
    // The name of the event is the only enum variant in a line, so the message must be about it.
    if reason.starts_with("unknown variant") {
        Fault::UnknownEvent { event }
    } else {
        Fault::BadFields {
            event,
            reason: cut(&reason),
        }
    }
}

/// Cuts untrusted text to a length that fits a line of a report.
fn cut(text: &str) -> String {
    const CHARS: usize = 160;
    match text.char_indices().nth(CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
