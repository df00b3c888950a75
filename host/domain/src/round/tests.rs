use std::collections::BTreeSet;

use super::*;
use crate::model::{PluginId, Sha256Hex, TensorSpec};

const OPENED: u64 = 1_000_000;

fn rules() -> Rules {
    Rules {
        expected: Expected::Listed([NodeId::fog(1), NodeId::fog(2)].into()),
        min_nodes: 1,
        round_interval_ms: 30_000,
        max_staleness_rounds: 1,
        max_update_age_ms: 120_000,
        plugin: "logistic-regression".into(),
        max_weight: 100.0,
        max_norm: 150.0,
        max_samples: 10_000,
        max_nodes: 4,
        rounds: Some(3),
    }
}

fn weights(values: &[f32]) -> Weights {
    let spec = TensorSpec {
        name: "w".into(),
        shape: vec![u32::try_from(values.len()).unwrap()],
    };
    Weights::new(vec![spec], values.to_vec()).unwrap()
}

fn plugin() -> PluginId {
    PluginId {
        name: "logistic-regression".into(),
        version: "0.1.0".into(),
        sha256: Sha256Hex::of(b"component"),
    }
}

fn update(node: u32, base_round: u64, values: &[f32], samples: u64) -> Update {
    Update {
        node: NodeId::fog(node),
        base_round,
        timestamp_ms: OPENED,
        samples,
        weights: weights(values),
        plugin: plugin(),
        loss: 0.5,
        train_ms: None,
        metrics: Vec::new(),
    }
}

fn machine(rules: Rules) -> Machine {
    Machine::new(
        rules,
        Progress {
            opened_ms: OPENED,
            ..Progress::default()
        },
        None,
    )
}

fn phase(error: &Error) -> &'static str {
    let Error::OutOfTurn { phase, .. } = error else {
        panic!("not out of turn: {error}")
    };
    phase
}

fn feed(machine: &mut Machine, update: Update) -> Vec<Output> {
    machine
        .handle(OPENED + 10, Input::Update(Box::new(update)))
        .unwrap()
}

/// Carries a closing round through to the next.
fn publish(machine: &mut Machine, now_ms: u64) -> (Arc<GlobalModel>, RoundClosed, Vec<Output>) {
    let mut outputs = machine.handle(now_ms, Input::Aggregate).unwrap();
    let Some(Output::Publish { model, summary, .. }) = outputs.pop() else {
        panic!("no model in {outputs:?}")
    };
    let after = machine.handle(now_ms, Input::Published).unwrap();
    (model, *summary, after)
}

fn rejection(outputs: &[Output]) -> &'static str {
    let [Output::Rejected { rejection, .. }] = outputs else {
        panic!("not refused: {outputs:?}")
    };
    rejection.code()
}

#[test]
fn a_round_closes_as_soon_as_every_expected_node_has_answered() {
    let mut machine = machine(rules());
    assert!(matches!(
        feed(&mut machine, update(1, 0, &[1.0], 100))[..],
        [Output::Accepted(_)]
    ));
    assert!(matches!(
        feed(&mut machine, update(2, 0, &[4.0], 300))[..],
        [Output::Accepted(_), Output::Aggregate]
    ));
    let (model, summary, after) = publish(&mut machine, OPENED + 20);
    assert_eq!(model.weights.data(), [3.25]);
    assert_eq!(
        (
            summary.samples,
            summary.closed_by.as_str(),
            summary.missing.len()
        ),
        (400, "complete", 0)
    );
    assert_eq!(after, [Output::Opened { round: 2 }]);
    assert_eq!(machine.progress().opened_ms, OPENED + 20);
}

#[test]
fn the_interval_closes_a_round_with_the_updates_so_far() {
    let mut machine = machine(rules());
    feed(&mut machine, update(2, 0, &[4.0], 300));
    let deadline = machine.deadline_ms().unwrap();
    assert_eq!(machine.handle(deadline - 1, Input::Tick).unwrap(), []);
    assert_eq!(
        machine.handle(deadline, Input::Tick).unwrap(),
        [Output::Aggregate]
    );
    let (model, summary, _) = publish(&mut machine, deadline);
    assert_eq!(model.weights.data(), [4.0]);
    assert_eq!(
        (summary.closed_by.as_str(), summary.missing),
        ("interval", vec![NodeId::fog(1)])
    );
}

