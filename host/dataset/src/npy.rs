//! NPY: one array of rows and columns. Its columns are called `f0`, `f1` and so on.

mod array;
mod header;
mod table;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::columns::{Columns, LabelNeed, Wanted};
use super::fault::Fault;

pub(super) use array::{Array, Region};
pub(super) use table::Table;

/// How an NPY file begins.
pub(super) const SIGNATURE: &[u8] = b"\x93NUMPY";

/// Opens an NPY file. Its label is one of the columns.
pub(super) fn open(file: &Path, wanted: &Wanted<'_>) -> Result<Table, Fault> {
    let source = File::open(file).map_err(Fault::Unreadable)?;
    let bytes = source.metadata().map_err(Fault::Unreadable)?.len();
    let array = Array::open(Region {
        file: Arc::new(source),
        start: 0,
        bytes,
    })?;
    // A file of labels is an array of them.
    let width = if wanted.labels == LabelNeed::Only {
        array.width()
    } else {
        array.columns()?
    };
    let columns = Columns::new(names(width)?, wanted)?;
    Ok(Table::new(file, bytes, columns, array, None))
}

/// `f0`, `f1` and so on.
pub(super) fn names(columns: usize) -> Result<Vec<String>, Fault> {
    const COLUMNS_MAX: usize = 1 << 20;
    if columns > COLUMNS_MAX {
        return Err(Fault::TooManyColumns {
            columns,
            max: COLUMNS_MAX,
        });
    }
    Ok((0..columns).map(|column| format!("f{column}")).collect())
}

#[cfg(test)]
mod tests;
