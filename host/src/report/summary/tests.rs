use fedhost_base::event::{BusEvent, Damage, Event, PluginEvent, RunEvent, Stamped};
use fedhost_domain::event::{
    Durations, FederationEvent, GlobalEvaluation, Participant, RoundClosed,
};
use fedhost_domain::model::{NodeId, PluginId, Sha256Hex};

use super::*;

/// Events one second apart.
fn summary(events: Vec<Event>) -> RunSummary {
    let events = events.into_iter().zip(1..).map(|(event, second)| Stamped {
        time_ms: second * 1_000,
        event,
    });
    RunSummary::of("log", events.map(Ok))
}

fn started() -> Event {
    Event::Run(RunEvent::RunStarted {
        manifest: "demo.toml".into(),
        manifest_sha256: Sha256Hex::of(b"manifest"),
        version: "0.1.0".into(),
        resumed_round: 0,
        plugins: vec![plugin("1.0.0")],
    })
}

fn plugin(version: &str) -> PluginId {
    PluginId {
        name: "forest".into(),
        version: version.into(),
        sha256: Sha256Hex::of(version.as_bytes()),
    }
}

fn participant(number: u32, samples: u64, loss: f64) -> Participant {
    let (staleness, train_ms) = (u64::from(number - 1), Some(10 * samples));
    Participant {
        node: NodeId::fog(number),
        samples,
        staleness,
        loss,
        norm: 1.0,
        train_ms,
        metrics: vec![],
    }
}

fn closed(round: u64, participants: Vec<Participant>, missing: Vec<NodeId>) -> Event {
    Event::Federation(FederationEvent::RoundClosed(RoundClosed {
        round,
        samples: participants
            .iter()
            .map(|participant| participant.samples)
            .sum(),
        participants,
        missing,
        rejected: 0,
        closed_by: "complete".into(),
        loss: 1.0 / round as f64,
        weights_sha256: Sha256Hex::of(&round.to_le_bytes()),
        norm: 1.0,
        durations: Durations::default(),
    }))
}

fn evaluation(roc_auc: Option<f64>) -> GlobalEvaluation {
    GlobalEvaluation {
        rows: 10,
        anomalous: 1,
        roc_auc,
        average_precision: None,
        nodes: vec![],
    }
}

fn rejected(node: Option<u32>, reason: &str, detail: &str) -> Event {
    Event::Federation(FederationEvent::UpdateRejected {
        round: 1,
        node: node.map(NodeId::fog),
        reason: reason.into(),
        detail: detail.into(),
    })
}

