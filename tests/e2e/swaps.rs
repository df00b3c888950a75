//! Components that are replaced during a run.

use std::path::Path;

use fedhost_e2e::{Running, Scene, later, plugins, read_topic, simulated, wait_until};
use serde_json::Value;

/// A run that continues until it is stopped, on components of its own.
fn manifest(model: &str) -> String {
    simulated(1_000_000, 2)
        .replace(&plugins().display().to_string(), "components")
        .replace("[preprocess]", "watch_ms = 50\n\n[preprocess]")
        .replace("plugin = \"logistic-regression\"", model)
        .replace("rounds = 2\n", "")
        .replace("rate_hz = 0", "rate_hz = 300")
}

fn scene(manifest: &str) -> Scene {
    let scene = Scene::new();
    for file in std::fs::read_dir(plugins()).unwrap() {
        let file = file.unwrap().path();
        let name = format!("components/{}", file.file_name().unwrap().to_str().unwrap());
        scene.write(&name, std::fs::read(&file).unwrap());
    }
    scene.write("run.toml", manifest);
    scene
}

/// As an installation does it: never half a file under its name.
fn install(scene: &Scene, name: &str, component: &[u8]) {
    let temporary = scene.write("components/new.tmp", component);
    std::fs::rename(temporary, scene.path("components").join(name)).unwrap();
}

fn wait_for(scene: &Scene, what: &str, count: usize) {
    wait_until(what, || {
        scene.path("data/aggregation_log.jsonl").exists() && scene.events_named(what).len() >= count
    });
}

/// Two more global models.
fn wait_for_rounds(scene: &Scene) {
    wait_for(
        scene,
        "round_closed",
        scene.events_named("round_closed").len() + 2,
    );
}

fn interrupt(run: Running) {
    assert_eq!(run.interrupt().0, Some(130));
}

