use std::sync::Arc;

use async_trait::async_trait;
use fedhost_domain::event::{Durations, FederationEvent, Participant};
use fedhost_domain::metrics::ScoreSketch;
use fedhost_domain::model::Sha256Hex;

use super::*;

/// Has read everything below offset 10.
struct ReadTo10;

#[async_trait]
impl Source for ReadTo10 {
    async fn read(&mut self, _: usize) -> Result<Vec<Record>, Error> {
        Ok(Vec::new())
    }

    fn positions(&self) -> BTreeMap<(Arc<str>, u32), u64> {
        [(("evaluations".into(), 0), 10)].into()
    }

    fn seek(&mut self, _: &str, _: u32, _: u64) {}
}

/// A model that both nodes took part in.
fn closed(round: u64) -> RoundClosed {
    let participant = |node| Participant {
        node: NodeId::fog(node),
        samples: 5,
        staleness: 0,
        loss: 0.5,
        norm: 1.0,
        train_ms: None,
        metrics: Vec::new(),
    };
    RoundClosed {
        round,
        participants: [1, 2].map(participant).into(),
        missing: Vec::new(),
        rejected: 0,
        closed_by: "complete".to_owned(),
        samples: 10,
        loss: 0.5,
        weights_sha256: Sha256Hex::of(b"w"),
        norm: 1.0,
        durations: Durations::default(),
    }
}

fn take(
    evaluations: &mut Evaluations,
    round: u64,
    node: u32,
    offset: u64,
    rows: u32,
) -> Option<Event> {
    let mut sketch = ScoreSketch::default();
    (0..rows).for_each(|row| assert!(sketch.add(0.5, row == 0)));
    let position = Position {
        topic: "evaluations".into(),
        partition: 0,
        offset,
    };
    evaluations.take(
        ModelEvaluation {
            round,
            node: NodeId::fog(node),
            sketch,
        },
        &position,
    )
}

fn next(evaluations: &Evaluations) -> u64 {
    evaluations.offsets("aggregator").remove(0).next
}

fn at_round(evaluated: u64) -> Evaluations {
    Evaluations::new(Box::new(ReadTo10), evaluated)
}

#[test]
fn what_is_half_found_is_read_again_after_a_restart() {
    let mut evaluations = at_round(0);
    (1..=2).for_each(|round| drop(evaluations.expect(&closed(round))));
    assert_eq!(next(&evaluations), 10);
    assert!(take(&mut evaluations, 1, 1, 4, 3).is_none());
    assert!(take(&mut evaluations, 2, 1, 5, 3).is_none());
    assert_eq!((next(&evaluations), evaluations.evaluated()), (4, 0));
    assert!(take(&mut evaluations, 1, 2, 6, 3).is_some());
    assert_eq!((next(&evaluations), evaluations.evaluated()), (5, 1));
    assert!(take(&mut evaluations, 2, 2, 7, 3).is_some());
    assert_eq!((next(&evaluations), evaluations.evaluated()), (10, 2));
}

#[test]
fn what_was_put_aside_is_not_read_again() {
    let mut evaluations = at_round(0);
    evaluations.expect(&closed(1));
    take(&mut evaluations, 1, 1, 4, 3);
    evaluations.let_go();
    assert_eq!(next(&evaluations), 10);
}

#[test]
fn a_round_that_was_evaluated_before_a_restart_is_not_awaited() {
    let mut evaluations = at_round(3);
    evaluations.expect(&closed(3));
    assert!(evaluations.is_settled());
    evaluations.expect(&closed(4));
    assert!(!evaluations.is_settled());
}

#[test]
fn only_the_newest_model_is_worth_waiting_for() {
    let mut evaluations = at_round(0);
    (1..=2).for_each(|round| drop(evaluations.expect(&closed(round))));
    take(&mut evaluations, 2, 1, 4, 3);
    assert!(!evaluations.is_settled());
    take(&mut evaluations, 2, 2, 5, 3);
    assert!(evaluations.is_settled());
    // The earlier one, late, is not the one that the next is compared with
    take(&mut evaluations, 1, 1, 6, 3);
    let late = take(&mut evaluations, 1, 2, 7, 3);
    assert!(
        matches!(
            late,
            Some(Event::Federation(FederationEvent::RoundEvaluated {
                round: 1,
                before: None,
                ..
            }))
        ),
        "{late:?}"
    );
    assert_eq!(evaluations.evaluated(), 2);
}

#[test]
fn nodes_without_held_out_rows_have_answered_too() {
    let mut evaluations = at_round(0);
    evaluations.expect(&closed(1));
    assert!(
        take(&mut evaluations, 1, 1, 4, 0).is_none()
            && take(&mut evaluations, 1, 2, 5, 0).is_none()
    );
    assert_eq!(
        (
            evaluations.is_settled(),
            evaluations.evaluated(),
            next(&evaluations)
        ),
        (true, 1, 10)
    );
}
