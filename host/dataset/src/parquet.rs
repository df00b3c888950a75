//! Parquet, column by column, some rows of a row group at a time.

mod column;

use std::collections::BTreeMap;
use std::fs::File;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::FileReader as _;
use parquet::file::serialized_reader::SerializedFileReader;

use super::cells::{Cell, Defect};
use super::columns::{Columns, Role, Row, Wanted};
use super::error::{DatasetError, Place};
use super::fault::Fault;
use super::{Block, Rows, share};
use column::{Chunks, Column, Kind, Values, damaged};

/// The rows of a Parquet file.
pub(super) struct Parquet {
    file: PathBuf,
    reader: SerializedFileReader<Chunks>,
    bytes: u64,
    columns: Columns,
    /// For each column that is read, which one it is, its leaf in the schema, and what its values
    /// are.
    leaves: Vec<(usize, usize, Kind)>,
    group: Group,
    /// The next row, of all, and how many there are.
    row: u64,
    rows: u64,
    values: Values,
}

/// What is left of the row group that is being read.
#[derive(Default)]
struct Group {
    /// The one after it.
    next: usize,
    rows_left: usize,
    columns: Vec<Box<dyn Column>>,
}

impl Parquet {
    pub(super) fn open(file: &Path, wanted: &Wanted<'_>) -> Result<Self, Fault> {
        let chunks = File::open(file)
            .and_then(Chunks::new)
            .map_err(Fault::Unreadable)?;
        let bytes = chunks.bytes();
        let reader = contained(|| SerializedFileReader::new(chunks).map_err(damaged))?;
        let metadata = reader.metadata().file_metadata();
        let schema = metadata.schema_descr();
        let fields = schema.root_schema().get_fields();
        let names = fields.iter().map(|field| field.name().to_owned()).collect();
        let columns = Columns::new(names, wanted)?;
        let mut leaves = Vec::new();
        for leaf in 0..schema.num_columns() {
            let column = schema.get_column_root_idx(leaf);
            if columns.role(column) != Role::Ignored {
                check_packing(reader.metadata(), leaf)?;
                let is_only_text = columns.role(column) == Role::Time;
                let kind = Kind::of(&schema.column(leaf), is_only_text)?;
                leaves.push((column, leaf, kind));
            }
        }
        let rows = u64::try_from(metadata.num_rows()).unwrap_or_default();
        let file = file.to_owned();
        Ok(Self {
            file,
            reader,
            bytes,
            columns,
            leaves,
            group: Group::default(),
            row: 0,
            rows,
            values: Values::default(),
        })
    }

    /// Whether there is a row group with rows left.
    fn open_group(&mut self) -> Result<bool, Fault> {
        while self.group.rows_left == 0 {
            let index = self.group.next;
            if index >= self.reader.num_row_groups() {
                return Ok(false);
            }
            let group = self.reader.get_row_group(index).map_err(damaged)?;
            let rows_left = usize::try_from(group.metadata().num_rows()).unwrap_or_default();
            let open = |(_, leaf, kind): &(usize, usize, Kind)| {
                kind.open(group.get_column_reader(*leaf).map_err(damaged)?)
            };
            let columns = self.leaves.iter().map(open).collect::<Result<_, _>>()?;
            self.group = Group {
                next: index + 1,
                rows_left,
                columns,
            };
        }
        Ok(true)
    }

    /// Reads the next `rows` rows of the open row group, column by column. A row that cannot be used
    /// is taken out when all columns are read.
    fn fill(&mut self, rows: usize, into: &mut Block) -> Result<(), Fault> {
        let width = self.columns.width();
        into.values.resize(rows * width, f64::NAN);
        into.labels.resize(rows, None);
        if self.columns.keep_time() {
            into.times.resize(rows, String::new());
        }
        let mut faults: BTreeMap<usize, Fault> = BTreeMap::new();
        for ((source, _, _), column) in self.leaves.iter().zip(&mut self.group.columns) {
            contained(|| column.read(rows, &mut self.values))?;
            for row in 0..rows {
                let cell = self.values.cell(row);
                if let Err(defect) = put(&self.columns, *source, cell, row, into) {
                    let fault = || self.columns.fault(*source, defect, shown(cell));
                    faults.entry(row).or_insert_with(fault);
                }
            }
        }
        if self.columns.need_label() {
            let unlabelled = (0..rows).filter(|row| into.labels.get(*row) == Some(&None));
            for row in unlabelled {
                faults.entry(row).or_insert_with(|| self.columns.no_label());
            }
        }
        self.refuse(faults, into);
        Ok(())
    }

