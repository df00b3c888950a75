//! Mistakes in the command line and the data: each is found before anything is started, is reported
//! with its place and its remedy, and ends with exit code 2.

use super::{judge, machine, two_runs};

/// Fails unless it is refused with all of these texts.
fn is_refused(arguments: &[&str], parts: &[&str]) {
    let scene = two_runs();
    let ragged = machine(20, 0).replacen("\n4,", "\n4,1,", 1);
    scene.write("bad/ragged.csv", ragged);
    scene.write(
        "bad/text.csv",
        machine(20, 0).replacen("\n6,", "\n6,warm", 1),
    );
    scene.write("bad/label.csv", machine(20, 0).replacen(",0\n", ",2\n", 1));
    let run = judge(&scene, arguments).expect_code(2);
    assert!(run.stdout.is_empty(), "{}", run.stdout);
    for part in parts.iter().chain(&["hint: "]) {
        assert!(
            run.stderr.contains(part),
            "no {part:?} for {arguments:?} in {}",
            run.stderr
        );
    }
}

const MODEL: [&str; 2] = ["--plugin", "logistic-regression"];

fn with(arguments: &[&'static str]) -> Vec<&'static str> {
    [&MODEL, arguments].concat()
}

#[test]
fn a_bad_cell_is_named_by_file_line_and_column() {
    is_refused(
        &with(&["--data", "bad/ragged.csv"]),
        &["bad/ragged.csv:6: 6 fields instead of 5"],
    );
    is_refused(
        &with(&["--data", "bad/text.csv"]),
        &[
            "bad/text.csv:8: ",
            "\"pressure\" holds \"warm",
            "--ignore pressure",
        ],
    );
    is_refused(
        &with(&["--data", "bad/label.csv"]),
        &["bad/label.csv:2: ", "\"anomaly\" holds \"2\""],
    );
}

#[test]
fn an_unknown_column_is_answered_with_the_nearest() {
    is_refused(
        &with(&["--ignore", "tim"]),
        &["no column \"tim\"", "did you mean --ignore time?"],
    );
    let label = [
        "evaluate",
        "--plugins-dir",
        &fedhost_e2e::plugins().display().to_string(),
        "--label",
        "anomalies",
    ];
    let run = two_runs()
        .fedhost(&[&label, &MODEL[..], &["--data", "runs/0.csv"]].concat())
        .expect_code(2);
    assert!(
        run.stderr
            .contains("0.csv:1: there is no label \"anomalies\""),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("hint: did you mean --label anomaly?"),
        "{}",
        run.stderr
    );
}

#[test]
fn files_that_are_not_there_are_named() {
    is_refused(
        &with(&["--data", "nowhere/*.csv"]),
        &["no file matches \"nowhere/*.csv\""],
    );
    is_refused(
        &["--plugin", "./nowhere.wasm"],
        &["cannot read the component ./nowhere.wasm", "there are "],
    );
}

#[test]
fn an_unknown_plug_in_is_answered_with_the_nearest() {
    let nearest = "hint: did you mean logistic-regression? there are ";
    is_refused(
        &["--plugin", "logistic-regresion"],
        &["there is no plug-in \"logistic-regresion\" in ", nearest],
    );
    is_refused(
        &["--plugin", "logistic-regression@^9"],
        &["is not version ^9"],
    );
}

#[test]
fn a_plug_in_in_the_wrong_place_is_told_its_own() {
    is_refused(
        &["--plugin", "standard-scaler"],
        &["scores no rows", "--preprocess"],
    );
    is_refused(
        &with(&["--preprocess", "logistic-regression"]),
        &["prepares no rows", "--plugin"],
    );
}

#[test]
fn parameters_without_a_plug_in_and_unknown_ones_are_refused() {
    is_refused(
        &with(&["--parameters", "ewma.weight=1"]),
        &["--parameters ewma", "there are logistic-regression"],
    );
    is_refused(
        &with(&["--parameters", "logistic-regression.rate=1"]),
        &["\"rate\" is unknown", "learning_rate"],
    );
    is_refused(
        &with(&["--parameters", "rate"]),
        &["\"rate\" sets no parameter", "NAME.KEY=VALUE"],
    );
}

#[test]
fn a_protocol_that_cannot_be_followed_is_refused() {
    let all = "prefix:ROWS, split:FRACTION, by-file:FRACTION, stratified:FRACTION, prequential:DELAY_ROWS or shuffled-";
    is_refused(
        &with(&["--protocol", "holdout:0.3"]),
        &["\"holdout:0.3\" is not a protocol", all],
    );
    is_refused(
        &with(&["--protocol", "split:1.5"]),
        &["\"1.5\" is not a number between 0 and 1"],
    );
    is_refused(
        &with(&["--protocol", "prefix:500"]),
        &["1.csv has 450 rows, and prefix:500 leaves none of them to score"],
    );
    is_refused(
        &with(&["--protocol", "by-file:0.1"]),
        &["by-file:0.1 divides", "into 0 to train on"],
    );
}

#[test]
fn a_threshold_that_there_is_nothing_to_take_from_is_refused() {
    let quantile = [
        "--protocol",
        "prequential:10",
        "--threshold",
        "quantile:0.99",
    ];
    is_refused(
        &with(&quantile),
        &[
            "prequential:10 has none before it scores",
            "value:X or best-f1",
        ],
    );
    is_refused(
        &with(&["--threshold", "best"]),
        &["\"best\" is no threshold"],
    );
}

#[test]
fn shuffled_rows_are_not_smoothed() {
    is_refused(
        &with(&["--protocol", "stratified:0.7", "--smooth", "5"]),
        &["cannot be smoothed over 5 rows"],
    );
}

#[test]
fn a_file_that_cannot_be_written_is_found_before_everything_is_done_for_nothing() {
    for option in ["--report", "--scores", "--table"] {
        is_refused(
            &with(&[option, "nowhere/out"]),
            &["nowhere/out cannot be written: ", "choose another place"],
        );
    }
}

#[test]
fn a_mistake_leaves_an_earlier_result_as_it_was() {
    let scene = two_runs();
    scene.write("scores.csv", "precious");
    judge(
        &scene,
        &with(&["--scores", "scores.csv", "--protocol", "prefix:9999"]),
    )
    .expect_code(2);
    assert_eq!(
        std::fs::read_to_string(scene.path("scores.csv")).unwrap(),
        "precious"
    );
}
