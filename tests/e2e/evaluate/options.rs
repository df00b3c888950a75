//! Options: each does what it says, and the same options give the same result.

use fedhost_e2e::{Scene, catalogue};
use serde_json::Value;

use super::{Scored, evaluate, judge, lasting, number, result, scores, two_runs};

/// A plug-in that draws lots, one that learns as it goes, and one that takes labels.
const MANY: [&str; 6] = [
    "--plugin",
    "isolation-forest",
    "--plugin",
    "half-space-trees",
    "--plugin",
    "mlp-classifier",
];

/// The file of scores, and what is said of each plug-in.
fn judge_many(scene: &Scene, arguments: &[&str]) -> (Vec<u8>, Vec<Value>) {
    let usual = [
        "--ignore",
        "time",
        "--preprocess",
        "baseline-deviation",
        "--scores",
        "scores.csv",
        "--epochs",
        "3",
    ];
    let document = evaluate(
        scene,
        &catalogue(),
        &[&MANY[..], &usual, arguments].concat(),
    )
    .expect_code(0)
    .json();
    let scored = std::fs::read(scene.path("scores.csv")).unwrap();
    (
        scored,
        document["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(lasting)
            .collect(),
    )
}

#[test]
fn the_same_command_gives_the_same_scores_byte_for_byte() {
    let scene = two_runs();
    let arguments = ["--protocol", "stratified:0.5", "--seed", "3"];
    assert_eq!(
        judge_many(&scene, &arguments),
        judge_many(&scene, &arguments)
    );
}

#[test]
fn scores_do_not_depend_on_how_many_rows_are_given_at_once() {
    let scene = two_runs();
    for protocol in ["prefix:300", "stratified:0.5"] {
        let given = |rows| judge_many(&scene, &["--protocol", protocol, "--batch", rows]).0;
        let (one, some, all) = (given("1"), given("97"), given("1000"));
        assert!(one == some && some == all, "under {protocol}");
    }
}

#[test]
fn repeats_have_seeds_of_their_own_and_a_spread() {
    let arguments = [
        "--plugin",
        "logistic-regression",
        "--protocol",
        "stratified:0.7",
        "--repeat",
        "3",
        "--seed",
        "7",
    ];
    let document = judge(&two_runs(), &arguments).expect_code(0).json();
    let result = result(&document, "logistic-regression");
    let repeats = result["repeats"].as_array().unwrap();
    assert_eq!(
        repeats
            .iter()
            .map(|repeat| number(repeat, "seed"))
            .collect::<Vec<_>>(),
        [7.0, 8.0, 9.0]
    );
    let figures: Vec<f64> = repeats
        .iter()
        .map(|repeat| number(repeat, "roc_auc"))
        .collect();
    let mean = figures.iter().sum::<f64>() / 3.0;
    let deviation = (figures
        .iter()
        .map(|figure| (figure - mean).powi(2))
        .sum::<f64>()
        / 2.0)
        .sqrt();
    assert!((number(result, "roc_auc") - mean).abs() < 1e-12, "{result}");
    assert!(
        deviation > 0.0 && (number(&result["spread"], "roc_auc") - deviation).abs() < 1e-12,
        "{result}"
    );
    // And the first of them is what one alone comes to.
    let arguments = [
        "--plugin",
        "logistic-regression",
        "--protocol",
        "stratified:0.7",
        "--seed",
        "7",
    ];
    let alone = judge(&two_runs(), &arguments).expect_code(0).json();
    assert_eq!(number(&alone["results"][0], "roc_auc"), figures[0]);
}

#[test]
fn smoothed_scores_are_means_of_a_row_and_those_before_it_in_its_file() {
    let scene = two_runs();
    let scored = |rows: &str| {
        let arguments = [
            "--plugin",
            "misbehaving",
            "--protocol",
            "split:0.5",
            "--smooth",
            rows,
            "--scores",
            "s.csv",
        ];
        judge(&scene, &arguments).expect_code(0);
        scores(&scene, "s.csv")
    };
    let (plain, smooth) = (scored("1"), scored("3"));
    for (place, row) in smooth.iter().enumerate() {
        let of_file = |earlier: &&Scored| earlier.file == row.file;
        let last: Vec<f32> = plain[..=place]
            .iter()
            .rev()
            .take(3)
            .filter(of_file)
            .map(|row| row.scores[0])
            .collect();
        let mean = last.iter().sum::<f32>() / last.len() as f32;
        assert!((row.scores[0] - mean).abs() < 1e-4, "{row:?} is not {mean}");
    }
    assert_ne!(plain, smooth);
}

/// A file whose scores are its readings, after one epoch 1 more: 0 to 99 in training rows, but for
/// anomalous ones.
fn readings(scene: &Scene) {
    let training = (0..110).map(|row| {
        if row % 11 == 10 {
            (1e6, 1)
        } else {
            (f64::from(row - row / 11), 0)
        }
    });
    let scoring = (0..100).map(|row| (f64::from(row), i32::from(row >= 80)));
    let lines = training
        .chain(scoring)
        .map(|(reading, label)| format!("{reading},{label}\n"));
    scene.write(
        "runs/0.csv",
        std::iter::once("reading,anomaly\n".to_owned())
            .chain(lines)
            .collect::<String>(),
    );
}

#[test]
fn a_threshold_is_taken_from_where_it_is_said_to_be_taken_from() {
    let scene = Scene::new();
    readings(&scene);
    let judged = |threshold: &str| {
        let usual = [
            "--plugin",
            "misbehaving",
            "--protocol",
            "prefix:110",
            "--epochs",
            "1",
        ];
        let arguments = [&usual[..], &["--threshold", threshold]].concat();
        evaluate(&scene, &fedhost_e2e::plugins(), &arguments)
            .expect_code(0)
            .json()["results"][0]
            .clone()
    };
    let quantile = judged("quantile:0.9");
    assert!(
        (90.0..=91.1).contains(&number(&quantile, "threshold")),
        "nine in ten normal rows lie below: {quantile}"
    );
    assert_eq!(quantile["threshold_from"], "training-scores");
    let value = judged("value:60.5");
    assert_eq!(
        (number(&value, "threshold"), &value["threshold_from"]),
        (60.5, &"given".into())
    );
    assert_eq!(
        (number(&value, "far"), number(&value, "mar")),
        (20.0 / 80.0, 0.0),
        "60 to 79 score 61 to 80"
    );
    let best = judged("best-f1");
    assert_eq!(
        (number(&best, "threshold"), number(&best, "f1")),
        (81.0, 1.0)
    );
    assert_eq!(best["threshold_from"], "scored-labels");
}

#[test]
fn work_is_the_same_each_time_it_is_counted() {
    let scene = two_runs();
    let counted = |arguments: &[&str]| {
        let arguments = [&["--plugin", "logistic-regression"], arguments].concat();
        judge(&scene, &arguments).expect_code(0).json()["results"][0]["fuel"].clone()
    };
    let fuel = counted(&["--fuel"]);
    assert!(fuel.as_u64().unwrap() > 1_000_000, "{fuel}");
    assert_eq!(counted(&["--fuel"]), fuel);
    assert!(counted(&[]).is_null(), "it is counted on request");
}

#[test]
fn limits_bind_every_plug_in_and_stand_in_the_document() {
    let limits = ["--limits", "fuel_per_call=100000", "call_deadline_ms=5000"];
    let document = judge(
        &two_runs(),
        &[&["--plugin", "logistic-regression"], &limits[..]].concat(),
    )
    .expect_code(1);
    let document = document.json();
    assert_eq!(
        document["results"][0]["status"], "fuel",
        "{}",
        document["results"][0]
    );
    assert_eq!(document["limits"]["call_deadline_ms"], 5000);
}

#[test]
fn what_is_asked_for_is_written() {
    let scene = two_runs();
    let files = [
        "--report",
        "out.html",
        "--table",
        "table.csv",
        "--scores",
        "scores.csv",
    ];
    judge(
        &scene,
        &[&["--plugin", "logistic-regression"], &files[..]].concat(),
    )
    .expect_code(0);
    let read = |file| std::fs::read_to_string(scene.path(file)).unwrap();
    read("out.html");
    let table = read("table.csv");
    let column = |line: &str| line.split(',').next().unwrap().to_owned();
    let expected = "plugin logistic-regression always never random repeat-last-label row-position";
    assert_eq!(
        table.lines().map(column).collect::<Vec<_>>().join(" "),
        expected
    );
    assert_eq!(
        read("scores.csv").lines().count(),
        1 + 180 + 135,
        "three in ten rows are scored"
    );
}
