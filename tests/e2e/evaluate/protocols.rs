//! Which rows are trained on and which are scored, observed by a model whose scores reveal its
//! input: a row's score is the number of trainings on rows with its number, plus a half when it is
//! scored with its label.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use fedhost_e2e::{Scene, plugins};
use serde_json::Value;

use super::{Scored, evaluate, judge, number, result, scores, two_runs};

/// A file of rows with these numbers, of which every third is anomalous.
fn table(scene: &Scene, file: &str, numbers: impl IntoIterator<Item = u32>) {
    let mut text = "number,anomaly\n".to_owned();
    for (row, number) in numbers.into_iter().enumerate() {
        writeln!(text, "{number},{}", u8::from(row % 3 == 2)).unwrap();
    }
    scene.write(&format!("runs/{file}.csv"), text);
}

/// The informer's scores, and the document.
fn evaluated(scene: &Scene, protocol: &str, arguments: &[&str]) -> (Vec<Scored>, Value) {
    let informer = [
        "--plugin",
        "misbehaving",
        "--parameters",
        "misbehaving.act=informs",
        "--labels",
        "always",
    ];
    let usual = [
        "--protocol",
        protocol,
        "--epochs",
        "1",
        "--scores",
        "scores.csv",
    ];
    let run = evaluate(scene, &plugins(), &[&informer, &usual, arguments].concat()).expect_code(0);
    let scored = scores(scene, "scores.csv");
    assert!(
        scored.iter().all(|row| row.scores[0].fract() == 0.0),
        "rows to score have no labels: {scored:?}"
    );
    (scored, run.json())
}

fn places(scored: &[Scored]) -> Vec<(&str, u64)> {
    scored
        .iter()
        .map(|row| (row.file.as_str(), row.row))
        .collect()
}

fn trainings(scored: &[Scored]) -> Vec<f32> {
    scored.iter().map(|row| row.scores[0]).collect()
}

fn rows(document: &Value) -> (f64, f64) {
    (
        number(document, "training_rows"),
        number(document, "scored_rows"),
    )
}

#[test]
fn prefix_gives_every_file_a_model_of_its_first_rows() {
    let scene = Scene::new();
    table(&scene, "0", (0..4).chain(0..4).chain([9]));
    table(&scene, "1", (10..14).chain(0..2));
    let (scored, document) = evaluated(&scene, "prefix:4", &[]);
    let expected = [
        ("0.csv", 4),
        ("0.csv", 5),
        ("0.csv", 6),
        ("0.csv", 7),
        ("0.csv", 8),
        ("1.csv", 4),
        ("1.csv", 5),
    ];
    assert_eq!(places(&scored), expected);
    assert_eq!(
        trainings(&scored),
        [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0],
        "0 and 1 are known to the other file's model"
    );
    assert_eq!(rows(&document), (8.0, 7.0));
}

#[test]
fn split_gives_one_model_the_first_rows_of_every_file() {
    let scene = Scene::new();
    table(&scene, "0", 0..6);
    table(&scene, "1", [6, 7, 0, 2, 3, 4]);
    let (scored, document) = evaluated(&scene, "split:0.5", &[]);
    let expected = [
        ("0.csv", 3),
        ("0.csv", 4),
        ("0.csv", 5),
        ("1.csv", 3),
        ("1.csv", 4),
        ("1.csv", 5),
    ];
    assert_eq!(places(&scored), expected);
    assert_eq!(
        trainings(&scored),
        [0.0, 0.0, 0.0, 1.0, 0.0, 0.0],
        "2 was among the first rows of the other file"
    );
    assert_eq!(rows(&document), (6.0, 6.0));
}

