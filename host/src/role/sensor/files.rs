//! Rows of files, file after file, as items of a sensor. What is no row is an item of its own, with
//! file and line. Which rows and labels a file has is the matter of `fedhost_dataset`.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use super::RowFiles;
use super::rows::{BadRow, Item, Row};
use fedhost_base::hint::hint;
use fedhost_dataset::{Block, DatasetError, InputFile, OptionStyle, ReadOptions, Rows, open};

/// Rows read at a time.
const ROWS_AT_ONCE: usize = 256;

/// All items of a sensor's files.
pub(super) struct FileRows {
    options: ReadOptions,
    label: Option<Arc<str>>,
    waiting: VecDeque<NamedFile>,
    open: Option<OpenFile>,
    /// Items that are read and not given out.
    items: VecDeque<Result<Item, DatasetError>>,
    /// Whether nothing further is read: a fault ends the sequence.
    has_ended: bool,
}

struct NamedFile {
    source: InputFile,
    name: Arc<str>,
    held_out: bool,
}

struct OpenFile {
    file: NamedFile,
    rows: Box<dyn Rows>,
    columns: Vec<Arc<str>>,
    block: Block,
}

impl FileRows {
    pub(super) fn new(name: &str, files: &RowFiles) -> Self {
        let training = files.training.iter().map(|source| (source, false));
        let held_out = files.held_out.iter().map(|source| (source, true));
        let all: Vec<_> = training.chain(held_out).collect();
        let names = names(name, all.iter().map(|(source, _)| source.file.as_path()));
        let waiting = all.into_iter().zip(names);
        let waiting = waiting
            .map(|((source, held_out), name)| NamedFile {
                source: source.clone(),
                name: name.into(),
                held_out,
            })
            .collect();
        Self {
            options: files.options.clone(),
            label: files.label.as_deref().map(Arc::from),
            waiting,
            open: None,
            items: VecDeque::new(),
            has_ended: false,
        }
    }

    /// Reads further items; returns whether there are any.
    fn fill(&mut self) -> bool {
        while self.items.is_empty() && !self.has_ended {
            match self.open.take() {
                Some(open) => self.read(open),
                None => match self.waiting.pop_front() {
                    Some(file) => self.begin(file),
                    None => self.has_ended = true,
                },
            }
        }
        !self.items.is_empty()
    }

    fn begin(&mut self, file: NamedFile) {
        match open(&file.source, &self.options) {
            Ok(rows) => {
                self.open = Some(OpenFile {
                    columns: rows
                        .columns()
                        .iter()
                        .map(|name| name.as_str().into())
                        .collect(),
                    file,
                    rows,
                    block: Block::default(),
                });
            }
            Err(error) => self.refuse(&file, error),
        }
    }

    fn read(&mut self, mut open: OpenFile) {
        match open.rows.read(ROWS_AT_ONCE, &mut open.block) {
            Ok(true) => {
                self.take(&mut open);
                self.open = Some(open);
            }
            Ok(false) => {
                let sensor = open.file.name.to_string();
                self.items.push_back(Ok(Item::SourceEnd { sensor }));
            }
            // The rest of the file is lost, and said to be.
            Err(error) => {
                self.refuse(&open.file, error);
                let sensor = open.file.name.to_string();
                self.items.push_back(Ok(Item::SourceEnd { sensor }));
            }
        }
    }

    /// Takes the rows of a block, and what could not be read between them.
    fn take(&mut self, open: &mut OpenFile) {
        let mut block = std::mem::take(&mut open.block);
        let mut refused = block.refused.drain(..).peekable();
        let mut times = block.times.drain(..);
        let width = open.columns.len().max(1);
        for (place, values) in block.values.chunks_exact(width).enumerate() {
            while let Some(bad) = refused.next_if(|bad| bad.before <= place) {
                self.refuse(&open.file, bad.error);
            }
            let label = block.labels.get(place).copied().flatten();
            let row = open.row(values, times.next(), self.label.as_ref().zip(label));
            self.items.push_back(Ok(Item::Row(row)));
        }
        for bad in refused {
            self.refuse(&open.file, bad.error);
        }
    }

    /// Adds what is wrong with a file or a row. If the options do not fit the file, nothing further
    /// is read: rows with a wrong meaning are worse than none.
    fn refuse(&mut self, file: &NamedFile, error: DatasetError) {
        if self.has_ended {
            return;
        }
        if error.option().is_some() {
            let error = error.with_label_values(&file.source, &self.options);
            self.items
                .push_back(Err(error.with_style(OptionStyle::Keys)));
            self.has_ended = true;
            return;
        }
        let error = error.with_style(OptionStyle::Keys);
        let remedy = hint(&error).map_or_else(String::new, |hint| format!(" ({hint})"));
        self.items.push_back(Ok(Item::Bad(BadRow {
            file: file.source.file.display().to_string(),
            line: error.number().unwrap_or(1),
            reason: error.reason_code(),
            detail: error.detail() + &remedy,
        })));
    }
}

impl OpenFile {
    fn row(&self, values: &[f64], time: Option<String>, label: Option<(&Arc<str>, bool)>) -> Row {
        let fields = self.columns.iter().zip(values);
        let fields = fields.map(|(column, value)| {
            let value = Some(*value).filter(|value| !value.is_nan());
            (Arc::clone(column), value)
        });
        Row {
            sensor: Arc::clone(&self.file.name),
            timestamp: time,
            fields: fields.collect(),
            label: label.map(|(name, anomalous)| (Arc::clone(name), anomalous)),
            held_out: self.file.held_out,
        }
    }
}

