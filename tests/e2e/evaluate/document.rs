//! The JSON document: every field that is promised, and what it means.

use fedhost_domain::model::Sha256Hex;
use fedhost_e2e::plugins;

use super::{judge, machine, names, number, result, scores, two_runs};

const DATA: [&str; 5] = ["files", "rows", "columns", "anomalous", "sha256"];
const RESULT: [&str; 19] = [
    "plugin",
    "version",
    "sha256",
    "status",
    "roc_auc",
    "average_precision",
    "f1",
    "precision",
    "recall",
    "far",
    "mar",
    "threshold",
    "fit_seconds",
    "score_seconds",
    "rows_per_second",
    "peak_memory_bytes",
    "calls",
    "error",
    "detection_delay",
];

#[test]
fn every_field_is_there_and_means_what_is_promised() {
    let scene = two_runs();
    let protocol = [
        "--protocol",
        "prefix:300",
        "--seed",
        "7",
        "--threshold",
        "best-f1",
        "--scores",
        "scores.csv",
    ];
    let run = judge(
        &scene,
        &[&["--plugin", "logistic-regression"], &protocol[..]].concat(),
    )
    .expect_code(0);
    let document = run.json();
    assert_eq!(
        (&document["protocol"], &document["seed"]),
        (&"prefix:300".into(), &7.into())
    );

    let data = &document["data"];
    assert!(DATA.iter().all(|name| names(data).contains(name)), "{data}");
    assert_eq!(
        (&data["files"], &data["rows"], &data["columns"]),
        (&2.into(), &1050.into(), &3.into())
    );
    assert_eq!(number(data, "anomalous"), 210.0 / 1050.0);
    let line = |text: String| format!("{} {}\n", Sha256Hex::of(text.as_bytes()), text.len());
    let digests = [line(machine(600, 0)), line(machine(450, 1))].concat();
    assert_eq!(
        data["sha256"],
        Sha256Hex::of(digests.as_bytes()).to_string()
    );

    let result = result(&document, "logistic-regression");
    assert!(
        RESULT.iter().all(|name| names(result).contains(name)),
        "{result}"
    );
    let component = std::fs::read(plugins().join("logistic-regression.wasm")).unwrap();
    assert_eq!(result["sha256"], Sha256Hex::of(&component).to_string());
    assert_eq!(
        (&result["version"], &result["status"]),
        (&"0.1.0".into(), &"ok".into())
    );
    assert!(result["error"].is_null(), "{result}");

    let scored = scores(&scene, "scores.csv");
    let flagged = |anomalous: bool| {
        let of_class = scored.iter().filter(|row| row.anomalous == anomalous);
        of_class
            .clone()
            .filter(|row| f64::from(row.scores[0]) >= number(result, "threshold") - 1e-6)
            .count() as f64
            / of_class.count() as f64
    };
    let close = |name, expected: f64| {
        assert!(
            (number(result, name) - expected).abs() < 1e-9 * expected.abs().max(1.0),
            "{name}: {result}"
        )
    };
    close("recall", flagged(true));
    close("mar", 1.0 - flagged(true));
    close("far", flagged(false));
    let (precision, recall) = (number(result, "precision"), number(result, "recall"));
    close("f1", 2.0 * precision * recall / (precision + recall));
    close(
        "rows_per_second",
        scored.len() as f64 / number(result, "score_seconds"),
    );
    assert!(
        number(result, "fit_seconds") > 0.0 && number(result, "peak_memory_bytes") > 65_536.0,
        "{result}"
    );
    // For each of two files: open, train, save; open, load, score what it was trained on; open,
    // load, score the rest. Every open, and the first training, which it declines without labels,
    // count too.
    assert!(
        (16..40).contains(&result["calls"].as_u64().unwrap()),
        "{result}"
    );
}

#[test]
fn what_needs_no_model_stands_beside_the_models() {
    let document = judge(&two_runs(), &["--plugin", "logistic-regression"])
        .expect_code(0)
        .json();
    let baselines = document["baselines"].as_array().unwrap();
    let figures = |name: &str| {
        baselines
            .iter()
            .find(|baseline| baseline["name"] == name)
            .unwrap()
    };
    for name in ["always", "never"] {
        assert_eq!(number(figures(name), "roc_auc"), 0.5);
    }
    assert_eq!(
        (
            number(figures("always"), "far"),
            number(figures("never"), "mar")
        ),
        (1.0, 1.0)
    );
    assert!((number(figures("random"), "roc_auc") - 0.5).abs() < 0.15);
    assert!(
        number(figures("repeat-last-label"), "f1") > 0.9,
        "windows are long"
    );
    assert!(figures("row-position")["roc_auc"].is_number());
}

#[test]
fn the_document_says_how_to_do_it_again() {
    let scene = two_runs();
    let document = judge(
        &scene,
        &["--plugin", "logistic-regression", "--protocol", "split:0.5"],
    )
    .expect_code(0)
    .json();
    let command = document["command"]
        .as_str()
        .unwrap()
        .replacen("fedhost", "\"$FEDHOST\"", 1);
    let again = scene.shell(&command).expect_code(0).json();
    let judged = |document| super::lasting(result(document, "logistic-regression"));
    assert_eq!(judged(&document), judged(&again));
    assert_eq!(document["data"], again["data"]);
    assert!(document["version"].is_string() && document["machine"]["cores"].is_string());
}

#[test]
fn scores_have_a_line_for_every_scored_row_and_a_column_for_every_plug_in() {
    let scene = two_runs();
    let both = [
        "--plugin",
        "misbehaving",
        "--plugin",
        "logistic-regression",
        "--scores",
        "scores.csv",
    ];
    judge(&scene, &[&both[..], &["--protocol", "split:0.5"]].concat()).expect_code(0);
    let text = std::fs::read_to_string(scene.path("scores.csv")).unwrap();
    assert!(
        text.starts_with("file,row,label,misbehaving,logistic-regression\n"),
        "{}",
        &text[..80]
    );
    let scored = scores(&scene, "scores.csv");
    let expected = (300..600)
        .map(|row| ("0.csv", row))
        .chain((225..450).map(|row| ("1.csv", row)));
    assert!(
        scored
            .iter()
            .map(|row| (row.file.as_str(), row.row))
            .eq(expected)
    );
    assert!(
        scored
            .iter()
            .all(|row| row.scores.len() == 2 && row.anomalous == (row.row % 150 >= 120))
    );
}

#[test]
fn scores_of_a_plug_in_that_failed_are_left_out() {
    let scene = two_runs();
    let both = [
        "--plugin",
        "misbehaving",
        "--plugin",
        "logistic-regression",
        "--scores",
        "scores.csv",
    ];
    judge(
        &scene,
        &[&both[..], &["--parameters", "misbehaving.act=trap"]].concat(),
    )
    .expect_code(1);
    let text = std::fs::read_to_string(scene.path("scores.csv")).unwrap();
    assert!(
        text.starts_with("file,row,label,logistic-regression\n"),
        "{}",
        &text[..80]
    );
}
