//! `topics` on Kafka: made once, listed, described beside what was asked for, and how far their
//! readers are behind.

use fedhost_e2e::broker::Share;
use fedhost_e2e::{Scene, on_kafka, simulated};
use serde_json::Value;

fn scene(share: &Share) -> Scene {
    let scene = Scene::new();
    scene.write(
        "run.toml",
        on_kafka(&simulated(600, 2), share.address(), share.prefix()),
    );
    scene
}

/// What a command with JSON says of each topic, or of one.
fn topics(document: &Value) -> &[Value] {
    document["topics"].as_array().unwrap()
}

fn topic<'a>(document: &'a Value, name: &str) -> &'a Value {
    topics(document)
        .iter()
        .find(|topic| topic["topic"] == name)
        .unwrap()
}

#[test]
fn topics_are_made_once_listed_described_and_watched() {
    let share = Share::new();
    let scene = scene(&share);
    let ask = |arguments: &[&str]| {
        scene
            .fedhost(&[arguments, &["--json"]].concat())
            .expect_code(0)
            .json()
    };
    let create = |more: &[&str]| ask(&[&["topics", "create", "run.toml"], more].concat());
    let all = |document: &Value, status: &str| {
        topics(document)
            .iter()
            .all(|topic| topic["status"] == status)
    };
    // When they are looked at, made, and made again
    assert!(all(&create(&["--dry-run"]), "missing"));
    assert!(all(&create(&[]), "created"));
    assert!(all(&create(&[]), "existed"));
    // Then one that is asked for differently is named, and left as it is
    let (updates, state) = (share.topic("model_updates"), share.topic("fedhost-state"));
    let differing = create(&["--set", "topics.model_updates.partitions=6"]);
    let difference = &topic(&differing, &updates)["differences"][0];
    assert_eq!(
        (&difference["setting"], &difference["found"]),
        (&"partitions".into(), &"3".into()),
        "{difference}"
    );
    let described = ask(&[
        "topics",
        "describe",
        "run.toml",
        &state,
        "--set",
        "topics.state.max_message_bytes=2097152",
    ]);
    let settings = topic(&described, &state)["settings"].as_array().unwrap();
    let differing: Vec<&Value> = settings
        .iter()
        .filter(|one| one["differs"] == true)
        .collect();
    assert_eq!(differing.len(), 1, "{described}");
    assert_eq!(
        (&differing[0]["setting"], &differing[0]["found"]),
        (&"max.message.bytes".into(), &"16777216".into())
    );
    // And after a run no reader is behind, and the readings are counted
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
    let lag = ask(&["topics", "lag", "run.toml"]);
    assert_eq!(lag["records_not_safe"], 0, "{lag}");
    let (readings, groups) = (
        share.topic("sensor-data-node-1"),
        lag["groups"].as_array().unwrap(),
    );
    let node = groups
        .iter()
        .find(|lag| lag["group"] == "fog-node-1" && lag["topic"] == *readings)
        .unwrap();
    assert!(node["committed"].as_u64().unwrap() >= 600, "{node}");
    let listed = ask(&["topics", "list", "run.toml"]);
    assert!(
        topic(&listed, &readings)["records"].as_u64().unwrap() > 600,
        "{listed}"
    );
    assert_eq!(topic(&listed, &updates)["partitions"], 3);
    // And what is recommended needs no cluster
    let recommended = ask(&[
        "topics",
        "recommend",
        "--throughput",
        "95",
        "--consumers",
        "4",
    ]);
    assert_eq!(recommended["recommended"]["partitions"], 12);
}

#[test]
fn a_run_tells_what_is_different_and_what_becomes_of_records_that_a_topic_does_not_take() {
    let share = Share::new();
    let scene = scene(&share);
    let smaller = "topics.predictions.max_message_bytes=2048";
    let create = [
        "topics",
        "create",
        "run.toml",
        "-q",
        "--set",
        smaller,
        "--set",
        "topics.global_model.retention_ms=1234",
    ];
    scene.fedhost(&create).expect_code(0);
    // When it is run as it is written, then it runs, and says from what size on records travel in
    // chunks
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
    let part = format!("topic {:?}", share.topic("predictions"));
    let warned = scene.events_named("warned");
    let warning = warned
        .iter()
        .find(|event| event["part"] == part.as_str())
        .unwrap();
    assert_eq!(
        warning["detail"],
        "records above 2048 bytes travel in chunks, up to 67108864"
    );
    let difference = &scene.events_named("topic_differs")[0];
    assert_eq!(
        (
            &difference["topic"],
            &difference["setting"],
            &difference["asked"],
            &difference["found"]
        ),
        (
            &share.topic("global_model").into(),
            &"retention.ms".into(),
            &"3600000".into(),
            &"1234".into()
        )
    );
}
