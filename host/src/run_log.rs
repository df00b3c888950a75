//! The run log: every event of the host, one JSON line each, in `aggregation_log.jsonl`.
//!
//! The file is only appended to. A torn line counts as one bad line and does not affect other
//! lines. A full file becomes an older part ([`Capacity`]), so that a log never fills a disk; the
//! reader reads all parts. This module must not interpret events; the report does that.

mod parts;
mod reader;

use std::fs::{File, OpenOptions, create_dir_all};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use fedhost_base::event::{Event, RunEvent, Stamped};

pub use parts::Capacity;
pub use reader::{BadLine, LineFault, last_round, read};

/// Why a run log cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum Error {
    /// The file does not exist, or may not be read.
    #[error("the run log {path} cannot be read: {source}")]
    #[diagnostic(help("pass the `aggregation_log.jsonl` of a run"))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be created, or its end cannot be read.
    #[error("the run log {path} cannot be opened: {source}")]
    #[diagnostic(help("it must be a file in a directory this user may write to"))]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An event was not written. Other events are not affected.
    #[error("an event cannot be added to the run log {path}: {source}")]
    #[diagnostic(help("check whether the disk is full; the run itself continues"))]
    Append {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The full file cannot be renamed, so no event is written.
    #[error("the run log {path} is full, and cannot be renamed: {source}")]
    #[diagnostic(help("this user must be able to create and delete files in its directory"))]
    Rotate {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Appends events to a run log.
#[derive(Debug)]
pub struct RunLog {
    path: PathBuf,
    file: File,
    /// The file ends within a line, because a write was cut short.
    torn: bool,
    capacity: Capacity,
}

impl RunLog {
    /// Opens the log at its end. Creates the file and its directories if they are missing.
    ///
    /// # Errors
    /// The file cannot be created or read.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::with_capacity(path, Capacity::default())
    }

    /// As [`Self::open`], for a log of another size.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn with_capacity(path: &Path, capacity: Capacity) -> Result<Self, Error> {
        let failed = |source| Error::Open {
            path: path.to_owned(),
            source,
        };
        let (file, torn) = open_at_end(path).map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            torn,
            capacity,
        })
    }

    /// Appends one line. When this returns, the operating system has the line, so it survives a
    /// crash of this process.
    ///
    /// # Errors
    /// The line is missing or torn. The next line is not affected.
    pub fn append(&mut self, event: &Stamped) -> Result<(), Error> {
        if let Some(warning) = self.make_room(event.time_ms)? {
            self.append_line(&warning)?;
        }
        self.append_line(event)
    }

    fn append_line(&mut self, event: &Stamped) -> Result<(), Error> {
        let failed = |path: &Path, source| Error::Append {
            path: path.to_owned(),
            source,
        };
        let mut line = if self.torn { vec![b'\n'] } else { Vec::new() };
        serde_json::to_writer(&mut line, event)
            .map_err(|error| failed(&self.path, error.into()))?;
        line.push(b'\n');
        // One write, so that lines of several processes do not mix.
        let written = self.file.write_all(&line);
        self.torn = written.is_err();
        written.map_err(|source| failed(&self.path, source))
    }

    /// Begins a new file if this one is full. Returns the warning that an old part was deleted.
    fn make_room(&mut self, time_ms: u64) -> Result<Option<Stamped>, Error> {
        let deleted = self.rotate_if_full().map_err(|source| Error::Rotate {
            path: self.path.clone(),
            source,
        })?;
        let Capacity {
            part_bytes,
            older_parts,
        } = self.capacity;
        Ok((deleted > 0).then(|| Stamped {
            time_ms,
            event: Event::Run(RunEvent::Warned {
                part: "run log".to_owned(),
                detail: format!(
                    "its oldest part, with {deleted} lines, was deleted: {older_parts} older parts \
                     of {part_bytes} bytes are kept; copy them elsewhere to keep more"
                ),
            }),
        }))
    }

    /// Returns the number of deleted lines. Other processes may append to the same log: the lock
    /// and the second look at the path make sure that only one of them renames it.
    fn rotate_if_full(&mut self) -> io::Result<u64> {
        if self.file.metadata()?.len() < self.capacity.part_bytes {
            return Ok(0);
        }
        self.file.lock()?;
        let deleted = if is_at(&self.file, &self.path)? {
            parts::shift(&self.path, self.capacity.older_parts)?
        } else {
            0
        };
        // The lock ends with the old file.
        (self.file, self.torn) = open_at_end(&self.path)?;
        Ok(deleted)
    }
}

/// Opens the file for appending; also returns whether it ends within a line.
fn open_at_end(path: &Path) -> io::Result<(File, bool)> {
    if let Some(directory) = path.parent() {
        create_dir_all(directory)?;
    }
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .append(true)
        .open(path)?;
    let torn = ends_within_a_line(&mut file)?;
    Ok((file, torn))
}

/// Whether the path still names this open file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let open = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(named) => Ok((open.dev(), open.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

fn ends_within_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != [b'\n'])
}

#[cfg(test)]
mod tests;
