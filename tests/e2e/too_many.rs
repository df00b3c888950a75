//! Unusable records are retried and dead-lettered; when there are too many, a role stops without
//! loss.

use fedhost_e2e::{
    Finished, Scene, predictions, read_topic, simulated, write_record, write_records,
};

const NODES: [u32; 2] = [1, 2];

fn readings(node: u32) -> String {
    format!("sensor-data-node-{node}")
}

/// A model that learns, and whose scores are no numbers.
fn scene_that_cannot_score() -> Scene {
    let scene = Scene::new();
    let model = "plugin = \"misbehaving\"\nparameters = { act = \"nan-scores\" }";
    scene.write(
        "run.toml",
        simulated(6_000, 20).replace("plugin = \"logistic-regression\"", model),
    );
    scene
}

/// The header of that name of each dead-letter record, as text.
fn header(scene: &Scene, topic: &str, name: &str) -> Vec<String> {
    let dead_letters = read_topic(&scene.path("data"), topic);
    dead_letters
        .iter()
        .map(|dead_letter| String::from_utf8(dead_letter.header(name).unwrap().to_vec()).unwrap())
        .collect()
}

/// Offsets of a node's readings that were scored or dead-lettered, in order.
fn settled(scene: &Scene, node: u32) -> Vec<u64> {
    let topic = readings(node);
    let dead_letters = header(scene, &format!("{topic}.dlq"), "__connect.errors.offset");
    let mut offsets: Vec<u64> = dead_letters
        .iter()
        .map(|offset| offset.parse().unwrap())
        .collect();
    let messages = predictions(&scene.path("data"));
    let inputs = messages.iter().map(|message| &message["metadata"]["input"]);
    offsets.extend(
        inputs
            .filter(|input| input["topic"] == topic)
            .map(|input| input["offset"].as_u64().unwrap()),
    );
    offsets.sort_unstable();
    offsets
}

fn expect_all_once(scene: &Scene, when: &str) -> usize {
    let settled = NODES.map(|node| {
        let offsets = settled(scene, node);
        assert_eq!(
            offsets,
            (0..offsets.len() as u64).collect::<Vec<_>>(),
            "{when}, node {node}"
        );
        offsets.len()
    });
    settled.iter().sum()
}

