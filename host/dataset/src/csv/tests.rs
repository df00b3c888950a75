use proptest::prelude::*;

use crate::testing::{Folder, gzip, options, refusal, rows};
use crate::{Block, Delimiter, InputFile, ReadOptions, open};

#[track_caller]
fn assert_reads(name: &str, content: impl AsRef<[u8]>) {
    let folder = Folder::new();
    let file = folder.write(name, content);
    let found = rows(&file, &options(&[])).unwrap();
    assert_eq!(found, ["x y", "[1.5, NaN] 0", "[-0.002, 4.0] 1"], "{name}");
}

#[test]
fn the_same_table_is_read_however_it_is_written() {
    let plain = "x,y,anomaly\n1.5,,0\n-2e-3,4,1\n";
    assert_reads("a.csv", plain);
    assert_reads("a.txt", plain.replace(',', ";"));
    assert_reads("a.tsv", plain.replace(',', "\t"));
    assert_reads("A.CSV", plain.replace(',', "|"));
    assert_reads("a.csv", plain.replace('\n', "\r\n"));
    assert_reads("a.csv", plain.replace('\n', "\r"));
    assert_reads("a.csv", format!("\u{feff}{plain}"));
    assert_reads(
        "a.csv",
        format!("\n  \n{}\n\n", plain.replace('\n', "\n\n")),
    );
    assert_reads("a.csv", plain.trim_end());
    assert_reads("a.csv", " x , y ,anomaly\n 1.5 , NaN, 0\n-2e-3,\t4,True\n");
    assert_reads(
        "a.csv",
        "\"x\",\"y\",\"anomaly\"\n\"1.5\",\"\",\"0.0\"\n-2e-3,\"4\",\"1.0\"\n",
    );
    assert_reads("a.csv.gz", gzip(plain.as_bytes()));
    assert_reads("packed but not by its name.csv", gzip(plain.as_bytes()));
    assert_reads(
        "a.tsv.gz",
        [
            gzip(b"x\ty\tanomaly\n1.5\tnull\t0\n"),
            gzip(b"-2e-3\t4\ttrue"),
        ]
        .concat(),
    );
}

#[test]
fn a_field_in_quotes_may_hold_anything() {
    let folder = Folder::new();
    let file = folder.write(
        "a.csv",
        "note,x,\"a,b\",anomaly\n\"he said \"\"1,2\"\"\n\n twice\",1,2,0\n,3,4,1\n",
    );
    let found = rows(&file, &options(&["note"])).unwrap();
    assert_eq!(found, ["x a,b", "[1.0, 2.0] 0", "[3.0, 4.0] 1"]);
}

#[test]
fn a_given_delimiter_holds() {
    let folder = Folder::new();
    let file = folder.write("a.csv", "x,y anomaly\n1 0\n");
    let options = ReadOptions {
        delimiter: Some(Delimiter::Byte(b' ')),
        ..options(&[])
    };
    assert_eq!(rows(&file, &options).unwrap(), ["x,y", "[1.0] 0"]);
}

#[test]
fn what_is_wrong_is_said_with_file_line_column_and_remedy() {
    let not_a_number = |text: &str| {
        format!(
            "hint: --ignore x if it is no feature, such as a timestamp; --missing {text} if this stands for a missing value"
        )
    };
    let cases: [(&str, String); 19] = [
        ("", "a.csv: the file is empty\nhint: it needs named columns, and rows".into()),
        ("\n\n", "a.csv: the file is empty\nhint: it needs named columns, and rows".into()),
        (
            "x,y\n1,0\n",
            "a.csv:1: there is no label \"anomaly\"; the columns are x, y\nhint: --label takes one of these".into(),
        ),
        ("x,x,anomaly\n", "a.csv:1: two columns are called \"x\"\nhint: rename one, or leave both out: --ignore x".into()),
        (
            ",x,anomaly\n",
            "a.csv:1: column 1 (from 1) has no name\nhint: --ignore 1 if a tool wrote row numbers there, or name it"
                .into(),
        ),
        ("anomaly\n0\n", "a.csv:1: no column is left as a feature; the columns are anomaly\nhint: ignore fewer".into()),
        (
            "x,anomaly\n1,0\n\n1\n",
            "a.csv:4: 1 fields instead of 2\nhint: the header has 2 columns, divided by ','; --delimiter names another"
                .into(),
        ),
        (
            "x,anomaly\n1,0,,\n",
            "a.csv:2: 4 fields instead of 2\nhint: the header has 2 columns, divided by ','; --delimiter names another"
                .into(),
        ),
        (
            "x,anomaly\nwarm,0,2\n",
            "a.csv:2: 3 fields instead of 2\nhint: the header has 2 columns, divided by ','; --delimiter names another"
                .into(),
        ),
        (
            "x,anomaly\r\n1,0\r\nwarm,1",
            format!("a.csv:3: column \"x\" holds \"warm\", which is not a number\n{}", not_a_number("warm")),
        ),
        (
            "x;anomaly\n1,5;0",
            "a.csv:2: column \"x\" holds \"1,5\", which is not a number\n\
             hint: --decimal , if a comma stands before the fraction of a number"
                .into(),
        ),
        (
            "x,note,anomaly\n\"a\nb\",c,0",
            format!("a.csv:2: column \"x\" holds \"a\\nb\", which is not a number\n{}", not_a_number("'a\\nb'")),
        ),
        (
            "x,anomaly\n\"1\",0\n\"2\n\",1\nz,1\n",
            format!("a.csv:5: column \"x\" holds \"z\", which is not a number\n{}", not_a_number("z")),
        ),
        (
            "x,anomaly\n-inf,0\n",
            "a.csv:2: column \"x\" holds \"-inf\", which is infinite\n\
             hint: leave the cell empty if its value is missing, or --ignore x"
                .into(),
        ),
        (
            "x,anomaly\n1e39,0\n",
            "a.csv:2: column \"x\" holds \"1e39\", which is beyond 3.4e38, the range of 32 bits\n\
             hint: scale it, or --ignore x"
                .into(),
        ),
        (
            "x,anomaly\n1e999,0\n",
            "a.csv:2: column \"x\" holds \"1e999\", which is beyond 3.4e38, the range of 32 bits\n\
             hint: scale it, or --ignore x"
                .into(),
        ),
        (
            "x,anomaly\n1,2\n",
            "a.csv:2: label \"anomaly\" holds \"2\", which is neither 0 nor 1\n\
             hint: say which values are anomalous or which are normal, such as --anomalous 2 or --normal 2"
                .into(),
        ),
        (
            "x,anomaly\n1,yes\n",
            "a.csv:2: label \"anomaly\" holds \"yes\", which is neither 0 nor 1\n\
             hint: say which values are anomalous or which are normal, such as --anomalous yes or --normal yes"
                .into(),
        ),
        ("x,anomaly\n1,\n", "a.csv:2: label \"anomaly\" is missing\nhint: every row needs one, 0 or 1".into()),
    ];
    for (content, expected) in cases {
        assert_eq!(
            refusal("a.csv", content, &options(&[])),
            expected,
            "{content:?}"
        );
    }
}