#[test]
fn a_round_written_twice_counts_once() {
    let once = closed(1, vec![participant(1, 100, 0.5)], vec![]);
    let run = summary(vec![
        started(),
        once.clone(),
        once,
        closed(2, vec![participant(1, 50, 0.5)], vec![]),
    ]);
    assert_eq!(
        run.rounds
            .iter()
            .map(|round| round.closed.round)
            .collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!((run.samples, run.loss), (150, Some(0.5)));
    assert_eq!(run.nodes[0].rounds, 2);
}

#[test]
fn means_are_weighted_and_leave_out_what_is_no_number() {
    let rounds = vec![
        closed(1, vec![participant(2, 100, 0.2)], vec![]),
        closed(2, vec![participant(2, 300, 0.6)], vec![]),
        closed(3, vec![participant(2, 900, f64::NAN)], vec![]),
    ];
    let node = &summary(rounds).nodes[0];
    assert!((node.loss.unwrap() - 0.5).abs() < 1e-12);
    assert_eq!(
        (node.samples, node.staleness, node.train_ms),
        (1_300, Some(1.0), Some(13_000.0 / 3.0))
    );
}

#[test]
fn a_node_that_never_answers_is_listed() {
    let run = summary(vec![closed(
        1,
        vec![participant(2, 1, 0.5)],
        vec![NodeId::fog(10), NodeId::fog(1)],
    )]);
    assert_eq!(
        run.nodes
            .iter()
            .map(|node| node.node.as_str())
            .collect::<Vec<_>>(),
        ["fog-node-1", "fog-node-2", "fog-node-10"]
    );
    let silent = &run.nodes[2];
    assert_eq!(
        (
            silent.rounds,
            silent.missed,
            silent.loss,
            silent.last_seen_ms
        ),
        (0, 1, None, None)
    );
}

#[test]
fn rejections_are_counted_by_sender_and_reason() {
    let run = summary(vec![
        rejected(None, "undecodable", "no header"),
        rejected(Some(1), "stale", "2 behind"),
        rejected(Some(1), "stale", "3 behind"),
        closed(1, vec![], vec![NodeId::fog(1)]),
    ]);
    let stale = &run.rejections[0];
    assert_eq!(
        (
            stale.what.reason.as_str(),
            stale.count,
            stale.example.as_str()
        ),
        ("stale", 2, "3 behind")
    );
    assert_eq!(
        run.rejections[1].what,
        RejectedUpdates {
            node: None,
            reason: "undecodable".into()
        }
    );
    assert_eq!((run.rejected, run.nodes[0].rejected), (3, 2));
    assert_eq!(run.rounds[0].refused, [NodeId::fog(1)]);
}

#[test]
fn the_score_goes_from_the_first_model_to_the_last_that_has_one() {
    let evaluated = |round, before, after| {
        Event::Federation(FederationEvent::RoundEvaluated {
            round,
            before,
            after: evaluation(after),
        })
    };
    let run = summary(vec![
        evaluated(2, Some(evaluation(Some(0.7))), Some(0.8)),
        evaluated(1, Some(evaluation(Some(0.5))), Some(0.7)),
        evaluated(3, None, None),
    ]);
    assert_eq!(
        run.roc_auc,
        Some(Change {
            first: 0.5,
            last: 0.8
        })
    );
    assert_eq!(run.evaluation(2).unwrap().after.roc_auc, Some(0.8));
    assert_eq!(summary(vec![evaluated(1, None, None)]).roc_auc, None);
}

#[test]
fn the_time_between_a_stop_and_the_next_start_is_not_the_runs() {
    let events = [
        (1_000, started()),
        (
            4_000,
            Event::Federation(FederationEvent::RoundOpened { round: 1 }),
        ),
        (90_000, started()),
        (95_000, started()),
    ];
    let events = events.map(|(time_ms, event)| Ok(Stamped { time_ms, event }));
    let run = RunSummary::of("log", events);
    assert_eq!((run.starts, run.active_ms), (3, 3_000));
    assert_eq!((run.first_ms, run.last_ms), (Some(1_000), Some(95_000)));
}

#[test]
fn a_round_that_waits_for_nodes_is_told_until_it_closes() {
    let short = |answered| {
        Event::Federation(FederationEvent::RoundFailed {
            round: 1,
            answered,
            min_nodes: 2,
        })
    };
    let mut events = vec![
        started(),
        Event::Federation(FederationEvent::RoundOpened { round: 1 }),
        short(0),
        short(1),
    ];
    let waiting = OpenRound {
        round: 1,
        extensions: 2,
        answered: Some(1),
        min_nodes: Some(2),
    };
    assert_eq!(summary(events.clone()).open_round, Some(waiting));

    events.push(closed(1, vec![], vec![]));
    let run = summary(events);
    assert_eq!((run.open_round, run.rounds[0].extensions), (None, 2));
}

#[test]
fn a_resumed_run_has_not_ended() {
    let finished = Event::Run(RunEvent::RunFinished {
        round: 0,
        outcome: "interrupted".into(),
        weights_sha256: None,
    });
    assert_eq!(
        summary(vec![started(), finished.clone()])
            .outcome
            .as_deref(),
        Some("interrupted")
    );
    assert_eq!(summary(vec![started(), finished, started()]).outcome, None);
}

#[test]
fn a_swapped_plugin_is_another_entry_since_its_round() {
    let loaded = |version| {
        Event::Plugin(PluginEvent::PluginLoaded {
            plugin: plugin(version),
            file: "forest.wasm".into(),
            compile_ms: 9,
        })
    };
    let run = summary(vec![
        loaded("1.0.0"),
        started(),
        Event::Federation(FederationEvent::RoundOpened { round: 5 }),
        loaded("1.0.1"),
        started(),
    ]);
    let seen: Vec<_> = run
        .plugins
        .iter()
        .map(|plugin| (plugin.id.version.as_str(), plugin.since_round))
        .collect();
    assert_eq!(seen, [("1.0.0", None), ("1.0.1", Some(5))]);
}

#[test]
fn damage_announced_at_every_start_is_told_once() {
    let damaged = Event::Bus(BusEvent::LogDamaged(Damage {
        topic: "t".into(),
        partition: 0,
        from: 3,
        to: 9,
        detail: "checksum".into(),
    }));
    assert_eq!(
        summary(vec![started(), damaged.clone(), started(), damaged])
            .damage
            .len(),
        1
    );
}

#[test]
fn the_json_document_has_null_for_what_is_no_number() {
    let run = summary(vec![closed(
        1,
        vec![participant(1, 10, f64::INFINITY)],
        vec![],
    )]);
    let json = serde_json::to_value(&run).unwrap();
    assert_eq!(json["rounds"][0]["round"], 1);
    assert!(json["rounds"][0]["participants"][0]["loss"].is_null());
    assert!(json["nodes"][0]["loss"].is_null());
}
