//! Parquet, column by column, some rows of a row group at a time.

mod column;

use std::fs::File;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use parquet::basic::Compression;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::FileReader as _;
use parquet::file::serialized_reader::SerializedFileReader;

use super::columns::{Columns, Role, Wanted};
use super::error::{DatasetError, Place};
use super::fault::Fault;
use super::number::{Defect, feature, label};
use super::{Block, Rows, share};
use column::{Chunks, Column, Kind, damaged};

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
    numbers: Vec<f64>,
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
                leaves.push((column, leaf, Kind::of(&schema.column(leaf))?));
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
            numbers: Vec::new(),
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

    /// Reads the next `rows` rows of the open row group; an error comes with the row it is about.
    fn fill(&mut self, rows: usize, into: &mut Block) -> Result<(), (Place, Fault)> {
        let width = self.columns.width();
        into.values.resize(rows * width, f32::NAN);
        into.labels.resize(rows, false);
        for ((source, _, _), column) in self.leaves.iter().zip(&mut self.group.columns) {
            let read = contained(|| column.read(rows, &mut self.numbers));
            read.map_err(|fault| (Place::Row(self.row), fault))?;
            let read = match self.columns.role(*source) {
                Role::Ignored => Ok(()),
                Role::Feature(place) => convert(
                    &self.numbers,
                    into.values.iter_mut().skip(place).step_by(width),
                    feature,
                ),
                Role::Label => convert(&self.numbers, into.labels.iter_mut(), label),
            };
            read.map_err(|(row, number, defect)| {
                (
                    Place::Row(self.row + row as u64),
                    self.columns.fault(*source, defect, number.to_string()),
                )
            })?;
        }
        Ok(())
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

/// Puts each number where it belongs; or says which one cannot be used.
fn convert<'a, T: 'a>(
    numbers: &[f64],
    into: impl Iterator<Item = &'a mut T>,
    convert: impl Fn(f64) -> Result<T, Defect>,
) -> Result<(), (usize, f64, Defect)> {
    for (row, (number, kept)) in numbers.iter().zip(into).enumerate() {
        *kept = convert(*number).map_err(|defect| (row, *number, defect))?;
    }
    Ok(())
}

impl Rows for Parquet {
    fn columns(&self) -> &[String] {
        self.columns.features()
    }

    fn read(&mut self, rows_max: usize, into: &mut Block) -> Result<usize, DatasetError> {
        into.clear();
        let is_open = contained(|| self.open_group())
            .map_err(|fault| DatasetError::at(&self.file, Place::Row(self.row), fault))?;
        if !is_open {
            return Ok(0);
        }
        let rows = rows_max.min(self.group.rows_left);
        self.fill(rows, into)
            .map_err(|(place, fault)| DatasetError::at(&self.file, place, fault))?;
        self.group.rows_left -= rows;
        self.row += rows as u64;
        Ok(rows)
    }

    fn position(&self) -> u64 {
        share(self.bytes, self.row, self.rows)
    }
}

#[cfg(test)]
mod tests;
