//! `evaluate`: what it says of a model can be believed.

mod cheats;
mod document;
mod failures;
mod interrupting;
mod memory;
mod mistakes;
mod options;
mod protocols;
mod real_data;
mod scikit_learn;

use std::fmt::Write as _;
use std::path::Path;

use fedhost_e2e::{Finished, Scene, plugins};
use serde_json::Value;

/// A run of a made-up machine whose readings shift in the last 30 of every 150 rows.
fn machine(rows: u32, run: u32) -> String {
    let mut text = "time,pressure,flow,current,anomaly\n".to_owned();
    for row in 0..rows {
        let anomalous = row % 150 >= 120;
        let shift = if anomalous { 0.5 } else { 0.0 };
        let noise = |column| noise(1_000_003 * run + 4 * row + column);
        let (pressure, flow, current) = (noise(0) + shift, noise(1), noise(2) - shift);
        writeln!(
            text,
            "{row},{pressure:.4},{flow:.4},{current:.4},{}",
            u8::from(anomalous)
        )
        .unwrap();
    }
    text
}

/// From 0 to 1, and another one for every number.
fn noise(number: u32) -> f64 {
    let mixed = (number ^ (number >> 15)).wrapping_mul(0x2c1b_3c6d);
    let mixed = (mixed ^ (mixed >> 12)).wrapping_mul(0x297a_2d39);
    f64::from(mixed ^ (mixed >> 15)) / f64::from(u32::MAX)
}

/// A folder with two runs of the machine.
fn two_runs() -> Scene {
    let scene = Scene::new();
    scene.write("runs/0.csv", machine(600, 0));
    scene.write("runs/1.csv", machine(450, 1));
    scene
}

/// Judges plug-ins by the runs in `runs`; a JSON document is on stdout.
fn evaluate(scene: &Scene, folder: &Path, arguments: &[&str]) -> Finished {
    let folder = folder.display().to_string();
    let usual = [
        "evaluate",
        "--plugins-dir",
        &folder,
        "--label",
        "anomaly",
        "--data",
        "runs/**/*.csv",
        "--json",
        "-q",
    ];
    scene.fedhost(&[&usual[..], arguments].concat())
}

/// Judges components that tests are made with, by rows whose time is left out.
fn judge(scene: &Scene, arguments: &[&str]) -> Finished {
    evaluate(
        scene,
        &plugins(),
        &[&["--ignore", "time"], arguments].concat(),
    )
}

/// What a document says of a plug-in.
fn result<'a>(document: &'a Value, plugin: &str) -> &'a Value {
    let results = document["results"].as_array().unwrap();
    results
        .iter()
        .find(|result| result["plugin"] == plugin)
        .unwrap()
}

/// A result without what another run need not have: times.
fn lasting(result: &Value) -> Value {
    let mut result = result.clone();
    let times = [
        "busy_seconds",
        "fit_seconds",
        "score_seconds",
        "preprocess_seconds",
        "rows_per_second",
    ];
    result
        .as_object_mut()
        .unwrap()
        .retain(|name, _| !times.contains(&name.as_str()));
    result
}

fn names(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

fn number(value: &Value, name: &str) -> f64 {
    assert!(value[name].is_number(), "{name} is {}", value[name]);
    value[name].as_f64().unwrap()
}

/// A line of a file of scores.
#[derive(Clone, Debug, PartialEq)]
struct Scored {
    file: String,
    row: u64,
    anomalous: bool,
    /// One a plug-in.
    scores: Vec<f32>,
}

/// Reads what `--scores` has written.
fn scores(scene: &Scene, file: &str) -> Vec<Scored> {
    let text = std::fs::read_to_string(scene.path(file)).unwrap();
    let lines = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>());
    let scored = lines.map(|fields| Scored {
        file: fields[0].to_owned(),
        row: fields[1].parse().unwrap(),
        anomalous: fields[2] == "1",
        scores: fields[3..]
            .iter()
            .map(|score| score.parse().unwrap())
            .collect(),
    });
    scored.collect()
}
