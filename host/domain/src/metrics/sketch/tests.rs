use proptest::prelude::*;

use super::*;
use crate::metrics::Ranking;

type Rows = Vec<(f32, bool)>;

fn sketch(rows: &[(f32, bool)]) -> ScoreSketch {
    let mut sketch = ScoreSketch::default();
    for &(score, anomalous) in rows {
        assert!(sketch.add(score, anomalous), "{score}");
    }
    sketch
}

fn merged(left: &ScoreSketch, right: &ScoreSketch) -> ScoreSketch {
    let mut sum = left.clone();
    sum.merge(right);
    sum
}

fn read(json: &str) -> Result<ScoreSketch, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

fn rank(rows: &Rows) -> Ranking {
    let (scores, labels): (Vec<f32>, Vec<bool>) = rows.iter().copied().unzip();
    Ranking::new(&scores, &labels).unwrap()
}

#[test]
fn a_sketch_is_written_as_its_bins() {
    let json = serde_json::to_string(&sketch(&[(1.0, true), (-1.0, false), (1.0, false)])).unwrap();
    assert_eq!(json, "[[264191,1,0],[784384,1,1]]");
    assert_eq!(
        serde_json::to_string(&ScoreSketch::default()).unwrap(),
        "[]"
    );
}

#[test]
fn scores_tie_when_they_differ_by_less_than_a_bin() {
    let step = 1.0 / 2048.0;
    assert_eq!(
        sketch(&[(1.0, false), (1.0 + step, true)]).roc_auc(),
        Some(1.0)
    );
    assert_eq!(
        sketch(&[(1.0, false), (1.0 + step * 0.99, true)]).roc_auc(),
        Some(0.5)
    );
    assert_eq!(sketch(&[(-0.0, false), (0.0, true)]).roc_auc(), Some(0.5));
    assert_eq!(
        sketch(&[(-f32::MIN_POSITIVE, false), (0.0, true)]).roc_auc(),
        Some(1.0)
    );
}

#[test]
fn one_class_has_no_area() {
    for sketch in [
        ScoreSketch::default(),
        sketch(&[(1.0, true)]),
        sketch(&[(1.0, false), (2.0, false)]),
    ] {
        assert_eq!((sketch.roc_auc(), sketch.average_precision()), (None, None));
    }
}

#[test]
fn a_score_that_is_not_finite_is_left_out() {
    let mut sketch = ScoreSketch::default();
    for score in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert!(!sketch.add(score, true), "{score}");
    }
    assert_eq!(sketch, ScoreSketch::default());
}

#[test]
fn a_list_that_no_sketch_writes_is_refused() {
    let refused = [
        ("[[2047,1,0]]", "bin 2047 is not within"),
        ("[[1046528,1,0]]", "bin 1046528 is not within"),
        ("[[4000,1,0],[4000,0,1]]", "bin 4000 follows bin 4000"),
        ("[[4001,1,0],[4000,0,1]]", "bin 4000 follows bin 4001"),
        ("[[4000,0,0]]", "bin 4000 is empty"),
        ("[[4000,18446744073709551615,1]]", "the rows up to bin 4000"),
        (
            "[[4000,18446744073709551615,0],[4001,1,0]]",
            "the rows up to bin 4001",
        ),
        ("[[4000,-1,1]]", "invalid value"),
        ("[[4000,1]]", "invalid length"),
        ("{}", "invalid type"),
    ];
    for (json, reason) in refused {
        let error = read(json).unwrap_err();
        assert!(error.contains(reason), "{json}: {error}");
    }
    let extremes = read("[[2048,1,0],[1046527,0,1]]").unwrap();
    assert_eq!(extremes, sketch(&[(f32::MIN, false), (f32::MAX, true)]));
}

#[test]
fn counts_saturate() {
    let full = read("[[4000,18446744073709551614,1]]").unwrap();
    let sum = merged(&full, &full);
    assert_eq!((sum.rows(), sum.anomalous()), (u64::MAX, 2));
    assert_eq!(sum.roc_auc(), Some(0.5));
}

