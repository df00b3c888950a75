use std::ops::ControlFlow;

use fedhost_domain::model::Sha256Hex;

use super::{Corpus, Progress, Sources};
use crate::testing::{Folder, options};
use crate::{DatasetError, Part, ReadOptions, Storage};

fn on(_: Progress<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn patterns(folder: &Folder, patterns: &[&str]) -> Vec<String> {
    patterns
        .iter()
        .map(|pattern| folder.path().join(pattern).display().to_string())
        .collect()
}

fn open(folder: &Folder, options: &ReadOptions) -> Result<Corpus, String> {
    Corpus::open(
        &Storage::default(),
        &Sources::labelled(&patterns(folder, &["**/*.csv"])),
        options,
        on,
    )
    .map_err(|error| folder.text(&error))
}

/// Two runs in one folder and one in another.
fn runs() -> Folder {
    let folder = Folder::new();
    folder.write("valve1/0.csv", "x,y,anomaly\n1,2,0\n3,,1\n5,6,1\n");
    folder.write("valve1/1.csv", "y,anomaly,x\n8,0,7\n");
    folder.write("other/0.csv", "x;y;anomaly\n9;10;0\n11;12;1\n");
    folder
}

#[test]
fn files_are_one_sequence_of_rows_in_the_order_of_their_paths() {
    let corpus = open(&runs(), &options(&[])).unwrap();
    let files: Vec<_> = corpus
        .files()
        .iter()
        .map(|file| (file.name.as_str(), file.range(), file.anomalous))
        .collect();
    assert_eq!(
        files,
        [
            ("other/0.csv", 0..2, 1),
            ("valve1/0.csv", 2..5, 2),
            ("valve1/1.csv", 5..6, 0)
        ]
    );
    assert_eq!(corpus.columns(), ["x", "y"]);
    assert_eq!(
        (corpus.rows(), corpus.anomalous(), corpus.missing()),
        (6, 3, 1)
    );
    assert_eq!(
        (0..7)
            .map(|row| u8::from(corpus.label(row)))
            .collect::<Vec<_>>(),
        [0, 1, 0, 1, 1, 0, 0]
    );
    assert_eq!(corpus.files()[1].folder, corpus.files()[2].folder);
    assert!(corpus.files()[0].folder.ends_with("other"));
}

#[test]
fn rows_are_read_by_file_and_gathered_by_number() {
    let corpus = open(&runs(), &options(&[])).unwrap();
    let mut values = vec![0.0];
    let mut read = |file, first, rows| {
        let rows = corpus.read(file, first, rows, &mut values).unwrap();
        (rows, format!("{values:?}"))
    };
    assert_eq!(read(0, 0, 9), (2, "[9.0, 10.0, 11.0, 12.0]".into()));
    assert_eq!(read(1, 1, 1), (1, "[3.0, NaN]".into()));
    assert_eq!(
        read(2, 0, 1),
        (1, "[7.0, 8.0]".into()),
        "in the first file's order of columns"
    );
    assert_eq!(read(1, 3, 1), (0, "[]".into()));
    assert_eq!(read(3, 0, 1), (0, "[]".into()));
    corpus.gather(&[5, 0, 1, 0], &mut values).unwrap();
    assert_eq!(values, [7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 9.0, 10.0]);
    let error = corpus.gather(&[5, 6], &mut values).unwrap_err().to_string();
    assert_eq!(error, "there is no row 6: there are 6 rows, counted from 0");
}

#[test]
fn digests_are_those_that_a_shell_gives() {
    let corpus = open(&runs(), &options(&[])).unwrap();
    let expected = Sha256Hex::of(b"y,anomaly,x\n8,0,7\n");
    assert_eq!(
        (&corpus.files()[2].sha256, corpus.files()[2].bytes),
        (&expected, 18)
    );
    let lines: String = corpus
        .files()
        .iter()
        .map(|file| format!("{} {}\n", file.sha256, file.bytes))
        .collect();
    assert_eq!(corpus.sha256(), &Sha256Hex::of(lines.as_bytes()));
}

#[test]
fn files_of_other_columns_are_refused_by_name() {
    let folder = runs();
    folder.write("valve1/2.csv", "x,z,anomaly\n1,2,0\n");
    assert_eq!(
        open(&folder, &options(&[])).err().unwrap(),
        "valve1/2.csv:1: its columns are not those of other/0.csv: it lacks y and it adds z\n\
         hint: evaluate files of other columns apart, or --ignore what they do not share"
    );
}

#[test]
fn a_file_without_rows_is_refused() {
    let folder = runs();
    folder.write("zero.csv", "x,y,anomaly\n");
    let error = open(&folder, &options(&[])).err().unwrap();
    assert_eq!(
        error,
        "zero.csv: there are no rows\nhint: at least one row with a label is needed"
    );
}

#[test]
fn progress_grows_to_the_end_and_may_call_it_off() {
    let folder = Folder::new();
    folder.write("a.csv", format!("x,anomaly\n{}", "1,0\n".repeat(300_000)));
    folder.write("b.csv", "x,anomaly\n1,0\n");
    let mut reports = Vec::new();
    let patterns = Sources::labelled(&patterns(&folder, &["*.csv"]));
    let watch = |progress: Progress<'_>| {
        reports.push((progress.read_bytes, progress.total_bytes));
        ControlFlow::Continue(())
    };
    Corpus::open(&Storage::default(), &patterns, &options(&[]), watch).unwrap();
    assert!(
        reports.len() > 4 && reports.is_sorted() && reports[0].0 > 0,
        "{reports:?}"
    );
    assert_eq!(reports.last(), Some(&(1_200_024, 1_200_024)));
    let called_off = Corpus::open(&Storage::default(), &patterns, &options(&[]), |_| {
        ControlFlow::Break(())
    });
    assert!(matches!(called_off, Err(DatasetError::CalledOff)));
}