#[test]
fn a_long_cell_is_cut_where_it_is_shown() {
    let error = refusal(
        "a.csv",
        format!("x,anomaly\n{},0\n", "é".repeat(1_000)),
        &options(&[]),
    );
    assert!(
        error.starts_with(&format!(
            "a.csv:2: column \"x\" holds \"{}\"..., which is",
            "é".repeat(60)
        )),
        "{error}"
    );
}

#[test]
fn a_delimiter_that_numbers_are_made_of_is_refused() {
    for delimiter in [b'.', b'-', b'e', b'0', b'"', b'\n', 0, 0xff] {
        let options = ReadOptions {
            delimiter: Some(Delimiter::Byte(delimiter)),
            ..options(&[])
        };
        let error = refusal("a.csv", "x,anomaly\n", &options);
        assert_eq!(
            error,
            format!(
                "a.csv: {:?} cannot divide fields\n\
                 hint: --delimiter takes a character that is no part of a number and no quote",
                char::from(delimiter)
            )
        );
    }
}

#[test]
fn a_damaged_gzip_file_is_told() {
    let sound = gzip(format!("x,anomaly\n{}", "1,0\n".repeat(1_000)).as_bytes());
    let error = refusal("a.csv.gz", &sound[..sound.len() - 4], &options(&[]));
    assert!(
        error.starts_with("a.csv.gz:1002: the gzip file is damaged: "),
        "{error}"
    );
    assert!(
        error.ends_with("\nhint: fetch or write the file again"),
        "{error}"
    );
}

#[test]
fn a_quote_that_is_never_closed_does_not_gather_the_file() {
    let folder = Folder::new();
    let file = folder.write(
        "a.csv",
        format!("x,anomaly\n\"1,0\n{}", "1,0\n".repeat(5 << 20)),
    );
    let error = folder.text(&rows(&file, &options(&[])).unwrap_err());
    assert_eq!(
        error,
        "a.csv:2: a quote is still open 16 MiB later\nhint: close it"
    );
}

#[test]
fn the_position_ends_at_the_files_length() {
    let folder = Folder::new();
    let plain = format!("x,anomaly\n{}", "1,0\n".repeat(100_000));
    for (name, content) in [
        ("a.csv", plain.clone().into_bytes()),
        ("a.csv.gz", gzip(plain.as_bytes())),
    ] {
        let file = folder.write(name, &content);
        let source = InputFile { file, labels: None };
        let (mut rows, mut block) = (open(&source, &options(&[])).unwrap(), Block::default());
        while rows.read(1_000, &mut block).unwrap() {
            assert!(rows.position() > 0 && rows.position() <= content.len() as u64);
        }
        assert_eq!(rows.position(), content.len() as u64);
    }
}

/// What the crate `csv` makes of the text, one list of fields a row.
fn by_csv_crate(content: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(content.as_bytes());
    reader
        .records()
        .map(|record| {
            record
                .unwrap()
                .iter()
                .map(|field| field.trim().to_owned())
                .collect()
        })
        .collect()
}

proptest! {
    /// Rows of three fields or else, with quotes where they may be and where they should not.
    #[test]
    fn rows_are_cut_as_the_csv_crate_cuts_them(
        body in proptest::collection::vec(r#"([1-3]|"[1-3]"|"[1-3]"[1-3]|"\n[1-3]"|"1""2"|[1-3]"|),[1-3],[01](\r?\n)"#, 0..12),
    ) {
        let content = format!("x,y,anomaly\n{}", body.concat());
        let folder = Folder::new();
        let found = rows(&folder.write("a.csv", &content), &options(&[]));
        let expected = by_csv_crate(&content);
        let cell = |text: &String| if text.is_empty() { Some("NaN".to_owned()) } else { text.parse::<f32>().ok().map(|value| format!("{value:?}")) };
        let row = |fields: &Vec<String>| {
            let [x, y, label] = fields.as_slice() else { return None };
            Some(format!("[{}, {}] {label}", cell(x)?, cell(y)?))
        };
        match expected[1..].iter().map(row).collect::<Option<Vec<_>>>() {
            Some(expected) => prop_assert_eq!(&found.unwrap()[1..], expected),
            None => prop_assert!(found.is_err()),
        }
    }
}
