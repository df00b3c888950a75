//! Every figure again, by other people's programs, from the raw scores alone.

use std::process::Command;

use fedhost_e2e::{Scene, catalogue, plugins, real_data, root};
use serde_json::Value;

use super::{evaluate, names, noise, result, two_runs};

/// What `tests/python/figures.py` makes of the scores.
fn recomputed(scene: &Scene, document: &Value) -> Value {
    let python = root().join("target/python/bin/python");
    assert!(
        python.exists(),
        "there is no {}: run `scripts/setup test`, or `make test`",
        python.display()
    );
    let document = scene.write("document.json", document.to_string());
    let mut command = Command::new(python);
    command
        .arg(root().join("tests/python/figures.py"))
        .arg(scene.path("scores.csv"))
        .arg(document);
    let output = command
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Fails unless every figure is the same to nine digits, and is there or not there in both.
fn expect_same(ours: &Value, theirs: &Value, name: &str) {
    match (ours.as_f64(), theirs.as_f64()) {
        (Some(ours), Some(theirs)) => assert!(
            (ours - theirs).abs() < 1e-9,
            "{name} is {ours}, and {theirs} there"
        ),
        _ if theirs.is_object() && ours.is_object() => {
            names(theirs).iter().for_each(|part| {
                expect_same(&ours[part], &theirs[part], &format!("{name}.{part}"))
            });
        }
        _ => assert_eq!(ours, theirs, "{name}"),
    }
}

/// Judges, and has every figure computed again.
fn confirm(scene: &Scene, folder: &std::path::Path, arguments: &[&str]) -> Value {
    let document = evaluate(
        scene,
        folder,
        &[arguments, &["--scores", "scores.csv"]].concat(),
    )
    .expect_code(0)
    .json();
    let theirs = recomputed(scene, &document);
    for plugin in names(&theirs) {
        let ours = result(&document, plugin);
        for figure in names(&theirs[plugin]) {
            let ours = if figure == "brier" {
                &ours["calibration"]["probabilities"]["brier"]
            } else {
                &ours[figure]
            };
            expect_same(
                ours,
                &theirs[plugin][figure],
                &format!("{arguments:?}: {plugin}: {figure}"),
            );
        }
    }
    document
}

const SEVERAL: [&str; 6] = [
    "--plugin",
    "logistic-regression",
    "--plugin",
    "ewma",
    "--plugin",
    "pca-t2q",
];

#[test]
fn scikit_learn_finds_the_same_figures() {
    let scene = two_runs();
    let cases: [&[&str]; 4] = [
        &["--protocol", "prefix:200", "--threshold", "quantile:0.99"],
        &[
            "--protocol",
            "split:0.3",
            "--threshold",
            "best-f1",
            "--smooth",
            "5",
        ],
        &["--protocol", "prequential:20"],
        // Nothing is flagged.
        &[
            "--protocol",
            "by-file:0.5",
            "--threshold",
            "value:1000000000",
        ],
    ];
    for case in cases {
        let document = confirm(
            &scene,
            &catalogue(),
            &[&SEVERAL[..], &["--ignore", "time"], case].concat(),
        );
        assert!(
            result(&document, "pca-t2q")["nab"]["standard"].is_number(),
            "{document}"
        );
    }
}

#[test]
fn scores_that_are_all_tied_or_probabilities_have_the_same_figures_too() {
    let scene = two_runs();
    let informer = [
        "--plugin",
        "misbehaving",
        "--parameters",
        "misbehaving.act=informs",
        "--ignore",
        "time",
    ];
    let document = confirm(
        &scene,
        &plugins(),
        &[&informer[..], &["--protocol", "prefix:200"]].concat(),
    );
    assert!(
        result(&document, "misbehaving")["calibration"]["probabilities"]["brier"].is_number(),
        "{document}"
    );
}

/// Runs like those of the Skoltech benchmark: eight readings, one long anomaly in each, at another
/// place.
fn testbed() -> Scene {
    let scene = Scene::new();
    for run in 0..4 {
        let mut text = "a;b;c;d;e;f;g;h;anomaly\n".to_owned();
        let (first, last) = (500 + 40 * run, 700 + 20 * run);
        for row in 0..900 {
            let anomalous = (first..last).contains(&row);
            let shift = if anomalous { 0.2 } else { 0.0 };
            let readings = (0..8)
                .map(|column| format!("{:.3};", noise(100_000 * run + 8 * row + column) + shift));
            text.extend(readings);
            text += if anomalous { "1\n" } else { "0\n" };
        }
        scene.write(&format!("runs/{run}.csv"), text);
    }
    scene
}

#[test]
fn the_numenta_score_is_that_of_the_published_formula() {
    let document = confirm(
        &testbed(),
        &catalogue(),
        &[&SEVERAL[..], &["--protocol", "prefix:400"]].concat(),
    );
    let standard = result(&document, "pca-t2q")["nab"]["standard"]
        .as_f64()
        .unwrap();
    assert!((0.0..100.0).contains(&standard), "{standard}");
}

#[test]
fn on_the_numenta_series_it_is_so_as_well() {
    let Some(nab) = real_data("NAB_DIR", "nab") else {
        return;
    };
    let scene = Scene::new();
    for name in ["rogue_agent_key_hold", "rogue_agent_key_updown"] {
        scene.write(
            &format!("runs/{name}.csv"),
            std::fs::read(nab.join(format!("{name}.csv"))).unwrap(),
        );
    }
    confirm(
        &scene,
        &catalogue(),
        &[
            &SEVERAL[..],
            &["--protocol", "split:0.15", "--ignore", "timestamp"],
        ]
        .concat(),
    );
}
