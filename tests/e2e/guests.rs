//! A model that misbehaves: its calls fail, and everything else continues.

use fedhost_e2e::{Scene, simulated};

fn run_with(act: &str, limits: &str) -> (Scene, fedhost_e2e::Finished) {
    let scene = Scene::new();
    let model = format!("plugin = \"misbehaving\"\nparameters = {{ act = \"{act}\" }}");
    let manifest = simulated(400, 2).replace("plugin = \"logistic-regression\"", &model);
    scene.write(
        "run.toml",
        format!("{manifest}\n[plugins.misbehaving.limits]\n{limits}\n"),
    );
    let run = scene
        .fedhost(&["run", "run.toml", "--for", "4s"])
        .expect_code(0);
    (scene, run)
}

#[test]
fn a_guest_that_spins_is_stopped_and_the_run_goes_on() {
    let (scene, run) = run_with("spin-in-train", "call_deadline_ms = 200");
    let failed = scene.events_named("plugin_failed");
    assert!(
        failed.iter().all(|event| event["kind"] == "deadline"),
        "{failed:?}"
    );
    assert!(failed.len() >= 2, "one for each node: {}", run.stderr);
    assert!(scene.events_named("round_closed").is_empty());
    assert_eq!(
        fedhost_e2e::predictions(&scene.path("data")).len(),
        800,
        "every row is still taken"
    );
}

#[test]
fn a_guest_that_panics_is_quoted() {
    let (scene, run) = run_with("panic", "");
    assert!(
        scene
            .events_named("plugin_failed")
            .iter()
            .any(|event| event["kind"] == "trap")
    );
    assert!(run.stderr.contains("panicked at"), "{}", run.stderr);
}

#[test]
fn weights_that_are_no_numbers_never_leave_the_node() {
    let (scene, run) = run_with("nan-weights", "");
    let failed = scene.events_named("plugin_failed");
    assert!(
        failed.iter().any(|event| event["kind"] == "invalid-output"),
        "{}",
        run.stderr
    );
    assert!(
        scene.events_named("round_closed").is_empty()
            && scene.events_named("update_rejected").is_empty()
    );
}

#[test]
fn a_guest_that_wants_all_the_memory_gets_its_limit_and_no_more() {
    let (scene, run) = run_with("allocate", "memory_bytes = 8388608");
    assert!(
        scene
            .events_named("plugin_failed")
            .iter()
            .any(|event| event["kind"] == "memory"),
        "{}",
        run.stderr
    );
}
