//! Rows of an array, with labels from one of its columns or from an array of their own.

use std::path::{Path, PathBuf};

use super::Array;
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

    /// Reads the next `rows` rows; an error comes with the row it is about.
    fn fill(&mut self, rows: usize, into: &mut Block) -> Result<(), (Place, Fault)> {
        let here = |fault| (Place::Row(self.row), fault);
        self.array
            .read(self.row, rows, &mut self.numbers)
            .map_err(here)?;
        if let Some(labels) = &mut self.labels {
            labels
                .read(self.row, rows, &mut self.label_numbers)
                .map_err(here)?;
        }
        into.values.resize(rows * self.columns.width(), f32::NAN);
        let kept = into.values.chunks_exact_mut(self.columns.width());
        for ((row, numbers), kept) in (self.row..)
            .zip(self.numbers.chunks_exact(self.array.width()))
            .zip(kept)
        {
            let own = self.label_numbers.get(into.labels.len());
            let label = take(&self.columns, numbers, own, kept)
                .map_err(|fault| (Place::Row(row), fault))?;
            into.labels.push(label);
        }
        Ok(())
    }
}

/// The label of one row, and its features into `values`.
fn take(
    columns: &Columns,
    numbers: &[f64],
    own_label: Option<&f64>,
    values: &mut [f32],
) -> Result<bool, Fault> {
    let mut row = Row {
        values,
        label: None,
    };
    for (column, number) in numbers.iter().chain(own_label).enumerate() {
        let put = columns.put(column, || Ok(*number), &mut row);
        put.map_err(|defect| columns.fault(column, defect, number.to_string()))?;
    }
    row.label.ok_or_else(|| columns.no_label())
}

impl Rows for Table {
    fn columns(&self) -> &[String] {
        self.columns.features()
    }

    fn read(&mut self, rows_max: usize, into: &mut Block) -> Result<usize, DatasetError> {
        into.clear();
        let rows_left = usize::try_from(self.array.rows() - self.row).unwrap_or(usize::MAX);
        let rows = rows_max.min(rows_left);
        self.fill(rows, into)
            .map_err(|(place, fault)| DatasetError::at(&self.file, place, fault))?;
        self.row += rows as u64;
        Ok(rows)
    }

    fn position(&self) -> u64 {
        share(self.bytes, self.row, self.array.rows())
    }
}
