use parquet::basic::Compression;
use proptest::prelude::*;

use crate::ReadOptions;
use crate::testing::parquet_file::{Values, parquet};
use crate::testing::{Folder, options, refusal, rows};

/// A file with one column of features and the labels 0, 1, 0 and so on.
fn with(field: &str, values: Values, rows: i32, compression: Compression) -> Vec<u8> {
    let labels = Values::I32((0..rows).map(|row| Some(row % 2)).collect());
    parquet(
        &format!("{field} required int32 anomaly;"),
        compression,
        10,
        &[values, labels],
    )
}

#[test]
fn every_type_of_number_is_read_and_null_is_missing() {
    let cases = [
        (
            "optional boolean x;",
            Values::Bool(vec![Some(true), None]),
            "1.0",
        ),
        (
            "optional int32 x;",
            Values::I32(vec![Some(-5), None]),
            "-5.0",
        ),
        (
            "optional int32 x (INTEGER(32,false));",
            Values::I32(vec![Some(-1), None]),
            "4294967300.0",
        ),
        (
            "optional int32 x (DECIMAL(9,2));",
            Values::I32(vec![Some(-1234), None]),
            "-12.34",
        ),
        (
            "optional int64 x;",
            Values::I64(vec![Some(1 << 40), None]),
            "1099511600000.0",
        ),
        (
            "optional int64 x (INTEGER(64,false));",
            Values::I64(vec![Some(-1), None]),
            "1.8446744e19",
        ),
        (
            "optional int64 x (DECIMAL(18,3));",
            Values::I64(vec![Some(1), None]),
            "0.001",
        ),
        (
            "optional float x;",
            Values::F32(vec![Some(0.1), None]),
            "0.1",
        ),
        (
            "optional double x;",
            Values::F64(vec![Some(0.1), None]),
            "0.1",
        ),
        (
            "required double x;",
            Values::F64(vec![Some(0.1), Some(f64::NAN)]),
            "0.1",
        ),
    ];
    for (field, values, expected) in cases {
        let folder = Folder::new();
        let file = folder.write(
            "a.parquet",
            with(field, values, 2, Compression::UNCOMPRESSED),
        );
        assert_eq!(
            rows(&file, &options(&[])).unwrap(),
            ["x", &format!("[{expected}] 0"), "[NaN] 1"],
            "{field}"
        );
    }
}

#[test]
fn text_is_read_as_in_csv_and_decimals_and_half_floats_as_numbers() {
    let folder = Folder::new();
    let text = Values::Text(vec![Some("1.5"), Some("n/a")]);
    let content = with(
        "optional binary x (STRING);",
        text,
        2,
        Compression::UNCOMPRESSED,
    );
    let file = folder.write("a.parquet", content);
    let expected = ["x", "[1.5] 0", "[NaN] 1"];
    assert_eq!(rows(&file, &options(&[])).unwrap(), expected);
    // Written by pyarrow: a double, a decimal and a half float, 80 rows.
    let file = folder.write("b.parquet", include_bytes!("tests/decimal.parquet"));
    let options = ReadOptions {
        label: Some("y".into()),
        ..options(&[])
    };
    let found = rows(&file, &options).unwrap();
    assert_eq!((found.len(), found[0].as_str()), (81, "a b"));
    assert_eq!(found[1], "[0.126, 9.868] 0");
}

#[test]
fn rows_are_read_across_pages_and_row_groups_however_they_are_packed() {
    let expected: Vec<String> = std::iter::once("x".to_owned())
        .chain((0..33).map(|row| {
            let value = if row % 3 == 0 { f32::NAN } else { row as f32 };
            format!("[{value:?}] {}", row % 2)
        }))
        .collect();
    let packings = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::ZSTD(Default::default()),
        Compression::LZ4_RAW,
    ];
    for packing in packings {
        let folder = Folder::new();
        let values = Values::F64(
            (0..33)
                .map(|row| (row % 3 > 0).then_some(f64::from(row)))
                .collect(),
        );
        let file = folder.write("a.parquet", with("optional double x;", values, 33, packing));
        assert_eq!(rows(&file, &options(&[])).unwrap(), expected, "{packing}");
    }
}

