//! The run log is a contract: these lines stay as they are, byte for byte, and are read again.

use fedhost_domain::event::{
    Durations, GlobalEvaluation, NodeEvaluation, Participant, RoundClosed,
};
use fedhost_domain::model::{Metric, NodeId, PluginId, Sha256Hex};

use super::*;

fn plugin() -> PluginId {
    PluginId {
        name: "autoencoder".into(),
        version: "0.1.0".into(),
        sha256: Sha256Hex::of(b"autoencoder"),
    }
}

fn metrics() -> Vec<Metric> {
    vec![Metric {
        name: "accuracy".into(),
        value: 0.5,
    }]
}

fn participant() -> Participant {
    Participant {
        node: NodeId::fog(1),
        samples: 3,
        staleness: 1,
        loss: 0.25,
        norm: 2.5,
        train_ms: Some(7),
        metrics: metrics(),
    }
}

fn evaluation(rows: u64) -> GlobalEvaluation {
    GlobalEvaluation {
        rows,
        anomalous: 2,
        roc_auc: Some(0.75),
        average_precision: None,
        nodes: vec![NodeEvaluation {
            node: NodeId::fog(2),
            rows,
            anomalous: 2,
            roc_auc: None,
        }],
    }
}

fn round_events() -> Vec<Event> {
    vec![
        Event::Federation(FederationEvent::RoundOpened { round: 2 }),
        Event::Federation(FederationEvent::UpdateAccepted {
            round: 2,
            participant: participant(),
        }),
        Event::Federation(FederationEvent::UpdateRejected {
            round: 2,
            node: Some(NodeId::fog(1)),
            reason: "stale".into(),
            detail: "too old".into(),
        }),
        Event::Federation(FederationEvent::UpdateRejected {
            round: 2,
            node: None,
            reason: "checksum".into(),
            detail: "damaged".into(),
        }),
        Event::Federation(FederationEvent::RoundFailed {
            round: 2,
            answered: 1,
            min_nodes: 2,
        }),
        Event::Federation(FederationEvent::RoundClosed(RoundClosed {
            round: 2,
            participants: vec![participant()],
            missing: vec![NodeId::fog(3)],
            rejected: 1,
            closed_by: "interval".into(),
            samples: 3,
            loss: 0.25,
            weights_sha256: Sha256Hex::of(b"weights"),
            norm: 2.5,
            durations: Durations {
                gathering_ms: 1.5,
                aggregating_ms: 0.5,
                publishing_ms: 2.0,
            },
        })),
        Event::Federation(FederationEvent::RoundEvaluated {
            round: 2,
            before: Some(evaluation(4)),
            after: evaluation(5),
        }),
        Event::Federation(FederationEvent::NodeTrained {
            node: NodeId::fog(1),
            round: 3,
            samples: 30,
            loss: 0.125,
            train_ms: 9,
        }),
        Event::Federation(FederationEvent::NodeRefused {
            node: NodeId::fog(1),
            round: 3,
            reason: "too_old".into(),
            detail: "compare the clocks".into(),
        }),
        Event::Federation(FederationEvent::NodeResumed {
            node: NodeId::fog(1),
            rows: 10,
            replayed: 4,
            round: 2,
        }),
        Event::Federation(FederationEvent::TrainingSkipped {
            node: NodeId::fog(1),
            rows: 8,
        }),
        Event::Run(RunEvent::SensorFinished {
            node: NodeId::fog(1),
            sensor: "pump".into(),
            rows: 100,
            skipped: 1,
        }),
    ]
}

fn plugin_events() -> Vec<Event> {
    vec![
        Event::Plugin(PluginEvent::PluginLoaded {
            plugin: plugin(),
            file: "autoencoder.wasm".into(),
            compile_ms: 12,
        }),
        Event::Plugin(PluginEvent::PluginFailed {
            plugin: "autoencoder".into(),
            call: "detector.score".into(),
            kind: "trap".into(),
            detail: "unreachable".into(),
        }),
        Event::Plugin(PluginEvent::PluginSwapped {
            node: NodeId::fog(1),
            part: "model".into(),
            old: plugin(),
            new: plugin(),
            topic: "sensor-data-node-1".into(),
            first_offsets: [(0, 5), (2, 7)].into(),
            state: "the last global model".into(),
        }),
        Event::Plugin(PluginEvent::PluginQuarantined {
            plugin: "autoencoder".into(),
            part: "trainer".into(),
            call: "trainer.train".into(),
            failures: 5,
            pause_ms: 1_000,
            detail: "unreachable".into(),
        }),
        Event::Plugin(PluginEvent::PluginReleased {
            plugin: "autoencoder".into(),
            part: "trainer".into(),
        }),
        Event::Plugin(PluginEvent::PluginLogged {
            plugin: "autoencoder".into(),
            instance: "fog-node-1".into(),
            level: "info".into(),
            message: "\"quoted\" µ".into(),
        }),
        Event::Plugin(PluginEvent::PluginProgress {
            plugin: "autoencoder".into(),
            instance: "fog-node-1".into(),
            epoch: 1,
            epochs: 3,
            metrics: metrics(),
        }),
    ]
}

