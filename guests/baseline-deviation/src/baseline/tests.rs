use fedhost_guest::{Error, Parameter, Session, Value};
use proptest::prelude::*;

use super::*;

type Baseline = Session<BaselineDeviation>;

fn open(columns: usize, window: i64) -> Baseline {
    let names: Vec<String> = (0..columns).map(|column| format!("c{column}")).collect();
    let window = Parameter {
        name: "window".into(),
        value: Value::Integer(window),
    };
    Session::open_preprocessor(&names, vec![window]).unwrap()
}

fn transform(baseline: &mut Baseline, columns: usize, values: &[f32]) -> Vec<f32> {
    baseline
        .transform(Batch::new(columns, values.to_vec()))
        .unwrap()
        .values
}

/// The deviations of a source with one column.
fn deviations(window: i64, values: &[f32]) -> Vec<f32> {
    transform(&mut open(1, window), 1, values)
        .into_iter()
        .step_by(2)
        .collect()
}

#[test]
fn after_the_window_the_baseline_stays() {
    // The window: mean 3, deviation 1.
    let found = deviations(4, &[2.0, 4.0, 2.0, 4.0, 5.0, 5.0, 0.0]);
    assert_eq!(found[4..], [2.0, 2.0, -3.0]);
}

#[test]
fn while_the_window_fills_the_rows_so_far_count() {
    let found = deviations(200, &[2.0, 4.0]);
    assert_eq!(found, [0.0, 1.0]);
}

#[test]
fn magnitudes_follow_the_deviations() {
    let mut baseline = open(2, 2);
    assert_eq!(
        baseline.output_columns(),
        [
            "c0_deviation",
            "c1_deviation",
            "c0_magnitude",
            "c1_magnitude"
        ]
    );
    let found = transform(&mut baseline, 2, &[1.0, 1.0, 3.0, 3.0, 0.0, 4.0]);
    assert_eq!(found[8..], [-2.0, 2.0, 2.0, 2.0]);
}

#[test]
fn a_column_that_was_constant_in_the_window_is_silent_for_good() {
    assert_eq!(deviations(3, &[0.1, 0.1, 0.1, 0.100_000_1, 9e9]), [0.0; 5]);
}

#[test]
fn what_is_missing_comes_out_as_no_deviation_and_does_not_count() {
    // The gaps take up rows of the window all the same.
    let found = deviations(
        4,
        &[2.0, f32::NAN, 4.0, f32::INFINITY, 100.0, f32::NAN, 4.0],
    );
    assert_eq!(found[3..], [0.0, 50.0, 0.0, 1.0]);
}

#[test]
fn nothing_comes_out_above_the_clip() {
    assert_eq!(deviations(2, &[0.0, 2.0, 1e30, -1e30])[2..], [50.0, -50.0]);
}

#[test]
fn rows_and_labels_pass_through() {
    let batch = Batch::new(2, vec![1.0; 6]).with_labels(vec![0.0, 1.0, 0.0]);
    let found = open(2, 2).transform(batch.clone()).unwrap();
    assert_eq!(
        (found.rows, found.labels, found.values.len()),
        (3, batch.labels, 12)
    );
}

#[test]
fn another_sources_shape_is_refused() {
    let saved = open(3, 2).save_state().unwrap();
    assert!(matches!(
        open(2, 2).restore(saved),
        Err(Error::InvalidState(_))
    ));
}

fedhost_guest::test_preprocessor_laws!(|seed: u64| open(3, 2 + (seed % 48) as i64));

proptest! {
    #[test]
    fn what_comes_out_is_finite(values in rows_with_gaps()) {
        prop_assert!(transform(&mut open(3, 10), 3, &values).iter().all(|value| value.is_finite()));
    }
}
