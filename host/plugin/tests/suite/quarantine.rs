//! A plug-in that keeps failing is quarantined, and tried again after a pause.

use fedhost_base::event::{Event, PluginEvent};
use fedhost_plugin::{CallError, Kind, Limits, Parameters, Value};

use crate::harness::{Recorder, Scene, columns, opening, pairs};

fn limits() -> Limits {
    Limits {
        failures_in_a_row: 3,
        quarantine_first_ms: 300,
        ..Limits::default()
    }
}

/// Opens a detector that does as `act` says, and scores with it.
fn score(scene: &Scene, act: &str) -> Result<Vec<f32>, CallError> {
    let act = Parameters::from([("act".to_owned(), Value::Text(act.to_owned()))]);
    let open = |opening: fedhost_plugin::Opening<'_>| scene.plugin.open_detector(opening);
    let mut detector = opening(
        &scene.plugin,
        &columns(2),
        &act,
        scene.context.clone(),
        open,
    )?;
    detector.score(&pairs(&[[1.0, 2.0]]))
}

fn kind(scored: Result<Vec<f32>, CallError>) -> Option<Kind> {
    scored.err().map(|error| error.kind)
}

fn pauses(recorder: &Recorder) -> Vec<u64> {
    let pause = |event| match event {
        Event::Plugin(PluginEvent::PluginQuarantined { pause_ms, .. }) => Some(pause_ms),
        _ => None,
    };
    recorder.heard().into_iter().filter_map(pause).collect()
}

#[test]
fn after_repeated_failures_a_plug_in_is_not_called_until_its_pause_is_over() {
    let scene = Scene::new("none", limits());
    for _ in 0..3 {
        assert_eq!(kind(score(&scene, "nan-scores")), Some(Kind::InvalidOutput));
    }
    assert_eq!(pauses(&scene.recorder), [300]);
    let shut_out = score(&scene, "none").unwrap_err();
    assert_eq!(shut_out.kind, Kind::Quarantined);
    assert!(
        shut_out.detail.contains("hint: replace its file"),
        "{shut_out}"
    );
    assert!(
        scene.trainer().save().is_ok(),
        "as a trainer it is as good as ever"
    );
    // On trial, one more failure is enough.
    let mut tried = kind(score(&scene, "trap"));
    while tried == Some(Kind::Quarantined) {
        tried = kind(score(&scene, "trap"));
    }
    assert_eq!(tried, Some(Kind::Trap));
    assert_eq!(pauses(&scene.recorder), [300, 600]);
    // And one success.
    let mut tried = score(&scene, "none");
    while kind(tried.clone()) == Some(Kind::Quarantined) {
        tried = score(&scene, "none");
    }
    assert_eq!(tried.unwrap(), [3.0]);
    let released = scene
        .recorder
        .heard()
        .into_iter()
        .filter(|event| matches!(event, Event::Plugin(PluginEvent::PluginReleased { .. })));
    assert_eq!(released.count(), 1);
    assert_eq!(
        kind(score(&scene, "trap")),
        Some(Kind::Trap),
        "all is forgotten"
    );
    assert_eq!(pauses(&scene.recorder).len(), 2);
}

#[test]
fn a_plug_in_that_declines_its_input_is_not_shut_out_for_it() {
    let scene = Scene::new("none", limits());
    for _ in 0..10 {
        assert!(matches!(
            kind(score(&scene, "error")),
            Some(Kind::Refused(_))
        ));
    }
    assert_eq!(pauses(&scene.recorder), Vec::<u64>::new());
}