/// Every prediction of a node, as its offset in the readings and the digest of the component that
/// scored it.
fn scored(data: &Path, node: u64) -> Vec<(u64, String)> {
    let messages = read_topic(data, "predictions");
    let messages = messages
        .into_iter()
        .map(|record| serde_json::from_slice::<Value>(&record.value).unwrap());
    messages
        .filter(|message| message["data"]["node"] == node)
        .map(|message| {
            let metadata = &message["metadata"];
            (
                metadata["input"]["offset"].as_u64().unwrap(),
                metadata["plugin"]["sha256"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

#[test]
fn a_newer_model_is_taken_into_use_at_an_offset_that_is_told() {
    // Given two nodes at work
    let scene = scene(&manifest("plugin = \"logistic-regression@^0.1\""));
    let run = scene.start(&["run", "run.toml", "--json"]);
    wait_for(&scene, "round_closed", 1);
    // When a later version of their model is installed
    install(
        &scene,
        "logistic-regression.wasm",
        &later("logistic-regression", "0.1.9"),
    );
    // Then both use it, and continue to learn together
    wait_for(&scene, "plugin_swapped", 2);
    wait_for_rounds(&scene);
    interrupt(run);
    assert_eq!(scene.events_named("update_rejected"), Vec::<Value>::new());
    for swapped in scene.events_named("plugin_swapped") {
        assert_eq!(
            (
                swapped["old"]["version"].as_str(),
                swapped["new"]["version"].as_str()
            ),
            (Some("0.1.0"), Some("0.1.9"))
        );
        let node = swapped["node"]
            .as_str()
            .unwrap()
            .trim_start_matches("fog-node-")
            .parse()
            .unwrap();
        let first = swapped["first_offsets"]["0"].as_u64().unwrap();
        let scored = scored(&scene.path("data"), node);
        for (offset, sha256) in &scored {
            let by = if *offset < first {
                &swapped["old"]["sha256"]
            } else {
                &swapped["new"]["sha256"]
            };
            assert_eq!(by, sha256.as_str(), "offset {offset}, first {first}");
        }
        assert!(
            scored.iter().any(|(offset, _)| *offset >= first),
            "the new one has scored"
        );
    }
}

#[test]
fn a_newer_preprocessor_goes_on_from_the_state_of_the_old_one() {
    let scene = scene(&manifest("plugin = \"logistic-regression\""));
    let run = scene.start(&["run", "run.toml", "--json"]);
    wait_for(&scene, "round_closed", 1);
    install(
        &scene,
        "baseline-deviation.wasm",
        &later("baseline-deviation", "0.1.7"),
    );
    wait_for(&scene, "plugin_swapped", 2);
    interrupt(run);
    for swapped in scene.events_named("plugin_swapped") {
        assert_eq!(swapped["part"], "preprocess");
        assert_eq!(swapped["state"], "it goes on from the state of 1 sources");
    }
}

#[test]
fn a_component_that_cannot_be_used_is_refused_and_the_old_one_stays() {
    let scene = scene(&manifest("plugin = \"logistic-regression\""));
    let run = scene.start(&["run", "run.toml", "--json"]);
    wait_for(&scene, "round_closed", 1);
    let refusals = |call: &str| {
        let failed = scene.events_named("plugin_failed").into_iter();
        failed
            .filter(|event| event["call"] == call)
            .map(|event| event["detail"].to_string())
            .collect::<Vec<_>>()
    };
    // A broken file
    install(&scene, "logistic-regression.wasm", b"\0asm, or so it says");
    wait_until("the broken file is refused", || {
        !refusals("load").is_empty()
    });
    assert!(
        refusals("load")[0].contains("it is damaged"),
        "{:?}",
        refusals("load")
    );
    // A version whose weights may mean something else
    install(
        &scene,
        "logistic-regression.wasm",
        &later("logistic-regression", "0.2.0"),
    );
    wait_until("the other line is refused", || !refusals("swap").is_empty());
    assert!(
        refusals("swap")[0].contains("logistic-regression@0.2.0"),
        "{:?}",
        refusals("swap")
    );
    // No file at all
    std::fs::remove_file(scene.path("components/logistic-regression.wasm")).unwrap();
    wait_until("the file is missed", || refusals("swap").len() == 2);
    wait_for_rounds(&scene);
    interrupt(run);
    assert_eq!(scene.events_named("plugin_swapped"), Vec::<Value>::new());
}

#[test]
fn a_model_whose_weights_have_another_shape_is_not_taken() {
    let model =
        "plugin = \"misbehaving\"\nparameters = { act = \"wrong-shape-weights-once-repaired\" }";
    let scene = scene(&manifest(model));
    let run = scene.start(&["run", "run.toml", "--json"]);
    wait_for(&scene, "round_closed", 1);
    install(&scene, "misbehaving.wasm", &later("misbehaving", "0.1.9"));
    wait_for(&scene, "plugin_failed", 2);
    wait_for_rounds(&scene);
    interrupt(run);
    let refused = scene.events_named("plugin_failed");
    assert!(
        refused.iter().all(|event| event["call"] == "swap"),
        "{refused:?}"
    );
    assert!(
        refused[0]["detail"]
            .as_str()
            .unwrap()
            .contains("its models are of another shape"),
        "{refused:?}"
    );
    assert_eq!(scene.events_named("plugin_swapped"), Vec::<Value>::new());
    assert_eq!(scene.events_named("update_rejected"), Vec::<Value>::new());
}

#[test]
fn a_model_that_fails_on_plain_rows_does_not_replace_one_that_works() {
    let model = "plugin = \"misbehaving\"\nparameters = { act = \"trap-in-score-once-repaired\" }";
    let scene = scene(&manifest(model));
    let run = scene.start(&["run", "run.toml", "--json"]);
    wait_for(&scene, "round_closed", 1);
    install(&scene, "misbehaving.wasm", &later("misbehaving", "0.1.9"));
    wait_for(&scene, "plugin_failed", 2);
    wait_for_rounds(&scene);
    interrupt(run);
    let refused = scene.events_named("plugin_failed");
    assert!(
        refused.iter().all(|event| event["call"] == "swap"
            && event["detail"]
                .as_str()
                .unwrap()
                .contains("detector.score (trap)")),
        "{refused:?}"
    );
    assert_eq!(scene.events_named("plugin_swapped"), Vec::<Value>::new());
}

#[test]
fn a_second_file_with_the_name_of_the_model_is_announced() {
    let scene = scene(&manifest("plugin = \"logistic-regression\""));
    let run = scene.start(&["run", "run.toml", "--json"]);
    wait_for(&scene, "round_closed", 1);
    install(
        &scene,
        "innocent.wasm",
        &later("logistic-regression", "0.1.9"),
    );
    let announced = || {
        scene.events_named("warned").into_iter().any(|event| {
            let detail = event["detail"].as_str().unwrap();
            event["part"] == "plug-ins"
                && detail.contains("innocent.wasm (0.1.9)")
                && detail.contains("logistic-regression.wasm (0.1.0)")
        })
    };
    wait_until("both files are named", announced);
    interrupt(run);
}

#[test]
fn a_detector_that_fails_in_every_call_is_left_alone_until_it_is_replaced() {
    // Given a detector that spins
    let model = "plugin = \"misbehaving\"\nparameters = { act = \"spin-in-score-until-repaired\" }";
    let limits = "call_deadline_ms = 100\nfailures_in_a_row = 4\nquarantine_first_ms = 3600000\n\
                  quarantine_longest_ms = 3600000";
    let manifest = manifest(model);
    let scene = scene(&format!(
        "{manifest}\n[plugins.misbehaving.limits]\n{limits}\n\n[dead_letters]\ncap_share = 1\n"
    ));
    let run = scene.start(&["run", "run.toml", "--json"]);
    wait_for(&scene, "plugin_quarantined", 1);
    // When it is repaired
    install(&scene, "misbehaving.wasm", &later("misbehaving", "0.1.9"));
    wait_for(&scene, "plugin_swapped", 2);
    // Then it works at once, and has not cost its deadline more often than allowed, but for calls
    // under way on both nodes
    wait_for_rounds(&scene);
    interrupt(run);
    assert_eq!(scene.events_named("plugin_quarantined").len(), 1);
    let stopped = scene.events_named("plugin_failed");
    let stopped = stopped
        .iter()
        .filter(|event| event["kind"] == "deadline")
        .count();
    assert!(
        (4..=8).contains(&stopped),
        "{stopped} calls met their deadline"
    );
}

#[test]
fn a_batch_that_waited_for_its_detector_is_scored_after_a_restart() {
    // Given a run that was stopped while a batch waited
    let model = "plugin = \"misbehaving\"\nparameters = { act = \"spin-in-score-until-repaired\" }";
    let limits = "call_deadline_ms = 100\nfailures_in_a_row = 1\nquarantine_first_ms = 3600000\n\
                  quarantine_longest_ms = 3600000";
    let manifest = manifest(model).replace("rows = 1000000", "rows = 2000");
    let scene = scene(&format!(
        "{manifest}\n[plugins.misbehaving.limits]\n{limits}\n"
    ));
    let run = scene.start(&["run", "run.toml", "--json"]);
    wait_for(&scene, "plugin_quarantined", 1);
    interrupt(run);
    // When it is repaired, and started again
    install(&scene, "misbehaving.wasm", &later("misbehaving", "0.1.9"));
    let run = scene.start(&["run", "run.toml", "--json"]);
    wait_for_rounds(&scene);
    interrupt(run);
    // Then every row that was read has one prediction, and none is a dead-letter record
    for node in [1, 2] {
        let mut offsets: Vec<u64> = scored(&scene.path("data"), node)
            .into_iter()
            .map(|(offset, _)| offset)
            .collect();
        offsets.sort_unstable();
        assert_eq!(
            offsets,
            (0..offsets.len() as u64).collect::<Vec<_>>(),
            "node {node}"
        );
        assert!(offsets.len() > 400, "node {node}");
    }
}

#[test]
fn a_federation_does_not_go_on_from_weights_that_may_mean_something_else() {
    let manifest = simulated(400, 1).replace(&plugins().display().to_string(), "components");
    let scene = scene(&manifest);
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
    install(
        &scene,
        "logistic-regression.wasm",
        &later("logistic-regression", "0.2.0"),
    );
    let refused = scene
        .fedhost(&["run", "run.toml", "-q", "--rounds", "2"])
        .expect_code(1);
    let reason = "\"logistic-regression@0.1.0\", not of \"logistic-regression@0.2.0\"";
    assert!(
        refused.stderr.contains(reason) && refused.stderr.contains("hint: "),
        "{}",
        refused.stderr
    );
}
