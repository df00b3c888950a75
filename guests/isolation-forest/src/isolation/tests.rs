use fedhost_guest::{Parameter, Session, Value};
use proptest::prelude::*;

use super::*;

type Forest = Session<IsolationForest>;

fn open(columns: usize, parameters: &[(&str, i64)], seed: u64) -> Forest {
    let names: Vec<String> = (0..columns).map(|column| format!("c{column}")).collect();
    let given = parameters.iter().map(|&(name, value)| Parameter {
        name: name.into(),
        value: Value::Integer(value),
    });
    Session::open_model(&names, given.collect(), seed).unwrap()
}

const SMALL: [(&str, i64); 3] = [("trees", 10), ("tree_rows", 16), ("sample_rows", 20)];

fn score(forest: &mut Forest, columns: usize, values: &[f32]) -> Vec<f32> {
    forest.score(Batch::new(columns, values.to_vec())).unwrap()
}

fn rows(count: usize, seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed);
    (0..2 * count).map(|_| random.unit()).collect()
}

#[test]
fn after_some_rows_unusual_ones_stand_out() {
    let mut forest = open(2, &[], 7);
    score(&mut forest, 2, &rows(500, 1));
    let scores = score(&mut forest, 2, &[0.5, 0.5, 3.0, -2.0]);
    assert!(scores[0] < 0.5 && scores[1] > 0.65, "{scores:?}");
}

#[test]
fn the_first_rows_have_nothing_to_be_measured_by() {
    assert_eq!(
        score(&mut open(2, &[], 7), 2, &[1.0, 2.0, 9.0, 9.0])[..2],
        [0.5, 0.5]
    );
    assert!(score(&mut open(2, &[], 7), 2, &[]).is_empty());
}

#[test]
fn constant_columns_tell_nothing() {
    let scores = score(&mut open(2, &SMALL, 7), 2, &[4.0; 80]);
    assert!(
        scores.windows(2).skip(30).all(|pair| pair[0] == pair[1]),
        "{scores:?}"
    );
}

#[test]
fn after_the_learning_rows_the_forest_stays() {
    let mut forest = open(2, &[("learning_rows", 100), ("trees", 10)], 7);
    score(&mut forest, 2, &rows(100, 1));
    let before = forest.save();
    let first = score(&mut forest, 2, &rows(50, 2));
    assert_eq!(score(&mut forest, 2, &rows(50, 2)), first);
    assert_eq!(forest.save(), before);
}

#[test]
fn it_forgets_what_lies_beyond_the_horizon() {
    let mut forest = open(
        1,
        &[("sample_rows", 64), ("tree_rows", 64), ("horizon_rows", 64)],
        7,
    );
    score(&mut forest, 1, &rows(200, 1));
    let moved: Vec<f32> = rows(400, 2).iter().map(|value| value + 5.0).collect();
    let scores = score(&mut forest, 1, &moved);
    assert!(
        scores[0] > 0.6 && scores[799] < 0.6,
        "{} then {}",
        scores[0],
        scores[799]
    );
}

#[test]
fn a_state_it_could_not_have_saved_is_refused_and_changes_nothing() {
    let mut forest = open(2, &SMALL, 7);
    score(&mut forest, 2, &rows(30, 1));
    let saved = forest.save().unwrap();
    let mut too_many = saved.clone();
    let rows_at = 2 * 20 * 2;
    too_many.data[rows_at + 3] = 21.0;
    for state in [
        too_many,
        open(3, &SMALL, 7).save().unwrap(),
        open(2, &[], 7).save().unwrap(),
    ] {
        assert!(matches!(forest.load(state), Err(Error::InvalidState(_))));
        assert_eq!(forest.save().unwrap(), saved);
    }
}

fedhost_guest::test_detector_laws!(|seed| open(3, &SMALL, seed));

proptest! {
    #[test]
    fn scores_and_states_are_finite(values in rows_with_gaps()) {
        let mut forest = open(3, &SMALL, 7);
        prop_assert!(score(&mut forest, 3, &values).iter().all(|score| (0.0..=1.0).contains(score)));
        prop_assert!(forest.save().unwrap().data.iter().all(|value| value.is_finite()));
    }
}
