use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::metrics::areas::Areas;

const N: bool = false;
const A: bool = true;

struct Case {
    name: &'static str,
    rows: &'static [(f32, bool)],
    roc_auc: f64,
    average_precision: f64,
    best_threshold: f32,
    best_f1: f64,
}

/// All figures are scikit-learn's: `roc_auc_score`, `average_precision_score`, and `f1_score` at
/// every score.
const CASES: [Case; 6] = [
    Case {
        name: "the example of scikit-learn's documentation",
        rows: &[(0.1, N), (0.4, N), (0.35, A), (0.8, A)],
        roc_auc: 0.75,
        average_precision: 0.833_333_333_333_333_3,
        best_threshold: 0.35,
        best_f1: 0.8,
    },
    Case {
        name: "ties across the classes",
        rows: &[
            (0.5, N),
            (0.5, A),
            (0.25, N),
            (0.75, A),
            (0.25, A),
            (0.5, N),
        ],
        roc_auc: 0.611_111_111_111_111_2,
        average_precision: 0.666_666_666_666_666_7,
        best_threshold: 0.25,
        best_f1: 0.666_666_666_666_666_6,
    },
    Case {
        name: "one score for all",
        rows: &[(1.0, N), (1.0, A), (1.0, N), (1.0, N)],
        roc_auc: 0.5,
        average_precision: 0.25,
        best_threshold: 1.0,
        best_f1: 0.4,
    },
    Case {
        name: "negative scores and both zeros",
        rows: &[
            (-2.0, A),
            (-1.5, N),
            (-3.0, N),
            (4.0, A),
            (0.0, N),
            (-0.0, N),
            (-0.0, A),
            (4.0, N),
        ],
        roc_auc: 0.566_666_666_666_666_7,
        average_precision: 0.442_857_142_857_142_84,
        best_threshold: -2.0,
        best_f1: 0.6,
    },
    Case {
        name: "all the wrong way round",
        rows: &[(0.0, A), (1.0, A), (2.0, N)],
        roc_auc: 0.0,
        average_precision: 0.583_333_333_333_333_3,
        best_threshold: 0.0,
        best_f1: 0.8,
    },
    Case {
        name: "perfect",
        rows: &[(0.0, N), (1.0, N), (2.0, A)],
        roc_auc: 1.0,
        average_precision: 1.0,
        best_threshold: 2.0,
        best_f1: 1.0,
    },
];

fn rank(rows: &[(f32, bool)]) -> Result<Ranking, RankingError> {
    let (scores, labels): (Vec<f32>, Vec<bool>) = rows.iter().copied().unzip();
    Ranking::new(&scores, &labels)
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() < 1e-12
}

#[test]
fn metrics_agree_with_scikit_learn() {
    for case in CASES {
        let ranking = rank(case.rows).unwrap();
        let best = ranking.best_f1();
        assert!(
            close(ranking.roc_auc(), case.roc_auc),
            "{}: {ranking:?}",
            case.name
        );
        assert!(
            close(ranking.average_precision(), case.average_precision),
            "{}: {ranking:?}",
            case.name
        );
        assert!(
            close(best.confusion.f1(), case.best_f1),
            "{}: {best:?}",
            case.name
        );
        assert_eq!(best.threshold, case.best_threshold, "{}", case.name);
    }
}

#[test]
fn a_row_that_scores_the_threshold_is_flagged() {
    let ranking = rank(CASES[3].rows).unwrap();
    let confusion = ranking.confusion(0.0).unwrap();
    let expected = Confusion {
        true_positives: 2,
        false_positives: 3,
        true_negatives: 2,
        false_negatives: 1,
    };
    assert_eq!(confusion, expected);
    assert!(close(confusion.precision(), 2.0 / 5.0));
    assert!(close(confusion.recall(), 2.0 / 3.0));
    assert!(close(confusion.f1(), 1.0 / 2.0));
    assert!(
        close(confusion.far(), 3.0 / 5.0),
        "false alarms among 5 normal rows"
    );
    assert!(
        close(confusion.mar(), 1.0 / 3.0),
        "misses among 3 anomalies"
    );
}

#[test]
fn infinite_thresholds_flag_all_or_none() {
    let ranking = rank(CASES[0].rows).unwrap();
    let (all, none) = (
        ranking.confusion(f32::NEG_INFINITY).unwrap(),
        ranking.confusion(f32::INFINITY).unwrap(),
    );
    assert_eq!((all.recall(), all.far(), all.mar()), (1.0, 1.0, 0.0));
    assert_eq!((none.recall(), none.far(), none.mar()), (0.0, 0.0, 1.0));
    assert_eq!((none.precision(), none.f1()), (0.0, 0.0));
}

#[test]
fn of_equally_good_thresholds_the_highest_is_best() {
    // F1 is 2/3 when one row is flagged, and again when four are.
    let best = rank(&[(4.0, A), (3.0, N), (2.0, N), (1.0, A)])
        .unwrap()
        .best_f1();
    assert_eq!(best.threshold, 4.0);
    assert!(close(best.confusion.f1(), 2.0 / 3.0));
}

