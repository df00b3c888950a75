//! A broker that is down at the start, or in the middle of a run.

use fedhost_e2e::broker::{Broker, BrokerOptions};
use fedhost_e2e::{Scene, http, model, on_kafka, simulated, undisturbed, wait_until};
use serde_json::Value;

fn scene(broker: &Broker, manifest: &str) -> Scene {
    let scene = Scene::new();
    let manifest = on_kafka(manifest, &broker.address("plaintext"), "outage");
    scene.write(
        "run.toml",
        format!("{manifest}\n[api]\nlisten = \"127.0.0.1:0\"\n"),
    );
    scene
}

/// The largest value of a figure.
fn figure(metrics: &str, name: &str, label: &str) -> Option<f64> {
    let is_it =
        |line: &&str| line.starts_with(&format!("fedhost_{name}{{")) && line.contains(label);
    let values = metrics
        .lines()
        .filter(is_it)
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
    values.reduce(f64::max)
}

#[test]
fn a_run_whose_broker_is_away_at_the_start_says_so_and_waits_for_it() {
    let mut broker = Broker::start(BrokerOptions::default());
    broker.stop();
    let manifest = simulated(600, 2);
    let scene = scene(&broker, &manifest);
    // Given a run without its broker
    let mut run = scene.start(&["run", "run.toml", "--json"]);
    let lost = run.wait_for("connection_lost");
    for word in ["kafka at", &broker.address("plaintext")] {
        assert!(
            lost["part"].as_str().unwrap().contains(word),
            "{word} in {lost}"
        );
    }
    assert!(
        lost["hint"].as_str().is_some_and(|hint| !hint.is_empty()),
        "{lost}"
    );
    // When the broker comes, then the run begins, and ends as if it had been there all the time
    broker.restart();
    run.wait_for("run_started");
    let (code, events) = run.rest();
    assert_eq!((code, model(&events)), (Some(0), undisturbed(&manifest)));
    let lost = scene
        .events_named("connection_lost")
        .into_iter()
        .filter(|again| again["part"] == lost["part"]);
    assert_eq!(lost.count(), 1, "it is said once");
}

#[test]
fn a_run_whose_broker_goes_away_is_alive_but_not_ready_and_keeps_what_its_sensors_say() {
    let mut broker = Broker::start(BrokerOptions::default());
    let manifest = simulated(1_200, 4).replace("rate_hz = 0", "rate_hz = 120");
    let scene = scene(&broker, &manifest);
    // A single broker may lose the outcome of a transaction when it restarts, and there is no other
    // replica
    let settings = [
        "--set",
        "kafka.request_ms=5000",
        "--set",
        "kafka.delivery=at-least-once",
    ];
    let mut run = scene.start(&[&["run", "run.toml", "--json"], &settings[..]].concat());
    let address = run.wait_for("listening")["address"]
        .as_str()
        .unwrap()
        .to_owned();
    let get = |path| http::get(&address, path, &[]);
    run.wait_for("round_closed");
    // Given a run that is at work
    wait_until("it is ready", || get("/readyz").0 == 200);
    let (_, metrics) = get("/metrics");
    for figure_name in ["consumer_lag_records", "consumer_lag_seconds"] {
        assert!(
            figure(&metrics, figure_name, "fog-node-1").is_some(),
            "{figure_name} of fog node 1 in {metrics}"
        );
    }
    // When its broker dies
    broker.kill();
    // Then it is alive and not ready, says why, and what its sensors say is kept
    wait_until("it is not ready", || get("/readyz").0 == 503);
    assert_eq!(get("/livez"), (200, "live\n".to_owned()));
    let spooled = |name| figure(&get("/metrics").1, name, "sensor-1").unwrap_or(0.0);
    wait_until("readings are in the spool", || {
        spooled("spool_records") > 100.0
    });
    assert!(spooled("spool_bytes") > 1_000.0 && spooled("spool_oldest_seconds") > 0.0);
    let why = get("/readyz").1;
    assert!(
        why.contains("sensor-1") && why.contains("fog-node-1"),
        "{why}"
    );
    wait_until("the sensors have said everything", || {
        scene.events_named("sensor_finished").len() == 2
    });
    // Nor does it end when its roles lose the bus and fail to restart
    let tried = |event: &Value| {
        event["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains(" cannot "))
    };
    wait_until("a role has tried to begin again", || {
        scene.events_named("role_restarted").iter().any(tried)
    });
    // And when the broker is back, everything arrives, and nothing is missing in the model
    broker.restart();
    run.wait_for("connection_restored");
    let (code, events) = run.rest();
    assert_eq!((code, model(&events)), (Some(0), undisturbed(&manifest)));
}