#[test]
fn a_file_that_pandas_wrote_is_read() {
    let folder = Folder::new();
    let file = folder.write("a.parquet", include_bytes!("tests/pandas.parquet"));
    let found = rows(&file, &options(&["at", "who"])).unwrap();
    assert_eq!(found.len(), 41);
    assert_eq!(found[0], "f4 f8 i8 u64 maybe on");
    assert_eq!(found[1], "[0.0, NaN, -20.0, 1099511600000.0, NaN, 1.0] 0");
    assert_eq!(found[39], "[9.5, 3.8, 18.0, 1099511600000.0, 38.0, 0.0] 1");
}

#[test]
fn what_is_no_number_is_refused_by_its_column() {
    let text = || Values::Text(vec![Some("a"), Some("b")]);
    let long = || Values::I64(vec![Some(1), Some(2)]);
    let remedy = "hint: --ignore x, or write it as numbers";
    let cases = [
        (
            "required binary x (STRING);",
            text(),
            "a.parquet, row 0 (from 0): column \"x\" holds \"a\", which is not a number\n\
             hint: --ignore x if it is no feature, such as a timestamp; --missing a if this stands for a missing value"
                .into(),
        ),
        ("required binary x;", text(), format!("a.parquet: column \"x\" is not numeric: bytes\n{remedy}")),
        (
            "required int64 x (TIMESTAMP(MILLIS,true));",
            long(),
            format!("a.parquet: column \"x\" is not numeric: a date or time\n{remedy}"),
        ),
        (
            "required int64 x (TIMESTAMP_MICROS);",
            long(),
            format!("a.parquet: column \"x\" is not numeric: a date or time\n{remedy}"),
        ),
        (
            "required group x { required int64 y; }",
            long(),
            "a.parquet: column \"x\" is nested\nhint: --ignore x, or write its parts as columns of their own".into(),
        ),
    ];
    for (field, values, expected) in cases {
        let content = with(field, values, 2, Compression::UNCOMPRESSED);
        assert_eq!(refusal("a.parquet", content, &options(&[])), expected);
    }
    // What is ignored may be anything.
    let content = parquet(
        "required group x { required int64 y; } required float z; required boolean anomaly;",
        Compression::UNCOMPRESSED,
        10,
        &[
            long(),
            Values::F32(vec![Some(1.0); 2]),
            Values::Bool(vec![Some(true); 2]),
        ],
    );
    let folder = Folder::new();
    let file = folder.write("a.parquet", content);
    assert_eq!(
        rows(&file, &options(&["x"])).unwrap(),
        ["z", "[1.0] 1", "[1.0] 1"]
    );
}

/// Written by pyarrow: one row of `x` and `anomaly`, compressed with brotli.
#[test]
fn a_packing_that_is_not_read_is_named() {
    let error = refusal(
        "a.parquet",
        include_bytes!("tests/brotli.parquet"),
        &options(&[]),
    );
    assert_eq!(
        error,
        "a.parquet: column \"x\" is packed with brotli\nhint: write it with snappy, gzip, zstd, lz4 or unpacked"
    );
}

#[test]
fn what_is_wrong_is_said_with_row_and_column() {
    let mut values: Vec<Option<f64>> = vec![Some(1.0); 25];
    values[21] = Some(1e39);
    let content = with(
        "required double x;",
        Values::F64(values),
        25,
        Compression::SNAPPY,
    );
    assert_eq!(
        refusal("a.parquet", content, &options(&[])),
        "a.parquet, row 21 (from 0): column \"x\" holds 1000000000000000000000000000000000000000, which is beyond \
         3.4e38, the range of 32 bits\nhint: scale it, or --ignore x"
    );
    let content = parquet(
        "required double x; optional double anomaly;",
        Compression::UNCOMPRESSED,
        9,
        &[
            Values::F64(vec![Some(1.0); 3]),
            Values::F64(vec![Some(1.0), None, Some(0.5)]),
        ],
    );
    assert_eq!(
        refusal("a.parquet", content, &options(&[])),
        "a.parquet, row 1 (from 0): label \"anomaly\" is missing\nhint: every row needs one, 0 or 1"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Wherever a file is damaged it reads as some rows or as an error.
    #[test]
    fn a_damaged_file_is_never_more_than_an_error(at: prop::sample::Index, change in 1_u8.., cut: Option<prop::sample::Index>) {
        let mut content = include_bytes!("tests/pandas.parquet").to_vec();
        let at = at.index(content.len());
        content[at] ^= change;
        if let Some(cut) = cut {
            content.truncate(cut.index(content.len()));
        }
        let folder = Folder::new();
        let _ = rows(&folder.write("a.parquet", content), &options(&["at", "who"]));
    }
}
