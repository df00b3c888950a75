//! Ctrl-C in the middle.

use fedhost_e2e::{plugins, wait_until};

use super::two_runs;

#[test]
fn ctrl_c_ends_it_in_the_middle_of_a_call() {
    let scene = two_runs();
    let plugins = plugins().display().to_string();
    let usual = ["evaluate", "--plugins-dir", &plugins, "--plugin", "misbehaving", "--label", "anomaly"];
    // Given a call that would take ten minutes
    let endless = ["--parameters", "misbehaving.act=spin-in-train", "--limits", "call_deadline_ms=600000"];
    let data = ["--data", "runs/*.csv", "--ignore", "time", "--scores", "scores.csv"];
    let run = scene.prepare(&[&usual[..], &endless, &data].concat()).start();
    wait_until("the guest is called", || is_computing(run.id()));
    assert_eq!(run.interrupt_and_wait(), Some(130));
    assert!(!scene.path("scores.csv").exists(), "what is not done is not written");
}

/// Whether a process waits for Ctrl-C, and has computed for some seconds: longer than reading and compiling take.
fn is_computing(process: u32) -> bool {
    const SIGINT: u64 = 1 << 1;
    const TICKS: u64 = 400;
    let read = |file: &str| std::fs::read_to_string(format!("/proc/{process}/{file}")).unwrap();
    let status = read("status");
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
    let stat = read("stat");
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let user_ticks: u64 = fields.split(' ').nth(11).unwrap().parse().unwrap();
    u64::from_str_radix(caught, 16).unwrap() & SIGINT != 0 && user_ticks > TICKS
}
