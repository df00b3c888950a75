//! Labels that lie in a file of their own, one a row.

use std::path::{Path, PathBuf};

use super::columns::{LabelNeed, Wanted};
use super::error::{DatasetError, Place};
use super::fault::Fault;
use super::options::ReadOptions;
use super::{Block, InputFile, Rows, format};

/// Gives each file of rows its file of labels: both in the order of their names. Without files of
/// labels, the rows have their own.
///
/// # Errors
/// There are not as many of these as of those.
pub fn match_labels(
    rows: Vec<PathBuf>,
    labels: &[PathBuf],
) -> Result<Vec<InputFile>, DatasetError> {
    if !labels.is_empty() && labels.len() != rows.len() {
        return Err(DatasetError::LabelFiles {
            rows: rows.len(),
            labels: labels.len(),
        });
    }
    let mut labels = labels.iter().cloned();
    let source = |file| InputFile {
        file,
        labels: labels.next(),
    };
    Ok(rows.into_iter().map(source).collect())
}

/// Opens a file of rows and a file of labels as one.
pub(super) fn open(
    file: &Path,
    labels: &Path,
    wanted: &Wanted<'_>,
) -> Result<Box<dyn Rows>, DatasetError> {
    // Rows are counted on both sides, so no row may be left out for want of a label.
    let rows_options = ReadOptions {
        label: None,
        ..wanted.options.clone()
    };
    let rows = Wanted {
        options: &rows_options,
        ..*wanted
    };
    let named = wanted.options.label.clone();
    let label_options = ReadOptions {
        format: None,
        delimiter: None,
        has_header: named.is_some(),
        skip_lines: 0,
        comment: None,
        label: Some(named.unwrap_or_else(|| "f0".to_owned())),
        time: None,
        ignore: Vec::new(),
        ..wanted.options.clone()
    };
    let label = Wanted {
        options: &label_options,
        labels: LabelNeed::Only,
        like: None,
        scratch: wanted.scratch,
    };
    Ok(Box::new(Labelled {
        file: file.to_owned(),
        rows: format::open(file, &rows)?,
        label_file: labels.to_owned(),
        labels: format::open(labels, &label)?,
        is_required: wanted.labels == LabelNeed::Required,
        waiting: Block::default(),
        taken: 0,
        rows_read: 0,
        labels_read: 0,
    }))
}

/// Rows of one file with labels of another.
struct Labelled {
    file: PathBuf,
    rows: Box<dyn Rows>,
    label_file: PathBuf,
    labels: Box<dyn Rows>,
    is_required: bool,
    /// Labels read ahead, and how many of them are taken.
    waiting: Block,
    taken: usize,
    rows_read: u64,
    labels_read: u64,
}

impl Labelled {
    /// The next label; `None` at the end of their file.
    fn next(&mut self) -> Result<Option<Option<bool>>, DatasetError> {
        const LABELS_AT_ONCE: usize = 1 << 12;
        if self.taken == self.waiting.labels.len() {
            self.taken = 0;
            self.labels.read(LABELS_AT_ONCE, &mut self.waiting)?;
            if let Some(refused) = self.waiting.refused.drain(..).next() {
                return Err(refused.error);
            }
        }
        let label = self.waiting.labels.get(self.taken).copied();
        self.taken += usize::from(label.is_some());
        self.labels_read += u64::from(label.is_some());
        Ok(label)
    }

    fn other_labels(&self, has_more_labels: bool) -> DatasetError {
        let fault = Fault::OtherLabels {
            file: self.label_file.clone(),
            labels: if has_more_labels {
                "more".to_owned()
            } else {
                self.labels_read.to_string()
            },
            rows: if has_more_labels {
                self.rows_read.to_string()
            } else {
                "more".to_owned()
            },
        };
        DatasetError::at(&self.file, Place::Whole, fault)
    }
}

impl Rows for Labelled {
    fn columns(&self) -> &[String] {
        self.rows.columns()
    }

    fn read(&mut self, rows_max: usize, into: &mut Block) -> Result<bool, DatasetError> {
        let has_rows = self.rows.read(rows_max, into)?;
        if !has_rows {
            return match self.next()? {
                None => Ok(false),
                Some(_) => Err(self.other_labels(true)),
            };
        }
        // A refused row has a label too.
        let mut labels = Vec::with_capacity(into.labels.len());
        let mut refused = into.refused.iter().map(|row| row.before).peekable();
        for place in 0..=into.labels.len() {
            while refused.next_if_eq(&place).is_some() {
                self.rows_read += 1;
                if self.next()?.is_none() {
                    return Err(self.other_labels(false));
                }
            }
            if place == into.labels.len() {
                break;
            }
            let Some(label) = self.next()? else {
                return Err(self.other_labels(false));
            };
            self.rows_read += 1;
            if self.is_required && label.is_none() {
                let fault = Fault::NoLabelValue {
                    column: self.label_file.display().to_string(),
                };
                let place = Place::Row(self.rows_read - 1);
                return Err(DatasetError::at(&self.file, place, fault));
            }
            labels.push(label);
        }
        into.labels = labels;
        Ok(true)
    }

    fn position(&self) -> u64 {
        self.rows.position()
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Folder, options};
    use crate::{Block, DatasetError, InputFile, ReadOptions, open};

    fn read(rows: &str, labels: &str) -> Result<Vec<Option<bool>>, String> {
        let folder = Folder::new();
        let source = InputFile {
            file: folder.write("rows.csv", rows),
            labels: Some(folder.write("labels.txt", labels)),
        };
        let options = ReadOptions {
            label: None,
            ..options(&[])
        };
        let read = || -> Result<_, DatasetError> {
            let (mut rows, mut block) = (open(&source, &options)?, Block::default());
            let mut found = Vec::new();
            while rows.read(2, &mut block)? {
                found.append(&mut block.labels);
            }
            Ok(found)
        };
        read().map_err(|error| folder.text(&error))
    }

    #[test]
    fn each_row_has_the_label_of_its_place() {
        let rows = "x\n1\n2\nwarm\n3\n4\n";
        let labels = "0\n1\n1\n\n0\n1\n";
        let expected = [false, true, false, true].map(Some);
        assert_eq!(read(rows, labels), Ok(expected.to_vec()));
    }

    #[test]
    fn other_labels_than_rows_are_refused() {
        for (labels, counts) in [
            ("0\n1\n", "there are 2 labels in labels.txt, but more rows"),
            (
                "0\n1\n1\n0\n",
                "there are more labels in labels.txt, but 3 rows",
            ),
        ] {
            let error = read("x\n1\n2\n3\n", labels).unwrap_err();
            assert!(error.contains(counts), "{error}");
        }
    }

    #[test]
    fn a_label_that_is_none_is_named_with_its_line() {
        let error = read("x\n1\n2\n", "0\n7\n").unwrap_err();
        assert!(
            error.starts_with("labels.txt:2: label \"f0\" holds \"7\""),
            "{error}"
        );
    }
}
