//! W3C trace context: the context of foreign messages is passed on, hop by hop.

use fedhost::role::trace::{LINK, TRACEPARENT};
use fedhost_bus::{NewRecord, Record};
use fedhost_e2e::{Scene, put_records, read_topic, simulated};

const FOREIGN: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// The trace in a header, without its span.
fn trace<'a>(record: &'a Record, header: &str) -> Option<&'a str> {
    str::from_utf8(record.header(header)?)
        .unwrap()
        .split('-')
        .nth(1)
}

/// The same message as others would send it.
fn brought(record: &Record) -> NewRecord {
    let mut headers = record.headers.clone();
    headers.retain(|(name, _)| name != TRACEPARENT);
    headers.push((TRACEPARENT.to_owned(), FOREIGN.into()));
    NewRecord {
        topic: record.position.topic.clone(),
        partition: Some(0),
        timestamp_ms: record.timestamp_ms,
        key: record.key.clone(),
        value: record.value.clone(),
        headers,
    }
}

/// The messages of a federation's one round.
fn one_round(topic: &str) -> Vec<Record> {
    let scene = Scene::new();
    scene.write("run.toml", simulated(600, 1));
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
    read_topic(&scene.path("data"), topic)
}

#[test]
fn a_global_model_goes_on_with_the_trace_that_an_update_brought() {
    let scene = Scene::new();
    scene.write("run.toml", simulated(600, 2));
    // Given an update that was traced elsewhere
    let updates = one_round("model_updates");
    put_records(
        &scene.path("data"),
        "model_updates",
        vec![brought(&updates[0])],
    );
    // When a run makes a model of it
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
    // Then the model names that trace, and the round keeps its own, also for what follows from it
    let models = read_topic(&scene.path("data"), "global_model");
    let foreign = FOREIGN.split('-').nth(1);
    assert_eq!(trace(&models[0], LINK), foreign);
    assert_eq!(
        trace(&models[1], LINK),
        None,
        "no later round has a part in it"
    );
    assert_eq!(
        trace(&models[0], TRACEPARENT),
        trace(&one_round("global_model")[0], TRACEPARENT)
    );
    let evaluations = read_topic(&scene.path("data"), "model-evaluations");
    assert_eq!(
        trace(&evaluations[0], TRACEPARENT),
        trace(&models[0], TRACEPARENT)
    );
}

#[test]
fn what_answers_a_global_model_goes_on_with_the_trace_that_it_brought() {
    let scene = Scene::new();
    scene.write("run.toml", simulated(600, 2));
    // Given a global model that was made and traced elsewhere
    put_records(
        &scene.path("data"),
        "global_model",
        vec![brought(&one_round("global_model")[0])],
    );
    // When a node scores with it and trains it further
    let mut run = scene.start(&[
        "run", "run.toml", "--json", "--role", "fog-node", "--role", "sensor",
    ]);
    let trained = run.wait_for("node_trained");
    assert_eq!(trained["round"], 2, "{trained}");
    run.interrupt();
    // Then its update carries that trace, and what it found
    let foreign = FOREIGN.split('-').nth(1);
    for topic in ["model_updates", "model-evaluations"] {
        let answers = read_topic(&scene.path("data"), topic);
        assert!(
            !answers.is_empty()
                && answers
                    .iter()
                    .all(|answer| trace(answer, TRACEPARENT) == foreign),
            "{topic}"
        );
    }
}
