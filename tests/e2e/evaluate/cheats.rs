//! Models that cheat: each is detected and named, and an honest model in the same evaluation has the
//! same result as alone.

use std::fmt::Write as _;
use std::sync::LazyLock;

use fedhost_e2e::{Scene, catalogue};
use serde_json::Value;

use super::{evaluate, judge, lasting, noise, number, result, two_runs};

/// An honest model, evaluated alone.
static ALONE: LazyLock<Value> = LazyLock::new(|| {
    let run = judge(&two_runs(), &["--plugin", "logistic-regression"]).expect_code(0);
    lasting(result(&run.json(), "logistic-regression"))
});

/// Names of the promises that a result says are broken.
fn broken(result: &Value) -> Vec<&str> {
    let findings = result["integrity"].as_array().unwrap().iter();
    findings
        .filter(|finding| finding["kept"] == false)
        .map(|finding| finding["check"].as_str().unwrap())
        .collect()
}

fn is_caught(act: &str, promises: &[&str], words: &str) {
    let act = format!("misbehaving.act={act}");
    let both = [
        "--plugin",
        "misbehaving",
        "--plugin",
        "logistic-regression",
        "--parameters",
        &act,
    ];
    let run = judge(&two_runs(), &both).expect_code(1);
    let document = run.json();
    let cheat = result(&document, "misbehaving");
    assert_eq!(
        (&cheat["status"], broken(cheat)),
        (&"invalid-output".into(), promises.to_vec()),
        "{act}"
    );
    for text in [cheat["error"].as_str().unwrap(), run.stderr.as_str()] {
        assert!(
            text.contains("it breaks a promise (") && text.contains(words),
            "{act}: no {words:?} in {text}"
        );
    }
    assert!(
        cheat["roc_auc"].is_number(),
        "what it would have come to is shown: {cheat}"
    );
    assert_eq!(
        lasting(result(&document, "logistic-regression")),
        *ALONE,
        "{act}"
    );
}

#[test]
fn one_that_counts_rows_is_caught() {
    let words = "(row-number: scores follow the rows, not their numbers): in shuffled rows, 100 % of what makes scores \
                 differ is the number of the row";
    is_caught("counts-rows", &["row-number"], words);
}

#[test]
fn one_that_counts_rows_half_of_the_time_is_caught() {
    is_caught(
        "half-counts-rows",
        &["row-number"],
        "scores follow the rows, not their numbers",
    );
}

#[test]
fn one_whose_scores_grow_with_the_rows_behind_it_is_caught() {
    is_caught(
        "looks-back",
        &["row-number"],
        "scores follow the rows, not their numbers",
    );
}

#[test]
fn one_that_counts_calls_is_caught() {
    is_caught(
        "counts-calls",
        &["batch-cuts"],
        "scores do not depend on where batches are cut",
    );
}

#[test]
fn one_that_looks_at_the_next_row_is_caught() {
    is_caught(
        "looks-ahead",
        &["batch-cuts", "later-rows"],
        "a score does not depend on later rows",
    );
}

#[test]
fn one_that_looks_at_all_rows_of_a_batch_is_caught() {
    is_caught(
        "looks-around",
        &["batch-cuts", "later-rows"],
        "when the same rows came in smaller batches",
    );
}

#[test]
fn one_that_repeats_the_last_label_is_caught() {
    let words =
        "after trainings on random labels, the scores correlate with the last label by 1.00";
    is_caught("repeats-label", &["last-label"], words);
}

/// Runs of noise whose last third is labelled anomalous; no value depends on the label.
fn trap(scene: &Scene) {
    for run in 0..2 {
        let mut text = "reading,anomaly\n".to_owned();
        for row in 0..300 {
            writeln!(
                text,
                "{:.4},{}",
                noise(1_000 * run + row),
                u8::from(row >= 200)
            )
            .unwrap();
        }
        scene.write(&format!("runs/{run}.csv"), text);
    }
}

#[test]
fn one_that_would_win_stands_below_an_honest_one() {
    let scene = Scene::new();
    trap(&scene);
    for (act, protocol) in [
        ("counts-rows", "by-file:0.5"),
        ("repeats-label", "prequential:1"),
    ] {
        let act = format!("misbehaving.act={act}");
        let both = [
            "--plugin",
            "misbehaving",
            "--plugin",
            "logistic-regression",
            "--parameters",
            &act,
        ];
        let arguments = [
            &both[..],
            &[
                "--protocol",
                protocol,
                "--batch",
                "1",
                "--table",
                "table.csv",
            ],
        ]
        .concat();
        let run = evaluate(&scene, &fedhost_e2e::plugins(), &arguments).expect_code(1);
        let document = run.json();
        let auc = |plugin| number(result(&document, plugin), "roc_auc");
        assert!(
            auc("misbehaving") > 0.98 && auc("logistic-regression") < 0.9,
            "{act}: {document}"
        );
        // When people are shown the table
        let usual = [
            "evaluate",
            "--plugins-dir",
            &fedhost_e2e::plugins().display().to_string(),
            "-q",
        ];
        let data = ["--data", "runs/*.csv", "--label", "anomaly"];
        let shown = scene
            .fedhost(&[&usual[..], &data, &arguments].concat())
            .expect_code(1);
        let place = |plugin: &str| shown.stdout.find(&format!("\n{plugin} ")).unwrap();
        assert!(
            place("logistic-regression") < place("misbehaving"),
            "{}",
            shown.stdout
        );
    }
}

#[test]
fn honest_models_are_not_accused() {
    let scene = two_runs();
    for protocol in [
        "prefix:200",
        "split:0.5",
        "by-file:0.5",
        "stratified:0.7",
        "prequential:20",
    ] {
        let document = judge(&scene, &["--plugin", "misbehaving", "--protocol", protocol])
            .expect_code(0)
            .json();
        assert_eq!(
            broken(result(&document, "misbehaving")),
            Vec::<&str>::new(),
            "under {protocol}"
        );
    }
}

/// All that score rows.
pub(super) const CATALOGUE: [&str; 8] = [
    "autoencoder",
    "ewma",
    "half-space-trees",
    "isolation-forest",
    "logistic-regression",
    "mlp-classifier",
    "pca-t2q",
    "robust-zscore",
];

/// Fails if one of the catalogue does.
pub(super) fn expect_none_accused(scene: &Scene, arguments: &[&str]) {
    let plugins = CATALOGUE
        .iter()
        .flat_map(|name| ["--plugin", name])
        .collect::<Vec<_>>();
    let catalogue = catalogue().display().to_string();
    let usual = [
        "evaluate",
        "--plugins-dir",
        &catalogue,
        "--label",
        "anomaly",
        "--epochs",
        "5",
        "--json",
        "-q",
    ];
    let run = scene.fedhost(&[&usual[..], &plugins, arguments].concat());
    assert_eq!(run.code, Some(0), "{arguments:?}: {}", run.stderr);
    let document = run.json();
    for name in CATALOGUE {
        let findings = result(&document, name)["integrity"].as_array().unwrap();
        assert_eq!(findings.len(), 5, "{name} under {arguments:?}");
    }
}

#[test]
fn no_plug_in_of_the_catalogue_is_accused() {
    let scene = two_runs();
    // With few rows to train on, a detector that learns as it goes is still warming up when they
    // are all seen.
    for protocol in ["prefix:400", "prequential:20"] {
        expect_none_accused(
            &scene,
            &[
                "--data",
                "runs/*.csv",
                "--ignore",
                "time",
                "--protocol",
                protocol,
            ],
        );
    }
}
