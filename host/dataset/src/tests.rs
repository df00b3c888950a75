use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;

use parquet::basic::Compression;
use proptest::prelude::*;

use super::testing::arrays::{npy, npy_of, npz};
use super::testing::parquet_file::{Values, parquet};
use super::testing::{Folder, gzip};
use super::{Corpus, ReadOptions, Sources, Storage};

/// Cells, missing or not, and labels.
#[derive(Clone, Debug)]
struct Table {
    width: usize,
    rows: Vec<(Vec<Option<f64>>, bool)>,
}

fn tables() -> impl Strategy<Value = Table> {
    let number =
        any::<f64>().prop_filter("is kept in 32 bits", |value| (*value as f32).is_finite());
    let cell =
        prop_oneof![1 => Just(None), 2 => number.prop_map(Some), 2 => (-99.0..99.0).prop_map(Some)];
    (1_usize..5).prop_flat_map(move |width| {
        let row = (
            proptest::collection::vec(cell.clone(), width),
            any::<bool>(),
        );
        proptest::collection::vec(row, 1..40).prop_map(move |rows| Table { width, rows })
    })
}

impl Table {
    fn csv(&self) -> String {
        let names =
            (0..self.width).fold(String::new(), |names, column| format!("{names}f{column},"));
        let mut text = format!("{names}label\n");
        for (cells, label) in &self.rows {
            for cell in cells {
                let _ = write!(
                    text,
                    "{},",
                    cell.map_or_else(String::new, |value| value.to_string())
                );
            }
            let _ = writeln!(text, "{}", u8::from(*label));
        }
        text
    }

    fn json_lines(&self) -> String {
        let mut text = String::new();
        for (row, (cells, label)) in self.rows.iter().enumerate() {
            text.push('{');
            for (column, cell) in cells.iter().enumerate() {
                match cell {
                    Some(value) => {
                        let _ = write!(text, "\"f{column}\": {value:e}, ");
                    }
                    None if row == 0 => {
                        let _ = write!(text, "\"f{column}\": null, ");
                    }
                    None => {}
                }
            }
            let _ = writeln!(text, "\"label\": {label}}}");
        }
        text
    }

    /// With NaN where a cell is missing, and without the labels.
    fn features(&self) -> Vec<Vec<f64>> {
        self.rows
            .iter()
            .map(|(cells, _)| cells.iter().map(|cell| cell.unwrap_or(f64::NAN)).collect())
            .collect()
    }

    /// The labels are the last column.
    fn array(&self) -> Vec<Vec<f64>> {
        let label = |label: bool| f64::from(u8::from(label));
        let rows = self.features().into_iter().zip(&self.rows);
        rows.map(|(features, row)| [features, vec![label(row.1)]].concat())
            .collect()
    }

    fn npz(&self, packed: bool) -> Vec<u8> {
        let labels: Vec<u8> = self
            .rows
            .iter()
            .map(|(_, label)| u8::from(*label))
            .collect();
        let labels = npy("|b1", false, &format!("({},)", labels.len()), &labels);
        npz(
            &[
                ("X", npy_of(&self.features(), !packed, false)),
                ("label", labels),
            ],
            packed,
        )
    }

    fn parquet(&self, compression: Compression) -> Vec<u8> {
        let fields = (0..self.width).fold(String::new(), |fields, column| {
            format!("{fields} optional double f{column};")
        });
        let column =
            |column: usize| Values::F64(self.rows.iter().map(|(cells, _)| cells[column]).collect());
        let labels = Values::Bool(self.rows.iter().map(|(_, label)| Some(*label)).collect());
        let columns: Vec<_> = (0..self.width).map(column).chain([labels]).collect();
        parquet(
            &format!("{fields} required boolean label;"),
            compression,
            11,
            &columns,
        )
    }
}

/// All that a corpus says, with every value's bits.
#[derive(Debug, PartialEq)]
struct Content {
    columns: Vec<String>,
    bits: Vec<u32>,
    labels: Vec<bool>,
    missing: u64,
    anomalous: u64,
}

fn content(file: PathBuf, label: &str, memory_max_bytes: usize) -> Content {
    let storage = Storage {
        memory_max_bytes,
        ..Storage::default()
    };
    let options = ReadOptions {
        label: Some(label.to_owned()),
        ..ReadOptions::default()
    };
    let sources = Sources::labelled(&[file.display().to_string()]);
    let corpus = Corpus::open(&storage, &sources, &options, |_| ControlFlow::Continue(())).unwrap();
    let mut values = Vec::new();
    corpus.read(0, 0, usize::MAX, &mut values).unwrap();
    Content {
        columns: corpus.columns().to_vec(),
        bits: values.iter().map(|value| value.to_bits()).collect(),
        labels: (0..corpus.rows()).map(|row| corpus.label(row)).collect(),
        missing: corpus.missing(),
        anomalous: corpus.anomalous(),
    }
}

proptest! {
    #[test]
    fn the_same_table_reads_as_the_same_bits_in_every_format(table in tables()) {
        let folder = Folder::new();
        let cells = || table.rows.iter().flat_map(|(cells, _)| cells);
        let expected = Content {
            columns: (0..table.width).map(|column| format!("f{column}")).collect(),
            bits: cells().map(|cell| cell.map_or(f32::NAN, |value| value as f32).to_bits()).collect(),
            labels: table.rows.iter().map(|(_, label)| *label).collect(),
            missing: cells().filter(|cell| cell.is_none()).count() as u64,
            anomalous: table.rows.iter().filter(|(_, label)| *label).count() as u64,
        };
        let last = format!("f{}", table.width);
        let array = table.array();
        let files = [
            ("a.csv", table.csv().into_bytes(), "label"),
            ("a.csv.gz", gzip(table.csv().as_bytes()), "label"),
            ("a.jsonl", table.json_lines().into_bytes(), "label"),
            ("c.npy", npy_of(&array, false, false), &last),
            ("fortran.npy", npy_of(&array, true, true), &last),
            ("stored.npz", table.npz(false), "label"),
            ("packed.npz", table.npz(true), "label"),
            ("a.parquet", table.parquet(Compression::UNCOMPRESSED), "label"),
            ("snappy.parquet", table.parquet(Compression::SNAPPY), "label"),
        ];
        for (name, bytes, label) in files {
            for memory_max_bytes in [0, usize::MAX] {
                let found = content(folder.write(name, &bytes), label, memory_max_bytes);
                prop_assert_eq!(&found, &expected, "{}", name);
            }
        }
    }
}
