//! Reads a run log, even a damaged one.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use fedhost_base::event::Stamped;
use serde::Deserialize;

use super::{Error, parts};

/// The longest line that is read; a round of 40,000 participants has a tenth of it.
const LINE_MAX_BYTES: usize = 64 << 20;

/// A line that is not an event of this version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Its number, counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub fault: LineFault,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineFault {
    /// It was torn by a crash, or is no line of a run log.
    NotJson,
    /// It is longer than any event.
    TooLong,
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

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson => f.write_str("not JSON, most likely torn by a crash"),
            Self::TooLong => write!(f, "longer than {LINE_MAX_BYTES} bytes"),
            Self::NotAnEvent => f.write_str("JSON, but not an event"),
            Self::UnknownEvent { event } => write!(f, "event {event:?} is unknown to this version"),
            Self::BadFields { event, reason } => {
                write!(f, "event {event:?} has bad fields: {reason}")
            }
        }
    }
}

/// Passes all events of all parts to `visit`, in the order in which they were written, and the bad
/// lines. Empty lines are skipped. One line is in memory at a time.
///
/// # Errors
/// The file cannot be read.
pub fn read(path: &Path, mut visit: impl FnMut(Result<Stamped, BadLine>)) -> Result<(), Error> {
    let mut each = || {
        let mut lines = 0;
        for file in parts::open_all(path)? {
            lines = for_each_line(file, lines, |line, bytes| {
                let event = bytes.ok_or(LineFault::TooLong).and_then(|bytes| {
                    serde_json::from_slice(bytes).map_err(|error| fault(bytes, &error))
                });
                visit(event.map_err(|fault| BadLine { line, fault }));
            })?;
        }
        Ok(())
    };
    each().map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })
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
    let newest = || {
        for file in parts::open_all(path)?.into_iter().rev() {
            let mut last = None;
            for_each_line(file, 0, |_, bytes| {
                match serde_json::from_slice::<Closed>(bytes.unwrap_or_default()) {
                    Ok(closed) if closed.event == "round_closed" => last = Some(closed.round),
                    _ => {}
                }
            })?;
            if last.is_some() {
                return Ok(last);
            }
        }
        Ok(None)
    };
    match newest() {
        Err(error) if io::Error::kind(&error) == io::ErrorKind::NotFound => Ok(None),
        found => found.map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Passes each line that is not empty, with its number; `None` for a line that is too long. `lines`
/// come before the file; returns the number of lines up to its end.
fn for_each_line(
    file: File,
    lines: u64,
    mut visit: impl FnMut(u64, Option<&[u8]>),
) -> io::Result<u64> {
    let mut reader = BufReader::new(file);
    let mut bytes = Vec::new();
    let mut line = lines;
    loop {
        bytes.clear();
        let max = LINE_MAX_BYTES as u64 + 1;
        if (&mut reader).take(max).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(line);
        }
        line += 1;
        if bytes.len() > LINE_MAX_BYTES && !bytes.ends_with(b"\n") {
            reader.skip_until(b'\n')?;
            visit(line, None);
        } else if !bytes.trim_ascii().is_empty() {
            visit(line, Some(&bytes));
        }
    }
}

fn fault(bytes: &[u8], error: &serde_json::Error) -> LineFault {
    #[derive(Deserialize)]
    struct Named {
        event: String,
    }
    if !error.is_data() {
        return LineFault::NotJson;
    }
    let Ok(Named { event }) = serde_json::from_slice(bytes) else {
        return LineFault::NotAnEvent;
    };
    let (event, reason) = (cut(&event), error.to_string());
    // The name of the event is the only enum variant in a line, so the message must be about it.
    if reason.starts_with("unknown variant") {
        LineFault::UnknownEvent { event }
    } else {
        LineFault::BadFields {
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
