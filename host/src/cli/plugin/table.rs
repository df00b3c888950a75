//! Rows of a file, for trying a plug-in out.

use std::path::Path;

use fedhost_dataset::{Block, InputFile, ReadOptions, column_names, open};
use miette::bail;

/// Names under which a file's labels are known when none is given.
const LABELS: [&str; 2] = ["anomaly", "label"];
const ROWS_AT_ONCE: usize = 4_096;

/// Rows with names.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) columns: Vec<String>,
    /// Row-major; NaN where a value is missing.
    pub(super) values: Vec<f32>,
    /// One a row.
    pub(super) labels: Option<Vec<bool>>,
    pub(super) rows: usize,
}

impl Table {
    /// Reads all rows of a file. Without a label in the options, one of the usual names is it.
    pub(super) fn read(path: &Path, mut options: ReadOptions) -> Result<Self, miette::Report> {
        if options.label.is_none() {
            let names = column_names(path, &options)?;
            let is_usual = |name: &String| LABELS.contains(&name.as_str());
            options.label = names
                .into_iter()
                .find(|name| is_usual(name) && !options.ignore.contains(name));
        }
        let source = InputFile {
            file: path.to_owned(),
            labels: None,
        };
        let mut rows = open(&source, &options)?;
        let mut table = Self {
            columns: rows.columns().to_vec(),
            values: Vec::new(),
            labels: options.label.as_ref().map(|_| Vec::new()),
            rows: 0,
        };
        let mut block = Block::default();
        while rows.read(ROWS_AT_ONCE, &mut block)? {
            if let Some(refused) = block.refused.drain(..).next() {
                return Err(refused.error.with_label_values(&source, &options).into());
            }
            table.add(&block, path)?;
        }
        Ok(table)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the reader has refused what 32 bits cannot hold"
    )]
    fn add(&mut self, block: &Block, path: &Path) -> Result<(), miette::Report> {
        self.values
            .extend(block.values.iter().map(|value| *value as f32));
        if let Some(labels) = &mut self.labels {
            for label in &block.labels {
                let Some(label) = label else {
                    bail!(
                        help = "every row needs a label; --ignore leaves the column of labels out",
                        "{}: row {} (from 0) has no label",
                        path.display(),
                        labels.len()
                    );
                };
                labels.push(*label);
            }
        }
        self.rows += block.labels.len();
        Ok(())
    }

    /// The labels as a trainer takes them.
    pub(super) fn label_values(&self) -> Option<Vec<f32>> {
        let labels = self.labels.as_ref()?;
        Some(
            labels
                .iter()
                .map(|&label| f32::from(u8::from(label)))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str, label: Option<&str>, ignore: &[&str]) -> Result<Table, miette::Report> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.csv");
        std::fs::write(&path, content).unwrap();
        let options = ReadOptions {
            label: label.map(str::to_owned),
            ignore: ignore.iter().map(|&name| name.to_owned()).collect(),
            ..ReadOptions::default()
        };
        Table::read(&path, options)
    }

    #[test]
    fn a_label_is_taken_out_and_an_empty_cell_is_a_missing_value() {
        let table = read("time,a,b,anomaly\nx,1,2,0\ny,,3,1\n", None, &["time"]).unwrap();
        assert_eq!(
            (table.rows, table.columns),
            (2, vec!["a".to_owned(), "b".to_owned()])
        );
        assert_eq!(table.labels, Some(vec![false, true]));
        assert_eq!(table.values[..2], [1.0, 2.0]);
        assert!(table.values[2].is_nan());
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_place() {
        let cases = [
            (
                read("a,b\n1,x\n", None, &[]),
                "rows.csv:2: column \"b\" holds \"x\"",
            ),
            (
                read("a,b\n1,2\n", Some("c"), &[]),
                "there is no label \"c\"",
            ),
            (
                read("anomaly\n1\n", None, &[]),
                "no column is left as a feature",
            ),
            (read("a,b\n1\n", None, &[]), "1 fields instead of 2"),
        ];
        for (table, complaint) in cases {
            let error = format!("{:#}", table.unwrap_err());
            assert!(
                error.contains(complaint),
                "{error:?} should say {complaint:?}"
            );
        }
    }
}