fn host_events() -> Vec<Event> {
    vec![
        Event::Run(RunEvent::RunStarted {
            manifest: "demo.toml".into(),
            manifest_sha256: Sha256Hex::of(b"manifest"),
            version: "0.1.0".into(),
            resumed_round: 2,
            plugins: vec![plugin()],
        }),
        Event::Run(RunEvent::RecordSkipped {
            source: "model_updates".into(),
            partition: 1,
            offset: 9,
            reason: "undecodable".into(),
            detail: "not JSON".into(),
        }),
        Event::Bus(BusEvent::LogDamaged(Damage {
            topic: "predictions".into(),
            partition: 1,
            from: 3,
            to: 5,
            detail: "checksum".into(),
        })),
        Event::Run(RunEvent::Warned {
            part: "log".into(),
            detail: "slow".into(),
        }),
        Event::Bus(BusEvent::ConnectionLost {
            part: "writer of fog-node-1".into(),
            reason: "refused".into(),
            hint: "start it".into(),
        }),
        Event::Bus(BusEvent::ConnectionRestored {
            part: "writer of fog-node-1".into(),
            after_ms: 20,
        }),
        Event::Bus(BusEvent::StandingBy {
            group: "aggregator".into(),
        }),
        Event::Bus(BusEvent::PartitionStalled {
            group: "aggregator".into(),
            topic: "model_updates".into(),
            partition: 0,
            next: 3,
            end: 9,
        }),
        Event::Bus(BusEvent::RecordsExpired {
            group: "aggregator".into(),
            topic: "model_updates".into(),
            partition: 0,
            from: 0,
            to: 3,
        }),
        Event::Run(RunEvent::Listening {
            address: "127.0.0.1:8080".into(),
        }),
        Event::Run(RunEvent::RoleRestarted {
            role: "fog-node-1".into(),
            reason: "fenced".into(),
        }),
        Event::Bus(BusEvent::TopicDiffers {
            topic: "predictions".into(),
            setting: "retention.ms".into(),
            asked: "1".into(),
            found: "2".into(),
        }),
        Event::Run(RunEvent::RunFinished {
            round: 5,
            outcome: "completed".into(),
            weights_sha256: Some(Sha256Hex::of(b"weights")),
        }),
    ]
}

#[test]
fn every_event_keeps_its_line_of_the_run_log() {
    let events = [host_events(), round_events(), plugin_events()].concat();
    let lines: Vec<String> = (1_700_000_000_000_u64..)
        .zip(events)
        .map(|(time_ms, event)| {
            let stamped = Stamped { time_ms, event };
            let line = serde_json::to_string(&stamped).unwrap();
            assert_eq!(serde_json::from_str::<Stamped>(&line).unwrap(), stamped);
            line
        })
        .collect();
    let golden: Vec<&str> = include_str!("tests/run_log.jsonl").lines().collect();
    assert_eq!(lines, golden);
}

#[test]
fn an_event_with_a_loss_that_is_no_number_can_be_read_again() {
    let participant = Participant {
        loss: f64::NAN,
        train_ms: None,
        metrics: vec![Metric {
            name: "accuracy".into(),
            value: f64::INFINITY,
        }],
        ..participant()
    };
    let line = serde_json::to_string(&Stamped {
        time_ms: 1,
        event: Event::Federation(FederationEvent::UpdateAccepted {
            round: 1,
            participant,
        }),
    });

    let Stamped {
        event: Event::Federation(FederationEvent::UpdateAccepted { participant, .. }),
        ..
    } = serde_json::from_str(&line.unwrap()).unwrap()
    else {
        panic!("another event came back")
    };
    assert!(participant.loss.is_nan() && participant.metrics[0].value.is_nan());
    assert_eq!((participant.samples, participant.norm), (3, 2.5));
}

#[test]
fn names_are_unique_over_all_families_and_each_has_its_line() {
    let families = [
        RunEvent::NAMES,
        BusEvent::NAMES,
        PluginEvent::NAMES,
        FederationEvent::NAMES,
    ];
    let named: Vec<&str> = families.concat();
    let mut once = named.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), named.len(), "a name stands for one event");
    let mut golden: Vec<String> = include_str!("tests/run_log.jsonl")
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["event"]
                .as_str()
                .unwrap()
                .into()
        })
        .collect();
    golden.sort_unstable();
    golden.dedup();
    assert_eq!(golden, once);
}

#[test]
fn an_error_is_about_the_fields_of_the_named_event() {
    let error = |line: &str| {
        serde_json::from_str::<Stamped>(line)
            .unwrap_err()
            .to_string()
    };
    assert!(error(r#"{"time_ms":1,"event":"round_opened"}"#).contains("missing field `round`"));
    assert!(error(r#"{"time_ms":1,"event":"later"}"#).starts_with("unknown variant"));
    assert!(error(r#"{"time_ms":1}"#).contains("missing field `event`"));
}