fn expect_stopped(run: Finished, role: &str) -> Finished {
    let run = run.expect_code(1);
    assert!(
        run.stderr.contains(role) && run.stderr.contains("could not be used, so it stops"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr
            .contains("hint: look at them with `fedhost dlq list`"),
        "{}",
        run.stderr
    );
    run
}

#[test]
fn too_many_readings_that_cannot_be_scored_stop_the_node_and_none_is_lost() {
    let scene = scene_that_cannot_score();
    expect_stopped(scene.fedhost(&["run", "run.toml"]), "fog-node-");
    let first = expect_all_once(&scene, "after the first run");
    assert!(
        first < 12_000,
        "it stopped before the end of the readings: {first}"
    );

    let repaired = simulated(6_000, 20).replace("\"logistic-regression\"", "\"misbehaving\"");
    scene.write("run.toml", repaired);
    scene
        .fedhost(&["dlq", "acknowledge", "run.toml"])
        .expect_code(0);
    scene.fedhost(&["run", "run.toml"]).expect_code(0);
    let scored = predictions(&scene.path("data"))
        .iter()
        .filter(|message| !message["data"]["score"].is_null())
        .count();
    assert!(scored > 0 && expect_all_once(&scene, "after the plug-in was repaired") > first);
}

#[test]
fn a_failed_call_is_tried_again_and_a_reading_that_is_none_is_not() {
    let scene = scene_that_cannot_score();
    write_record(
        &scene.path("data"),
        &readings(1),
        "untrusted",
        b"not a reading",
    );
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(1);
    for node in NODES {
        let topic = format!("{}.dlq", readings(node));
        let tries = header(&scene, &topic, "__fedhost.attempts");
        let reasons = header(&scene, &topic, "__fedhost.reason");
        for (tries, reason) in tries.iter().zip(&reasons) {
            let expected = if reason == "undecodable" { "1" } else { "3" };
            assert_eq!(
                (
                    tries.as_str(),
                    reason == "undecodable" || reason == "invalid-output"
                ),
                (expected, true)
            );
        }
        assert_eq!(
            reasons
                .iter()
                .filter(|reason| *reason == "undecodable")
                .count(),
            usize::from(node == 1)
        );
    }
}

#[test]
fn too_many_updates_that_are_none_stop_the_aggregator_which_then_goes_on_after_them() {
    let scene = Scene::new();
    scene.write("run.toml", simulated(600, 2));
    write_records(
        &scene.path("data"),
        "model_updates",
        "untrusted",
        &[b"not an update".as_slice(); 150],
    );
    let dead_letters = || header(&scene, "model_updates.dlq", "__connect.errors.offset");
    let offsets =
        |range: std::ops::Range<u64>| range.map(|offset| offset.to_string()).collect::<Vec<_>>();

    let run = expect_stopped(scene.fedhost(&["run", "run.toml"]), "aggregator");
    assert!(
        run.stderr
            .contains("100 of the last 100 records of model_updates"),
        "{}",
        run.stderr
    );
    assert_eq!(dead_letters(), offsets(0..100));

    scene
        .fedhost(&["dlq", "acknowledge", "run.toml"])
        .expect_code(0);
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
    assert_eq!(dead_letters(), offsets(0..150), "each is kept once");
    assert_eq!(scene.events_named("round_closed").len(), 2);
}

/// Readings that are none, and a cap that stops their node.
fn scene_with_a_flood() -> Scene {
    let scene = Scene::new();
    scene.write("run.toml", simulated(600, 2));
    write_records(
        &scene.path("data"),
        &readings(1),
        "untrusted",
        &[b"not a reading".as_slice(); 3_000],
    );
    scene
}

fn dead_letters(scene: &Scene) -> usize {
    read_topic(&scene.path("data"), "sensor-data-node-1.dlq").len()
}

#[test]
fn starting_it_again_and_again_does_not_drain_a_topic_into_its_dead_letters() {
    // Given a node that has stopped
    let scene = scene_with_a_flood();
    expect_stopped(scene.fedhost(&["run", "run.toml", "-q"]), "fog-node-1");
    let kept = dead_letters(&scene);
    assert!((100..3_000).contains(&kept), "{kept}");
    // When it is started again without an acknowledgement, then it reports the same and reads no
    // more records
    for _ in 0..2 {
        let run = expect_stopped(scene.fedhost(&["run", "run.toml", "-q"]), "fog-node-1");
        assert!(
            run.stderr.contains("`fedhost dlq acknowledge`"),
            "{}",
            run.stderr
        );
        assert_eq!(dead_letters(&scene), kept);
    }
    // When the stop is acknowledged, then it continues, and stops again as nothing was repaired
    let output = scene
        .fedhost(&["dlq", "acknowledge", "run.toml"])
        .expect_code(0)
        .stdout;
    assert!(
        output.contains("fog-node-1 may continue") && output.contains("sensor-data-node-1"),
        "{output}"
    );
    let output = scene
        .fedhost(&["dlq", "acknowledge", "run.toml"])
        .expect_code(0)
        .stdout;
    assert!(output.contains("no role has stopped"), "{output}");
    expect_stopped(scene.fedhost(&["run", "run.toml", "-q"]), "fog-node-1");
    assert!(dead_letters(&scene) > kept);
}

#[test]
fn another_cap_is_a_new_beginning() {
    let scene = scene_with_a_flood();
    expect_stopped(scene.fedhost(&["run", "run.toml", "-q"]), "fog-node-1");
    scene
        .fedhost(&[
            "run",
            "run.toml",
            "-q",
            "--set",
            "dead_letters.cap_share=1.0",
        ])
        .expect_code(0);
    assert_eq!(dead_letters(&scene), 3_000);
    // The old verdict is forgotten
    scene
        .fedhost(&["run", "run.toml", "-q", "--rounds", "3", "--for", "1s"])
        .expect_code(0);
}

#[test]
fn evaluations_that_are_none_are_kept_once_and_too_many_stop_the_aggregator() {
    let scene = Scene::new();
    scene.write("run.toml", simulated(600, 2));
    let (few, many) = (
        [b"no finding".as_slice(); 5],
        [b"no finding".as_slice(); 150],
    );
    write_records(&scene.path("data"), "model-evaluations", "untrusted", &few);
    for rounds in ["2", "3"] {
        scene
            .fedhost(&["run", "run.toml", "-q", "--rounds", rounds])
            .expect_code(0);
        assert_eq!(
            header(&scene, "model-evaluations.dlq", "__fedhost.reason"),
            ["undecodable"; 5]
        );
    }
    write_records(&scene.path("data"), "model-evaluations", "untrusted", &many);
    let run = expect_stopped(
        scene.fedhost(&["run", "run.toml", "--rounds", "4"]),
        "aggregator",
    );
    assert!(
        run.stderr.contains("records of model-evaluations"),
        "{}",
        run.stderr
    );
    let kept = header(&scene, "model-evaluations.dlq", "__fedhost.reason").len();
    expect_stopped(
        scene.fedhost(&["run", "run.toml", "--rounds", "4"]),
        "aggregator",
    );
    assert_eq!(
        header(&scene, "model-evaluations.dlq", "__fedhost.reason").len(),
        kept
    );
}

#[test]
fn a_record_that_is_no_global_model_has_one_dead_letter_however_many_nodes_read_it() {
    let scene = Scene::new();
    scene.write("run.toml", simulated(600, 2));
    write_records(
        &scene.path("data"),
        "global_model",
        "untrusted",
        &[b"no model".as_slice(); 3],
    );
    let dead_letters = || {
        header(
            &scene,
            "global_model.dlq",
            "__connect.errors.connector.name",
        )
    };
    for (rounds, kept) in [("2", 3), ("3", 3), ("4", 5)] {
        if kept == 5 {
            // While no run is active, an untrusted client writes after the newest model
            write_records(
                &scene.path("data"),
                "global_model",
                "untrusted",
                &[b"no model".as_slice(); 2],
            );
        }
        scene
            .fedhost(&["run", "run.toml", "-q", "--rounds", rounds])
            .expect_code(0);
        assert_eq!(dead_letters(), vec!["fog-node-1"; kept], "{rounds} rounds");
    }
    assert_eq!(scene.events_named("round_closed").len(), 4);
}