#[test]
fn rows_without_room_say_where_and_how_much_is_needed() {
    let folder = Folder::new();
    // 1 MiB of rows is read before the first is kept, then as much again.
    folder.write("a.csv", format!("x,anomaly\n{}", "1,0\n".repeat(2 << 18)));
    let storage = Storage {
        memory_max_bytes: 0,
        directory: "/nowhere".into(),
    };
    let error = Corpus::open(
        &storage,
        &Sources::labelled(&patterns(&folder, &["*.csv"])),
        &options(&[]),
        on,
    )
    .err()
    .unwrap();
    let error = fedhost_base::hint::explain(&error);
    assert!(
        error.starts_with("the rows cannot be kept in /nowhere: No such file or directory"),
        "{error}"
    );
    assert!(
        error.ends_with(
            "all files need about 2 MiB there\nhint: set TMPDIR to a directory on a disk with room"
        ),
        "{error}"
    );
}

#[test]
fn rows_that_come_twice_are_counted() {
    let folder = Folder::new();
    folder.write(
        "a.csv",
        "x,y,anomaly\n1,2,0\n3,,1\n5,6,1\n3,,0\n1,2,0\n2,1,0\n3,4,0\n1,2,0\n",
    );
    let corpus = open(&folder, &options(&[])).unwrap();
    let part = |row| match row {
        0..3 => Part::Training,
        7 => Part::Unused,
        _ => Part::Scored,
    };
    let repeats = corpus.repeats(part).unwrap();
    assert_eq!(
        (repeats.looked_at, repeats.repeated, repeats.share),
        (4, 2, 1.0)
    );
}

#[test]
fn with_too_many_training_rows_a_sample_tells_the_same_share() {
    let folder = Folder::new();
    // Scored rows: a quarter of them are training rows.
    let rows: String = (0..40_000)
        .chain((0..20_000).map(|x| if x % 4 == 0 { x } else { x + 50_000 }))
        .map(|x| format!("{x},0\n"))
        .collect();
    folder.write("a.csv", format!("x,anomaly\n{rows}"));
    let corpus = open(&folder, &options(&[])).unwrap();
    let part = |row| {
        if row < 40_000 {
            Part::Training
        } else {
            Part::Scored
        }
    };
    let all = corpus.repeats_within(40_000, part).unwrap();
    assert_eq!(
        (all.looked_at, all.repeated, all.share),
        (20_000, 5_000, 1.0)
    );
    let sample = corpus.repeats_within(10_000, part).unwrap();
    assert!(sample.share <= 0.25 && sample.share >= 0.125, "{sample:?}");
    assert!(
        (sample.looked_at as f64 / 20_000.0 / sample.share - 1.0).abs() < 0.05,
        "{sample:?}"
    );
    assert!(
        (sample.repeated as f64 / sample.looked_at as f64 - 0.25).abs() < 0.03,
        "{sample:?}"
    );
}