#[test]
fn rows_without_a_ranking_are_refused() {
    assert_eq!(
        Ranking::new(&[1.0, 2.0], &[N]),
        Err(RankingError::Lengths {
            scores: 2,
            labels: 1
        })
    );
    assert_eq!(
        rank(&[]),
        Err(RankingError::OneClass {
            normals: 0,
            anomalies: 0
        })
    );
    assert_eq!(
        rank(&[(1.0, N), (2.0, N)]),
        Err(RankingError::OneClass {
            normals: 2,
            anomalies: 0
        })
    );
    assert_eq!(
        rank(&[(1.0, A)]),
        Err(RankingError::OneClass {
            normals: 0,
            anomalies: 1
        })
    );
    for score in [f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(
            rank(&[(1.0, N), (score, A)]),
            Err(RankingError::NotFinite { row: 1, score })
        );
    }
    assert!(matches!(
        rank(&[(f32::NAN, N), (1.0, A)]),
        Err(RankingError::NotFinite { row: 0, .. })
    ));
    assert_eq!(
        rank(CASES[0].rows).unwrap().confusion(f32::NAN),
        Err(RankingError::Threshold)
    );
}

#[test]
fn the_largest_counts_keep_the_areas_in_range() {
    let most = Counts {
        normals: u64::MAX,
        anomalies: u64::MAX,
    };
    let areas = Areas::of([most, most].into_iter()).unwrap();
    assert!(close(areas.roc_auc, 0.5), "{areas:?}");
    assert!(close(areas.average_precision, 0.5), "{areas:?}");
}

/// Few distinct scores, so that there are ties, among any others; both classes.
fn rows() -> impl Strategy<Value = Vec<(f32, bool)>> {
    let any_finite = any::<f32>().prop_filter("finite", |score| score.is_finite());
    let score = || prop_oneof![3 => (-3_i8..=3).prop_map(f32::from), 1 => Just(-0.0), 1 => any_finite.clone()];
    (
        score(),
        score(),
        prop::collection::vec((score(), any::<bool>()), 0..60),
    )
        .prop_map(|(normal, anomaly, mut rows)| {
            rows.extend([(normal, N), (anomaly, A)]);
            rows
        })
}

/// By definition: every anomaly against every normal row.
fn roc_auc_by_pairs(rows: &[(f32, bool)]) -> f64 {
    let of = |class| {
        rows.iter()
            .filter(move |(_, label)| *label == class)
            .map(|(score, _)| *score)
    };
    let outcomes = of(A).flat_map(|anomaly| {
        of(N).map(move |normal| {
            if anomaly == normal {
                0.5
            } else {
                f64::from(u8::from(anomaly > normal))
            }
        })
    });
    outcomes.sum::<f64>() / (of(A).count() * of(N).count()) as f64
}

/// By definition: recall grows with each anomaly, so it is the mean over anomalies of the precision
/// at their score.
fn average_precision_by_anomalies(rows: &[(f32, bool)]) -> f64 {
    let anomalies: Vec<f32> = rows
        .iter()
        .filter(|(_, label)| *label)
        .map(|(score, _)| *score)
        .collect();
    let precision = |threshold: f32| {
        let flagged = rows.iter().filter(|(score, _)| *score >= threshold).count();
        anomalies
            .iter()
            .filter(|score| **score >= threshold)
            .count() as f64
            / flagged as f64
    };
    anomalies.iter().map(|&score| precision(score)).sum::<f64>() / anomalies.len() as f64
}

fn confusion_by_rows(rows: &[(f32, bool)], threshold: f32) -> Confusion {
    let count = |flagged: bool, label: bool| {
        rows.iter()
            .filter(|row| (row.0 >= threshold, row.1) == (flagged, label))
            .count() as u64
    };
    Confusion {
        true_positives: count(true, A),
        false_positives: count(true, N),
        true_negatives: count(false, N),
        false_negatives: count(false, A),
    }
}

proptest! {
    #[test]
    fn areas_agree_with_their_definitions(rows in rows()) {
        let ranking = rank(&rows).unwrap();
        prop_assert!(close(ranking.roc_auc(), roc_auc_by_pairs(&rows)));
        prop_assert!(close(ranking.average_precision(), average_precision_by_anomalies(&rows)));
    }

    #[test]
    fn a_confusion_counts_every_row_once(rows in rows(), between in -4.0_f32..4.0, at in any::<Index>()) {
        let ranking = rank(&rows).unwrap();
        for threshold in [between, at.get(&rows).0] {
            prop_assert_eq!(ranking.confusion(threshold).unwrap(), confusion_by_rows(&rows, threshold));
        }
    }

    #[test]
    fn no_threshold_beats_the_best(rows in rows()) {
        let best = rank(&rows).unwrap().best_f1();
        prop_assert_eq!(best.confusion, confusion_by_rows(&rows, best.threshold));
        for &(threshold, _) in &rows {
            let f1 = confusion_by_rows(&rows, threshold).f1();
            prop_assert!(f1 < best.confusion.f1() || (f1 == best.confusion.f1() && threshold <= best.threshold));
        }
    }

    #[test]
    fn the_order_of_the_rows_makes_no_difference(rows in rows(), turn in any::<Index>()) {
        let mut turned = rows.clone();
        turned.rotate_left(turn.index(rows.len()));
        turned.reverse();
        prop_assert_eq!(rank(&turned), rank(&rows));
    }
}
