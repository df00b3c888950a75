//! What can be wrong at one place of a file, each with its remedy.

use std::io;
use std::path::PathBuf;

use super::format::Format;

/// What is wrong.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub(super) enum Fault {
    // The file as such.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    #[error("{what} is damaged: {reason}\nhint: fetch or write the file again")]
    Damaged { what: &'static str, reason: String },
    #[error(
        "this is no format that is known\n\
         hint: name it .csv, .tsv, .txt, .jsonl, .ndjson (each also .gz), .parquet, .npy or .npz"
    )]
    UnknownFormat,
    #[error("the name says {named}, but it holds {held}\nhint: rename it")]
    OtherFormat { named: Format, held: Format },
    #[error("the file is empty\nhint: it needs named columns, and rows")]
    Empty,
    #[error("there are no rows\nhint: at least one row with a label is needed")]
    NoRows,
    #[error("there is no room to unpack it in {}: {reason}\nhint: set TMPDIR to a directory on a disk with room", directory.display())]
    NoScratch {
        directory: PathBuf,
        reason: io::Error,
    },

    // Its columns.
    #[error(
        "column {position} (from 1) has no name\nhint: name it; if a tool wrote row numbers there, leave them out"
    )]
    Unnamed { position: usize },
    #[error(
        "{column:?} is an index that pandas wrote: row numbers are no feature\nhint: --ignore {column}"
    )]
    Index { column: String },
    #[error("two columns are called {column:?}\nhint: rename one")]
    Duplicate { column: String },
    #[error(
        "there is no label {label:?}; the columns are {}\nhint: {}",
        listed(columns), meant("--label", nearest.as_deref())
    )]
    NoLabel {
        label: String,
        columns: Vec<String>,
        nearest: Option<String>,
    },
    #[error("the label {label:?} cannot be ignored\nhint: leave it out of --ignore")]
    LabelIgnored { label: String },
    #[error(
        "there is no column {column:?} to ignore; the columns are {}\nhint: {}",
        listed(columns), meant("--ignore", nearest.as_deref())
    )]
    NoIgnored {
        column: String,
        columns: Vec<String>,
        nearest: Option<String>,
    },
    #[error(
        "no column is left as a feature; the columns are {}\nhint: ignore fewer",
        listed(columns)
    )]
    NoFeatures { columns: Vec<String> },
    #[error(
        "its columns are not those of {}: {}\n\
         hint: evaluate files of other columns apart, or --ignore what they do not share",
        first.display(), difference(lacks, adds)
    )]
    OtherColumns {
        first: PathBuf,
        lacks: Vec<String>,
        adds: Vec<String>,
    },
    #[error(
        "column {column:?} is nested\nhint: --ignore {column}, or write its parts as columns of their own"
    )]
    Nested { column: String },
    #[error(
        "column {column:?} is not numeric: {kind}\nhint: --ignore {column}, or write it as numbers"
    )]
    NotNumeric { column: String, kind: &'static str },
    #[error(
        "column {column:?} is packed with {packing}\nhint: write it with snappy, gzip, zstd, lz4 or unpacked"
    )]
    ColumnPacking {
        column: String,
        packing: &'static str,
    },

    // Its rows and cells; `text` is what a cell holds, in quotes if it is text.
    #[error(
        "column {column:?} holds {text}, which is not a number\n\
             hint: --ignore {column} if it is no feature, such as a timestamp"
    )]
    NotANumber { column: String, text: String },
    #[error(
        "column {column:?} holds {text}, which is infinite\n\
             hint: leave the cell empty if its value is missing, or --ignore {column}"
    )]
    Infinite { column: String, text: String },
    #[error(
        "column {column:?} holds {text}, which is beyond 3.4e38, the range of 32 bits\n\
             hint: scale it, or --ignore {column}"
    )]
    BeyondRange { column: String, text: String },
    #[error(
        "label {column:?} holds {text}, which is neither 0 nor 1\n\
             hint: --label names the column that is 1 where a row is anomalous"
    )]
    BadLabel { column: String, text: String },
    #[error("label {column:?} is missing\nhint: every row needs one, 0 or 1")]
    NoLabelValue { column: String },

    // Text files.
    #[error(
        "{delimiter:?} cannot divide fields\n\
             hint: --delimiter takes a character that is no part of a number and no quote"
    )]
    Delimiter { delimiter: char },
    #[error(
        "{found} fields instead of {expected}\n\
             hint: the header has {expected} columns, divided by {delimiter:?}; --delimiter names another"
    )]
    Ragged {
        found: usize,
        expected: usize,
        delimiter: char,
    },
    #[error("the line is longer than {} MiB\nhint: is this a text file with one row a line?", max_bytes >> 20)]
    LongLine { max_bytes: usize },
    #[error("a quote is still open {} MiB later\nhint: close it", max_bytes >> 20)]
    LongRow { max_bytes: usize },
    #[error(
        "{reason}, character {character}\n\
             hint: each line is one object of numbers; a missing value is null"
    )]
    NotAnObject { reason: String, character: usize },
    #[error(
        "the key {key:?} is not in the first object\n\
             hint: the first object names all columns, with null where it has no value"
    )]
    NewKey { key: String },

    // Arrays.
    #[error(
        "the array is one of records, not of rows and columns\n\
             hint: in numpy: numpy.lib.recfunctions.structured_to_unstructured(a)"
    )]
    Structured,
    #[error("{name:?} is no type of numbers that is read\nhint: in numpy: a.astype(\"float32\")")]
    ElementType { name: String },
    #[error(
        "the array has {dimensions} dimensions instead of rows and columns\nhint: in numpy: a.reshape(len(a), -1)"
    )]
    Dimensions { dimensions: usize },
    #[error(
        "there are {columns} columns\nhint: up to {max} are read; is the array the right way round?"
    )]
    TooManyColumns { columns: usize, max: usize },
    #[error("beside the label {label:?} there has to be one array, of features; there are {}\n\
             hint: --label names the array of labels; --ignore others", if names.is_empty() { "none".to_owned() } else { listed(names) })]
    Arrays { label: String, names: Vec<String> },
    #[error(
        "the labels {label:?} are not one for each of the {rows} rows\nhint: --label names an array with one number a row"
    )]
    LabelShape { label: String, rows: u64 },
    #[error(
        "array {array:?} is packed as {packing}\nhint: numpy.savez and numpy.savez_compressed write what is read"
    )]
    Packing { array: String, packing: String },
    #[error("array {array:?}: {fault}")]
    InArray { array: String, fault: Box<Fault> },
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

fn meant(flag: &str, nearest: Option<&str>) -> String {
    nearest.map_or_else(
        || format!("{flag} takes one of these"),
        |nearest| format!("did you mean {flag} {nearest}?"),
    )
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
