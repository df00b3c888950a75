//! Reads every file once: rows, labels, digests.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use super::{Corpus, Progress, rows_at_once};
use crate::columns::{LabelNeed, Like, Wanted};
use crate::digest::{self, FileDigest};
use crate::error::{DatasetError, Place};
use crate::fault::Fault;
use crate::files::{self, FileInfo, FileUse};
use crate::labels::Labels;
use crate::options::ReadOptions;
use crate::profile::Profile;
use crate::store::{RowStore, Storage};
use crate::{Block, InputFile, Rows, open_source};

type Watch<'a> = &'a mut dyn FnMut(Progress<'_>) -> ControlFlow<()>;

/// What has been read.
struct Load<'a> {
    watch: Watch<'a>,
    total_bytes: u64,
    /// Of the files that are complete.
    read_bytes: u64,
    rows: RowStore,
    labels: Labels,
    unlabelled: u64,
    missing: u64,
    profile: Profile,
    block: Block,
    /// The block's values in 32 bits.
    values: Vec<f32>,
}

/// Reads `sources` in order. There is at least one.
pub(super) fn load(
    sources: &[(InputFile, FileUse)],
    options: &ReadOptions,
    storage: &Storage,
    watch: Watch<'_>,
) -> Result<Corpus, DatasetError> {
    let mut columns: Vec<String> = Vec::new();
    let mut total_bytes = 0;
    for (InputFile { file, .. }, _) in sources {
        total_bytes += fs::metadata(file)
            .map_err(|error| unreadable(file, error))?
            .len();
    }
    let mut load = Load {
        watch,
        total_bytes,
        read_bytes: 0,
        rows: RowStore::new(0, storage.clone()),
        labels: Labels::default(),
        unlabelled: 0,
        missing: 0,
        profile: Profile::new(0),
        block: Block::default(),
        values: Vec::new(),
    };
    let paths: Vec<_> = sources
        .iter()
        .map(|(source, _)| source.file.clone())
        .collect();
    let without_label = ReadOptions {
        label: None,
        ..options.clone()
    };
    let mut files = Vec::new();
    for ((source, file_use), name) in sources.iter().zip(files::names(&paths)) {
        let like = paths
            .first()
            .filter(|_| !files.is_empty())
            .map(|file| Like {
                file,
                columns: &columns,
            });
        let is_training = *file_use == FileUse::Training;
        let wanted = Wanted {
            options,
            labels: if is_training {
                LabelNeed::Optional
            } else {
                LabelNeed::Required
            },
            like,
            scratch: &storage.directory,
        };
        let rows = match open_source(source, &wanted) {
            // Rows to train on need no labels.
            Err(error) if is_training && error.is_missing_label() => {
                let wanted = Wanted {
                    options: &without_label,
                    ..wanted
                };
                open_source(source, &wanted)?
            }
            rows => rows?,
        };
        if files.is_empty() {
            columns = rows.columns().to_vec();
            load.rows = RowStore::new(columns.len(), storage.clone());
            load.profile = Profile::new(columns.len());
        }
        let file = load.file(source, *file_use, name, rows);
        files.push(file.map_err(|error| error.with_label_values(source, options))?);
    }
    Ok(load.finish(files, columns))
}

impl Load<'_> {
    fn file(
        &mut self,
        source: &InputFile,
        file_use: FileUse,
        name: String,
        mut rows: Box<dyn Rows>,
    ) -> Result<FileInfo, DatasetError> {
        let path = source.file.as_path();
        let first_row = self.rows.rows();
        self.unlabelled = 0;
        let mut digest = FileDigest::open(path).map_err(|error| unreadable(path, error))?;
        let rows_max = rows_at_once(rows.columns().len());
        while rows.read(rows_max, &mut self.block)? {
            if let Some(refused) = self.block.refused.drain(..).next() {
                return Err(refused.error);
            }
            let position = rows.position();
            digest
                .advance_to(position)
                .map_err(|error| unreadable(path, error))?;
            self.keep(position)?;
            self.report(path, position)?;
        }
        self.profile.end_file();
        let (sha256, bytes) = digest.finish().map_err(|error| unreadable(path, error))?;
        self.read_bytes += bytes;
        self.report(path, 0)?;
        let rows = self.rows.rows() - first_row;
        if rows == 0 {
            return Err(DatasetError::at(path, Place::Whole, Fault::NoRows));
        }
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let anomalous = self.labels.count(first_row..first_row + rows);
        Ok(FileInfo {
            path: path.to_owned(),
            name,
            folder,
            first_row,
            rows,
            anomalous,
            unlabelled: self.unlabelled,
            file_use,
            bytes,
            sha256,
        })
    }

    /// Keeps the rows of the block; `position` is how far its file has been read.
    fn keep(&mut self, position: u64) -> Result<(), DatasetError> {
        let Block { values, labels, .. } = &self.block;
        self.missing += values.iter().filter(|value| value.is_nan()).count() as u64;
        self.unlabelled += labels.iter().filter(|label| label.is_none()).count() as u64;
        for label in labels {
            self.labels.push(*label == Some(true));
        }
        self.profile.add(values);
        self.values.clear();
        self.values
            .extend(values.iter().map(|value| rounded(*value)));
        let block_bytes = size_of_val(self.values.as_slice()) as u64;
        self.rows
            .append(&self.values)
            .map_err(|reason| DatasetError::NoRoom {
                directory: self.rows.storage().directory.clone(),
                reason,
                needed_bytes: self
                    .all_rows_bytes(self.rows.bytes() + block_bytes, self.read_bytes + position),
            })
    }

    /// What the rows of all files take if the rest is like what has been read.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate of bytes"
    )]
    fn all_rows_bytes(&self, rows_bytes: u64, read_bytes: u64) -> u64 {
        let share = read_bytes.max(1) as f64 / self.total_bytes.max(1) as f64;
        (rows_bytes as f64 / share.min(1.0)) as u64
    }

    fn report(&mut self, file: &Path, position: u64) -> Result<(), DatasetError> {
        let read_bytes = (self.read_bytes + position).min(self.total_bytes);
        match (self.watch)(Progress {
            read_bytes,
            total_bytes: self.total_bytes,
            file,
        }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(DatasetError::CalledOff),
        }
    }

    fn finish(self, files: Vec<FileInfo>, columns: Vec<String>) -> Corpus {
        let sha256 = digest::of_files(files.iter().map(|file| (&file.sha256, file.bytes)));
        let anomalous = files.iter().map(|file| file.anomalous).sum();
        Corpus {
            counting: self.profile.counting(&columns),
            merging: self.profile.merging(&columns),
            files,
            columns,
            rows: self.rows,
            labels: self.labels,
            anomalous,
            missing: self.missing,
            sha256,
        }
    }
}

/// A value as it is kept: the nearest of 32 bits, with one NaN for all.
#[expect(
    clippy::cast_possible_truncation,
    reason = "its reader has refused what becomes infinite"
)]
fn rounded(value: f64) -> f32 {
    if value.is_nan() {
        f32::NAN
    } else {
        value as f32
    }
}

fn unreadable(path: &Path, error: io::Error) -> DatasetError {
    DatasetError::at(path, Place::Whole, Fault::Unreadable(error))
}
