use fedhost_guest::{Error, Parameter, Random, Session, Value};
use proptest::prelude::*;

use super::*;

fn open(columns: usize, chart: &str) -> Session<Ewma> {
    let names: Vec<String> = (0..columns).map(|column| format!("c{column}")).collect();
    let given = [
        ("chart", Value::Text(chart.into())),
        ("baseline_rows", Value::Integer(10)),
    ];
    let given = given.map(|(name, value)| Parameter {
        name: name.into(),
        value,
    });
    Session::open_model(&names, given.to_vec(), 0).unwrap()
}

fn score(detector: &mut Session<Ewma>, columns: usize, values: &[f32]) -> Vec<f32> {
    detector
        .score(Batch::new(columns, values.to_vec()))
        .unwrap()
}

fn noise(rows: usize, seed: u64) -> impl Iterator<Item = f32> {
    let mut random = Random::new(seed);
    (0..rows).map(move |_| (0..12).map(|_| random.unit()).sum::<f32>() - 6.0)
}

#[test]
fn normal_rows_stay_below_the_limit_and_a_shift_does_not() {
    let baseline = Parameter {
        name: "baseline_rows".into(),
        value: Value::Integer(2_000),
    };
    for (chart, limit) in [("ewma", 3.0), ("cusum", 5.0)] {
        let chart = Parameter {
            name: "chart".into(),
            value: Value::Text(chart.into()),
        };
        let mut detector: Session<Ewma> =
            Session::open_model(&["a".into()], vec![baseline.clone(), chart], 0).unwrap();
        let values: Vec<f32> = noise(3_000, 1)
            .chain(noise(100, 2).map(|value| value + 1.0))
            .collect();
        let scores = score(&mut detector, 1, &values);
        let over = scores[..3_000]
            .iter()
            .filter(|score| **score > limit)
            .count();
        assert!(over < 30, "{over} of 1000");
        assert!(
            scores[3_040..].iter().all(|score| *score > limit),
            "{scores:?}"
        );
    }
}

#[test]
fn the_largest_score_of_a_column_counts() {
    let calm = [9.0_f32, 11.0].repeat(10);
    let row = |value: f32| [value, 10.0];
    let values: Vec<f32> = calm.into_iter().flat_map(row).chain([13.0, 10.0]).collect();
    let found = score(&mut open(2, "cusum"), 2, &values);
    assert!((found[20] - 2.5).abs() < 0.6, "{found:?}");
}

#[test]
fn the_baseline_scores_nothing() {
    assert_eq!(
        score(&mut open(1, "ewma"), 1, &[1.0, -900.0, 3.0, 1e30]),
        [0.0; 4]
    );
    assert!(score(&mut open(1, "ewma"), 1, &[]).is_empty());
}

#[test]
fn what_is_missing_leaves_the_chart_as_it_is() {
    let mut detector = open(1, "cusum");
    let mut values = [9.0, 11.0].repeat(5);
    values.push(14.0);
    let last = score(&mut detector, 1, &values)[10];
    let before = detector.save();
    assert_eq!(
        score(&mut detector, 1, &[f32::NAN, f32::INFINITY]),
        [last; 2]
    );
    assert_eq!(detector.save(), before);
}

#[test]
fn another_detectors_state_is_refused() {
    assert!(matches!(
        open(2, "ewma").load(open(3, "ewma").save().unwrap()),
        Err(Error::InvalidState(_))
    ));
}

fedhost_guest::test_detector_laws!(|_| open(3, "ewma"), |_| open(3, "cusum"));

proptest! {
    #[test]
    fn scores_are_finite(values in proptest::collection::vec(any::<f32>(), 60)) {
        for chart in ["ewma", "cusum"] {
            let scores = score(&mut open(3, chart), 3, &values);
            prop_assert!(scores.iter().all(|score| score.is_finite() && *score >= 0.0));
        }
    }
}
