//! What can be wrong with data, with the place and the remedy.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::fault::Fault;
use super::options::OptionStyle;

/// Why data cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DatasetError {
    /// A pattern is not legal, or matches nothing.
    #[error("{reason}")]
    #[diagnostic(help(
        "name files, or patterns such as \"runs/*.csv\"; ** stands for any folders"
    ))]
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
        #[diagnostic_source]
        reason: ExplainedFault,
    },
    /// Labels lie in files of their own, and there is not one for each file of rows.
    #[error("there are {rows} files of rows, and {labels} files of labels")]
    #[diagnostic(help(
        "give one file of labels for each file of rows, in the order of their names"
    ))]
    LabelFiles {
        /// Files of rows.
        rows: usize,
        /// Files of labels.
        labels: usize,
    },
    /// Rows are to be scored, and nothing says which of them are anomalous.
    #[error("nothing says which rows are anomalous")]
    #[diagnostic(help("--label names the column, --labels-from a file with one label a row"))]
    Unlabelled,
    /// The rows are more than memory is meant for, and there is no room for them elsewhere.
    #[error(
        "the rows cannot be kept in {}: {reason}; all files need about {} MiB there",
        directory.display(), needed_bytes.div_ceil(1 << 20)
    )]
    #[diagnostic(help("set TMPDIR to a directory on a disk with room"))]
    NoRoom {
        /// Where they were to be kept.
        directory: PathBuf,
        /// What the system says.
        reason: io::Error,
        /// For the rows of all files, estimated from what was read.
        needed_bytes: u64,
    },
    /// Rows that were kept cannot be read again.
    #[error("the kept rows cannot be read again: {0}")]
    #[diagnostic(help("look at the disk that holds TMPDIR"))]
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

/// What is wrong at a place of a file, with its remedy.
#[derive(Debug)]
pub struct ExplainedFault {
    pub(super) fault: Box<Fault>,
    style: OptionStyle,
}

impl DatasetError {
    pub(super) fn at(file: &Path, place: Place, fault: Fault) -> Self {
        Self::File {
            file: file.to_owned(),
            place,
            reason: ExplainedFault {
                fault: Box::new(fault),
                style: OptionStyle::Flags,
            },
        }
    }

    /// The same, with a remedy in the terms of those who named the options.
    #[must_use]
    pub fn with_style(mut self, wanted: OptionStyle) -> Self {
        if let Self::File { reason, .. } = &mut self {
            reason.style = wanted;
        }
        self
    }

    /// A short stable name of what is wrong with a file, such as `ragged_row`.
    #[must_use]
    pub fn reason_code(&self) -> &'static str {
        match self {
            Self::File { reason, .. } => reason.fault.code(),
            _ => "unreadable_file",
        }
    }

    /// The option that does not fit a file, so that its rows would be misread; `None` for other
    /// errors.
    #[must_use]
    pub fn option(&self) -> Option<&'static str> {
        match self {
            Self::File { reason, .. } => reason.fault.option(),
            Self::LabelFiles { .. } => Some("labels-from"),
            _ => None,
        }
    }

    /// Whether the only fault is that a file lacks the label's column.
    pub(super) fn is_missing_label(&self) -> bool {
        matches!(self, Self::File { reason, .. } if matches!(*reason.fault, Fault::NoLabel { .. }))
    }

    /// The line of a text file, from 1, or the row of another, from 0, that is meant.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::File { place, .. } => place.number(),
            _ => None,
        }
    }

    /// What is wrong, without the file and the place.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::File { reason, .. } => reason.to_string(),
            error => error.to_string(),
        }
    }
}

impl fmt::Display for ExplainedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

impl std::error::Error for ExplainedFault {}

impl miette::Diagnostic for ExplainedFault {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.fault.help(self.style)?;
        Some(Box::new(help))
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

impl Place {
    fn number(self) -> Option<u64> {
        match self {
            Self::Whole => None,
            Self::Line(number) | Self::Row(number) => Some(number),
        }
    }
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
