//! A guest can fail its own call; it cannot stop, slow down without bound, flood or crash the host.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use fedhost_plugin::worker;
use fedhost_plugin::{CallError, Kind, Limits};

use crate::harness::{Scene, pairs};

const ROWS: [[f32; 2]; 2] = [[1.0, 2.0], [3.0, 4.0]];
/// Room for a busy machine between a deadline and the moment the caller gets the error.
const SLACK: Duration = Duration::from_secs(5);

fn impatient() -> Limits {
    Limits {
        call_deadline_ms: 300,
        ..Limits::default()
    }
}

/// Makes a call that must be stopped at its deadline.
fn stopped(call: impl FnOnce() -> Result<(), CallError>) -> CallError {
    let started = fedhost_base::clock::now();
    let error = call().unwrap_err();
    let took = started.elapsed();
    assert_eq!(error.kind, Kind::Deadline, "{error}");
    assert!(
        took >= Duration::from_millis(300) && took < SLACK,
        "stopped after {took:?}"
    );
    error
}

#[test]
fn a_guest_that_spins_is_stopped_at_its_deadline_while_another_goes_on() {
    let (done, good) = (
        Arc::new(AtomicBool::new(false)),
        Scene::new("none", Limits::default()),
    );
    let neighbour = thread::spawn({
        let done = Arc::clone(&done);
        move || {
            let mut detector = good.detector();
            let mut calls = 0_u64;
            while !done.load(Ordering::Relaxed) || calls == 0 {
                assert_eq!(detector.score(&pairs(&ROWS)).unwrap(), [3.0, 7.0]);
                calls += 1;
            }
            calls
        }
    });
    let scene = Scene::new("spin-in-open", impatient());
    stopped(|| {
        scene
            .open(|opening| scene.plugin.open_detector(opening))
            .map(drop)
    });
    let mut trainer = Scene::new("spin-in-train", impatient()).trainer();
    stopped(|| trainer.train(&pairs(&ROWS), 1).map(drop));
    let mut detector = Scene::new("spin-in-score", impatient()).detector();
    let error = stopped(|| detector.score(&pairs(&ROWS)).map(drop));
    done.store(true, Ordering::Relaxed);
    assert!(neighbour.join().unwrap() > 0);
    assert!(
        error.to_string().contains("limits.call_deadline_ms"),
        "{error}"
    );
    assert!(detector.is_dead());
    assert_eq!(detector.score(&pairs(&ROWS)).unwrap_err().kind, Kind::Dead);
}

#[test]
fn a_guest_that_spins_is_stopped_within_ten_milliseconds_of_its_deadline() {
    let limits = Limits {
        call_deadline_ms: 20,
        ..Limits::default()
    };
    let scene = Scene::new("spin-in-score", limits);
    let lateness = |_| {
        let mut detector = scene.detector();
        let started = fedhost_base::clock::now();
        detector.score(&pairs(&ROWS)).unwrap_err();
        started.elapsed().saturating_sub(limits.call_deadline())
    };
    // Of several, since others may keep the processor from this test.
    let best = (0..4).map(lateness).min().unwrap();
    assert!(best <= Duration::from_millis(10), "{best:?} late");
}

#[tokio::test]
async fn a_spinning_guest_does_not_hold_up_the_thread_that_waits_for_it() {
    let mut detector = Scene::new("spin-in-score", impatient()).detector();
    let spinning = worker::run(move || detector.score(&pairs(&ROWS)));
    let other = async { 7 };
    let (score, seven) = tokio::join!(spinning, other);
    assert_eq!((score.unwrap_err().kind, seven), (Kind::Deadline, 7));
}

#[test]
fn a_memory_bomb_costs_no_more_than_its_limit_and_is_called_by_its_name() {
    let limits = Limits {
        memory_bytes: 16 << 20,
        ..Limits::default()
    };
    let mut detector = Scene::new("allocate", limits).detector();
    let error = detector.score(&pairs(&ROWS)).unwrap_err();
    assert_eq!(error.kind, Kind::Memory, "{error}");
    assert!(
        error.detail.contains("the limit is 16777216") && error.detail.contains("hint: "),
        "{error}"
    );
    let peak = detector.usage().peak_memory_bytes;
    assert!((8 << 20..=16 << 20).contains(&peak), "peak {peak}");
}

#[test]
fn a_crash_is_told_with_its_reason_and_place() {
    let crash = |act| {
        let mut trainer = Scene::new(act, Limits::default()).trainer();
        let error = trainer.train(&pairs(&ROWS), 1).unwrap_err();
        assert_eq!(error.kind, Kind::Trap, "{error}");
        assert!(trainer.is_dead());
        error.detail
    };
    let trap = crash("trap");
    assert!(
        trap.contains("unreachable") && trap.contains("misbehaving"),
        "{trap}"
    );
    let panic = crash("panic");
    assert!(
        panic.contains("asked to panic, and panicking")
            && panic.contains("`misbehaving::act::strike`"),
        "{panic}"
    );
    let overflow = crash("recurse");
    assert!(
        overflow.contains("stack exhausted") || overflow.contains("out of bounds"),
        "{overflow}"
    );
}