#[test]
fn by_file_gives_one_model_the_first_files_of_every_folder() {
    let scene = Scene::new();
    for (file, first) in [
        ("a/0", 0),
        ("a/1", 3),
        ("a/2", 6),
        ("b/0", 9),
        ("b/1", 12),
        ("b/2", 15),
    ] {
        table(&scene, file, first..first + 3);
    }
    let (scored, document) = evaluated(&scene, "by-file:0.67", &[]);
    let expected = [
        ("a/2.csv", 0),
        ("a/2.csv", 1),
        ("a/2.csv", 2),
        ("b/2.csv", 0),
        ("b/2.csv", 1),
        ("b/2.csv", 2),
    ];
    assert_eq!(places(&scored), expected);
    assert_eq!(trainings(&scored), [0.0; 6]);
    assert_eq!(rows(&document), (12.0, 6.0));
    // Given the numbers of the files that are trained on
    table(&scene, "b/2", [0, 11, 14]);
    assert_eq!(
        trainings(&evaluated(&scene, "by-file:0.67", &[]).0),
        [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    );
}

#[test]
fn stratified_shuffles_by_the_seed_and_keeps_the_classes() {
    let scene = Scene::new();
    table(&scene, "0", 0..60);
    let scored_with = |seed: &str| {
        let (scored, document) = evaluated(&scene, "stratified:0.7", &["--seed", seed]);
        assert_eq!(rows(&document), (42.0, 18.0));
        assert_eq!(scored.iter().filter(|row| row.anomalous).count(), 6);
        assert_eq!(trainings(&scored), [0.0; 18], "none of them was trained on");
        scored
    };
    let first = scored_with("1");
    assert_eq!(
        places(&first).iter().collect::<BTreeSet<_>>().len(),
        18,
        "each once"
    );
    assert!(!places(&first).is_sorted(), "they are shuffled");
    assert_eq!(first, scored_with("1"));
    assert_ne!(first, scored_with("2"));
}

#[test]
fn prequential_scores_every_row_before_its_label_is_due() {
    let scene = Scene::new();
    // Given numbers that come again after five rows
    table(&scene, "0", (0..20).map(|row| row % 5));
    table(&scene, "1", 0..3);
    let evaluated = |delay: &str| {
        let (scored, document) =
            evaluated(&scene, &format!("prequential:{delay}"), &["--batch", "1"]);
        let all = (0..20)
            .map(|row| ("0.csv", row))
            .chain((0..3).map(|row| ("1.csv", row)));
        assert_eq!(places(&scored), all.collect::<Vec<_>>());
        assert_eq!(rows(&document), (0.0, 23.0));
        trainings(&scored)
    };
    // Then a delay of four rows leaves all earlier ones of the number known, one of five rows all
    // but the last
    let known = |rounds: [f32; 4]| {
        rounds
            .into_iter()
            .flat_map(|times| [times; 5])
            .chain([0.0; 3])
            .collect::<Vec<_>>()
    };
    assert_eq!(evaluated("4"), known([0.0, 1.0, 2.0, 3.0]));
    assert_eq!(evaluated("5"), known([0.0, 0.0, 1.0, 2.0]));
}

#[test]
fn under_no_protocol_is_a_row_known_that_is_scored() {
    let scene = Scene::new();
    for (file, first) in [("a/0", 0), ("a/1", 100), ("b/0", 200), ("b/1", 300)] {
        table(&scene, file, first..first + 90);
    }
    for protocol in [
        "prefix:40",
        "split:0.7",
        "by-file:0.5",
        "stratified:0.3",
        "prequential:1",
    ] {
        let (scored, document) = evaluated(&scene, protocol, &["--batch", "7"]);
        assert!(
            scored.iter().all(|row| row.scores[0] == 0.0),
            "{protocol}: {scored:?}"
        );
        let distinct: BTreeSet<_> = places(&scored).into_iter().collect();
        let (training, scoring) = rows(&document);
        assert_eq!(
            distinct.len() as f64,
            scoring,
            "{protocol} scores each row once"
        );
        assert_eq!(training + scoring, 360.0, "{protocol} uses all rows");
    }
}

#[test]
fn labels_go_to_the_models_that_ask_for_them_or_to_none() {
    let scene = two_runs();
    let asks = [
        "--plugin",
        "misbehaving",
        "--parameters",
        "misbehaving.act=repeats-label",
    ];
    let judged = |labels: &str| judge(&scene, &[&asks[..], &["--labels", labels]].concat()).json();
    assert_eq!(
        result(&judged("where-needed"), "misbehaving")["labelled"],
        true
    );
    let declined = judged("never");
    let declined = result(&declined, "misbehaving");
    assert_eq!(
        (&declined["status"], &declined["labelled"]),
        (&"refused".into(), &false.into())
    );
    assert!(
        declined["error"]
            .as_str()
            .unwrap()
            .contains("it needs labels"),
        "{declined}"
    );
    let content = judge(&scene, &["--plugin", "misbehaving"])
        .expect_code(0)
        .json();
    assert_eq!(
        result(&content, "misbehaving")["labelled"],
        false,
        "one that does not ask gets none"
    );
}
