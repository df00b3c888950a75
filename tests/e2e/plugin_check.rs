//! `plugin check`: every promise can be seen to be broken, and what keeps them all passes.

use fedhost_e2e::{Finished, Scene, plugins};
use serde_json::Value;

fn component(name: &str) -> String {
    plugins().join(format!("{name}.wasm")).display().to_string()
}

/// Names of the promises that a plug-in breaks while it acts so.
fn broken(plugin: &str, act: &str) -> Vec<String> {
    let act = format!("act={act}");
    let arguments = [
        "--parameter",
        &act,
        "--limit",
        "call_deadline_ms=400",
        "--json",
    ];
    let run =
        Scene::new().fedhost(&[&["plugin", "check", &component(plugin)], &arguments[..]].concat());
    let faults: Vec<String> = checks(&run)
        .into_iter()
        .filter(|check| !check["fault"].is_null())
        .map(name)
        .collect();
    assert_eq!(
        run.code,
        Some(i32::from(!faults.is_empty())),
        "{}",
        run.stderr
    );
    faults
}

fn checks(run: &Finished) -> Vec<Value> {
    run.json()[0]["checks"].as_array().unwrap().clone()
}

fn name(check: Value) -> String {
    check["check"].as_str().unwrap().to_owned()
}

#[test]
fn a_model_that_keeps_every_promise_passes() {
    assert_eq!(broken("misbehaving", "none"), Vec::<String>::new());
}

#[test]
fn each_promise_of_a_model_is_seen_to_be_broken() {
    let cases = [
        ("learns-by-the-clock", "training/determinism"),
        ("hidden-momentum", "training/save-load"),
        ("wrong-shape-weights", "scoring/takes-model"),
        ("grows", "scoring/state-shape"),
        ("takes-anything", "training/foreign-weights"),
        ("takes-anything", "scoring/foreign-state"),
        ("no-samples", "training/learns"),
        ("silent", "training/progress"),
        ("ignore-stop", "training/stop"),
        ("divides-by-rows", "training/zero-rows"),
        ("divides-by-rows", "scoring/zero-rows"),
        ("wants-two-rows", "training/one-row"),
        ("wants-two-rows", "scoring/one-row"),
        ("divides-by-range", "training/constant-columns"),
        ("divides-by-range", "scoring/constant-columns"),
        ("lets-nan-in", "training/missing-values"),
        ("lets-nan-in", "scoring/missing-values"),
        ("remembers-nan", "scoring/missing-values"),
        ("declines-trained", "scoring/takes-model"),
        ("codes-in-weights", "scoring/takes-mean"),
        ("looks-around", "scoring/batch-split"),
        ("looks-back", "scoring/save-restore"),
        ("nan-weights", "training/shapes"),
        ("too-few-scores", "scoring/determinism"),
    ];
    for (act, promise) in cases {
        let broken = broken("misbehaving", act);
        assert!(
            broken.iter().any(|broken| broken == promise),
            "{act} breaks {broken:?}, not {promise}"
        );
    }
}

#[test]
fn each_promise_of_a_preprocessor_is_seen_to_be_broken() {
    let cases = [
        ("too-few-rows", "preprocessing/determinism"),
        ("looks-around", "preprocessing/batch-split"),
        ("forgets", "preprocessing/save-restore"),
        ("takes-anything", "preprocessing/foreign-state"),
        ("wants-two-rows", "preprocessing/one-row"),
        ("divides-by-range", "preprocessing/constant-columns"),
        ("remembers-nan", "preprocessing/missing-values"),
        ("renames", "preprocessing/columns"),
        ("fit-does-nothing", "preprocessing/fit"),
        ("looks-at-labels", "preprocessing/labels"),
    ];
    // What it says of itself is never the same.
    assert_eq!(
        broken("misbehaving-preprocessor", "none"),
        ["card/describe"]
    );
    for (act, promise) in cases {
        let broken = broken("misbehaving-preprocessor", act);
        assert!(
            broken.iter().any(|broken| broken == promise),
            "{act} breaks {broken:?}, not {promise}"
        );
    }
}

#[test]
fn a_file_with_another_name_and_a_parameter_that_ends_the_instance_are_found() {
    let scene = Scene::new();
    scene.write(
        "other.wasm",
        std::fs::read(component("misbehaving")).unwrap(),
    );
    let limit = [
        "--limit",
        "call_deadline_ms=100",
        "--limit",
        "memory_bytes=16777216",
    ];
    let run = scene
        .fedhost(&[&["plugin", "check", "other.wasm"], &limit[..]].concat())
        .expect_code(1);
    for words in [
        "the file is other.wasm, the plug-in misbehaving",
        "opened it with act = \"spin-in-open\"",
        "stopped at the limit of 100 ms",
        "fix       rename the file",
    ] {
        assert!(run.stdout.contains(words), "no {words:?} in {}", run.stdout);
    }
    assert!(
        run.stderr.contains("other.wasm breaks 2 of 25 promises"),
        "{}",
        run.stderr
    );
}

#[test]
fn our_plug_ins_keep_every_promise() {
    let names = [
        "baseline-deviation",
        "logistic-regression",
        "standard-scaler",
    ]
    .map(component);
    let files: Vec<&str> = names.iter().map(String::as_str).collect();
    let run = Scene::new()
        .fedhost(&[&["plugin", "check"], &files[..]].concat())
        .expect_code(0);
    assert!(
        run.stdout.contains("  ok    preprocessing/batch-split") && !run.stdout.contains("FAIL"),
        "{}",
        run.stdout
    );
}

#[test]
fn what_cannot_be_checked_is_said_to_be_so() {
    let scene = Scene::new();
    scene.write("damaged.wasm", b"\0asm\x01\0\0\0");
    let damaged = scene.fedhost(&["plugin", "check", "."]).expect_code(1);
    assert!(damaged.stderr.contains("core module"), "{}", damaged.stderr);
    scene
        .fedhost(&["plugin", "check", "absent.wasm"])
        .expect_code(2);
    let model = component("logistic-regression");
    let unknown = scene
        .fedhost(&["plugin", "check", &model, "--parameter", "rate=1"])
        .expect_code(2);
    assert!(
        unknown.stderr.contains("learning_rate"),
        "{}",
        unknown.stderr
    );
    let unknown = scene
        .fedhost(&["plugin", "check", &model, "--limit", "memory=1"])
        .expect_code(2);
    assert!(
        unknown.stderr.contains("memory_bytes"),
        "{}",
        unknown.stderr
    );
}
