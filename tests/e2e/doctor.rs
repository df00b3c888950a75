//! `doctor`: checks the needs of a run without starting it.

use fedhost_e2e::broker::{Broker, BrokerOptions};
use fedhost_e2e::{Finished, Scene, simulated, write_record};
use serde_json::Value;

/// The findings about a subject.
fn about<'a>(document: &'a Value, subject: &str) -> Vec<&'a Value> {
    let findings = document["findings"].as_array().unwrap();
    findings
        .iter()
        .filter(|finding| finding["subject"] == subject)
        .collect()
}

fn examined(scene: &Scene, code: i32) -> Value {
    scene
        .fedhost(&["doctor", "run.toml", "--json"])
        .expect_code(code)
        .json()
}

#[test]
fn a_manifest_that_can_run_is_found_well_and_nothing_is_made() {
    let scene = Scene::new();
    scene.write("run.toml", simulated(100, 1));
    let examined = scene.fedhost(&["doctor", "run.toml"]).expect_code(0);
    for line in [
        "ok       model.plugin: logistic-regression",
        "ok       log: empty",
        "0 failed",
    ] {
        assert!(
            examined.stdout.contains(line),
            "{line} in {}",
            examined.stdout
        );
    }
    assert!(!scene.path("data").exists(), "looking leaves no trace");
    let quiet = scene
        .fedhost(&["doctor", "run.toml", "--quiet"])
        .expect_code(0);
    assert!(!quiet.stdout.contains("ok "), "{}", quiet.stdout);
}

#[test]
fn a_plug_in_that_is_not_there_fails_with_a_remedy_and_the_rest_is_looked_at() {
    let scene = Scene::new();
    scene.write(
        "run.toml",
        simulated(100, 1).replace("\"logistic-regression\"", "\"gradient-boosting\""),
    );
    let examined: Finished = scene.fedhost(&["doctor", "run.toml"]).expect_code(1);
    assert!(
        examined.stdout.contains("failed   model.plugin:")
            && examined.stdout.contains("gradient-boosting"),
        "{}",
        examined.stdout
    );
    assert!(
        examined.stdout.contains("ok       preprocess.plugin:")
            && examined.stdout.contains("ok       log:"),
        "{}",
        examined.stdout
    );
    assert!(examined.stderr.contains("1 of"), "{}", examined.stderr);
}

#[test]
fn a_bad_manifest_is_refused_before_anything_is_looked_at() {
    let scene = Scene::new();
    scene.write(
        "run.toml",
        simulated(100, 1).replace("min_nodes = 2", "min_nodes = 0"),
    );
    let examined = scene.fedhost(&["doctor", "run.toml"]).expect_code(2);
    assert!(
        examined.stdout.is_empty() && examined.stderr.contains("federation.min_nodes"),
        "{}",
        examined.stderr
    );
}

#[test]
fn a_log_in_use_is_said_to_be_with_the_process_that_has_it() {
    let scene = Scene::new();
    let endless = simulated(1, 1_000_000)
        .replace("rows = 1\n", "")
        .replace("rate_hz = 0", "rate_hz = 50");
    scene.write("run.toml", endless);
    let mut run = scene.start(&["run", "run.toml", "--json"]);
    run.wait_for("round_opened");
    let document = examined(&scene, 0);
    let log = about(&document, "log");
    assert!(
        log[0]["detail"]
            .as_str()
            .unwrap()
            .contains("fedhost run run.toml"),
        "{log:?}"
    );
    assert_eq!(about(&document, "damage")[0]["outcome"], "unknown");
    assert_eq!(run.interrupt().0, Some(130));
}

#[test]
fn a_damaged_log_is_told_and_left_as_it_is() {
    let scene = Scene::new();
    scene.write("run.toml", simulated(100, 1));
    for number in ["1", "2", "3"] {
        write_record(
            &scene.path("data"),
            "readings",
            number,
            b"a value that is long enough to be found in the journal",
        );
    }
    assert_eq!(about(&examined(&scene, 0), "damage")[0]["detail"], "none");
    // When a disk changes one byte of a record that is not the last one
    let segment = scene.path(&format!("data/segments/{:020}.log", 1));
    let mut content = std::fs::read(&segment).unwrap();
    let value = content
        .windows(7)
        .position(|window| window == b"a value")
        .unwrap();
    content[value] ^= 1;
    std::fs::write(&segment, &content).unwrap();
    // Then it is reported, and not changed
    let document = examined(&scene, 0);
    let damage = about(&document, "damage");
    assert_eq!(damage[0]["outcome"], "warning", "{document}");
    assert!(
        damage[0]["detail"].as_str().unwrap().contains(".log"),
        "{document}"
    );
    assert_eq!(std::fs::read(&segment).unwrap(), content);
}

#[test]
fn a_federation_on_kafka_is_followed_from_a_bare_broker_to_one_that_is_ready() {
    let broker = Broker::start(BrokerOptions::default());
    let scene = Scene::new();
    let kafka = format!(
        "[kafka]\nbootstrap_servers = [\"{}\"]\n\n",
        broker.address("plaintext")
    );
    let manifest = simulated(100, 1).replace("[bus]\n", "[bus]\nkind = \"kafka\"\n");
    scene.write("run.toml", format!("{kafka}{manifest}"));
    // Given a broker that has no topic of ours
    let document = examined(&scene, 0);
    let topics = about(&document, "topics");
    assert_eq!(topics[0]["outcome"], "warning", "{document}");
    assert!(
        topics[0]["detail"]
            .as_str()
            .unwrap()
            .contains("model_updates"),
        "{document}"
    );
    // When they are made, then all is well
    scene
        .fedhost(&["topics", "create", "run.toml", "-q"])
        .expect_code(0);
    let document = examined(&scene, 0);
    assert_eq!(
        (
            &document["failed"],
            &document["warnings"],
            &document["unknown"]
        ),
        (&0.into(), &0.into(), &0.into()),
        "{document}"
    );
    for subject in [
        "spool",
        "broker 1",
        "topics",
        "rights",
        "transactions",
        "clock",
        "group \"aggregator\"",
    ] {
        assert!(
            !about(&document, subject).is_empty(),
            "{subject} in {document}"
        );
    }
    // And a spool that cannot be where the manifest wants it is named
    scene.write("in-the-way", "");
    let misplaced = [
        "doctor",
        "run.toml",
        "--json",
        "--set",
        "spool.directory=in-the-way/spool",
    ];
    let document = scene.fedhost(&misplaced).expect_code(1).json();
    let spool = about(&document, "spool");
    assert!(
        spool[0]["detail"]
            .as_str()
            .unwrap()
            .contains("in-the-way is a file"),
        "{document}"
    );
    // And when the broker is down, that is reported
    drop(broker);
    let gone = scene.fedhost(&["doctor", "run.toml"]).expect_code(1);
    assert!(
        gone.stdout.contains("nothing listens at")
            && gone.stdout.contains("hint: start the broker"),
        "{}",
        gone.stdout
    );
}
