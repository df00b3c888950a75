//! Dead-letter records on Kafka, from the failure of a record to its replay and purge.

use fedhost_bus::kafka::Properties;
use fedhost_e2e::broker::Share;
use fedhost_e2e::{Scene, on_kafka, simulated};
use serde_json::Value;

use crate::kafka_security::write;

const VALUE: &str = "{\"sensor\": no reading at all";

#[test]
fn a_record_that_failed_is_kept_shown_replayed_byte_for_byte_and_purged() {
    let (share, scene) = (Share::new(), Scene::new());
    scene.write(
        "run.toml",
        on_kafka(&simulated(600, 2), share.address(), share.prefix()),
    );
    let readings = share.topic("sensor-data-node-1");
    // Given a record that no fog node can read
    scene
        .fedhost(&["topics", "create", "run.toml", "-q"])
        .expect_code(0);
    write(
        &Properties::default().with([("bootstrap.servers", share.address())]),
        &readings,
        VALUE,
    );
    // When the federation has run over it
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
    // Then it is counted, and shown whole
    let ask = |arguments: &[&str]| scene.fedhost(arguments).expect_code(0).json();
    let listed = || {
        let rows = ask(&["dlq", "list", "run.toml", "--json"]);
        let row = rows
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["topic"] == format!("{readings}.dlq"));
        row.unwrap().clone()
    };
    assert_eq!(
        (&listed()["records"], &listed()["reasons"]["undecodable"]),
        (&1.into(), &1.into())
    );
    let shown = scene
        .fedhost(&["dlq", "show", "run.toml", &readings])
        .expect_code(0)
        .stdout;
    for part in [
        "dead-letter record 0:0",
        "__connect.errors.stage = decode",
        "__fedhost.attempts = 1",
        VALUE,
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let raw = |place: &str| {
        scene.fedhost(&[
            "dlq", "show", "run.toml", &readings, "--offset", place, "--raw",
        ])
    };
    assert_eq!(raw("0:0").expect_code(0).stdout, VALUE);
    // When it is replayed, once
    let replay =
        || ask(&["dlq", "replay", "run.toml", &readings, "--json"])["account"]["replayed"].clone();
    assert_eq!([replay(), replay()], [1, 0]);
    // Then the fog node takes it as it was, and fails again
    let mut run = scene.start(&["run", "run.toml", "--json", "--rounds", "100"]);
    run.wait_for("record_skipped");
    assert_eq!(run.interrupt().0, Some(130));
    assert_eq!(listed()["records"], 2);
    let shown = scene
        .fedhost(&["dlq", "show", "run.toml", &readings])
        .expect_code(0)
        .stdout;
    assert!(
        shown.contains("__fedhost.replay.count = 1") && shown.matches(VALUE).count() == 2,
        "{shown}"
    );
    let skipped: Vec<Value> = scene.events_named("record_skipped");
    assert_eq!(skipped.len(), 2, "{skipped:?}");
    // When they are purged, then nothing is left
    scene
        .fedhost(&["dlq", "purge", "run.toml", &readings])
        .expect_code(2);
    assert_eq!(listed()["records"], 2, "it asks first");
    scene
        .fedhost(&["dlq", "purge", "run.toml", &readings, "--yes"])
        .expect_code(0);
    assert_eq!(listed()["records"], 0);
}
