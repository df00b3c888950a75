//! What can be wrong at one place of a file.

mod help;

use std::io;
use std::path::PathBuf;

use super::format::Format;

/// What is wrong. [`Fault::help`] is the remedy.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    // The file as such.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    #[error("{what} is damaged: {reason}")]
    Damaged { what: &'static str, reason: String },
    #[error("this is no format that is known")]
    UnknownFormat,
    #[error("the name says {named}, but it holds {held}")]
    OtherFormat { named: Format, held: Format },
    #[error("this is {what}, which is not read")]
    Container { what: String, remedy: &'static str },
    #[error("the file is empty")]
    Empty,
    #[error("there are no rows")]
    NoRows,
    #[error("there is no room to unpack it in {}: {reason}", directory.display())]
    NoScratch {
        directory: PathBuf,
        reason: io::Error,
    },

    // Its columns.
    #[error(
        "all names of columns are numbers: {}; this seems to be a row of values",
        listed(names)
    )]
    NumbersAsNames { names: Vec<String> },
    #[error("column {number} (from 1) has no name")]
    Unnamed { number: String },
    #[error("{column:?} is an index that pandas wrote: row numbers are no feature")]
    Index { column: String },
    #[error("two columns are called {column:?}")]
    Duplicate { column: String },
    #[error("there is no label {label:?}; the columns are {}", listed(columns))]
    NoLabel {
        label: String,
        columns: Vec<String>,
        nearest: Option<String>,
    },
    #[error("the label {label:?} cannot be ignored")]
    LabelIgnored { label: String },
    #[error(
        "there is no column {column:?} to ignore; the columns are {}",
        listed(columns)
    )]
    NoIgnored {
        column: String,
        columns: Vec<String>,
        nearest: Option<String>,
    },
    #[error(
        "there is no time column {column:?}; the columns are {}",
        listed(columns)
    )]
    NoTime {
        column: String,
        columns: Vec<String>,
        nearest: Option<String>,
    },
    #[error("no column is left as a feature; the columns are {}", listed(columns))]
    NoFeatures { columns: Vec<String> },
    #[error("its columns are not those of {}: {}", first.display(), difference(lacks, adds))]
    OtherColumns {
        first: PathBuf,
        lacks: Vec<String>,
        adds: Vec<String>,
    },
    #[error("column {column:?} is nested")]
    Nested { column: String },
    #[error("column {column:?} is not numeric: {kind}")]
    NotNumeric { column: String, kind: &'static str },
    #[error("column {column:?} is packed with {packing}")]
    ColumnPacking {
        column: String,
        packing: &'static str,
    },

    // Its rows and cells; `text` is what a cell holds, in quotes if it is text.
    #[error("column {column:?} holds {text}, which is not a number")]
    NotANumber { column: String, text: String },
    #[error("column {column:?} holds {text}, which is infinite")]
    Infinite { column: String, text: String },
    #[error("column {column:?} holds {text}, which is beyond 3.4e38, the range of 32 bits")]
    BeyondRange { column: String, text: String },
    #[error("label {column:?} holds {text}, which is {}", not_a_label(*is_listed))]
    BadLabel {
        column: String,
        text: String,
        /// Whether the user has said which values are anomalous and which are normal.
        is_listed: bool,
        /// Values of the label in the file.
        seen: Vec<String>,
    },
    #[error("label {column:?} is missing")]
    NoLabelValue { column: String },
    #[error("there are {labels} labels in {}, but {rows} rows", file.display())]
    OtherLabels {
        file: PathBuf,
        labels: String,
        rows: String,
    },

    // Text files.
    #[error("{delimiter:?} cannot divide fields")]
    Delimiter { delimiter: char },
    #[error("a comma cannot divide both fields and the parts of a number")]
    DecimalDelimiter,
    #[error("{found} fields instead of {expected}")]
    Ragged {
        found: usize,
        expected: usize,
        delimiter: String,
    },
    #[error("the line is longer than {} MiB", max_bytes >> 20)]
    LongLine { max_bytes: usize },
    #[error("a quote is still open {} MiB later", max_bytes >> 20)]
    LongRow { max_bytes: usize },
    #[error("{reason}, character {character}")]
    NotAnObject { reason: String, character: usize },
    #[error("the key {key:?} is not in the first object")]
    NewKey { key: String },

    // Arrays.
    #[error("the array is one of records, not of rows and columns")]
    Structured,
    #[error("{name:?} is no type of numbers that is read")]
    ElementType { name: String },
    #[error("the array has {dimensions} dimensions instead of rows and columns")]
    Dimensions { dimensions: usize },
    #[error("there are {columns} columns")]
    TooManyColumns { columns: usize, max: usize },
    #[error(
        "beside the label {label:?} there has to be one array, of features; there are {}",
        if names.is_empty() { "none".to_owned() } else { listed(names) }
    )]
    Arrays { label: String, names: Vec<String> },
    #[error("the labels {label:?} are not one for each of the {rows} rows")]
    LabelShape { label: String, rows: u64 },
    #[error("array {array:?} is packed as {packing}")]
    Packing { array: String, packing: String },
    #[error("array {array:?}: {fault}")]
    InArray { array: String, fault: Box<Fault> },
}

impl Fault {
    /// A short stable name of the reason, for events.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Ragged { .. } => "ragged_row",
            Self::NotANumber { .. } | Self::Infinite { .. } | Self::BeyondRange { .. } => {
                "not_a_number"
            }
            Self::BadLabel { .. } => "bad_label",
            Self::NoLabelValue { .. } => "missing_label",
            Self::NotAnObject { .. } | Self::NewKey { .. } | Self::Nested { .. } => "undecodable",
            Self::Empty | Self::NoFeatures { .. } => "no_columns",
            Self::NoLabel { .. }
            | Self::NoIgnored { .. }
            | Self::NoTime { .. }
            | Self::NumbersAsNames { .. }
            | Self::Unnamed { .. }
            | Self::Duplicate { .. }
            | Self::Index { .. } => "unreadable_header",
            _ => "unreadable_file",
        }
    }

    /// The option that does not fit the file: reading further would give a wrong meaning to its
    /// rows. `None` for other faults.
    pub(super) fn option(&self) -> Option<&'static str> {
        match self {
            Self::BadLabel { .. } | Self::NoLabel { .. } => Some("label"),
            Self::LabelIgnored { .. } | Self::NoIgnored { .. } => Some("ignore"),
            Self::Unnamed { .. } | Self::Index { .. } | Self::Duplicate { .. } => Some("ignore"),
            Self::NoTime { .. } => Some("time"),
            Self::NumbersAsNames { .. } => Some("files"),
            Self::OtherLabels { .. } => Some("labels-from"),
            Self::Delimiter { .. } => Some("delimiter"),
            Self::DecimalDelimiter => Some("decimal"),
            _ => None,
        }
    }
}

fn not_a_label(is_listed: bool) -> &'static str {
    if is_listed {
        "neither among the anomalous nor among the normal values"
    } else {
        "neither 0 nor 1"
    }
}

/// Names, at most some, as a list to read.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 30;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    let more = names.len().saturating_sub(SHOWN);
    if more > 0 {
        format!("{} and {more} more", shown.join(", "))
    } else {
        shown.join(", ")
    }
}

fn difference(lacks: &[String], adds: &[String]) -> String {
    let part = |verb: &str, names: &[String]| {
        (!names.is_empty()).then(|| format!("{verb} {}", listed(names)))
    };
    [part("it lacks", lacks), part("it adds", adds)]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" and ")
}
