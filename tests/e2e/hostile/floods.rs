//! Plug-ins that say as much as each call allows, in every call: what the host keeps of it over a
//! run is bounded, and what it left out is counted.

use fedhost_e2e::{Scene, plugins, simulated};
use handmade::Handmade;

use super::scene;

/// The longest line of log, as often as a call may log.
const LOGGING: &str = "(memory.fill (i32.const 98304) (i32.const 120) (i32.const 4096))
    (local.set $i (i32.const 1000))
    (loop
      (call $log (i32.const 1) (i32.const 98304) (i32.const 4096))
      (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))";

/// As many numbers with long names as a report may have, as often as a call may report.
const REPORTING: &str = "(local.set $i (i32.const 64))
    (loop
      (call $two (i32.add (i32.const 110000) (i32.mul (local.get $i) (i32.const 16)))
        (i32.const 98304) (i32.const 64))
      (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
    (memory.fill (i32.const 98304) (i32.const 120) (i32.const 64))
    (local.set $i (i32.const 1000))
    (loop
      (drop (call $progress (i32.const 1) (i32.const 1) (i32.const 110016) (i32.const 64)))
      (br_if 0 (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))";

/// Bytes for what a run says of its own.
const OWN_BYTES: u64 = 512 << 10;
/// `limits.log_bytes_per_minute`.
const BUDGET_BYTES: u64 = 1 << 20;

/// A run to its end with a preprocessor that does this in every call, and what it printed.
fn run(code: &str) -> (Scene, String) {
    let flood = Handmade::passing("flood").at("transform", code).component();
    let scene = scene(&["logistic-regression"], &[("flood", flood)]);
    let manifest = simulated(2_000, 2)
        .replace(&plugins().display().to_string(), "components")
        .replace("baseline-deviation", "flood");
    scene.write("run.toml", manifest);
    let output = scene.fedhost(&["run", "run.toml", "--json"]).expect_code(0);
    (scene, output.stdout)
}

#[test]
fn a_flood_of_log_lines_in_every_call_fills_no_disk() {
    let (scene, _) = run(LOGGING);
    let log = scene.path("data/aggregation_log.jsonl");
    let bytes = std::fs::metadata(log).unwrap().len();
    assert!(
        bytes < 2 * BUDGET_BYTES + OWN_BYTES,
        "{bytes} bytes of run log"
    );
    let counted = scene.events_named("plugin_logged").iter().any(|event| {
        let message = event["message"].as_str().unwrap();
        message.contains("log lines were left out") && message.contains("log_bytes_per_minute")
    });
    assert!(counted, "what was left out is counted");
}

#[test]
fn a_flood_of_progress_reports_in_every_call_fills_no_pipe() {
    let (scene, stdout) = run(REPORTING);
    let bytes = stdout.len() as u64;
    assert!(
        bytes < 3 * BUDGET_BYTES + OWN_BYTES,
        "{bytes} bytes of events"
    );
    let counted = scene.events_named("plugin_logged").iter().any(|event| {
        let message = event["message"].as_str().unwrap();
        message.contains("progress reports were left out")
    });
    assert!(counted, "what was left out is counted");
}
