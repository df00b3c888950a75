use fedhost_guest::{Error, Parameter, Session, Value};
use proptest::prelude::*;

use super::*;

type Zscore = Session<RobustZscore>;

fn open(columns: usize, window: i64, combine: &str) -> Zscore {
    let names: Vec<String> = (0..columns).map(|column| format!("c{column}")).collect();
    let given = [
        ("window", Value::Integer(window)),
        ("warm_up_rows", Value::Integer(4)),
        ("combine", Value::Text(combine.into())),
    ];
    let given = given.map(|(name, value)| Parameter {
        name: name.into(),
        value,
    });
    Session::open_model(&names, given.to_vec(), 0).unwrap()
}

fn score(detector: &mut Zscore, columns: usize, values: &[f32]) -> Vec<f32> {
    detector
        .score(Batch::new(columns, values.to_vec()))
        .unwrap()
}

#[test]
fn a_value_is_measured_by_the_rows_before_it() {
    // 0, 2, 4, 6, 8: median 4, distances 0, 2, 2, 4, 4.
    let found = score(&mut open(1, 5, "max"), 1, &[0.0, 8.0, 2.0, 6.0, 4.0, 24.0]);
    assert!((found[5] - 0.6745 * 20.0 / 2.0).abs() < 1e-4, "{found:?}");
}

#[test]
fn a_row_scores_the_largest_or_the_mean_of_its_columns() {
    let mut values: Vec<f32> = (0..40)
        .flat_map(|row| [(row % 5) as f32, (row % 3) as f32])
        .collect();
    values.extend([100.0, 1.0]);
    let (max, mean) = (
        score(&mut open(2, 50, "max"), 2, &values),
        score(&mut open(2, 50, "mean"), 2, &values),
    );
    assert!(
        max[40] > 50.0 && (mean[40] - max[40] / 2.0).abs() < 0.1,
        "{} and {}",
        max[40],
        mean[40]
    );
}

#[test]
fn columns_say_nothing_while_they_warm_up() {
    assert_eq!(
        score(&mut open(1, 50, "max"), 1, &[1.0, 900.0, 2.0, -900.0])[..4],
        [0.0; 4]
    );
    assert!(score(&mut open(1, 50, "max"), 1, &[]).is_empty());
}

#[test]
fn a_constant_column_alarms_when_it_changes_but_not_by_rounding() {
    let mut values = vec![0.1; 30];
    values.extend([0.100_000_1, 0.1, 0.2]);
    let found = score(&mut open(1, 20, "max"), 1, &values);
    assert!(found[..32].iter().all(|score| *score == 0.0), "{found:?}");
    assert!(found[32] > 10.0, "{found:?}");
}

#[test]
fn what_is_missing_has_no_say_and_does_not_count() {
    let calm: Vec<f32> = (0..20).map(|row| (row % 5) as f32).collect();
    let (mut with, mut without) = (open(1, 10, "max"), open(1, 10, "max"));
    score(&mut with, 1, &calm);
    score(&mut without, 1, &calm);
    assert_eq!(
        score(&mut with, 1, &[f32::NAN, f32::INFINITY, f32::NEG_INFINITY]),
        [0.0, 1_000.0, 1_000.0]
    );
    assert_eq!(with.save(), without.save());
}

#[test]
fn another_detectors_state_is_refused() {
    for saved in [
        open(3, 10, "max").save().unwrap(),
        open(2, 11, "max").save().unwrap(),
    ] {
        assert!(matches!(
            open(2, 10, "max").load(saved),
            Err(Error::InvalidState(_))
        ));
    }
}

fedhost_guest::test_detector_laws!(|_| open(3, 8, "max"), |_| open(3, 8, "mean"));

proptest! {
    #[test]
    fn scores_are_finite(values in proptest::collection::vec(any::<f32>(), 60)) {
        prop_assert!(score(&mut open(3, 8, "max"), 3, &values).iter().all(|score| (0.0..=1_000.0).contains(score)));
    }
}
