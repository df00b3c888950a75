//! Many files as one sequence of rows, read and checked once.

mod load;

use std::ops::{ControlFlow, Range};
use std::path::Path;

use fedhost_domain::model::Sha256Hex;

use super::error::DatasetError;
use super::files::{self, FileInfo, FileUse};
use super::label_file::match_labels;
use super::labels::Labels;
use super::options::ReadOptions;
use super::profile::{Counting, Merging};
use super::store::{RowStore, Storage};

/// Values that are read at a time: 1 MiB of them.
const VALUES_AT_ONCE: usize = 1 << 18;

/// Which files hold the rows of a corpus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// Files, or patterns: rows that have a label each.
    pub data: Vec<String>,
    /// Files with one label a row, matched with those of `data` in the order of their names; empty
    /// if the rows have their own.
    pub labels_from: Vec<String>,
    /// Files with rows to train on. If there are any, all rows of `data` are scored.
    pub training: Vec<String>,
}

impl Sources {
    /// Files whose rows have their labels.
    #[must_use]
    pub fn labelled(patterns: &[String]) -> Self {
        Self {
            data: patterns.to_vec(),
            ..Self::default()
        }
    }
}

/// Rows of one set of columns. Every value is finite or NaN (missing), and every row that may be
/// scored has its label.
pub struct Corpus {
    files: Vec<FileInfo>,
    columns: Vec<String>,
    rows: RowStore,
    labels: Labels,
    anomalous: u64,
    missing: u64,
    counting: Vec<Counting>,
    merging: Vec<Merging>,
    sha256: Sha256Hex,
}

/// How far the reading is.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Of all files.
    pub read_bytes: u64,
    /// Of all files.
    pub total_bytes: u64,
    /// The file that is being read.
    pub file: &'a Path,
}

impl Corpus {
    /// Reads the files of `sources`, those to train on first, each kind in the order of their paths,
    /// each file once, and keeps their rows in `storage`. `progress` is called about once a MiB, and may stop the reading.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place; nothing is kept then.
    pub fn open(
        storage: &Storage,
        sources: &Sources,
        options: &ReadOptions,
        mut progress: impl FnMut(Progress<'_>) -> ControlFlow<()>,
    ) -> Result<Self, DatasetError> {
        let mut files = Vec::new();
        let has_training = !sources.training.is_empty();
        if has_training {
            let found = files::find(&sources.training)?;
            let found = match_labels(found, &[])?;
            files.extend(found.into_iter().map(|source| (source, FileUse::Training)));
        }
        let labels = match sources.labels_from.as_slice() {
            [] if options.label.is_none() => return Err(DatasetError::Unlabelled),
            [] => Vec::new(),
            patterns => files::find(patterns)?,
        };
        let file_use = if has_training {
            FileUse::Scoring
        } else {
            FileUse::Any
        };
        let found = match_labels(files::find(&sources.data)?, &labels)?;
        files.extend(found.into_iter().map(|source| (source, file_use)));
        load::load(&files, options, storage, &mut progress)
    }

    /// The files, in the order of their rows.
    #[must_use]
    pub fn files(&self) -> &[FileInfo] {
        &self.files
    }

    /// Names of the features, in the order of a row's values: that of the first file.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Rows of all files.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows.rows()
    }

    /// How many of them are anomalous.
    #[must_use]
    pub fn anomalous(&self) -> u64 {
        self.anomalous
    }

    /// How many of all cells are missing.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Columns that count rows or time in every file.
    #[must_use]
    pub fn counting(&self) -> &[Counting] {
        &self.counting
    }

    /// Columns of which 32 bits cannot hold the differences.
    #[must_use]
    pub fn merging(&self) -> &[Merging] {
        &self.merging
    }

    /// Whether some files hold rows to train on, and the others rows to score.
    #[must_use]
    pub fn has_training_files(&self) -> bool {
        self.files
            .iter()
            .any(|file| file.file_use == FileUse::Training)
    }

    /// Whether every row has a label.
    #[must_use]
    pub fn is_labelled(&self) -> bool {
        self.files.iter().all(|file| file.unlabelled == 0)
    }

    /// The digest of all files: the sha256 of a text that has a line `<sha256> <bytes>\n` for each
    /// file in order, so that where a file ends counts too. In a shell:
    ///
    /// ```text
    /// for f in FILES; do echo "$(sha256sum < "$f" | cut -c1-64) $(stat -c %s "$f")"; done | sha256sum
    /// ```
    #[must_use]
    pub fn sha256(&self) -> &Sha256Hex {
        &self.sha256
    }

    /// Whether a row, counted over all files, is anomalous; `false` beyond the last one.
    #[must_use]
    pub fn label(&self, row: u64) -> bool {
        self.labels.get(row)
    }

    /// Replaces what `into` holds by rows of one file, from `first_row` of it on; fewer than `rows`
    /// at its end, and none of a file that is not there. Returns how many.
    ///
    /// # Errors
    /// When the kept rows cannot be read.
    pub fn read(
        &self,
        file: usize,
        first_row: u64,
        rows: usize,
        into: &mut Vec<f32>,
    ) -> Result<usize, DatasetError> {
        into.clear();
        let range = self.files.get(file).map_or(0..0, FileInfo::range);
        let first = range.start.saturating_add(first_row).min(range.end);
        let rows = clamp(first..range.end, rows);
        self.rows
            .read(first, rows, into)
            .map_err(DatasetError::Kept)?;
        Ok(rows)
    }

    /// Replaces what `into` holds by the rows of these numbers, counted over all files, in the
    /// order asked for.
    ///
    /// # Errors
    /// There is no such row, or the kept rows cannot be read.
    pub fn gather(&self, rows: &[u64], into: &mut Vec<f32>) -> Result<(), DatasetError> {
        into.clear();
        for stretch in rows.chunk_by(|row, next| row.checked_add(1) == Some(*next)) {
            let (Some(first), Some(last)) = (stretch.first(), stretch.last()) else {
                continue;
            };
            if *last >= self.rows() {
                return Err(DatasetError::NoSuchRow {
                    row: *last,
                    rows: self.rows(),
                });
            }
            self.rows
                .read(*first, stretch.len(), into)
                .map_err(DatasetError::Kept)?;
        }
        Ok(())
    }

    /// Adds rows from `first` on, counted over all files, to `into`; fewer at the end.
    pub(super) fn read_range(
        &self,
        first: u64,
        rows: usize,
        into: &mut Vec<f32>,
    ) -> Result<(), DatasetError> {
        self.rows
            .read(first, clamp(first..self.rows(), rows), into)
            .map_err(DatasetError::Kept)
    }

    /// Rows that are about [`VALUES_AT_ONCE`].
    pub(super) fn rows_at_once(&self) -> usize {
        rows_at_once(self.columns.len())
    }
}

fn clamp(range: Range<u64>, rows: usize) -> usize {
    usize::try_from(range.end.saturating_sub(range.start)).map_or(rows, |left| rows.min(left))
}

fn rows_at_once(width: usize) -> usize {
    VALUES_AT_ONCE.checked_div(width).unwrap_or_default().max(1)
}

#[cfg(test)]
mod tests;
