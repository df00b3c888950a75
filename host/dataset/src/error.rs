//! What can be wrong with data; each text names the place and the remedy.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::fault::Fault;

/// Why data cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DatasetError {
    /// A pattern is not legal, or matches nothing.
    #[error(
        "{reason}\nhint: name files, or patterns such as \"runs/*.csv\"; ** stands for any folders"
    )]
    Pattern {
        /// What is wrong, with the pattern.
        reason: String,
    },
    /// Something about one file.
    #[error("{}{place}: {reason}", file.display())]
    File {
        /// The file, as it was found.
        file: PathBuf,
        /// Where in it.
        place: Place,
        /// What is wrong there, and the remedy.
        reason: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The rows are more than memory is meant for, and there is no room for them elsewhere.
    #[error(
        "the rows cannot be kept in {}: {reason}; all files need about {} MiB there\n\
         hint: set TMPDIR to a directory on a disk with room",
        directory.display(), needed_bytes.div_ceil(1 << 20)
    )]
    NoRoom {
        /// Where they were to be kept.
        directory: PathBuf,
        /// What the system says.
        reason: io::Error,
        /// For the rows of all files, estimated from what was read.
        needed_bytes: u64,
    },
    /// Rows that were kept cannot be read again.
    #[error("the kept rows cannot be read again: {0}\nhint: look at the disk that holds TMPDIR")]
    Kept(io::Error),
    /// There are fewer rows.
    #[error("there is no row {row}: there are {rows} rows, counted from 0")]
    NoSuchRow {
        /// The row that was asked for.
        row: u64,
        /// How many there are.
        rows: u64,
    },
    /// The observer of the progress stopped it.
    #[error("reading was called off")]
    CalledOff,
}

impl DatasetError {
    pub(super) fn at(file: &Path, place: Place, fault: Fault) -> Self {
        Self::File {
            file: file.to_owned(),
            place,
            reason: Box::new(fault),
        }
    }
}

/// Where in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    Whole,
    /// A line of a text file, counted from 1. A row that spans several is named by its first.
    Line(u64),
    /// A row of a binary file, counted from 0.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Line(line) => write!(f, ":{line}"),
            Self::Row(row) => write!(f, ", row {row} (from 0)"),
        }
    }
}