impl Iterator for FileRows {
    type Item = Result<Item, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.items.is_empty() && !self.fill() {
            return None;
        }
        self.items.pop_front()
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::ops::ControlFlow;

    use fedhost_dataset::{Corpus, Sources, Storage};
    use proptest::prelude::*;

    use super::*;

    fn options() -> ReadOptions {
        ReadOptions {
            time: Some("at".into()),
            label: Some("anomaly".into()),
            ignore: vec!["changepoint".into()],
            may_lack_ignored: true,
            ..ReadOptions::default()
        }
    }

    fn read(content: &[u8], options: ReadOptions) -> Vec<Result<Item, DatasetError>> {
        let mut file = tempfile::NamedTempFile::with_suffix(".csv").unwrap();
        file.write_all(content).unwrap();
        let files = RowFiles {
            training: vec![InputFile {
                file: file.path().to_owned(),
                labels: None,
            }],
            held_out: Vec::new(),
            label: options.label.clone(),
            options,
        };
        FileRows::new("run", &files).collect()
    }

    fn items(content: &[u8]) -> Vec<Item> {
        let read = read(content, options());
        read.into_iter().map(Result::unwrap).collect()
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
        assert!(matches!(items[1], Item::SourceEnd { .. }));
    }

    #[test]
    fn a_bad_row_is_named_by_its_line_and_the_others_are_read() {
        let items = items(b"at;x;anomaly\nt;1;0\nt;2\nt;warm;0\nt;4;1;9\nt;5;1\n");
        assert_eq!(
            faults(&items),
            [(3, "ragged_row"), (4, "not_a_number"), (5, "ragged_row")]
        );
        let rows = items.iter().filter(|item| matches!(item, Item::Row(_)));
        assert_eq!(rows.count(), 2);
    }

    #[test]
    fn a_label_that_is_none_ends_the_sequence_after_the_rows_before_it() {
        let mut read = read(b"at;x;anomaly\nt;1;1\nt;2;-1\nt;3;1\n", options());
        let error = read.pop().unwrap().unwrap_err();
        let text = fedhost_base::hint::explain(&error);
        assert!(
            text.ends_with(
                ":3: label \"anomaly\" holds \"-1\", which is neither 0 nor 1\n\
                 hint: say which values are anomalous or which are normal, such as anomalous = [\"-1\"] or \
                 normal = [\"1\"]; its values are 1, -1"
            ),
            "{text}"
        );
        assert_eq!(read.len(), 1);
        assert!(matches!(read[0], Ok(Item::Row(_))), "{read:?}");
    }

    #[test]
    fn a_file_without_anything_to_learn_from_is_one_fault() {
        assert_eq!(faults(&items(b"")), [(1, "no_columns")]);
        assert_eq!(faults(&items(b"at;anomaly\nt;1\n")), [(1, "no_columns")]);
    }

    #[test]
    fn a_missing_file_is_one_fault_and_the_next_is_read() {
        let files = RowFiles {
            training: vec![InputFile {
                file: "/nowhere/0.csv".into(),
                labels: None,
            }],
            held_out: Vec::new(),
            options: ReadOptions::default(),
            label: None,
        };
        let items: Vec<_> = FileRows::new("a", &files).map(Result::unwrap).collect();
        assert_eq!(faults(&items), [(1, "unreadable_file")]);
    }

    proptest! {
        #[test]
        fn a_sensor_and_an_evaluation_read_the_same_values_and_labels(
            rows in proptest::collection::vec(("-?[0-9]{1,6}([.][0-9]{1,8})?|NA|n/a||True|1e-3", "0|1|0[.]0|true|False"), 1..40),
            delimiter in "[,;|]",
        ) {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("rows.csv");
            let lines: String = rows.iter().map(|(value, label)| format!("7{delimiter}{value}{delimiter}{label}\n")).collect();
            std::fs::write(&file, format!("c{delimiter}x{delimiter}anomaly\n{lines}")).unwrap();
            let options = ReadOptions { label: Some("anomaly".into()), ..ReadOptions::default() };
            let patterns = Sources::labelled(&[file.display().to_string()]);
            let corpus = Corpus::open(&Storage::default(), &patterns, &options, |_| ControlFlow::Continue(())).unwrap();
            let mut values = Vec::new();
            corpus.read(0, 0, usize::MAX, &mut values).unwrap();
            let files = RowFiles {
                training: vec![InputFile { file, labels: None }],
                held_out: Vec::new(),
                label: options.label.clone(),
                options,
            };
            let sent: Vec<Row> = FileRows::new("run", &files)
                .filter_map(|item| match item { Ok(Item::Row(row)) => Some(row), _ => None })
                .collect();
            let sent_values: Vec<u32> = sent
                .iter()
                .flat_map(|row| &row.fields)
                .map(|(_, value)| value.map_or(f32::NAN, |value| value as f32).to_bits())
                .collect();
            let read_values: Vec<u32> = values.iter().map(|value| value.to_bits()).collect();
            prop_assert_eq!(sent_values, read_values);
            let sent_labels: Vec<_> = sent.iter().map(|row| row.label.as_ref().map(|(_, anomalous)| *anomalous)).collect();
            let read_labels: Vec<_> = (0..corpus.rows()).map(|row| Some(corpus.label(row))).collect();
            prop_assert_eq!(sent_labels, read_labels);
        }
    }

    #[test]
    fn each_file_is_a_source_of_its_own() {
        let files = ["a/0.csv", "a/1.csv", "b/0.csv"];
        assert_eq!(
            names("pumps", files.iter().map(Path::new)),
            ["pumps/0", "pumps/1", "pumps/0-2"]
        );
    }
}
