//! A look at the beginning of a file, before anything depends on it.

use std::path::Path;

use super::columns::{LabelNeed, Wanted, nearest};
use super::error::DatasetError;
use super::fault::Fault;
use super::options::ReadOptions;
use super::{Block, InputFile, format, open};

/// Reads the first rows of a file, and returns the first of them that cannot be used; if the options
/// do not fit another one, that one.
///
/// # Errors
/// The file cannot be read with these options at all.
pub fn preview(
    source: &InputFile,
    options: &ReadOptions,
    rows_max: usize,
) -> Result<Option<DatasetError>, DatasetError> {
    let mut rows = open(source, options)?;
    let (mut block, mut found, mut rows_read) = (Block::default(), None, 0);
    while rows_read < rows_max && rows.read(rows_max - rows_read, &mut block)? {
        rows_read += block.len();
        for refused in block.refused.drain(..) {
            if refused.error.option().is_some() {
                return Ok(Some(refused.error.with_label_values(source, options)));
            }
            found = found.or(Some(refused.error));
        }
    }
    Ok(found)
}

/// The names of all columns of a file; a column without a name is called by its number, from 1.
///
/// # Errors
/// The file cannot be read, or its first row is not one of names.
pub fn column_names(file: &Path, options: &ReadOptions) -> Result<Vec<String>, DatasetError> {
    // A column that no file has makes the reader list those that there are.
    let asked = ReadOptions {
        label: Some("\0".to_owned()),
        ignore: Vec::new(),
        time: None,
        ..options.clone()
    };
    match format::open(file, &wanted(&asked, LabelNeed::Only)) {
        Ok(_) => Ok(Vec::new()),
        Err(DatasetError::File { place, reason, .. }) => match *reason.fault {
            Fault::NoLabel { columns, .. } => Ok(columns),
            fault => Err(DatasetError::at(file, place, fault)),
        },
        Err(error) => Err(error),
    }
}

/// The name that was probably meant by `name`.
#[must_use]
pub fn nearest_name(name: &str, known: &[String]) -> Option<String> {
    nearest(name, known)
}

fn wanted(options: &ReadOptions, labels: LabelNeed) -> Wanted<'_> {
    Wanted {
        options,
        labels,
        like: None,
        scratch: Path::new(""),
    }
}

impl DatasetError {
    /// An error about a label that is none, with the values that the file has.
    #[must_use]
    pub fn with_label_values(mut self, source: &InputFile, options: &ReadOptions) -> Self {
        if let Self::File { reason, .. } = &mut self
            && let Fault::BadLabel { seen, .. } = reason.fault.as_mut()
            && source.labels.is_none()
        {
            *seen = label_values(&source.file, options);
        }
        self
    }
}

/// The first different values of the label; none if they cannot be read.
fn label_values(file: &Path, options: &ReadOptions) -> Vec<String> {
    const VALUES_MAX: usize = 6;
    const ROWS_MAX: usize = 100_000;
    const ROWS_AT_ONCE: usize = 1_000;
    let mut found = Vec::new();
    let Ok(mut rows) = format::open(file, &wanted(options, LabelNeed::AsText)) else {
        return found;
    };
    let (mut block, mut rows_read) = (Block::default(), 0);
    while rows_read < ROWS_MAX && matches!(rows.read(ROWS_AT_ONCE, &mut block), Ok(true)) {
        rows_read += block.len();
        for value in block.times.drain(..) {
            if !found.contains(&value) {
                found.push(value);
            }
        }
        if found.len() >= VALUES_MAX {
            break;
        }
    }
    found.truncate(VALUES_MAX);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Folder, options};

    #[test]
    fn a_label_that_is_none_comes_with_the_values_that_there_are() {
        let folder = Folder::new();
        let source = InputFile {
            file: folder.write("a.csv", "x,anomaly\n1,Normal\n2,Attack\nwarm,A ttack\n"),
            labels: None,
        };
        let refused = preview(&source, &options(&[]), 10).unwrap();
        assert_eq!(
            folder.text(&refused.unwrap()),
            "a.csv:2: label \"anomaly\" holds \"Normal\", which is neither 0 nor 1\n\
             hint: say which values are anomalous or which are normal, such as --anomalous Attack or \
             --normal Normal; its values are Normal, Attack, A ttack"
        );
    }

    #[test]
    fn all_columns_are_named() {
        let folder = Folder::new();
        let file = folder.write("a.csv", ",x,x,y\n");
        assert_eq!(
            column_names(&file, &ReadOptions::default()).unwrap(),
            ["1", "x", "x", "y"]
        );
    }
}
