//! What can be wrong with data, in words that name the place and the remedy.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// A pattern is not legal, or matches nothing.
    #[error("{reason}\nhint: name files, or patterns such as \"runs/*.csv\"; ** stands for any folders")]
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
        /// For the rows of all files, as far as can be told from what was read.
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
    /// Whoever watches the progress called it off.
    #[error("reading was called off")]
    CalledOff,
}

impl DatasetError {
    pub(super) fn at(file: &Path, place: Place, fault: Fault) -> Self {
        Self::File { file: file.to_owned(), place, reason: Box::new(fault) }
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

/// What is wrong at a place of a file.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    #[error("{what} is damaged: {reason}\nhint: fetch or write the file again")]
    Damaged { what: &'static str, reason: String },
    #[error(
        "this is no format that is known\nhint: name it .csv, .tsv, .txt, .jsonl, .ndjson (each also .gz), .parquet, \
         .npy or .npz"
    )]
    UnknownFormat,
    #[error("the name says {named}, but it holds {held}\nhint: rename it")]
    OtherFormat { named: &'static str, held: &'static str },
    #[error("the file is empty\nhint: the first line names the columns")]
    Empty,
    #[error("there are no rows\nhint: at least one row with a label is needed")]
    NoRows,

    #[error(
        "{delimiter:?} cannot divide fields\nhint: --delimiter takes a character that is no part of a number and no quote"
    )]
    Delimiter { delimiter: char },
    #[error("column {position} (from 1) has no name\nhint: name it; if a tool wrote row numbers there, leave them out")]
    Unnamed { position: usize },
    #[error("{column:?} is an index that pandas wrote: row numbers are no feature\nhint: --ignore {column}")]
    Index { column: String },
    #[error("two columns are called {column:?}\nhint: rename one")]
    Duplicate { column: String },
    #[error("there is no label {label:?}; the columns are {}\nhint: {}", listed(columns), meant("--label", nearest.as_deref()))]
    NoLabel { label: String, columns: Vec<String>, nearest: Option<String> },
    #[error("the label {label:?} cannot be ignored\nhint: leave it out of --ignore")]
    LabelIgnored { label: String },
    #[error(
        "there is no column {column:?} to ignore; the columns are {}\nhint: {}",
        listed(columns), meant("--ignore", nearest.as_deref())
    )]
    NoIgnored { column: String, columns: Vec<String>, nearest: Option<String> },
    #[error("no column is left as a feature; the columns are {}\nhint: ignore fewer", listed(columns))]
    NoFeatures { columns: Vec<String> },
    #[error(
        "its columns are not those of {}: {}\nhint: evaluate files of other columns apart, or --ignore what they do not share",
        first.display(), difference(lacks, adds)
    )]
    OtherColumns { first: PathBuf, lacks: Vec<String>, adds: Vec<String> },

    #[error(
        "{found} fields instead of {expected}\nhint: the header has {expected} columns, divided by {delimiter:?}; --delimiter names another"
    )]
    Ragged { found: usize, expected: usize, delimiter: char },
    #[error("the line is longer than {} MiB\nhint: is this a text file with one row a line?", max_bytes >> 20)]
    LongLine { max_bytes: usize },
    #[error("a quote is still open {} MiB later\nhint: close it", max_bytes >> 20)]
    LongRow { max_bytes: usize },
    #[error(
        "column {column:?} holds {text}, which is not a number\nhint: --ignore {column} if it is no feature, such as a timestamp"
    )]
    NotANumber { column: String, text: String },
    #[error(
        "column {column:?} holds {text}, which is infinite\nhint: leave the cell empty if its value is missing, or --ignore {column}"
    )]
    Infinite { column: String, text: String },
    #[error(
        "column {column:?} holds {text}, which is beyond 3.4e38, the range of 32 bits\nhint: scale it, or --ignore {column}"
    )]
    BeyondRange { column: String, text: String },
    #[error(
        "label {column:?} holds {text}, which is neither 0 nor 1\nhint: --label names the column that is 1 where a row is anomalous"
    )]
    BadLabel { column: String, text: String },
    #[error("label {column:?} is missing\nhint: every row needs one, 0 or 1")]
    NoLabelValue { column: String },
}

/// Names, at most some, as a list to read.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 30;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    let more = names.len().saturating_sub(SHOWN);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

fn meant(flag: &str, nearest: Option<&str>) -> String {
    nearest.map_or_else(|| format!("{flag} takes one of these"), |nearest| format!("did you mean {flag} {nearest}?"))
}

fn difference(lacks: &[String], adds: &[String]) -> String {
    let part = |verb: &str, names: &[String]| (!names.is_empty()).then(|| format!("{verb} {}", listed(names)));
    [part("it lacks", lacks), part("it adds", adds)].into_iter().flatten().collect::<Vec<_>>().join(" and ")
}
