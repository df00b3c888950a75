//! Rows of an array, with labels from one of its columns or from an array of their own.

use std::path::{Path, PathBuf};

use super::Array;
use crate::cells::Cell;
use crate::columns::{Columns, Row};
use crate::error::{DatasetError, Place};
use crate::fault::Fault;
use crate::{Block, Rows, share};

/// The rows of an NPY or NPZ file.
pub(crate) struct Table {
    file: PathBuf,
    bytes: u64,
    /// Those of the array come first. A label of its own follows them.
    columns: Columns,
    array: Array,
    labels: Option<Array>,
    row: u64,
    numbers: Vec<f64>,
    label_numbers: Vec<f64>,
}

impl Table {
    /// Of a file of `bytes`.
    pub(crate) fn new(
        file: &Path,
        bytes: u64,
        columns: Columns,
        array: Array,
        labels: Option<Array>,
    ) -> Self {
        let file = file.to_owned();
        Self {
            file,
            bytes,
            columns,
            array,
            labels,
            row: 0,
            numbers: Vec::new(),
            label_numbers: Vec::new(),
        }
    }

    /// Reads the next `rows` rows.
    fn fill(&mut self, rows: usize, into: &mut Block) -> Result<(), Fault> {
        self.array.read(self.row, rows, &mut self.numbers)?;
        if let Some(labels) = &mut self.labels {
            labels.read(self.row, rows, &mut self.label_numbers)?;
        }
        let width = self.columns.width();
        for (place, numbers) in self.numbers.chunks_exact(self.array.width()).enumerate() {
            let own = self.label_numbers.get(place);
            let filled = into.values.len();
            into.values.resize(filled + width, f64::NAN);
            let mut row = Row::new(into.values.get_mut(filled..).unwrap_or_default());
            let read = take(&self.columns, numbers, own, &mut row);
            let (label, time) = (row.label, row.time);
            match read {
                Ok(()) => {
                    into.labels.push(label);
                    into.times.extend(time);
                }
                Err(fault) => {
                    let at = Place::Row(self.row + place as u64);
                    into.values.truncate(filled);
                    into.refuse(DatasetError::at(&self.file, at, fault));
                }
            }
        }
        Ok(())
    }
}

/// Reads one row.
fn take(
    columns: &Columns,
    numbers: &[f64],
    own_label: Option<&f64>,
    row: &mut Row<'_>,
) -> Result<(), Fault> {
    for (column, number) in numbers.iter().chain(own_label).enumerate() {
        let put = columns.put(column, Cell::Number(*number), row);
        put.map_err(|defect| columns.fault(column, defect, number.to_string()))?;
    }
    columns.check(row)
}

impl Rows for Table {
    fn columns(&self) -> &[String] {
        self.columns.features()
    }

    fn read(&mut self, rows_max: usize, into: &mut Block) -> Result<bool, DatasetError> {
        into.clear();
        let rows_left = usize::try_from(self.array.rows() - self.row).unwrap_or(usize::MAX);
        let rows = rows_max.min(rows_left);
        self.fill(rows, into)
            .map_err(|fault| DatasetError::at(&self.file, Place::Row(self.row), fault))?;
        self.row += rows as u64;
        Ok(rows > 0)
    }

    fn position(&self) -> u64 {
        share(self.bytes, self.row, self.array.rows())
    }
}
