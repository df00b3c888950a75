//! Reads every file once: rows, labels, digests.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::{Corpus, Progress, rows_at_once};
use crate::columns::{Like, Wanted};
use crate::digest::{self, FileDigest};
use crate::error::{DatasetError, Place};
use crate::fault::Fault;
use crate::files::{self, FileInfo};
use crate::labels::Labels;
use crate::store::{RowStore, Storage};
use crate::{Block, Layout, Rows, format};

type Watch<'a> = &'a mut dyn FnMut(Progress<'_>) -> ControlFlow<()>;

/// What has been read.
struct Load<'a> {
    watch: Watch<'a>,
    total_bytes: u64,
    /// Of the files that are complete.
    read_bytes: u64,
    rows: RowStore,
    labels: Labels,
    missing: u64,
    block: Block,
}

/// Reads `paths` in order. There is at least one.
pub(super) fn load(
    paths: &[PathBuf],
    layout: &Layout,
    storage: &Storage,
    watch: Watch<'_>,
) -> Result<Corpus, DatasetError> {
    let mut columns: Vec<String> = Vec::new();
    let mut total_bytes = 0;
    for path in paths {
        total_bytes += fs::metadata(path)
            .map_err(|error| unreadable(path, error))?
            .len();
    }
    let mut load = Load {
        watch,
        total_bytes,
        read_bytes: 0,
        rows: RowStore::new(0, storage.clone()),
        labels: Labels::default(),
        missing: 0,
        block: Block::default(),
    };
    let mut files = Vec::new();
    for (path, name) in paths.iter().zip(files::names(paths)) {
        let like = paths
            .first()
            .filter(|_| !files.is_empty())
            .map(|file| Like {
                file,
                columns: &columns,
            });
        let rows = format::open(
            path,
            &Wanted {
                layout,
                like,
                scratch: &storage.directory,
            },
        )?;
        if files.is_empty() {
            columns = rows.columns().to_vec();
            load.rows = RowStore::new(columns.len(), storage.clone());
        }
        files.push(load.file(path, name, rows)?);
    }
    Ok(load.finish(files, columns))
}

impl Load<'_> {
    fn file(
        &mut self,
        path: &Path,
        name: String,
        mut rows: Box<dyn Rows>,
    ) -> Result<FileInfo, DatasetError> {
        let first_row = self.rows.rows();
        let mut digest = FileDigest::open(path).map_err(|error| unreadable(path, error))?;
        let rows_max = rows_at_once(rows.columns().len());
        while rows.read(rows_max, &mut self.block)? > 0 {
            let position = rows.position();
            digest
                .advance_to(position)
                .map_err(|error| unreadable(path, error))?;
            self.keep(position)?;
            self.tell(path, position)?;
        }
        let (sha256, bytes) = digest.finish().map_err(|error| unreadable(path, error))?;
        self.read_bytes += bytes;
        self.tell(path, 0)?;
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
            bytes,
            sha256,
        })
    }

    /// Keeps the rows of the block; `position` is how far its file has been read.
    fn keep(&mut self, position: u64) -> Result<(), DatasetError> {
        self.missing += self
            .block
            .values
            .iter()
            .filter(|value| value.is_nan())
            .count() as u64;
        self.block
            .labels
            .iter()
            .for_each(|label| self.labels.push(*label));
        let block_bytes = size_of_val(self.block.values.as_slice()) as u64;
        self.rows
            .append(&self.block.values)
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

    fn tell(&mut self, file: &Path, position: u64) -> Result<(), DatasetError> {
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

fn unreadable(path: &Path, error: io::Error) -> DatasetError {
    DatasetError::at(path, Place::Whole, Fault::Unreadable(error))
}
