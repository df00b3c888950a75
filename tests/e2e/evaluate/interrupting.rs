//! Ctrl-C in the middle.

use fedhost_e2e::{Prepared, Running, Scene, plugins, wait_until};

use super::two_runs;

/// One call that would take ten minutes.
fn endless(scene: &Scene, more: &[&str]) -> Prepared {
    let plugins = plugins().display().to_string();
    let usual = [
        "evaluate",
        "--plugins-dir",
        &plugins,
        "--plugin",
        "misbehaving",
        "--label",
        "anomaly",
    ];
    let data = [
        "--data",
        "runs/*.csv",
        "--ignore",
        "time",
        "--scores",
        "scores.csv",
    ];
    scene.prepare(
        &[
            &usual[..],
            &data,
            &["--limits", "call_deadline_ms=600000"],
            more,
        ]
        .concat(),
    )
}

/// Waits until a process listens to Ctrl-C, and has computed for longer than reading and compiling
/// take.
fn wait_until_it_computes(run: &Running) {
    const SIGINT: u64 = 1 << 1;
    const TICKS: u64 = 300;
    wait_until("the guest is called", || {
        let read =
            |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", run.id())).unwrap();
        let (status, stat) = (read("status"), read("stat"));
        let caught = status
            .lines()
            .find_map(|line| line.strip_prefix("SigCgt:"))
            .unwrap()
            .trim();
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let user_ticks: u64 = fields.split(' ').nth(11).unwrap().parse().unwrap();
        u64::from_str_radix(caught, 16).unwrap() & SIGINT != 0 && user_ticks > TICKS
    });
}

#[test]
fn ctrl_c_ends_it_in_the_middle() {
    let scene = two_runs();
    // Given a model that goes over its rows so often, and listens between two times
    let run = endless(&scene, &["--epochs", "4000000000"]).start();
    wait_until_it_computes(&run);
    run.send_interrupt();
    assert_eq!(run.wait_in_silence(), Some(130));
    assert!(
        !scene.path("scores.csv").exists(),
        "what is not done is not written"
    );
}

#[test]
fn a_second_ctrl_c_ends_even_a_call_that_ignores_cancellation() {
    let scene = two_runs();
    let stderr = scene.path("stderr.txt");
    let run = endless(&scene, &["--parameters", "misbehaving.act=spin-in-train"])
        .start_with_stderr(&stderr);
    wait_until_it_computes(&run);
    run.send_interrupt();
    wait_until("it says what to do", || {
        std::fs::read_to_string(&stderr)
            .unwrap()
            .contains("press Ctrl-C again")
    });
    run.send_interrupt();
    assert_eq!(run.wait_in_silence(), Some(130));
}
