//! The run log: every event of the host, one JSON line each, in `aggregation_log.jsonl`.
//!
//! The file is only appended to. A torn line counts as one bad line and does not affect other
//! lines. This module must not interpret events; the report does that.

mod reader;

use std::fs::{File, OpenOptions, create_dir_all};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use fedhost_base::event::Stamped;

pub use reader::{BadLine, Fault, last_round, read};

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
}

/// Appends events to a run log.
#[derive(Debug)]
pub struct RunLog {
    path: PathBuf,
    file: File,
    /// The file ends within a line, because a write was cut short.
    torn: bool,
}

impl RunLog {
    /// Opens the log at its end. Creates the file and its directories if they are missing.
    ///
    /// # Errors
    /// The file cannot be created or read.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let open = || {
            if let Some(directory) = path.parent() {
                create_dir_all(directory)?;
            }
            let mut file = OpenOptions::new()
                .create(true)
                .read(true)
                .append(true)
                .open(path)?;
            let torn = ends_within_a_line(&mut file)?;
            Ok(Self {
                path: path.to_owned(),
                file,
                torn,
            })
        };
        open().map_err(|source| Error::Open {
            path: path.to_owned(),
            source,
        })
    }

    /// Appends one line. When this returns, the operating system has the line, so it survives a
    /// crash of this process.
    ///
    /// # Errors
    /// The line is missing or torn. The next line is not affected.
    pub fn append(&mut self, event: &Stamped) -> Result<(), Error> {
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
