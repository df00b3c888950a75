//! Updates that claim what cannot be true are refused with the reason; the sender reads it, and the
//! federation continues.

use fedhost_base::clock;
use fedhost_bus::NewRecord;
use fedhost_e2e::{Scene, put_records, read_topic, simulated};
use serde_json::{Value, json};

/// A record on the topic of updates, under the name of fog node 1.
fn record(value: impl Into<Vec<u8>>) -> NewRecord {
    NewRecord {
        topic: "model_updates".into(),
        partition: None,
        timestamp_ms: clock::now_ms(),
        key: Some("fog-node-1".into()),
        value: value.into().into(),
        headers: Vec::new(),
    }
}

/// The update with one field of its header or metadata changed, and without the digest over them.
fn changed(update: &Value, pointer: &str, value: Value) -> NewRecord {
    let mut update = update.clone();
    *update.pointer_mut(pointer).unwrap() = value;
    update.as_object_mut().unwrap().remove("digest");
    record(update.to_string())
}

#[test]
fn an_update_that_cannot_be_true_is_answered_with_the_reason() {
    // Given a federation after two rounds, and changed copies of an update of node 1
    let scene = Scene::new();
    scene.write("run.toml", simulated(2_000, 2));
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
    let updates = read_topic(&scene.path("data"), "model_updates");
    let update = updates
        .iter()
        .map(|record| serde_json::from_slice::<Value>(&record.value).unwrap())
        .find(|update| update["header"]["sender"] == "fog-node-1")
        .unwrap();
    let seconds = update["header"]["timestamp"].as_f64().unwrap();
    let sent = vec![
        changed(&update, "/header/timestamp", json!(seconds * 1e3)),
        changed(&update, "/header/sender", json!("aggregator")),
        changed(&update, "/metadata/round_number", json!(0)),
        changed(&update, "/metadata/round_number", json!(99)),
        changed(&update, "/metadata/dtypes", json!(["F32", "F32"])),
        record(b"\x80\x04}\x94.".as_slice()),
        record(b"".as_slice()),
    ];
    put_records(&scene.path("data"), "model_updates", sent);
    // When the federation continues
    let run = scene
        .fedhost(&["run", "run.toml", "--rounds", "4"])
        .expect_code(0);
    // Then each is refused with the reason
    let reasons: Vec<String> = scene
        .events_named("update_rejected")
        .iter()
        .map(|event| event["reason"].as_str().unwrap().to_owned())
        .collect();
    let expected = [
        "bad_timestamp",
        "reserved_sender",
        "bad_round",
        "bad_round",
        "wrong_dtype",
        "not_json",
        "not_json",
    ];
    assert_eq!(reasons, expected);
    // And the summaries of the rounds count them all
    let closed = scene.events_named("round_closed");
    let counted: u64 = closed
        .iter()
        .map(|event| event["rejected"].as_u64().unwrap())
        .sum();
    assert_eq!((closed.len(), counted), (4, 7));
    // And the node that is named as the sender shows each reason once
    let mut shown: Vec<String> = scene
        .events_named("node_refused")
        .iter()
        .map(|event| {
            assert_eq!(event["node"], "fog-node-1");
            event["reason"].as_str().unwrap().to_owned()
        })
        .collect();
    shown.sort_unstable();
    shown.dedup();
    assert_eq!(
        shown,
        [
            "bad_round",
            "bad_timestamp",
            "not_json",
            "reserved_sender",
            "wrong_dtype"
        ]
    );
    assert!(
        run.stderr.contains("the aggregator refused its update"),
        "{}",
        run.stderr
    );
    // And the explanations say what to do
    let details: Vec<String> = scene
        .events_named("update_rejected")
        .iter()
        .map(|event| event["detail"].as_str().unwrap().to_owned())
        .collect();
    for (detail, text) in details.iter().zip([
        "looks like milliseconds",
        "the name of the aggregator",
        "rounds count from 1",
        "round_number is 99",
        "write the type as \"float32\"",
        "Python pickle",
        "tombstone",
    ]) {
        assert!(
            detail.contains(text) && detail.contains("hint: "),
            "{text} in {detail}"
        );
    }
}
