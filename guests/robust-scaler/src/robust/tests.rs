use fedhost_guest::{Error, Parameter, Session, Value};
use proptest::prelude::*;

use super::*;

type Robust = Session<RobustScaler>;

fn open(columns: usize, window: i64) -> Robust {
    let names: Vec<String> = (0..columns).map(|column| format!("c{column}")).collect();
    let window = Parameter {
        name: "window".into(),
        value: Value::Integer(window),
    };
    Session::open_preprocessor(&names, vec![window]).unwrap()
}

fn transform(scaler: &mut Robust, columns: usize, values: &[f32]) -> Vec<f32> {
    scaler
        .transform(Batch::new(columns, values.to_vec()))
        .unwrap()
        .values
}

#[test]
fn a_value_is_measured_by_the_median_and_the_quartiles() {
    // 0, 2, 4, 6, 8: median 4, quartiles 2 and 6.
    let found = transform(&mut open(1, 5), 1, &[100.0, 0.0, 2.0, 6.0, 4.0, 8.0]);
    assert!((found[5] - 1.349).abs() < 1e-5, "{found:?}");
}

#[test]
fn a_wild_value_moves_nothing_but_itself() {
    let calm: Vec<f32> = (0..100).map(|row| (row % 10) as f32).collect();
    let mut wild = calm.clone();
    wild[50] = 1e30;
    let (calm, wild) = (
        transform(&mut open(1, 100), 1, &calm),
        transform(&mut open(1, 100), 1, &wild),
    );
    assert_eq!(wild[50], 10.0);
    assert!((calm[99] - wild[99]).abs() < 0.2);
}

#[test]
fn constant_columns_are_zero_and_a_change_in_them_is_not() {
    let mut values = vec![0.1; 50];
    values[40] = 0.100_000_1;
    assert_eq!(transform(&mut open(1, 20), 1, &values), [0.0; 50]);
    values[45] = 5.0;
    let found = transform(&mut open(1, 20), 1, &values);
    assert!(found[45] > 9.0 && found[46].abs() < 1e-3, "{found:?}");
}

#[test]
fn what_is_missing_comes_out_as_the_median_and_does_not_count() {
    let with_gaps = [0.0, f32::NAN, 2.0, f32::INFINITY, f32::NEG_INFINITY, 4.0];
    let found = transform(&mut open(1, 10), 1, &with_gaps);
    let expected = transform(&mut open(1, 10), 1, &[0.0, 2.0, 4.0]);
    assert_eq!(
        found,
        [expected[0], 0.0, expected[1], 0.0, 0.0, expected[2]]
    );
}

#[test]
fn labels_and_rows_pass_through() {
    let batch = Batch::new(2, vec![1.0; 6]).with_labels(vec![0.0, 1.0, 0.0]);
    let found = open(2, 10).transform(batch.clone()).unwrap();
    assert_eq!(
        (found.rows, found.labels, found.values.len()),
        (3, batch.labels, 6)
    );
    assert_eq!(open(2, 10).output_columns(), ["c0", "c1"]);
    assert!(transform(&mut open(2, 10), 2, &[]).is_empty());
}

#[test]
fn another_scalers_state_is_refused() {
    for saved in [
        open(3, 10).save_state().unwrap(),
        open(2, 11).save_state().unwrap(),
    ] {
        assert!(matches!(
            open(2, 10).restore(saved),
            Err(Error::InvalidState(_))
        ));
    }
}

fedhost_guest::test_preprocessor_laws!(|_| open(3, 8));

proptest! {
    #[test]
    fn what_comes_out_is_finite(values in proptest::collection::vec(any::<f32>(), 30)) {
        prop_assert!(transform(&mut open(3, 8), 3, &values).iter().all(|value| value.abs() <= 10.0));
    }
}
