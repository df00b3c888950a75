use fedhost_guest::{Parameter, Session, Value};
use proptest::prelude::*;

use super::*;

type Features = Session<WindowFeatures>;

fn open(columns: usize, window: i64, bands: i64) -> Features {
    let names: Vec<String> = (0..columns).map(|column| format!("c{column}")).collect();
    let given = [("window", window), ("bands", bands)];
    let given = given.map(|(name, value)| Parameter {
        name: name.into(),
        value: Value::Integer(value),
    });
    Session::open_preprocessor(&names, given.to_vec()).unwrap()
}

fn transform(features: &mut Features, columns: usize, values: &[f32]) -> Vec<f32> {
    features
        .transform(Batch::new(columns, values.to_vec()))
        .unwrap()
        .values
}

#[test]
fn moments_are_of_the_last_rows() {
    let found = transform(&mut open(1, 4, 0), 1, &[90.0, 1.0, 3.0, 1.0, 3.0]);
    assert_eq!(found[..4], [90.0, 90.0, 0.0, 0.0]);
    assert_eq!(found[16..], [3.0, 2.0, 1.0, 2.0]);
}

#[test]
fn bands_come_out_when_the_window_is_full() {
    let found = transform(&mut open(1, 4, 2), 1, &[1.0, -1.0, 1.0, -1.0]);
    assert_eq!(
        found[..18]
            .chunks(6)
            .map(|row| [row[4], row[5]])
            .collect::<Vec<_>>(),
        [[0.0; 2]; 3]
    );
    assert!(
        found[22].abs() < 1e-6 && (found[23] - 1.0).abs() < 1e-6,
        "{found:?}"
    );
}

#[test]
fn outputs_are_named_after_their_column() {
    let drop_values = Parameter {
        name: "keep".into(),
        value: Value::Boolean(false),
    };
    let names = ["a".into(), "b".into()];
    let features: Features = Session::open_preprocessor(&names, vec![drop_values]).unwrap();
    let expected = [
        "a_mean",
        "a_deviation",
        "a_range",
        "a_band_1",
        "a_band_2",
        "a_band_3",
        "a_band_4",
        "b_mean",
    ];
    assert_eq!(features.output_columns()[..8], expected);
    assert_eq!(
        open(1, 8, 1).output_columns(),
        ["c0", "c0_mean", "c0_deviation", "c0_range", "c0_band_1"]
    );
}

#[test]
fn every_output_has_a_column() {
    let mut features = open(2, 8, 3);
    let outputs = features.output_columns().len();
    let batch = Batch::new(2, vec![1.0; 20]).with_labels(vec![0.0; 10]);
    let found = features.transform(batch.clone()).unwrap();
    assert_eq!(
        (found.rows, found.labels, found.values.len()),
        (10, batch.labels, 10 * outputs)
    );
    assert!(transform(&mut features, 2, &[]).is_empty());
}

#[test]
fn what_is_missing_counts_as_the_value_before_it() {
    let gaps = [f32::NAN, 2.0, f32::NAN, f32::INFINITY, 4.0];
    let found = transform(&mut open(1, 4, 2), 1, &gaps);
    assert_eq!(found[..6], [0.0; 6]);
    assert_eq!(
        found[6..],
        transform(&mut open(1, 4, 2), 1, &[2.0, 2.0, 2.0, 4.0])
    );
}

#[test]
fn a_constant_column_does_not_vibrate() {
    let found = transform(&mut open(1, 4, 2), 1, &[0.1; 9]);
    assert!(
        found
            .chunks(6)
            .all(|row| row[2..].iter().all(|value| *value == 0.0)),
        "{found:?}"
    );
}

#[test]
fn more_bands_than_frequencies_are_refused() {
    let bands = Parameter {
        name: "bands".into(),
        value: Value::Integer(17),
    };
    let found = Features::open_preprocessor(&["a".into()], vec![bands]).err();
    assert_eq!(
        found.unwrap().to_string(),
        "invalid parameter: \"bands\" is 17, legal with this window: 0 to 16"
    );
}

#[test]
fn another_windows_state_is_refused() {
    for saved in [
        open(3, 8, 2).save_state().unwrap(),
        open(2, 9, 2).save_state().unwrap(),
    ] {
        assert!(matches!(
            open(2, 8, 2).restore(saved),
            Err(Error::InvalidState(_))
        ));
    }
}

fedhost_guest::test_preprocessor_laws!(|_| open(3, 8, 3));

proptest! {
    #[test]
    fn what_comes_out_is_finite(values in proptest::collection::vec(any::<f32>(), 60)) {
        prop_assert!(transform(&mut open(3, 8, 3), 3, &values).iter().all(|value| value.is_finite()));
    }
}
