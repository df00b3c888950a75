//! Readings of other programs: which of their fields are features, and what the others are.

use std::fs;

use fedhost_e2e::{Scene, plugins, predictions, read_topic, simulated, write_records};

/// One node without sensors, which other programs write to.
fn manifest(node: &str) -> String {
    format!(
        "[bus]\ndirectory = \"data\"\n[plugins]\ndirectory = \"{}\"\n\
         [preprocess]\nplugin = \"standard-scaler\"\n[model]\nplugin = \"logistic-regression\"\n\
         [federation]\nmin_nodes = 1\nrounds = 1\nround_interval_ms = 60000\n\
         [training]\nrows_per_round = 4\n[[fog_node]]\nid = 1\n{node}",
        plugins().display()
    )
}

const TOPIC: &str = "sensor-data-node-1";

#[test]
fn a_first_reading_that_lacks_a_column_does_not_fix_the_columns() {
    let scene = Scene::new();
    scene.write("run.toml", manifest(""));
    write_records(
        &scene.path("data"),
        TOPIC,
        "pump",
        &[
            br#"{"sensor": "pump", "x": 1, "anomaly": 0}"#,
            br#"{"sensor": "pump", "x": 2, "y": 3, "anomaly": 1}"#,
            br#"{"sensor": "pump", "x": 2, "y": 3, "anomaly": 0}"#,
            br#"{"sensor": "pump", "y": 1, "anomaly": 1}"#,
        ],
    );
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
    assert_eq!(predictions(&scene.path("data")).len(), 4);
    assert!(scene.events_named("record_skipped").is_empty());
}

#[test]
fn readings_of_another_program_are_used_as_they_are() {
    let scene = Scene::new();
    let fields = "label = \"label\"\nignore = [\"state\"]\ncolumns = [\"temperature\", \"load\"]\n";
    scene.write("run.toml", manifest(fields));
    write_records(
        &scene.path("data"),
        TOPIC,
        "pump",
        &[
            br#"{"temperature": 20, "state": "on", "label": 0}"#,
            br#"{"temperature": 90, "load": 1, "state": {"code": 7}, "label": 1}"#,
            br#"{"temperature": 21, "load": 2, "label": 0}"#,
            br#"{"temperature": 91, "load": 3, "label": 1}"#,
            br#"{"temperature": 91, "speed": 3, "label": 1}"#,
        ],
    );
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
    let scored = predictions(&scene.path("data"));
    assert_eq!(scored.len(), 4);
    for prediction in &scored {
        assert_eq!(prediction["data"]["sensor"], "pump", "the record's key");
    }
    assert_eq!(scored[1]["data"]["label"], 1);
    let refused = &read_topic(&scene.path("data"), "sensor-data-node-1.dlq")[0];
    assert_eq!(
        refused.header("__fedhost.reason").unwrap(),
        "unknown_column"
    );
    let message = refused
        .header("__connect.errors.exception.message")
        .unwrap();
    let message = str::from_utf8(message).unwrap();
    assert!(
        message.contains("\"speed\"") && message.contains("`columns`"),
        "{message}"
    );
}

#[test]
fn a_node_with_other_columns_than_before_begins_again() {
    let scene = Scene::new();
    scene.write("run.toml", manifest("columns = [\"x\"]\n"));
    let rows: [&'static [u8]; 2] = [
        br#"{"sensor": "pump", "x": 1, "anomaly": 0}"#,
        br#"{"sensor": "pump", "x": 2, "anomaly": 1}"#,
    ];
    write_records(&scene.path("data"), TOPIC, "pump", &rows);
    let scored = |rows: usize| {
        let mut run = scene.start(&["run", "run.toml", "--json", "--for", "3s"]);
        while run.next_event().is_some() {}
        assert_eq!(predictions(&scene.path("data")).len(), rows);
    };
    scored(2);
    scene.write("run.toml", manifest("columns = [\"y\", \"x\"]\n"));
    let more = br#"{"sensor": "pump", "x": 2, "y": 1, "anomaly": 0}"#;
    write_records(&scene.path("data"), TOPIC, "pump", &[more]);
    scored(3);
    let warned = scene.events_named("warned");
    assert!(
        warned.iter().any(|event| {
            let detail = event["detail"].as_str().unwrap();
            detail.contains("begins again with the columns of the manifest, x, y")
        }),
        "{warned:?}"
    );
    assert!(scene.events_named("record_skipped").is_empty());
}

#[test]
fn a_sensor_whose_rows_are_sent_says_so_and_continues_when_there_are_more() {
    let scene = Scene::new();
    let manifest = simulated(300, 100);
    scene.write("run.toml", &manifest);
    scene.fedhost(&["run", "run.toml", "-q", "--role", "sensor"]);
    let again = scene.fedhost(&["run", "run.toml", "--role", "sensor"]);
    assert!(
        again
            .stderr
            .contains("300 rows were sent in an earlier run"),
        "{}",
        again.stderr
    );
    fs::write(
        scene.path("run.toml"),
        manifest.replace("rows = 300\n", "rows = 500\n"),
    )
    .unwrap();
    scene.fedhost(&["run", "run.toml", "-q", "--role", "sensor"]);
    let records = read_topic(&scene.path("data"), TOPIC);
    let numbers: Vec<_> = records
        .iter()
        .map(|record| record.header("fedhost-sequence").unwrap().clone())
        .collect();
    // Two records end the sensor: one after 300 rows, and one after 500.
    let expected: Vec<String> = (0..502)
        .map(|number| format!("machine-1/{number}"))
        .collect();
    assert_eq!(numbers, expected);
}