    /// Takes the rows with a fault out of the block.
    fn refuse(&self, faults: BTreeMap<usize, Fault>, into: &mut Block) {
        if faults.is_empty() {
            return;
        }
        let width = self.columns.width();
        let rows = std::mem::take(into);
        let mut faults = faults.into_iter().peekable();
        let mut times = rows.times.into_iter();
        for (row, label) in rows.labels.into_iter().enumerate() {
            let time = times.next();
            match faults.next_if(|(faulty, _)| *faulty == row) {
                Some((_, fault)) => {
                    let place = Place::Row(self.row + row as u64);
                    into.refuse(DatasetError::at(&self.file, place, fault));
                }
                None => {
                    let values = rows.values.get(row * width..(row + 1) * width);
                    into.values.extend(values.unwrap_or_default());
                    into.labels.push(label);
                    into.times.extend(time);
                }
            }
        }
    }
}

/// Puts one cell where it belongs in a block of rows.
fn put(
    columns: &Columns,
    column: usize,
    cell: Cell<'_>,
    row: usize,
    into: &mut Block,
) -> Result<(), Defect> {
    let width = columns.width();
    let values = into.values.get_mut(row * width..(row + 1) * width);
    let mut read = Row::new(values.unwrap_or_default());
    columns.put(column, cell, &mut read)?;
    match columns.role(column) {
        Role::Label => {
            if let Some(label) = into.labels.get_mut(row) {
                *label = read.label;
            }
        }
        Role::Time => {
            if let (Some(kept), Some(time)) = (into.times.get_mut(row), read.time) {
                *kept = time;
            }
        }
        Role::Feature(_) | Role::Ignored => {}
    }
    Ok(())
}

/// What a cell holds, as errors show it.
fn shown(cell: Cell<'_>) -> String {
    match cell {
        Cell::Text(text) => format!("{:?}", String::from_utf8_lossy(text)),
        Cell::Quoted(text) => format!("{text:?}"),
        Cell::Number(number) => number.to_string(),
    }
}

/// Refuses a column that is packed in a way that is not read.
fn check_packing(metadata: &ParquetMetaData, leaf: usize) -> Result<(), Fault> {
    let chunks = metadata
        .row_groups()
        .iter()
        .filter_map(|group| group.columns().get(leaf));
    for chunk in chunks {
        let packing = match chunk.compression() {
            Compression::BROTLI(_) => "brotli",
            Compression::LZO => "lzo",
            _ => continue,
        };
        return Err(Fault::ColumnPacking {
            column: chunk.column_path().string(),
            packing,
        });
    }
    Ok(())
}

/// Makes a panic of `parquet`, which some damaged files bring about, an error like any other.
/// Nothing that `work` may have left half done is looked at after it.
fn contained<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let text = payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or(payload.downcast_ref::<&str>().copied());
        let reason = text.unwrap_or("it cannot be made sense of").to_owned();
        Err(Fault::Damaged {
            what: "the Parquet file",
            reason,
        })
    })
}

impl Rows for Parquet {
    fn columns(&self) -> &[String] {
        self.columns.features()
    }

    fn read(&mut self, rows_max: usize, into: &mut Block) -> Result<bool, DatasetError> {
        into.clear();
        let is_open = contained(|| self.open_group())
            .map_err(|fault| DatasetError::at(&self.file, Place::Row(self.row), fault))?;
        if !is_open {
            return Ok(false);
        }
        let rows = rows_max.min(self.group.rows_left);
        let filled = self.fill(rows, into);
        filled.map_err(|fault| DatasetError::at(&self.file, Place::Row(self.row), fault))?;
        self.group.rows_left -= rows;
        self.row += rows as u64;
        Ok(true)
    }

    fn position(&self) -> u64 {
        share(self.bytes, self.row, self.rows)
    }
}

#[cfg(test)]
mod tests;