#[test]
fn a_deadline_in_units_of_work_is_met_at_the_same_place_every_time() {
    let limits = Limits {
        fuel_per_call: Some(3_000_000),
        ..Limits::default()
    };
    let progress_until_stopped = || {
        let scene = Scene::new("ignore-stop", limits);
        let error = scene.trainer().train(&pairs(&ROWS), u32::MAX).unwrap_err();
        assert_eq!(error.kind, Kind::Fuel, "{error}");
        assert!(
            error.detail.contains("3000000 units") && error.detail.contains("limits.fuel_per_call"),
            "{error}"
        );
        scene.recorder.reports()
    };
    let first = progress_until_stopped();
    assert!(first > 10, "{first}");
    assert_eq!(progress_until_stopped(), first);
    let good = Scene::new("none", limits)
        .detector()
        .score(&pairs(&ROWS))
        .unwrap();
    assert_eq!(good, [3.0, 7.0], "each call has the whole of it");
}

#[test]
fn a_smaller_stack_is_exhausted_sooner() {
    let error = |stack_bytes| {
        let limits = Limits {
            stack_bytes,
            ..Limits::default()
        };
        Scene::new("recurse", limits)
            .detector()
            .score(&pairs(&ROWS))
            .unwrap_err()
    };
    let small = error(64 << 10);
    assert_eq!(small.kind, Kind::Trap);
    assert!(
        small.detail.contains("stack exhausted, at 65536 bytes"),
        "{small}"
    );
    assert!(small.detail.contains("limits.stack_bytes"), "{small}");
}

#[test]
fn an_answer_over_the_limit_is_refused_before_the_host_makes_room_for_it() {
    let limits = Limits {
        output_bytes: 1 << 20,
        ..Limits::default()
    };
    let error = Scene::new("huge-output", limits)
        .detector()
        .score(&pairs(&ROWS))
        .unwrap_err();
    assert_eq!(error.kind, Kind::OutputTooLarge, "{error}");
    assert!(error.detail.contains("limits.output_bytes"), "{error}");
    let error = Scene::new("huge-weights", limits)
        .trainer()
        .save()
        .unwrap_err();
    assert_eq!(error.kind, Kind::OutputTooLarge, "{error}");
}

#[test]
fn a_log_flood_is_cut_and_counted() {
    let scene = Scene::new(
        "log-flood",
        Limits {
            log_lines_per_call: 10,
            ..Limits::default()
        },
    );
    scene.detector().score(&pairs(&ROWS)).unwrap();
    let lines = scene.recorder.lines();
    assert_eq!(lines.len(), 11);
    assert_eq!(lines[0], "info: line 0 of a flood");
    assert_eq!(
        lines[10],
        "warning: 999990 more log lines were dropped after the first 10"
    );
}

#[test]
fn a_huge_log_line_is_cut() {
    let scene = Scene::new("huge-log-line", Limits::default());
    scene.detector().score(&pairs(&ROWS)).unwrap();
    let lines = scene.recorder.lines();
    assert_eq!(
        lines.iter().map(String::len).collect::<Vec<_>>(),
        ["info: ".len() + 4096]
    );
    assert!(lines[0].ends_with('…'));
}

#[test]
fn a_progress_flood_is_cut_and_counted() {
    // Near its deadline a guest is asked to stop, which would end the flood.
    let patient = Limits {
        call_deadline_ms: 120_000,
        ..Limits::default()
    };
    let scene = Scene::new("progress-flood", patient);
    scene.trainer().train(&pairs(&ROWS), 1).unwrap();
    assert_eq!(scene.recorder.reports(), 1000);
    assert_eq!(
        scene.recorder.lines(),
        ["warning: 999000 more progress reports were dropped after the first 1000"]
    );
}

#[test]
fn a_cancelled_training_returns_with_what_it_has() {
    let scene = Scene::new("none", Limits::default());
    let mut trainer = scene.trainer();
    scene.context.cancel.cancel();
    let report = trainer.train(&pairs(&ROWS), u32::MAX).unwrap();
    assert_eq!(report.loss, 0.5, "one epoch");
}

#[test]
fn a_training_is_asked_to_stop_in_time_to_return_before_its_deadline() {
    let mut trainer = Scene::new(
        "none",
        Limits {
            call_deadline_ms: 3000,
            ..Limits::default()
        },
    )
    .trainer();
    let report = trainer.train(&pairs(&ROWS), u32::MAX).unwrap();
    assert!(report.loss < 0.5 && !trainer.is_dead(), "{report:?}");
}

#[test]
fn all_instances_together_stay_within_the_total_memory() {
    let engine = fedhost_plugin::Engine::with_total_memory(16 << 20).unwrap();
    let recorder = crate::harness::Recorder::default();
    let loader = fedhost_plugin::Loader::new(&engine, recorder.sink());
    let mut scene = Scene::new("none", Limits::default());
    scene.plugin = loader
        .load(&crate::harness::component("misbehaving"))
        .unwrap();
    let open = || scene.open(|opening| scene.plugin.open_detector(opening));
    let mut open_ones = Vec::new();
    let error = loop {
        match open() {
            Ok(detector) => open_ones.push(detector),
            Err(error) => break error,
        }
        assert!(open_ones.len() < 64, "there is no end of it");
    };
    assert!(!open_ones.is_empty());
    assert_eq!(error.kind, Kind::Memory, "{error}");
    assert!(
        error.detail.contains("16777216 bytes")
            && error.detail.contains("plugins.total_memory_bytes"),
        "{error}"
    );
    open_ones.pop();
    assert!(open().is_ok(), "what one has given back, another one gets");
}