#[test]
fn too_few_answers_fail_the_round_until_enough_have_come() {
    let mut machine = machine(Rules {
        min_nodes: 2,
        ..rules()
    });
    feed(&mut machine, update(1, 0, &[1.0], 1));
    let deadline = machine.deadline_ms().unwrap();
    assert_eq!(
        machine.handle(deadline, Input::Tick).unwrap(),
        [Output::Failed { answered: 1 }]
    );
    assert_eq!(machine.deadline_ms(), None, "it is announced once");
    assert_eq!(machine.handle(deadline + 1, Input::Tick).unwrap(), []);
    assert!(matches!(
        feed(&mut machine, update(2, 0, &[3.0], 1))[..],
        [Output::Accepted(_), Output::Aggregate]
    ));
    assert_eq!(publish(&mut machine, deadline + 2).0.weights.data(), [2.0]);
}

#[test]
fn an_open_federation_takes_any_node_and_waits_for_the_interval() {
    let mut machine = machine(Rules {
        expected: Expected::Open,
        ..rules()
    });
    for node in 1..=3 {
        assert!(matches!(
            feed(&mut machine, update(node * 7, 0, &[1.0], 1))[..],
            [Output::Accepted(_)]
        ));
    }
    let deadline = machine.deadline_ms().unwrap();
    assert_eq!(
        machine.handle(deadline, Input::Tick).unwrap(),
        [Output::Aggregate]
    );
}

#[test]
fn every_refusal_names_its_reason_and_keeps_the_sum() {
    let cases: Vec<(&str, Update)> = vec![
        ("unknown_node", update(9, 0, &[1.0, 2.0], 1)),
        (
            "wrong_plugin",
            Update {
                plugin: PluginId {
                    name: "mlp".into(),
                    ..plugin()
                },
                ..update(2, 0, &[1.0, 2.0], 1)
            },
        ),
        ("duplicate", update(1, 0, &[9.0, 9.0], 1)),
        ("unknown_base", update(2, 1, &[1.0, 2.0], 1)),
        (
            "too_old",
            Update {
                timestamp_ms: OPENED - 120_001,
                ..update(2, 0, &[1.0, 2.0], 1)
            },
        ),
        ("bad_sample_count", update(2, 0, &[1.0, 2.0], 0)),
        ("bad_sample_count", update(2, 0, &[1.0, 2.0], 10_001)),
        ("wrong_shape", update(2, 0, &[1.0], 1)),
        ("over_weight", update(2, 0, &[101.0, 0.0], 1)),
        (
            "bad_loss",
            Update {
                loss: f64::NAN,
                ..update(2, 0, &[1.0, 2.0], 1)
            },
        ),
    ];
    let mut machine = machine(rules());
    let first = [3.0, 5.0];
    feed(&mut machine, update(1, 0, &first, 2));
    for (code, update) in cases {
        assert_eq!(rejection(&feed(&mut machine, update)), code);
    }
    let deadline = machine.deadline_ms().unwrap();
    machine.handle(deadline, Input::Tick).unwrap();
    let (model, summary, _) = publish(&mut machine, deadline);
    assert_eq!(model.weights.data(), first);
    assert_eq!(summary.rejected, 10);
}

#[test]
fn an_update_over_the_norm_limit_is_refused() {
    let mut machine = machine(rules());
    let outputs = feed(&mut machine, update(1, 0, &[100.0, -100.0, 100.0], 1));
    assert_eq!(rejection(&outputs), "over_norm");
}

#[test]
fn a_round_takes_no_more_updates_than_its_limit() {
    let mut machine = machine(Rules {
        expected: Expected::Open,
        max_nodes: 2,
        ..rules()
    });
    feed(&mut machine, update(1, 0, &[1.0], 1));
    feed(&mut machine, update(2, 0, &[1.0], 1));
    assert_eq!(
        rejection(&feed(&mut machine, update(3, 0, &[1.0], 1))),
        "too_many_updates"
    );
}

#[test]
fn a_late_answer_counts_in_the_next_round_and_no_longer() {
    let mut machine = machine(Rules {
        rounds: None,
        ..rules()
    });
    for round in 0..2 {
        feed(&mut machine, update(1, round, &[1.0], 1));
        let deadline = machine.deadline_ms().unwrap();
        machine.handle(deadline, Input::Tick).unwrap();
        publish(&mut machine, OPENED);
    }
    assert_eq!(machine.round(), 3);
    assert_eq!(
        rejection(&feed(&mut machine, update(2, 0, &[5.0], 1))),
        "stale"
    );
    let outputs = feed(&mut machine, update(2, 1, &[5.0], 1));
    assert!(
        matches!(&outputs[..], [Output::Accepted(participant)] if participant.staleness == 1),
        "{outputs:?}"
    );
}

