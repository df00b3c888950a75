use fedhost_guest::{Parameter, Session, Value};
use proptest::prelude::*;

use super::*;

type HalfSpace = Session<HalfSpaceTrees>;

fn open(columns: usize, window_rows: i64, seed: u64) -> HalfSpace {
    let names: Vec<String> = (0..columns).map(|column| format!("c{column}")).collect();
    let given = [("trees", 25), ("depth", 8), ("window_rows", window_rows)];
    let given = given.map(|(name, value)| Parameter {
        name: name.into(),
        value: Value::Integer(value),
    });
    Session::open_model(&names, given.to_vec(), seed).unwrap()
}

fn score(trees: &mut HalfSpace, columns: usize, values: &[f32]) -> Vec<f32> {
    trees.score(Batch::new(columns, values.to_vec())).unwrap()
}

/// In two clouds along the first column, at `at` and around 100.
fn rows(count: usize, at: f32, seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed);
    (0..count)
        .flat_map(|row| {
            [
                if row % 20 == 0 { 100.0 } else { at } + random.unit(),
                random.unit(),
            ]
        })
        .collect()
}

#[test]
fn rows_where_none_were_stand_out() {
    let mut trees = open(2, 250, 7);
    score(&mut trees, 2, &rows(1_000, 0.0, 1));
    let scores = score(&mut trees, 2, &[0.5, 0.5, 50.0, 0.5]);
    assert!(scores[0] < 0.95 && scores[1] > 0.99, "{scores:?}");
}

#[test]
fn what_lasts_becomes_normal_after_a_window() {
    let mut trees = open(2, 100, 7);
    score(&mut trees, 2, &rows(500, 0.0, 1));
    let scores = score(&mut trees, 2, &rows(202, 50.0, 2));
    assert!(
        scores[1] > 0.99 && scores[201] < 0.95,
        "{} then {}",
        scores[1],
        scores[201]
    );
}

#[test]
fn the_first_window_is_measured_by_its_own_rows_so_far() {
    let mut trees = open(2, 250, 7);
    let scores = score(
        &mut trees,
        2,
        &[rows(100, 0.0, 1), vec![50.0, 0.5]].concat(),
    );
    assert_eq!(scores[0], 0.0);
    assert!(
        scores[100] > scores[99] && scores[100] > 0.99,
        "{} then {}",
        scores[99],
        scores[100]
    );
}

#[test]
fn constant_columns_and_missing_values_are_in_the_middle() {
    let constant = score(&mut open(2, 10, 7), 2, &[4.0; 60]);
    let missing = score(&mut open(2, 10, 7), 2, &[f32::NAN; 60]);
    assert_eq!(constant, missing);
    assert!(constant.iter().all(|score| score.abs() < 1e-6));
    assert!(score(&mut open(2, 10, 7), 2, &[]).is_empty());
}

#[test]
fn a_state_it_could_not_have_saved_is_refused_and_changes_nothing() {
    let mut trees = open(2, 10, 7);
    score(&mut trees, 2, &rows(15, 0.0, 1));
    let saved = trees.save().unwrap();
    let with = |index: usize, value: f32| {
        let mut state = saved.clone();
        state.data[index] = value;
        state
    };
    let rows_at = saved.data.len() - 2;
    for state in [
        with(rows_at, 10.0),
        with(4, -1.0),
        open(3, 10, 7).save().unwrap(),
    ] {
        assert!(matches!(trees.load(state), Err(Error::InvalidState(_))));
        assert_eq!(trees.save().unwrap(), saved);
    }
}

fedhost_guest::test_detector_laws!(|seed| open(3, 10, seed));

proptest! {
    #[test]
    fn scores_and_states_are_finite(values in rows_with_gaps()) {
        let mut trees = open(3, 10, 7);
        prop_assert!(score(&mut trees, 3, &values).iter().all(|score| (0.0..=1.0).contains(score)));
        prop_assert!(trees.save().unwrap().data.iter().all(|value| value.is_finite()));
    }
}
