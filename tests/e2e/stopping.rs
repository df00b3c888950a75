//! Ctrl-C, time limits, and the refusal of a second process.

use fedhost_e2e::{Scene, simulated};

#[test]
fn an_interrupted_run_stops_cleanly_and_goes_on_later() {
    let scene = Scene::new();
    scene.write("run.toml", simulated(3_000, 10));
    let mut run = scene.start(&["run", "run.toml", "--json"]);
    run.wait_for("round_closed");
    let (code, events) = run.interrupt();
    assert_eq!(code, Some(130));
    let finished = events.last().unwrap();
    assert_eq!(
        (finished["event"].as_str(), finished["outcome"].as_str()),
        (Some("run_finished"), Some("interrupted"))
    );

    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
    let rounds = scene.events_named("round_closed");
    assert_eq!(rounds.len(), 10);
    let resumed = scene.events_named("run_started");
    assert!(resumed[1]["resumed_round"].as_u64().unwrap() >= 1);
}

#[test]
fn a_finished_run_started_again_has_nothing_to_do() {
    let scene = Scene::new();
    scene.write("run.toml", simulated(600, 2));
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
    let again = scene.fedhost(&["run", "run.toml"]).expect_code(0);
    assert!(
        again.stdout.contains("of round 2, 0 made in this run"),
        "{}",
        again.stdout
    );
}

#[test]
fn a_run_ends_when_its_time_is_over() {
    let scene = Scene::new();
    // Endless sensors, and more rounds than there is time for.
    let manifest = simulated(1, 1_000_000)
        .replace("rows = 1\n", "")
        .replace("rate_hz = 0", "rate_hz = 50");
    scene.write("run.toml", manifest);
    scene
        .fedhost(&["run", "run.toml", "-q", "--for", "1s"])
        .expect_code(0);
    assert_eq!(
        scene.events_named("run_finished")[0]["outcome"],
        "time-limit"
    );
}

#[test]
fn a_second_process_on_the_same_log_is_refused() {
    let scene = Scene::new();
    let manifest = simulated(1, 1_000_000)
        .replace("rows = 1\n", "")
        .replace("rate_hz = 0", "rate_hz = 50");
    scene.write("run.toml", manifest);
    let mut first = scene.start(&["run", "run.toml", "--json"]);
    first.wait_for("round_opened");
    let second = scene.fedhost(&["run", "run.toml"]).expect_code(2);
    assert!(
        second.stderr.contains("in use by another process"),
        "{}",
        second.stderr
    );
    assert!(second.stderr.contains("hint:"), "{}", second.stderr);
    assert_eq!(
        first.interrupt().0,
        Some(130),
        "the first one never noticed"
    );
}
