//! Rows of CSV files, file after file. What is no row is an item of its own, with file and line.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::CsvFiles;
use super::rows::{BadRow, Item, Row};
use fedhost_dataset::{Cell, cell};

/// All items of a sensor's files.
pub(super) struct CsvRows {
    layout: Layout,
    waiting: VecDeque<Source>,
    open: Option<Open>,
}

/// Which columns mean what.
#[derive(Clone)]
struct Layout {
    delimiter: u8,
    time: Option<String>,
    label: Option<String>,
    ignore: Vec<String>,
}

struct Source {
    path: PathBuf,
    name: Arc<str>,
    held_out: bool,
}

struct Open {
    source: Source,
    reader: Reader<File>,
    columns: Vec<Column>,
    record: ByteRecord,
    broken: bool,
}

enum Column {
    Feature(Arc<str>),
    Time,
    Label(Arc<str>),
    Ignored,
}

impl CsvRows {
    pub(super) fn new(name: &str, sensor: &CsvFiles) -> Self {
        let layout = Layout {
            delimiter: sensor.delimiter,
            time: sensor.time.clone(),
            label: sensor.label.clone(),
            ignore: sensor.ignore.clone(),
        };
        let training = sensor.training.iter().map(|path| (path, false));
        let held_out = sensor.held_out.iter().map(|path| (path, true));
        let files: Vec<_> = training.chain(held_out).collect();
        let names = names(name, files.iter().map(|(path, _)| path.as_path()));
        let waiting = files.into_iter().zip(names);
        let waiting = waiting
            .map(|((path, held_out), name)| Source {
                path: path.clone(),
                name: name.into(),
                held_out,
            })
            .collect();
        Self {
            layout,
            waiting,
            open: None,
        }
    }
}

/// Each file is a source of its own: a run, with its own beginning. `valve1/0.csv` of sensor
/// `valve1` is `valve1/0`.
fn names<'a>(sensor: &str, files: impl Iterator<Item = &'a Path>) -> Vec<String> {
    let mut taken: HashMap<String, u32> = HashMap::new();
    let mut unique = |path: &Path| {
        let stem = path
            .file_stem()
            .map_or_else(|| "file".into(), |stem| stem.to_string_lossy().into_owned());
        let times = taken.entry(stem.clone()).or_default();
        *times += 1;
        if *times == 1 {
            format!("{sensor}/{stem}")
        } else {
            format!("{sensor}/{stem}-{times}")
        }
    };
    files.map(&mut unique).collect()
}

impl Iterator for CsvRows {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(open) = &mut self.open {
                if let Some(item) = open.next_item() {
                    return Some(item);
                }
                let sensor = self.open.take()?.source.name.to_string();
                return Some(Item::SourceEnd { sensor });
            }
            let source = self.waiting.pop_front()?;
            match Open::new(source, &self.layout) {
                Ok(open) => self.open = Some(open),
                Err(bad) => return Some(Item::Bad(*bad)),
            }
        }
    }
}

impl Open {
    fn new(source: Source, layout: &Layout) -> Result<Self, Box<BadRow>> {
        let bad = |source: &Source, reason, detail: String| {
            Box::new(BadRow {
                file: source.path.display().to_string(),
                line: 1,
                reason,
                detail,
            })
        };
        // Ragged rows have a check of their own, which knows the remedy.
        let reader = ReaderBuilder::new()
            .delimiter(layout.delimiter)
            .flexible(true)
            .from_path(&source.path);
        let mut reader =
            reader.map_err(|error| bad(&source, "unreadable_file", error.to_string()))?;
        let header = reader
            .headers()
            .map_err(|error| bad(&source, "unreadable_header", error.to_string()))?;
        let columns: Vec<Column> = header
            .iter()
            .map(|name| layout.column(name.trim()))
            .collect();
        if !columns
            .iter()
            .any(|column| matches!(column, Column::Feature(_)))
        {
            let found = header.iter().collect::<Vec<_>>().join(", ");
            return Err(bad(
                &source,
                "no_columns",
                format!("no column is left to learn from among {found:?}"),
            ));
        }
        Ok(Self {
            source,
            reader,
            columns,
            record: ByteRecord::new(),
            broken: false,
        })
    }

