//! `topics`: made once, listed, described beside what was asked for, and how far their readers are
//! behind.

use fedhost_bus::NewRecord;
use fedhost_e2e::{Finished, Scene, put_records, simulated};
use serde_json::Value;

fn statuses(made: &Finished) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let topics = made.json()["topics"].as_array().unwrap().clone();
    topics
        .iter()
        .map(|topic| (text(&topic["topic"]), text(&topic["status"])))
        .collect()
}

fn topic<'a>(document: &'a Value, name: &str) -> &'a Value {
    document["topics"]
        .as_array()
        .unwrap()
        .iter()
        .find(|topic| topic["topic"] == name)
        .unwrap()
}

#[test]
fn topics_are_made_once_and_then_left_as_they_are() {
    let scene = Scene::new();
    scene.write("run.toml", simulated(100, 1));
    // Given no log, a dry run creates nothing
    let dry = scene
        .fedhost(&["topics", "create", "run.toml", "--dry-run", "--json"])
        .expect_code(0);
    assert!(
        statuses(&dry).iter().all(|(_, status)| status == "missing"),
        "{}",
        dry.stdout
    );
    assert!(!scene.path("data").exists());
    // When they are created, then every topic has a dead-letter topic
    let made = statuses(
        &scene
            .fedhost(&["topics", "create", "run.toml", "--json"])
            .expect_code(0),
    );
    assert!(
        made.iter().all(|(_, status)| status == "created"),
        "{made:?}"
    );
    for name in [
        "global_model",
        "model_updates",
        "sensor-data-node-1",
        "sensor-data-node-2",
        "predictions",
    ] {
        for name in [name.to_owned(), format!("{name}.dlq")] {
            assert!(
                made.iter().any(|(topic, _)| *topic == name),
                "{name} in {made:?}"
            );
        }
    }
    // And when they are made again, differently, what is different is said, and left
    let again = statuses(
        &scene
            .fedhost(&["topics", "create", "run.toml", "--json"])
            .expect_code(0),
    );
    assert!(
        again.iter().all(|(_, status)| status == "existed"),
        "{again:?}"
    );
    let more = "topics.model_updates.partitions=6";
    let differs = scene
        .fedhost(&["topics", "create", "run.toml", "--set", more])
        .expect_code(0);
    assert!(
        differs.stdout.contains("partitions is 3, not 6"),
        "{}",
        differs.stdout
    );
    let described = scene
        .fedhost(&["topics", "describe", "run.toml", "model_updates", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(
        topic(&described, "model_updates")["offsets"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn a_description_marks_what_is_not_as_it_was_asked_for() {
    let scene = Scene::new();
    scene.write("run.toml", simulated(100, 1));
    scene
        .fedhost(&["topics", "create", "run.toml", "-q"])
        .expect_code(0);
    let asked = [
        "topics",
        "describe",
        "run.toml",
        "global_model",
        "--set",
        "topics.global_model.retention_ms=-1",
    ];
    let described = scene
        .fedhost(&[&asked[..], &["--json"]].concat())
        .expect_code(0)
        .json();
    let settings = topic(&described, "global_model")["settings"]
        .as_array()
        .unwrap()
        .clone();
    let retention = settings
        .iter()
        .find(|one| one["setting"] == "retention.ms")
        .unwrap();
    assert_eq!(
        (
            &retention["asked"],
            &retention["found"],
            &retention["differs"]
        ),
        (&"-1".into(), &"3600000".into(), &true.into())
    );
    assert!(
        settings.iter().filter(|one| one["differs"] == true).count() == 1,
        "{settings:?}"
    );
    let text = scene.fedhost(&asked).expect_code(0).stdout;
    let line = text
        .lines()
        .find(|line| line.contains("retention.ms"))
        .unwrap();
    assert!(
        line.ends_with('*') && line.contains("-1") && line.contains("3600000"),
        "{text}"
    );
    let unknown = scene
        .fedhost(&["topics", "describe", "run.toml", "no-such-topic"])
        .expect_code(2);
    assert!(
        unknown.stderr.contains("no-such-topic") && unknown.stderr.contains("hint:"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn readers_are_behind_before_a_run_and_not_after_it() {
    let scene = Scene::new();
    scene.write("run.toml", simulated(600, 2));
    let absent = scene.fedhost(&["topics", "lag", "run.toml"]).expect_code(2);
    assert!(
        absent.stderr.contains("no log in data") && absent.stderr.contains("hint:"),
        "{}",
        absent.stderr
    );
    // Given an old unread reading, in a topic without retention limits
    let name = "sensor-data-node-1";
    let reading = NewRecord {
        topic: name.into(),
        partition: None,
        timestamp_ms: 0,
        key: None,
        value: "no reading at all".into(),
        headers: Vec::new(),
    };
    put_records(&scene.path("data"), name, vec![reading]);
    let lag = |arguments: &[&str]| {
        scene
            .fedhost(&[&["topics", "lag", "run.toml"], arguments].concat())
            .expect_code(0)
    };
    let node = |document: &Value| {
        let groups = document["groups"].as_array().unwrap();
        groups
            .iter()
            .find(|lag| lag["group"] == "fog-node-1")
            .unwrap()
            .clone()
    };
    let before = lag(&["--json"]).json();
    assert_eq!(
        (&node(&before)["committed"], &node(&before)["records"]),
        (&Value::Null, &1.into())
    );
    assert!(node(&before)["seconds"].as_f64().unwrap() > 1e6, "{before}");
    assert_eq!(before["records_not_safe"], 1);
    // When a run has dealt with it
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
    // Then no reader is behind, and the dead-letter record is there
    let after = lag(&["--json"]).json();
    assert_eq!(
        (&node(&after)["records"], &node(&after)["seconds"]),
        (&0.into(), &0.0.into())
    );
    assert_eq!(node(&after)["committed"], node(&after)["end"]);
    assert_eq!(after["records_not_safe"], 0, "{after}");
    let dead_letters = after["dead_letters"]
        .as_array()
        .unwrap()
        .iter()
        .find(|topic| topic["topic"] == "sensor-data-node-1.dlq")
        .unwrap();
    assert_eq!(dead_letters["offsets"], 1);
    let text = lag(&[]).stdout;
    assert!(
        text.contains("0 records are not safe yet") && text.contains("aggregator"),
        "{text}"
    );
    let listed = scene
        .fedhost(&["topics", "list", "run.toml", "--json"])
        .expect_code(0)
        .json();
    let readings = topic(&listed, "sensor-data-node-1");
    assert_eq!(
        (&readings["partitions"], &readings["records"]),
        (&1.into(), &node(&after)["end"])
    );
    assert!(readings["records"].as_u64().unwrap() > 600, "{listed}");
}

#[test]
fn a_log_that_a_run_has_open_is_said_to_be_in_use() {
    let scene = Scene::new();
    scene.write(
        "run.toml",
        simulated(1, 1_000_000)
            .replace("rows = 1\n", "")
            .replace("rate_hz = 0", "rate_hz = 50"),
    );
    let mut run = scene.start(&["run", "run.toml", "--json"]);
    run.wait_for("run_started");
    for command in ["create", "list", "describe", "lag"] {
        let refused = scene
            .fedhost(&["topics", command, "run.toml"])
            .expect_code(2);
        assert!(
            refused.stderr.contains("in use by another process"),
            "{}",
            refused.stderr
        );
    }
    run.kill();
}

#[test]
fn a_run_tells_what_is_different_and_refuses_a_topic_that_is_too_small_for_its_messages() {
    let scene = Scene::new();
    scene.write("run.toml", simulated(600, 2));
    let smaller = [
        "topics",
        "create",
        "run.toml",
        "-q",
        "--set",
        "topics.predictions.max_message_bytes=2048",
    ];
    scene
        .fedhost(
            &[
                &smaller[..],
                &["--set", "topics.global_model.retention_ms=1234"],
            ]
            .concat(),
        )
        .expect_code(0);
    // When it is run as it is written, then it does not start
    let refused = scene.fedhost(&["run", "run.toml"]).expect_code(2);
    let words = "sizes of topic \"predictions\": the manifest allows records of 1048576 bytes, and the topic takes 2048";
    assert!(refused.stderr.contains(words), "{}", refused.stderr);
    assert!(refused.stderr.contains("hint:"), "{}", refused.stderr);
    let difference = &scene.events_named("topic_differs")[0];
    assert_eq!(
        (
            &difference["topic"],
            &difference["setting"],
            &difference["asked"],
            &difference["found"]
        ),
        (
            &"global_model".into(),
            &"retention.ms".into(),
            &"3600000".into(),
            &"1234".into()
        )
    );
    assert!(scene.events_named("run_started").is_empty());
    // And when the manifest asks for what is there, it runs
    let fitting = ["--set", "topics.predictions.max_message_bytes=2048"];
    scene
        .fedhost(&[&["run", "run.toml", "-q"], &fitting[..]].concat())
        .expect_code(0);
}

#[test]
fn partitions_are_recommended_with_the_reasons() {
    let scene = Scene::new();
    let asked = [
        "topics",
        "recommend",
        "--throughput",
        "95",
        "--consumers",
        "4",
    ];
    let recommended = scene
        .fedhost(&[&asked[..], &["--json"]].concat())
        .expect_code(0)
        .json();
    assert_eq!(
        (
            &recommended["recommended"]["partitions"],
            &recommended["recommended"]["for_throughput"]
        ),
        (&12.into(), &10.into())
    );
    let text = scene.fedhost(&asked).expect_code(0).stdout;
    assert!(
        text.starts_with("12 partitions") && text.contains("3 for each consumer"),
        "{text}"
    );
    let refused = scene
        .fedhost(&[
            "topics",
            "recommend",
            "--throughput",
            "1",
            "--consumers",
            "0",
        ])
        .expect_code(2);
    assert!(refused.stderr.contains("hint:"), "{}", refused.stderr);
}
