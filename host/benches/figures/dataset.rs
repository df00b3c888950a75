//! Data that others wrote: how fast its rows are read, beside the same bytes cut up without being
//! understood.

use std::hint::black_box;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fedhost_dataset::{Block, Corpus, InputFile, ReadOptions, Sources, Storage, open};
use parquet::basic::Compression;
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{BoolType, DoubleType};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::measure::{Document, Figure, interleaved};

const ROWS: usize = 200_000;
const FEATURES: usize = 8;
const ROWS_AT_ONCE: usize = 4_096;

pub(crate) fn figures(document: &mut Document) {
    let folder = tempfile::tempdir().unwrap();
    let columns = columns();
    document.extend(csv(&folder.path().join("rows.csv"), &columns));
    document.extend(parquet(&folder.path().join("rows.parquet"), &columns));
}

/// Values as a testbed measures them: six digits, of several magnitudes.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the exponent of a power of ten"
)]
fn columns() -> Vec<Vec<f64>> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut value = |column: usize| {
        (random.random_range(-1e6..1e6_f64)).round() / 10_f64.powi(column as i32 % 6 + 1)
    };
    (0..FEATURES)
        .map(|column| (0..ROWS).map(|_| value(column)).collect())
        .collect()
}

fn csv(file: &Path, columns: &[Vec<f64>]) -> Vec<Figure> {
    let mut writer = std::io::BufWriter::new(std::fs::File::create(file).unwrap());
    let names = (0..FEATURES).fold(String::new(), |names, column| format!("{names}f{column},"));
    writeln!(writer, "{names}anomaly").unwrap();
    for row in 0..ROWS {
        columns
            .iter()
            .for_each(|column| write!(writer, "{},", column[row]).unwrap());
        writeln!(writer, "{}", u8::from(row % 10 == 0)).unwrap();
    }
    writer.flush().unwrap();
    let [rows, corpus, fields] = interleaved([
        Box::new(|| rows(file)),
        Box::new(|| corpus(file)),
        Box::new(|| fields(file)),
    ]);
    beside(
        "csv",
        file,
        &[("rows", rows), ("corpus", corpus)],
        "the csv crate's fields, as bytes",
        fields,
    )
}

fn parquet(file: &Path, columns: &[Vec<f64>]) -> Vec<Figure> {
    let fields = (0..FEATURES).fold(String::new(), |fields, column| {
        format!("{fields} required double f{column};")
    });
    let schema = parse_message_type(&format!(
        "message rows {{ {fields} required boolean anomaly; }}"
    ))
    .unwrap();
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .build();
    let output = std::fs::File::create(file).unwrap();
    let mut writer =
        SerializedFileWriter::new(output, Arc::new(schema), Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for values in columns {
        let mut column = group.next_column().unwrap().unwrap();
        column
            .typed::<DoubleType>()
            .write_batch(values, None, None)
            .unwrap();
        column.close().unwrap();
    }
    let labels: Vec<bool> = (0..ROWS).map(|row| row % 10 == 0).collect();
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<BoolType>()
        .write_batch(&labels, None, None)
        .unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    let [rows, corpus, columns] = interleaved([
        Box::new(|| rows(file)),
        Box::new(|| corpus(file)),
        Box::new(|| by_column(file)),
    ]);
    beside(
        "parquet",
        file,
        &[("rows", rows), ("corpus", corpus)],
        "the parquet crate's columns",
        columns,
    )
}

fn beside(
    format: &str,
    file: &Path,
    times: &[(&str, f64)],
    baseline: &str,
    baseline_time: f64,
) -> Vec<Figure> {
    let megabytes = file.metadata().unwrap().len() as f64 / 1e6;
    let figure = |(what, time): &(&str, f64)| {
        let name = format!("dataset_{format}_{what}");
        Figure::beside(
            &name,
            megabytes / time,
            "MB/s",
            baseline,
            megabytes / baseline_time,
        )
    };
    times.iter().map(figure).collect()
}

fn options() -> ReadOptions {
    ReadOptions {
        label: Some("anomaly".into()),
        ..ReadOptions::default()
    }
}

/// Every row, checked.
fn rows(file: &Path) {
    let source = InputFile {
        file: file.to_owned(),
        labels: None,
    };
    let (mut rows, mut block) = (open(&source, &options()).unwrap(), Block::default());
    while rows.read(ROWS_AT_ONCE, &mut block).unwrap() {
        black_box(&block);
    }
}

/// All that comes before an evaluation: rows, digest, and keeping them.
fn corpus(file: &Path) {
    let pattern = PathBuf::from(file).display().to_string();
    let sources = Sources::labelled(&[pattern]);
    let corpus = Corpus::open(&Storage::default(), &sources, &options(), |_| {
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(corpus.rows(), ROWS as u64);
}

/// Fields as bytes; no number is read.
fn fields(file: &Path) {
    let mut reader = csv::Reader::from_path(file).unwrap();
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).unwrap() {
        black_box(&record);
    }
}

/// Columns as they are stored, one after the other.
fn by_column(file: &Path) {
    let reader = SerializedFileReader::new(std::fs::File::open(file).unwrap()).unwrap();
    let group = reader.get_row_group(0).unwrap();
    let mut values = Vec::with_capacity(ROWS_AT_ONCE);
    for column in 0..FEATURES {
        let mut column =
            get_typed_column_reader::<DoubleType>(group.get_column_reader(column).unwrap());
        for _ in 0..ROWS.div_ceil(ROWS_AT_ONCE) {
            values.clear();
            column
                .read_records(ROWS_AT_ONCE, None, None, &mut values)
                .unwrap();
            black_box(&values);
        }
    }
}
