use fedhost_base::hint::with_hint;

use super::*;
use crate::options::OptionStyle;

fn names(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn wanted<'a>(options: &'a ReadOptions, like: Option<Like<'a>>) -> Wanted<'a> {
    Wanted {
        options,
        labels: LabelNeed::Required,
        like,
        scratch: Path::new(""),
    }
}

fn options(ignore: &[&str]) -> ReadOptions {
    ReadOptions {
        label: Some("anomaly".into()),
        ignore: ignore.iter().map(|&name| name.to_owned()).collect(),
        ..ReadOptions::default()
    }
}

fn refused(names: Vec<String>, options: &ReadOptions, like: Option<Like<'_>>) -> String {
    Columns::new(names, &wanted(options, like))
        .err()
        .map(|fault| with_hint(&fault, fault.help(OptionStyle::Flags).as_deref()))
        .unwrap_or_default()
}

#[test]
fn columns_are_told_apart_by_name() {
    let options = options(&["at"]);
    let columns = Columns::new(names("at x anomaly y"), &wanted(&options, None)).unwrap();
    assert_eq!(
        columns.roles(),
        [
            Role::Ignored,
            Role::Feature(0),
            Role::Label,
            Role::Feature(1)
        ]
    );
    assert_eq!(columns.features(), ["x", "y"]);
}

#[test]
fn columns_of_a_later_file_are_put_in_the_order_of_the_first() {
    let (options, first) = (options(&[]), names("x y"));
    let like = Some(Like {
        file: Path::new("a.csv"),
        columns: &first,
    });
    let columns = Columns::new(names("y anomaly x"), &wanted(&options, like)).unwrap();
    assert_eq!(
        columns.roles(),
        [Role::Feature(1), Role::Label, Role::Feature(0)]
    );
    assert_eq!(columns.features(), ["x", "y"]);
}

#[test]
fn what_is_wrong_with_columns_is_said_with_the_remedy() {
    let cases = [
        (
            "x y",
            &[][..],
            "there is no label \"anomaly\"; the columns are x, y\nhint: --label takes one of these",
        ),
        (
            "x Anomali",
            &[],
            "there is no label \"anomaly\"; the columns are x, Anomali\nhint: did you mean --label Anomali?",
        ),
        (
            "date x anomaly",
            &["data"],
            "there is no column \"data\" to ignore; the columns are date, x, anomaly\nhint: did you mean --ignore date?",
        ),
        (
            "x anomaly",
            &["x"],
            "no column is left as a feature; the columns are x, anomaly\nhint: ignore fewer",
        ),
        (
            "x anomaly",
            &["anomaly"],
            "the label \"anomaly\" cannot be ignored\nhint: leave it out of --ignore",
        ),
        (
            "x x anomaly",
            &[],
            "two columns are called \"x\"\nhint: rename one, or leave both out: --ignore x",
        ),
        (
            " x anomaly",
            &[],
            "column 1 (from 1) has no name\nhint: --ignore 1 if a tool wrote row numbers there, or name it",
        ),
        (
            "x anomaly __index_level_0__",
            &[],
            "\"__index_level_0__\" is an index that pandas wrote: row numbers are no feature\nhint: --ignore __index_level_0__",
        ),
    ];
    for (header, ignore, expected) in cases {
        assert_eq!(refused(names(header), &options(ignore), None), expected);
    }
    assert_eq!(
        refused(
            names("x anomaly __index_level_0__"),
            &options(&["__index_level_0__"]),
            None
        ),
        ""
    );
}

#[test]
fn files_of_other_columns_are_refused_with_what_differs() {
    let first = names("x y");
    let like = Like {
        file: Path::new("a.csv"),
        columns: &first,
    };
    assert_eq!(
        refused(names("x z anomaly"), &options(&[]), Some(like)),
        "its columns are not those of a.csv: it lacks y and it adds z\n\
         hint: evaluate files of other columns apart, or --ignore what they do not share"
    );
}

#[test]
fn a_list_of_many_columns_is_cut() {
    let many: Vec<String> = (0..100).map(|index| format!("f{index}")).collect();
    let error = refused(many, &options(&[]), None);
    assert!(error.contains("f28, f29 and 70 more\n"), "{error}");
}

#[test]
fn ignored_columns_are_not_judged() {
    let is_read = |header: &[&str], ignore: &[&str]| {
        let names = header.iter().map(|&name| name.to_owned()).collect();
        refused(names, &options(ignore), None)
    };
    assert_eq!(is_read(&["x", "n", "n", "anomaly"], &["n"]), "");
    assert_eq!(is_read(&["", "x", "", "anomaly"], &["1", "3"]), "");
    assert_eq!(is_read(&["", "x", "anomaly"], &["Unnamed: 0"]), "");
    assert_eq!(is_read(&["a, b", "x", "anomaly"], &["a, b"]), "");
    assert_eq!(is_read(&["a", "b", "x", "anomaly"], &["a, b"]), "");
}

#[test]
fn options_of_a_manifest_are_named_by_their_keys() {
    let fault = Columns::new(names("x Anomaly"), &wanted(&options(&[]), None))
        .err()
        .unwrap();
    assert_eq!(
        fault.help(OptionStyle::Keys).as_deref(),
        Some("did you mean label = \"Anomaly\"?")
    );
}
