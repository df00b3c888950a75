//! A run from nothing: the model gets better, and the run says so in every way it has.

use fedhost_e2e::{Scene, predictions, simulated};

#[test]
fn two_nodes_learn_together_and_the_report_shows_it() {
    let scene = Scene::new();
    scene.write("run.toml", simulated(4_000, 12));
    let run = scene.fedhost(&["run", "run.toml"]).expect_code(0);

    let rounds = scene.events_named("round_closed");
    assert_eq!(rounds.len(), 12);
    for (number, round) in (1..).zip(&rounds) {
        assert_eq!(round["round"], number);
        assert_eq!(
            round["participants"].as_array().unwrap().len(),
            2,
            "{round}"
        );
        assert_eq!(round["closed_by"], "complete");
    }
    let losses: Vec<f64> = rounds
        .iter()
        .map(|round| round["loss"].as_f64().unwrap())
        .collect();
    assert!(losses[11] < losses[0], "the loss falls: {losses:?}");
    let evaluations = scene.events_named("round_evaluated");
    let last = evaluations.last().unwrap()["after"]["roc_auc"]
        .as_f64()
        .unwrap();
    let first = evaluations[0]["after"]["roc_auc"].as_f64().unwrap();
    assert!(
        last > first && last > 0.8,
        "the ROC AUC of held-out rows rises: {first} to {last}"
    );

    assert!(
        run.stderr.contains("round  nodes    samples"),
        "{}",
        run.stderr
    );
    assert!(run.stdout.contains("weights sha256"), "{}", run.stdout);

    let report = scene
        .fedhost(&[
            "report",
            "data/aggregation_log.jsonl",
            "--out",
            "report.html",
        ])
        .expect_code(0);
    assert_eq!(report.stdout.trim(), "report.html");
    let page = std::fs::read_to_string(scene.path("report.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("fog-node-2") && !page.contains("src=\"http"));
}

#[test]
fn every_row_is_scored_once_with_the_newest_model() {
    let scene = Scene::new();
    scene.write("run.toml", simulated(1_000, 3));
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);

    let predictions = predictions(&scene.path("data"));
    let ids: std::collections::HashSet<&str> = predictions
        .iter()
        .map(|message| message["message_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), predictions.len(), "no message is repeated");
    for node in 1..=2 {
        let of_node: Vec<_> = predictions
            .iter()
            .filter(|message| message["data"]["node"] == node)
            .collect();
        let offsets = of_node
            .iter()
            .map(|message| message["metadata"]["input"]["offset"].as_u64().unwrap());
        assert!(
            offsets
                .enumerate()
                .all(|(index, offset)| index as u64 == offset),
            "in order, without a gap"
        );
        let versions: Vec<u64> = of_node
            .iter()
            .map(|message| message["data"]["model_version"].as_u64().unwrap())
            .collect();
        assert!(
            versions.is_sorted(),
            "a row is never scored with an older model than the row before"
        );
        assert!(
            of_node
                .iter()
                .all(|message| (message["data"]["model_version"] == 0)
                    == message["data"]["score"].is_null())
        );
    }
}

#[test]
fn the_same_manifest_gives_the_same_model() {
    let sha256 = || {
        let scene = Scene::new();
        scene.write("run.toml", simulated(1_200, 4));
        scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
        scene.events_named("run_finished")[0]["weights_sha256"].clone()
    };
    let first = sha256();
    assert!(first.is_string());
    assert_eq!(first, sha256());
}

#[test]
fn roles_run_one_by_one_on_the_same_log() {
    let scene = Scene::new();
    scene.write("run.toml", simulated(800, 3));
    for arguments in [&["--node", "1"][..], &["--node", "2"]] {
        let sensors = [
            &["run", "run.toml", "-q", "--role", "sensor"][..],
            arguments,
        ]
        .concat();
        scene.fedhost(&sensors).expect_code(0);
    }
    assert_eq!(scene.events_named("sensor_finished").len(), 2);
    assert!(scene.events_named("round_closed").is_empty());
    scene
        .fedhost(&[
            "run",
            "run.toml",
            "-q",
            "--role",
            "aggregator",
            "--role",
            "fog-node",
        ])
        .expect_code(0);
    assert_eq!(scene.events_named("round_closed").len(), 3);
}