#[test]
fn an_update_that_is_repeated_after_its_round_is_not_counted_again() {
    let mut machine = machine(rules());
    for node in [1, 2] {
        feed(&mut machine, update(node, 0, &[1.0], 1));
    }
    publish(&mut machine, OPENED + 5);
    assert_eq!(
        rejection(&feed(&mut machine, update(1, 0, &[1.0], 1))),
        "duplicate"
    );
    let mut restarted = Machine::new(
        rules(),
        machine.progress().clone(),
        machine.global().cloned(),
    );
    assert_eq!(
        rejection(&feed(&mut restarted, update(1, 0, &[1.0], 1))),
        "duplicate",
        "also after a restart"
    );
    assert!(matches!(
        feed(&mut restarted, update(1, 1, &[1.0], 1))[..],
        [Output::Accepted(_)]
    ));
}

#[test]
fn the_last_round_completes_the_machine() {
    let mut machine = machine(Rules {
        rounds: Some(1),
        ..rules()
    });
    feed(&mut machine, update(1, 0, &[1.0], 1));
    feed(&mut machine, update(2, 0, &[1.0], 1));
    assert_eq!(publish(&mut machine, OPENED).2, [Output::Complete]);
    assert!(machine.is_complete());
    let restarted = Machine::new(
        Rules {
            rounds: Some(1),
            ..rules()
        },
        machine.progress().clone(),
        None,
    );
    assert!(restarted.is_complete());
}

#[test]
fn an_input_in_the_wrong_phase_is_refused_and_changes_nothing() {
    let mut machine = machine(rules());
    assert_eq!(
        phase(&machine.handle(OPENED, Input::Aggregate).unwrap_err()),
        "gathering"
    );
    assert_eq!(
        phase(&machine.handle(OPENED, Input::Published).unwrap_err()),
        "gathering"
    );
    feed(&mut machine, update(1, 0, &[1.0], 1));
    feed(&mut machine, update(2, 0, &[1.0], 1));
    let late = Input::Update(Box::new(update(1, 0, &[1.0], 1)));
    assert_eq!(
        phase(&machine.handle(OPENED, late).unwrap_err()),
        "aggregating"
    );
    assert_eq!(publish(&mut machine, OPENED).0.weights.data(), [1.0]);
}

#[test]
fn a_restarted_machine_continues_its_round() {
    let mut undisturbed = machine(rules());
    feed(&mut undisturbed, update(1, 0, &[1.0], 1));
    feed(&mut undisturbed, update(2, 0, &[2.0], 1));
    let (first, _, _) = publish(&mut undisturbed, OPENED + 5);
    let updates = || [update(1, 1, &[0.25], 3), update(2, 1, &[0.75], 5)];
    for update in updates() {
        feed(&mut undisturbed, update);
    }
    let stored = undisturbed.progress().clone();
    let expected = publish(&mut undisturbed, OPENED + 9).0;

    let mut restarted = Machine::new(rules(), stored, Some(Arc::clone(&first.weights)));
    for update in updates().into_iter().rev() {
        feed(&mut restarted, update);
    }
    assert_eq!(
        publish(&mut restarted, OPENED + 9).0.weights.sha256(),
        expected.weights.sha256()
    );
}

#[test]
fn expected_nodes_are_a_set() {
    let nodes: BTreeSet<NodeId> = [NodeId::fog(1), NodeId::fog(1)].into();
    let mut machine = machine(Rules {
        expected: Expected::Listed(nodes),
        ..rules()
    });
    assert!(matches!(
        feed(&mut machine, update(1, 0, &[1.0], 1))[..],
        [Output::Accepted(_), Output::Aggregate]
    ));
}

#[test]
fn tensors_of_an_update_are_matched_by_name_in_any_order() {
    let spec = |name: &str, extent| TensorSpec {
        name: name.into(),
        shape: vec![extent],
    };
    let forward = vec![spec("weight", 2), spec("bias", 1)];
    let backward = vec![spec("bias", 1), spec("weight", 2)];
    let ordered = |node, base_round, tensors: &[TensorSpec], data: &[f32]| Update {
        weights: Weights::new(tensors.to_vec(), data.to_vec()).unwrap(),
        ..update(node, base_round, &[1.0], 10)
    };
    let model_of = |first: Update, second: Update| {
        let mut machine = machine(rules());
        feed(&mut machine, first);
        feed(&mut machine, second);
        let first = publish(&mut machine, OPENED + 5).0;
        feed(&mut machine, ordered(1, 1, &forward, &[1.0, 2.0, 3.0]));
        feed(&mut machine, ordered(2, 1, &backward, &[5.0, 3.0, 4.0]));
        let second = publish(&mut machine, OPENED + 9).0;
        [first, second].map(|model| model.weights.as_ref().clone())
    };
    let one = || ordered(1, 0, &forward, &[1.0, 2.0, 3.0]);
    let other = || ordered(2, 0, &backward, &[5.0, 3.0, 4.0]);
    let expected = Weights::new(forward.clone(), vec![2.0, 3.0, 4.0]).unwrap();
    assert_eq!(
        model_of(one(), other()),
        [expected.clone(), expected.clone()]
    );
    assert_eq!(
        model_of(other(), one()),
        [expected.clone(), expected],
        "the order of arrival changes nothing"
    );
}