    fn next_item(&mut self) -> Option<Item> {
        if self.broken {
            return None;
        }
        match self.reader.read_byte_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => Some(self.row().map_or_else(Item::Bad, Item::Row)),
            // The reader cannot go on after an error of the file system: the rest of the file is
            // lost, and said to be.
            Err(error) => {
                self.broken = true;
                let line = error.position().map_or(0, csv::Position::line);
                Some(Item::Bad(self.bad(
                    line,
                    "unreadable_file",
                    error.to_string(),
                )))
            }
        }
    }

    fn bad(&self, line: u64, reason: &'static str, detail: String) -> BadRow {
        BadRow {
            file: self.source.path.display().to_string(),
            line,
            reason,
            detail,
        }
    }

    fn row(&self) -> Result<Row, BadRow> {
        let line = self.record.position().map_or(0, csv::Position::line);
        if self.record.len() != self.columns.len() {
            let detail = format!(
                "{} fields instead of {}",
                self.record.len(),
                self.columns.len()
            );
            return Err(self.bad(line, "ragged_row", detail));
        }
        let mut row = Row {
            sensor: Arc::clone(&self.source.name),
            timestamp: None,
            fields: Vec::with_capacity(self.columns.len()),
            label: None,
            held_out: self.source.held_out,
        };
        for (column, field) in self.columns.iter().zip(&self.record) {
            let text = String::from_utf8_lossy(field);
            self.take(&mut row, column, text.trim())
                .map_err(|(reason, detail)| self.bad(line, reason, detail))?;
        }
        Ok(row)
    }

    fn take(
        &self,
        row: &mut Row,
        column: &Column,
        text: &str,
    ) -> Result<(), (&'static str, String)> {
        match column {
            Column::Ignored => {}
            Column::Time => row.timestamp = Some(text.to_owned()),
            Column::Feature(name) => {
                let value = number(text)
                    .map_err(|()| ("not_a_number", format!("column {name:?} holds {text:?}")))?;
                row.fields.push((Arc::clone(name), value));
            }
            Column::Label(name) => {
                row.label = match number(text) {
                    Ok(None) => None,
                    Ok(Some(0.0)) => Some((Arc::clone(name), false)),
                    Ok(Some(1.0)) => Some((Arc::clone(name), true)),
                    _ => {
                        return Err((
                            "bad_label",
                            format!("label {name:?} holds {text:?}, which is neither 0 nor 1"),
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

impl Layout {
    fn column(&self, name: &str) -> Column {
        if self.time.as_deref() == Some(name) {
            Column::Time
        } else if self.label.as_deref() == Some(name) {
            Column::Label(name.into())
        } else if self.ignore.iter().any(|ignored| ignored == name) {
            Column::Ignored
        } else {
            Column::Feature(name.into())
        }
    }
}

/// `Ok(None)` is a missing value.
fn number(text: &str) -> Result<Option<f64>, ()> {
    match cell(text.as_bytes()) {
        Cell::Missing => Ok(None),
        Cell::Number(value) => Ok(Some(value)),
        Cell::Infinite | Cell::Beyond | Cell::Other => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn items(content: &[u8]) -> Vec<Item> {
        let mut file = tempfile::NamedTempFile::with_suffix(".csv").unwrap();
        file.write_all(content).unwrap();
        let layout = Layout {
            delimiter: b';',
            time: Some("at".into()),
            label: Some("anomaly".into()),
            ignore: vec!["changepoint".into()],
        };
        let source = Source {
            path: file.path().to_owned(),
            name: "run".into(),
            held_out: false,
        };
        CsvRows {
            layout,
            waiting: [source].into(),
            open: None,
        }
        .collect()
    }

    fn faults(items: &[Item]) -> Vec<(u64, &str)> {
        let bad = |item: &Item| {
            if let Item::Bad(bad) = item {
                Some((bad.line, bad.reason))
            } else {
                None
            }
        };
        items.iter().filter_map(bad).collect()
    }

    #[test]
    fn columns_are_told_apart_by_name() {
        let items = items(b"at;x;changepoint;y;anomaly\n2020-03-09;1.5;0;;1.0\n");
        let Item::Row(row) = &items[0] else {
            panic!("{items:?}")
        };
        assert_eq!(row.timestamp.as_deref(), Some("2020-03-09"));
        assert_eq!(row.fields, [("x".into(), Some(1.5)), ("y".into(), None)]);
        assert_eq!(row.label, Some(("anomaly".into(), true)));
        assert_eq!(
            items[1],
            Item::SourceEnd {
                sensor: "run".into()
            }
        );
    }

    #[test]
    fn a_bad_row_is_named_by_its_line_and_the_others_are_read() {
        let items = items(b"at;x;anomaly\nt;1;0\nt;2\nt;warm;0\nt;3;7\nt;4;1;9\nt;5;1\n");
        assert_eq!(
            faults(&items),
            [
                (3, "ragged_row"),
                (4, "not_a_number"),
                (5, "bad_label"),
                (6, "ragged_row")
            ]
        );
        assert_eq!(
            items
                .iter()
                .filter(|item| matches!(item, Item::Row(_)))
                .count(),
            2
        );
    }

    #[test]
    fn a_file_without_anything_to_learn_from_is_one_fault() {
        assert_eq!(faults(&items(b"")), [(1, "no_columns")]);
        assert_eq!(faults(&items(b"at;anomaly\nt;1\n")), [(1, "no_columns")]);
    }

    #[test]
    fn a_missing_file_is_one_fault_and_the_next_is_read() {
        let sensor_files = ["/nowhere/0.csv"].map(|path| Source {
            path: path.into(),
            name: "a".into(),
            held_out: false,
        });
        let layout = Layout {
            delimiter: b',',
            time: None,
            label: None,
            ignore: Vec::new(),
        };
        let items: Vec<_> = CsvRows {
            layout,
            waiting: sensor_files.into(),
            open: None,
        }
        .collect();
        assert_eq!(faults(&items), [(1, "unreadable_file")]);
    }

    #[test]
    fn each_file_is_a_source_of_its_own() {
        let files = ["a/0.csv", "a/1.csv", "b/0.csv"];
        assert_eq!(
            names("pumps", files.iter().map(Path::new)),
            ["pumps/0", "pumps/1", "pumps/0-2"]
        );
    }

    #[test]
    fn missing_values_come_in_many_spellings() {
        for text in ["", "NaN", "NA", "null", "None"] {
            assert_eq!(number(text), Ok(None), "{text}");
        }
        assert_eq!(number("-1e-3"), Ok(Some(-0.001)));
        for text in ["inf", "1,5", "0x10", "1e999"] {
            assert_eq!(number(text), Err(()), "{text}");
        }
    }
}