fn finite() -> impl Strategy<Value = f32> {
    any::<f32>().prop_filter("finite", |score| score.is_finite())
}

/// Scores that a bin holds exactly, some of them often.
fn exact() -> impl Strategy<Value = f32> {
    let cut =
        finite().prop_map(|score| f32::from_bits(score.to_bits() >> DROPPED_BITS << DROPPED_BITS));
    prop_oneof![cut, (-3_i8..=3).prop_map(f32::from)]
}

/// Scores of which many fall into one bin without being equal.
fn crowded() -> impl Strategy<Value = f32> {
    prop_oneof![4 => 1.0_f32..1.004, 4 => -2.008_f32..-2.0, 1 => finite()]
}

/// Scores of both kinds.
fn mixed() -> impl Strategy<Value = f32> {
    prop_oneof![finite(), crowded()]
}

fn rows_of(score: impl Strategy<Value = f32>) -> impl Strategy<Value = Rows> {
    prop::collection::vec((score, any::<bool>()), 0..50)
}

fn both_classes(score: impl Strategy<Value = f32> + Clone) -> impl Strategy<Value = Rows> {
    (score.clone(), score.clone(), rows_of(score)).prop_map(|(normal, anomaly, mut rows)| {
        rows.extend([(normal, false), (anomaly, true)]);
        rows
    })
}

/// The share of pairs of an anomaly and a normal row that one bin holds.
fn pairs_in_one_bin(rows: &Rows) -> f64 {
    let of = |class| {
        rows.iter()
            .filter(move |(_, label)| *label == class)
            .map(|(score, _)| bin(*score))
    };
    let together = of(true)
        .map(|anomaly| of(false).filter(|normal| *normal == anomaly).count())
        .sum::<usize>();
    together as f64 / (of(true).count() * of(false).count()) as f64
}

proptest! {
    #[test]
    fn bins_are_ordered_as_scores_are(pair in [mixed(), mixed()]) {
        let [left, right] = pair;
        let (low, high) = if left <= right { (left, right) } else { (right, left) };
        prop_assert!(LOWEST_BIN <= bin(low) && bin(low) <= bin(high) && bin(high) <= HIGHEST_BIN);
    }

    #[test]
    fn merging_is_adding_all_rows_in_any_order(a in rows_of(crowded()), b in rows_of(exact()), c in rows_of(finite())) {
        let all = sketch(&[a.clone(), b.clone(), c.clone()].concat());
        let (a, b, c) = (sketch(&a), sketch(&b), sketch(&c));
        prop_assert_eq!(&merged(&merged(&a, &b), &c), &all);
        prop_assert_eq!(&merged(&a, &merged(&b, &c)), &all);
        prop_assert_eq!(merged(&a, &b), merged(&b, &a));
        prop_assert_eq!(all.rows(), a.rows() + b.rows() + c.rows());
        prop_assert_eq!(all.anomalous(), a.anomalous() + b.anomalous() + c.anomalous());
    }

    #[test]
    fn areas_are_exact_where_bins_are(rows in both_classes(exact().boxed())) {
        let (sketch, exact) = (sketch(&rows), rank(&rows));
        prop_assert_eq!(sketch.roc_auc(), Some(exact.roc_auc()));
        prop_assert_eq!(sketch.average_precision(), Some(exact.average_precision()));
    }

    #[test]
    fn roc_auc_is_off_by_at_most_half_the_pairs_in_one_bin(rows in both_classes(crowded().boxed())) {
        let error = (sketch(&rows).roc_auc().unwrap() - rank(&rows).roc_auc()).abs();
        prop_assert!(error <= pairs_in_one_bin(&rows) / 2.0 + 1e-12, "{error}");
    }

    #[test]
    fn a_sketch_survives_being_written_and_read(rows in rows_of(prop_oneof![finite(), exact()])) {
        let sketch = sketch(&rows);
        let json = serde_json::to_string(&sketch).unwrap();
        prop_assert_eq!(read(&json).unwrap(), sketch);
    }
}