#[test]
fn updates_that_cannot_be_decoded_count_as_rejected() {
    let mut machine = machine(rules());
    assert_eq!(machine.handle(OPENED, Input::Undecodable), Ok(Vec::new()));
    assert_eq!(
        rejection(&feed(&mut machine, update(7, 0, &[1.0], 1))),
        "unknown_node"
    );
    feed(&mut machine, update(1, 0, &[1.0], 1));
    feed(&mut machine, update(2, 0, &[1.0], 1));
    let late = machine.handle(OPENED, Input::Undecodable).unwrap_err();
    assert_eq!(phase(&late), "aggregating");
    let (_, first, _) = publish(&mut machine, OPENED + 5);
    feed(&mut machine, update(1, 1, &[1.0], 1));
    feed(&mut machine, update(2, 1, &[1.0], 1));
    let (_, second, _) = publish(&mut machine, OPENED + 9);
    assert_eq!([first.rejected, second.rejected], [2, 0]);
}

#[test]
fn an_update_from_a_clock_that_is_ahead_is_refused() {
    let mut machine = machine(rules());
    let made = |ahead_ms| Update {
        timestamp_ms: OPENED + 10 + ahead_ms,
        ..update(1, 0, &[1.0], 1)
    };
    let refused = feed(&mut machine, made(7_200_000));
    assert_eq!(rejection(&refused), "ahead_of_time");
    assert!(matches!(
        feed(&mut machine, made(120_000))[..],
        [Output::Accepted(_)]
    ));
}

#[test]
fn a_clock_that_was_set_back_over_a_restart_does_not_keep_a_round_from_closing() {
    const HOUR_MS: u64 = 3_600_000;
    let progress = Progress {
        published: 1,
        opened_ms: OPENED + 2 * HOUR_MS,
        ..Progress::default()
    };
    let mut machine = Machine::new(rules(), progress, Some(Arc::new(weights(&[1.0]))));
    let made = |node, now_ms| Update {
        timestamp_ms: now_ms,
        ..update(node, 1, &[1.0], 1)
    };
    let now_ms = OPENED + HOUR_MS;
    let outputs = machine.handle(now_ms, Input::Update(Box::new(made(1, now_ms))));
    assert!(matches!(outputs.unwrap()[..], [Output::Accepted(_)]));
    assert_eq!(machine.set_back_ms(), HOUR_MS);
    let deadline = machine.deadline_ms().unwrap();
    assert_eq!(deadline, now_ms + 30_000, "the interval is as long as ever");
    assert_eq!(machine.handle(deadline - 1, Input::Tick), Ok(Vec::new()));
    assert_eq!(
        machine.handle(deadline, Input::Tick),
        Ok(vec![Output::Aggregate])
    );
    publish(&mut machine, deadline);
    assert!(
        machine.progress().opened_ms >= OPENED + 2 * HOUR_MS,
        "time does not go back"
    );
    let outputs = machine.handle(deadline, Input::Update(Box::new(made(2, now_ms - 200_000))));
    assert!(
        matches!(outputs.unwrap()[..], [Output::Rejected { .. }]),
        "what is too old by the clock stays too old"
    );
}

#[test]
fn an_honest_node_is_distinguished_from_a_broken_one() {
    let node = NodeId::fog(1);
    let honest = [
        Rejection::Duplicate { node: node.clone() },
        Rejection::Stale {
            staleness: 2,
            limit: 1,
        },
        Rejection::TooOld {
            age_ms: 2,
            limit_ms: 1,
        },
        Rejection::AheadOfTime {
            ahead_ms: 2,
            limit_ms: 1,
        },
        Rejection::TooManyUpdates { limit: 1 },
    ];
    for rejection in honest {
        assert!(rejection.is_honest(), "{rejection}");
    }
    for rejection in [
        Rejection::UnknownNode { node },
        Rejection::BadLoss { loss: f64::NAN },
        Rejection::OverNorm {
            norm: 2.0,
            limit: 1.0,
        },
    ] {
        assert!(!rejection.is_honest(), "{rejection}");
    }
}
