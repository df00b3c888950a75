//! Labelled rows out of files that other people wrote, kept so that later passes neither parse
//! again nor need memory.
//!
//! [`open`] reads one file as a stream of [`Rows`], whatever its format: CSV, JSON lines, Parquet,
//! NPY or NPZ. [`Corpus`] reads many files once, checks every cell and keeps the rows. The first
//! thing that is wrong ends the reading, with file, line or row, and column. Nothing here knows
//! what the rows are for.
//!
//! Every cell is a number in 64 bits first and is then rounded to 32, so that the same table reads
//! as the same bits in every format.

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
mod labels;
mod lines;
mod npy;
mod npz;
mod number;
mod parquet;
mod repeats;
mod store;
#[cfg(test)]
mod testing;

use std::path::Path;

use columns::Wanted;

pub use corpus::{Corpus, Progress};
pub use error::{DatasetError, Place};
pub use files::FileInfo;
pub use number::{Cell, cell};
pub use repeats::{Part, Repeats};
pub use store::Storage;

/// What the columns of all files mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Between the fields of a CSV file; `None` detects it in each file's header among `,`, `;`,
    /// tab and `|`.
    pub delimiter: Option<u8>,
    /// The column that is 1 (or true) where a row is anomalous, and else 0 (or false).
    pub label: String,
    /// Columns that are no features, such as a timestamp.
    pub ignore: Vec<String>,
}

/// Some rows of a file.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Features, row after row; NaN is a missing value. Neither infinite nor beyond what 32 bits
    /// hold.
    pub values: Vec<f32>,
    /// One a row: whether it is anomalous.
    pub labels: Vec<bool>,
}

/// The rows of one file, in its order.
pub trait Rows: Send {
    /// Names of the features, in the order of a row's values.
    fn columns(&self) -> &[String];

    /// Replaces what `into` holds by the next rows, at most `rows_max`, and says how many they are:
    /// 0 at the end.
    ///
    /// # Errors
    /// The first thing that is wrong with the file from here on; nothing can be read after it.
    fn read(&mut self, rows_max: usize, into: &mut Block) -> Result<usize, DatasetError>;

    /// About how many of the file's bytes have been read.
    fn position(&self) -> u64;
}

/// Opens one file; its format follows from its name, or else from how it begins.
///
/// # Errors
/// What is wrong with the file or with its columns.
pub fn open(file: &Path, layout: &Layout) -> Result<Box<dyn Rows>, DatasetError> {
    format::open(
        file,
        &Wanted {
            layout,
            like: None,
            scratch: &std::env::temp_dir(),
        },
    )
}

impl Block {
    fn clear(&mut self) {
        self.values.clear();
        self.labels.clear();
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
