use fedhost_guest::{Error, Parameter, Session, Value};
use proptest::prelude::*;

use super::*;

fn open(columns: usize) -> Session<StandardScaler> {
    let names: Vec<String> = (0..columns).map(|column| format!("c{column}")).collect();
    Session::open_preprocessor(&names, Vec::new()).unwrap()
}

fn transform(scaler: &mut Session<StandardScaler>, columns: usize, values: &[f32]) -> Vec<f32> {
    scaler
        .transform(Batch::new(columns, values.to_vec()))
        .unwrap()
        .values
}

#[test]
fn every_row_is_measured_by_the_rows_so_far() {
    // 0, 2: mean 1, deviation 1. 0, 2, 4: mean 2, deviation sqrt(8/3).
    let last = (2.0 / (8.0_f64 / 3.0).sqrt()) as f32;
    assert_eq!(
        transform(&mut open(1), 1, &[0.0, 2.0, 4.0]),
        [0.0, 1.0, last]
    );
}

#[test]
fn what_is_missing_comes_out_as_the_mean_and_does_not_count() {
    let mut scaler = open(1);
    let with_gaps = [0.0, f32::NAN, 2.0, f32::INFINITY, f32::NEG_INFINITY, 4.0];
    let found = transform(&mut scaler, 1, &with_gaps);
    let expected = transform(&mut open(1), 1, &[0.0, 2.0, 4.0]);
    assert_eq!(
        found,
        [expected[0], 0.0, expected[1], 0.0, 0.0, expected[2]]
    );
}

#[test]
fn a_constant_column_is_zero_whatever_the_other_columns_do() {
    let values = [7.1, 1.0, 7.1, 2.0, 7.1, 9.0];
    let found = transform(&mut open(2), 2, &values);
    assert_eq!([found[0], found[2], found[4]], [0.0; 3]);
    assert_ne!(found[5], 0.0);
}

#[test]
fn nothing_comes_out_above_the_clip() {
    let clip = vec![Parameter {
        name: "clip".into(),
        value: Value::Number(2.0),
    }];
    let mut scaler: Session<StandardScaler> =
        Session::open_preprocessor(&["a".into()], clip).unwrap();
    let mut values = vec![0.0; 1_000];
    values[0] = 1.0;
    values[999] = -1e6;
    let found = transform(&mut scaler, 1, &values);
    assert_eq!(found[999], -2.0);
    assert!(found.iter().all(|value| value.abs() <= 2.0));
}

#[test]
fn labels_and_rows_pass_through() {
    let batch = Batch::new(2, vec![1.0; 6]).with_labels(vec![0.0, 1.0, 0.0]);
    let found = open(2).transform(batch.clone()).unwrap();
    assert_eq!(
        (found.rows, found.labels, found.values.len()),
        (3, batch.labels, 6)
    );
    assert_eq!(open(2).output_columns(), ["c0", "c1"]);
}

#[test]
fn another_scalers_state_is_refused() {
    let saved = open(3).save_state().unwrap();
    assert!(matches!(
        open(2).restore(saved),
        Err(Error::InvalidState(_))
    ));
}

fedhost_guest::test_preprocessor_laws!(|_| open(3));

proptest! {
    #[test]
    fn what_comes_out_is_finite(values in rows_with_gaps()) {
        prop_assert!(transform(&mut open(3), 3, &values).iter().all(|value| value.is_finite()));
    }
}
