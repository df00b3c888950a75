//! Plug-ins that fail: each is reported with its failure, and a correct plug-in in the same
//! evaluation has the same result as alone.

use std::sync::LazyLock;

use fedhost_e2e::{Scene, plugins};
use handmade::{Handmade, binary};
use serde_json::Value;

use super::{judge, lasting, result, two_runs};

/// A deadline that only a call without end reaches, however busy the machine is.
const LIMITS: [&str; 3] = ["--limits", "call_deadline_ms=3000", "output_bytes=1048576"];

static ALONE: LazyLock<Value> = LazyLock::new(|| {
    let arguments = [&["--plugin", "logistic-regression"], &LIMITS[..]].concat();
    lasting(result(
        &judge(&two_runs(), &arguments).expect_code(0).json(),
        "logistic-regression",
    ))
});

fn fails(act: &str, status: &str, words: &str) {
    let act = format!("misbehaving.act={act}");
    let both = [
        "--plugin",
        "misbehaving",
        "--plugin",
        "logistic-regression",
        "--parameters",
        &act,
    ];
    let run = judge(&two_runs(), &[&both, &LIMITS[..]].concat()).expect_code(1);
    let document = run.json();
    let failed = result(&document, "misbehaving");
    assert_eq!(failed["status"], status, "{failed}");
    let error = failed["error"].as_str().unwrap();
    assert!(error.contains(words), "no {words:?} in {error}");
    assert!(
        run.stderr.contains(&format!("misbehaving ({status}): ")) && run.stderr.contains(words),
        "{}",
        run.stderr
    );
    assert!(
        failed["roc_auc"].is_null() && failed["scored_rows"] == 0,
        "there is nothing to believe: {failed}"
    );
    assert_eq!(
        lasting(result(&document, "logistic-regression")),
        *ALONE,
        "{act}"
    );
}

#[test]
fn one_that_crashes_is_told_by_its_trap() {
    fails("trap", "trap", "wasm `unreachable` instruction executed");
}

#[test]
fn one_that_never_answers_is_stopped() {
    fails(
        "spin-in-score",
        "deadline",
        "stopped at the limit of 3000 ms",
    );
}

#[test]
fn one_that_never_opens_is_stopped() {
    fails(
        "spin-in-open",
        "deadline",
        "stopped at the limit of 3000 ms",
    );
}

#[test]
fn one_that_wants_all_the_memory_gets_its_limit_and_no_more() {
    fails("allocate", "memory", "the limit is 67108864");
}

#[test]
fn one_that_answers_with_too_much_is_cut_off() {
    fails("huge-output", "output-too-large", "1048576");
}

#[test]
fn one_with_a_score_too_many_is_not_believed() {
    fails("too-many-scores", "invalid-output", "scores for");
}

#[test]
fn one_with_a_score_too_few_is_not_believed() {
    fails("too-few-scores", "invalid-output", "scores for");
}

#[test]
fn one_whose_scores_are_no_numbers_is_not_believed() {
    fails("nan-scores", "invalid-output", "its score of row 0 is NaN");
}

#[test]
fn one_whose_scores_are_infinite_is_not_believed() {
    fails(
        "infinite-scores",
        "invalid-output",
        "its score of row 0 is inf",
    );
}

#[test]
fn one_that_declines_says_why() {
    fails("error", "refused", "asked to fail, and failing");
}

#[test]
fn files_that_are_no_plug_ins_are_results_too() {
    let scene = two_runs();
    let good = std::fs::read(plugins().join("logistic-regression.wasm")).unwrap();
    let files: [(&str, Vec<u8>, &str); 5] = [
        (
            "module",
            Handmade::passing("module").module(),
            "it is a core module, not a component",
        ),
        (
            "truncated",
            good[..good.len() / 2].to_vec(),
            "it is damaged",
        ),
        ("text", b"#!/bin/sh\n".to_vec(), "it is no WebAssembly file"),
        (
            "untrusted",
            binary("(component)"),
            "no plug-in for this host",
        ),
        (
            "greedy",
            binary(
                "(component (import \"fedhost:plugin/host@0.1.0\" (instance)) (import \"wasi:filesystem/types@0.2.0\" (instance)))",
            ),
            "it imports wasi:filesystem/types@0.2.0",
        ),
    ];
    let paths = files.iter().map(|(name, bytes, _)| {
        scene
            .write(&format!("{name}.wasm"), bytes)
            .display()
            .to_string()
    });
    let paths: Vec<String> = paths.collect();
    let mut arguments: Vec<&str> = paths.iter().flat_map(|path| ["--plugin", path]).collect();
    arguments.extend(["--plugin", "logistic-regression"]);
    let run = judge(&scene, &[&arguments, &LIMITS[..]].concat()).expect_code(1);
    let document = run.json();
    for (name, bytes, words) in files {
        let refused = result(&document, name);
        assert_eq!(
            (&refused["status"], &refused["calls"]),
            (&"refused".into(), &0.into()),
            "{refused}"
        );
        let error = refused["error"].as_str().unwrap();
        assert!(
            error.contains(words) && run.stderr.contains(words),
            "no {words:?} in {error}"
        );
        let digest = fedhost_domain::model::Sha256Hex::of(&bytes);
        assert_eq!(
            refused["sha256"],
            digest.to_string(),
            "which file it was is known: {refused}"
        );
    }
    assert_eq!(lasting(result(&document, "logistic-regression")), *ALONE);
}

#[test]
fn one_that_fails_late_costs_the_others_nothing() {
    let scene: Scene = two_runs();
    let act = "misbehaving.act=trap-after-1000-calls";
    let both = [
        "--plugin",
        "misbehaving",
        "--plugin",
        "logistic-regression",
        "--parameters",
        act,
        "--batch",
        "1",
    ];
    // One instance scores all rows of a file, and each row takes a call.
    scene.write("runs/2.csv", super::machine(1_800, 2));
    let document = judge(&scene, &[&both[..], &["--protocol", "prefix:400"]].concat())
        .expect_code(1)
        .json();
    assert_eq!(result(&document, "misbehaving")["status"], "trap");
    assert_eq!(result(&document, "logistic-regression")["status"], "ok");
}
