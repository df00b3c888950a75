//! Rows of files in any of the usual formats, with their labels, kept so that later passes neither
//! parse again nor need memory.
//!
//! [`open`] reads one file as a stream of [`Rows`], whatever its format: CSV, JSON lines, Parquet,
//! NPY or NPZ; [`ReadOptions`] say what its columns and cells mean. [`Corpus`] reads many files
//! once, checks every cell and keeps the rows; the first fault ends the reading, with file, line or
//! row, and column. Nothing here knows what the rows are for.
//!
//! Every cell is a number in 64 bits first. A corpus rounds it to 32, so that the same table reads
//! as the same bits in every format.

mod cells;
mod columns;
mod corpus;
mod csv;
mod digest;
mod error;
mod fault;
mod files;
mod format;
mod input;
mod json_lines;
mod label_file;
mod labels;
mod lines;
mod npy;
mod npz;
mod options;
mod parquet;
mod preview;
mod profile;
mod repeats;
mod store;
#[cfg(test)]
mod testing;

use std::path::PathBuf;

use columns::{LabelNeed, Wanted};

pub use corpus::{Corpus, Progress, Sources};
pub use error::{DatasetError, ExplainedFault, Place};
pub use files::{FileInfo, FileUse};
pub use label_file::match_labels;
pub use options::{Decimal, Delimiter, FileFormat, OptionStyle, ReadOptions};
pub use preview::{column_names, nearest_name, preview};
pub use profile::{Counting, Merging};
pub use repeats::{Part, Repeats};
pub use store::Storage;

/// Some rows of a file.
#[derive(Debug, Default)]
pub struct Block {
    /// Features, row after row; NaN is a missing value. Neither infinite nor beyond what 32 bits
    /// hold.
    pub values: Vec<f64>,
    /// One a row: whether it is anomalous, if that is known.
    pub labels: Vec<Option<bool>>,
    /// One a row if a time column is named, else empty: its text.
    pub times: Vec<String>,
    /// Rows that cannot be used, in their order.
    pub refused: Vec<RefusedRow>,
}

/// A row that cannot be used.
#[derive(Debug)]
pub struct RefusedRow {
    /// How many rows of the block come before it.
    pub before: usize,
    /// What is wrong with it.
    pub error: DatasetError,
}

/// The rows of one file, in its order.
pub trait Rows: Send {
    /// Names of the features, in the order of a row's values.
    fn columns(&self) -> &[String];

    /// Replaces what `into` holds by the next rows, at most `rows_max`, refused ones included.
    /// Returns whether there were any.
    ///
    /// # Errors
    /// The rest of the file cannot be read.
    fn read(&mut self, rows_max: usize, into: &mut Block) -> Result<bool, DatasetError>;

    /// About how many of the file's bytes have been read.
    fn position(&self) -> u64;
}

/// A file of rows, and the file of their labels if that is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// The rows.
    pub file: PathBuf,
    /// One label a row.
    pub labels: Option<PathBuf>,
}

/// Opens one file. A row may lack its label.
///
/// # Errors
/// What is wrong with the file or with its columns.
pub fn open(source: &InputFile, options: &ReadOptions) -> Result<Box<dyn Rows>, DatasetError> {
    let wanted = Wanted {
        options,
        labels: LabelNeed::Optional,
        like: None,
        scratch: &std::env::temp_dir(),
    };
    open_source(source, &wanted)
}

/// Opens a file together with its labels. A label that is none comes with the values that the file
/// has.
fn open_source(source: &InputFile, wanted: &Wanted<'_>) -> Result<Box<dyn Rows>, DatasetError> {
    match &source.labels {
        None => format::open(&source.file, wanted),
        Some(labels) => label_file::open(&source.file, labels, wanted),
    }
}

impl Block {
    fn clear(&mut self) {
        self.values.clear();
        self.labels.clear();
        self.times.clear();
        self.refused.clear();
    }

    /// Rows of the block, refused ones included.
    fn len(&self) -> usize {
        self.labels.len() + self.refused.len()
    }

    fn refuse(&mut self, error: DatasetError) {
        self.refused.push(RefusedRow {
            before: self.labels.len(),
            error,
        });
    }
}

/// Where a file of `bytes` is when `row` of `rows` rows are read.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of bytes, for progress"
)]
fn share(bytes: u64, row: u64, rows: u64) -> u64 {
    (bytes as f64 * (row as f64 / rows.max(1) as f64).min(1.0)) as u64
}

#[cfg(test)]
mod tests;
