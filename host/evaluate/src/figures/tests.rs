use fedhost_domain::metrics::{Profiles, Ranking};
use proptest::prelude::*;

use super::*;

/// Rows of several series, one after the other: score and label.
type Series = Vec<(f32, bool)>;

const GO_ON: fn() -> bool = || true;

fn request(threshold: Threshold) -> Request<'static> {
    Request {
        threshold,
        smooth_rows: 0,
        is_time: true,
        seed: 1,
        go_on: &GO_ON,
    }
}

fn book(series: &[Series], training: &[f32], in_memory: usize) -> ScoreBook {
    let mut book = ScoreBook::new(in_memory);
    training
        .iter()
        .for_each(|&score| book.push_training(0, score).unwrap());
    for (number, rows) in (0..).zip(series) {
        rows.iter().for_each(|&(score, label)| {
            book.push(RowScore {
                series: number,
                label,
                score,
            })
            .unwrap()
        });
    }
    book
}

fn figures(series: &[Series], training: &[f32], request: &Request<'_>) -> Figures {
    book(series, training, ScoreBook::IN_MEMORY)
        .figures(request)
        .unwrap()
}

/// Some rows of 17 series: a window in the middle of each, in which most scores are higher.
fn plant() -> Vec<Series> {
    let row = |series: u64, row: u64| {
        let anomalous = (60..90).contains(&row);
        let noise = (series * 7_919 + row * 104_729) % 997;
        let raised = if anomalous && !noise.is_multiple_of(3) {
            500
        } else {
            0
        };
        ((noise + raised) as f32 / 1_500.0, anomalous)
    };
    (0..17)
        .map(|series| (0..150).map(|place| row(series, place)).collect())
        .collect()
}

#[test]
fn figures_are_those_of_all_rows_ranked() {
    let (scores, labels): (Vec<f32>, Vec<bool>) = plant().concat().into_iter().unzip();
    let ranking = Ranking::new(&scores, &labels).unwrap();
    let found = figures(&plant(), &[], &request(Threshold::BestF1));
    assert_eq!((found.rows, found.anomalous_rows), (17 * 150, 17 * 30));
    assert_eq!(found.roc_auc, Some(ranking.roc_auc()));
    assert_eq!(found.average_precision, Some(ranking.average_precision()));
    let best = ranking.best_f1();
    assert_eq!(
        (found.threshold, found.confusion),
        (Some(best.threshold), Some(best.confusion))
    );
    assert_eq!(
        (found.f1, found.far),
        (Some(best.confusion.f1()), Some(best.confusion.far()))
    );
    assert_eq!(found.threshold_from, ThresholdFrom::ScoredLabels);
    assert_eq!(found.nab.map(|nab| nab.windows), Some(17));
    assert_eq!(found.detection_delay.map(|delay| delay.windows), Some(17));
}

#[test]
fn a_figure_lies_in_its_interval() {
    let found = figures(&plant(), &[], &request(Threshold::Value(0.6)));
    let pairs = [
        (found.roc_auc, found.intervals.roc_auc),
        (found.f1, found.intervals.f1),
    ];
    for (figure, interval) in pairs {
        let (figure, interval) = (figure.unwrap(), interval.unwrap());
        assert!(
            (interval.low..=interval.high).contains(&figure),
            "{figure} in {interval:?}"
        );
    }
}

#[test]
fn a_quantile_is_that_of_the_training_scores() {
    let training: Vec<f32> = (1_u8..=100).map(|score| f32::from(score) / 100.0).collect();
    let found = figures(&plant(), &training, &request(Threshold::Quantile(0.5)));
    assert_eq!(
        (found.threshold, found.threshold_from),
        (Some(0.51), ThresholdFrom::TrainingScores)
    );
    let alarms = &found.calibration.false_alarms;
    assert_eq!(
        alarms
            .iter()
            .map(|alarms| alarms.threshold)
            .collect::<Vec<_>>(),
        [0.91, 1.0, 1.0]
    );
    assert!(
        alarms.iter().all(|alarms| alarms.observed == 0.0),
        "normal rows score less than 0.67: {alarms:?}"
    );
    assert!(found.calibration.probabilities.is_some());
}

#[test]
fn without_training_scores_there_is_no_quantile_and_no_rate() {
    let found = figures(&plant(), &[], &request(Threshold::Quantile(0.9)));
    assert_eq!(
        (found.threshold, found.confusion, found.f1, found.mar),
        (None, None, None, None)
    );
    assert_eq!(
        (
            found.detection_delay,
            found.intervals.f1,
            found.calibration.false_alarms.len()
        ),
        (None, None, 0)
    );
    assert!(found.roc_auc.is_some() && found.nab.is_some() && found.intervals.roc_auc.is_some());
}

#[test]
fn one_class_has_only_the_figures_that_need_no_other() {
    let normal = vec![(0..50_u8).map(|row| (f32::from(row), false)).collect()];
    let found = figures(&normal, &[], &request(Threshold::Value(40.0)));
    assert_eq!(found.far, Some(0.2));
    assert_eq!(
        (found.roc_auc, found.f1, found.recall, found.mar),
        (None, None, None, None)
    );
    assert_eq!(
        (found.nab, found.detection_delay, found.curves),
        (None, None, None)
    );
    let none = figures(&[], &[], &request(Threshold::BestF1));
    assert_eq!(
        none,
        Figures {
            threshold_from: ThresholdFrom::ScoredLabels,
            ..Figures::default()
        }
    );
}

#[test]
fn shuffled_rows_have_no_time() {
    let mut book = ScoreBook::new(100);
    for place in 0..150 {
        for (number, rows) in (0..).zip(plant()) {
            let (score, label) = rows[place];
            book.push(RowScore {
                series: number,
                label,
                score,
            })
            .unwrap();
        }
    }
    let shuffled = Request {
        is_time: false,
        ..request(Threshold::Value(0.6))
    };
    let found = book.figures(&shuffled).unwrap();
    assert_eq!((found.nab, found.detection_delay), (None, None));
    let in_time = figures(&plant(), &[], &request(Threshold::Value(0.6)));
    assert_eq!(
        (found.roc_auc, found.confusion),
        (in_time.roc_auc, in_time.confusion)
    );
    assert_eq!(
        found.intervals, in_time.intervals,
        "blocks are series, whatever the order"
    );

    assert!(matches!(
        book.figures(&request(Threshold::BestF1)),
        Err(Error::Apart)
    ));
    assert!(matches!(
        book.figures(&Request {
            smooth_rows: 5,
            ..shuffled
        }),
        Err(Error::Shuffled { rows: 5 })
    ));
}

#[test]
fn smoothing_comes_before_everything() {
    let series = vec![
        vec![(0.0, false), (4.0, true), (0.0, false)],
        vec![(6.0, false), (0.0, false)],
    ];
    let training = [0.0, 0.0, 0.0, 8.0];
    let smooth = Request {
        smooth_rows: 2,
        ..request(Threshold::Quantile(1.0))
    };
    let found = figures(&series, &training, &smooth);
    assert_eq!(found.threshold, Some(4.0), "the mean of 0 and 8");
    let confusion = found.confusion.unwrap();
    assert_eq!(
        (confusion.true_positives, confusion.false_positives),
        (0, 1),
        "scores are 0, 2, 2, then 6, 3"
    );
    assert_eq!(
        found.roc_auc,
        Some(0.375),
        "above one normal row and equal to another, of 4"
    );
    let scores: Vec<f32> = book(&series, &[], 2)
        .iter(2)
        .map(|row| row.unwrap().score)
        .collect();
    assert_eq!(scores, [0.0, 2.0, 2.0, 6.0, 3.0]);
}

#[test]
fn nab_scores_are_those_of_the_published_program() {
    // The corpus of the test of that name in fedhost-domain, in rows of training and in scored
    // ones.
    let corpus = [
        (400, 60, vec![(100, 139), (300, 319)]),
        (700, 0, vec![(500, 569)]),
        (300, 7, vec![]),
    ];
    let mut book = ScoreBook::new(100);
    for (number, (rows, unscored, windows)) in (0_u32..).zip(corpus) {
        book.leave_out(number, unscored);
        for row in unscored..rows {
            let score = (row * 7_919 + u64::from(number) * 104_729) % 1_009;
            let late = windows
                .iter()
                .any(|(first, last)| (first + (last - first) / 4..=*last).contains(&row));
            let score = (score
                + if late && score.is_multiple_of(3) {
                    10
                } else {
                    0
                }) as f32;
            let label = windows
                .iter()
                .any(|(first, last)| (*first..=*last).contains(&row));
            book.push(RowScore {
                series: number,
                label,
                score,
            })
            .unwrap();
        }
    }
    let nab = book
        .figures(&request(Threshold::BestF1))
        .unwrap()
        .nab
        .unwrap();
    let close = |found: f64, expected: f64| (found - expected).abs() < 1e-9;
    assert!(
        close(nab.scores.standard, 47.655_355_785_796_395),
        "{nab:?}"
    );
    assert!(close(nab.scores.low_fp, 39.841_054_724_725_09), "{nab:?}");
    assert!(close(nab.scores.low_fn, 64.202_966_013_515_54), "{nab:?}");
    assert_eq!(
        nab.thresholds,
        Profiles {
            standard: Some(1003.0),
            low_fp: Some(1003.0),
            low_fn: Some(986.0)
        }
    );
}

#[test]
fn rows_come_back_in_the_order_of_scoring() {
    let rows = plant();
    let found: Vec<RowScore> = book(&rows, &[], 100).iter(0).map(Result::unwrap).collect();
    let expected = rows.iter().zip(0..).flat_map(|(rows, series)| {
        rows.iter().map(move |&(score, label)| RowScore {
            series,
            label,
            score,
        })
    });
    assert_eq!(found, expected.collect::<Vec<_>>());
}

#[test]
fn traces_are_those_of_the_series_asked_for() {
    let traces = book(&plant(), &[], 100).traces(0, &[3, 99, 0], 50).unwrap();
    let [third, unknown, first] = traces.as_slice() else {
        panic!("{traces:?}")
    };
    assert_eq!((third.rows, unknown.rows, first.rows), (150, 0, 150));
    assert_eq!(third.anomalous, [(60, 89)]);
    assert!(third.points.len() <= 50 && third.points != first.points);
}

#[test]
fn a_score_that_is_no_number_is_refused_with_its_row() {
    let mut book = book(&[vec![(0.0, true), (1.0, false)]], &[], 10);
    let error = book
        .push(RowScore {
            series: 0,
            label: false,
            score: f32::NAN,
        })
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the score of row 2 of series 0 is NaN"),
        "{error}"
    );
    assert!(book.push_training(4, f32::INFINITY).is_err());
    assert_eq!(book.rows(), 2);
}

#[test]
fn who_does_not_want_to_go_on_is_heard() {
    let request = Request {
        go_on: &|| false,
        ..request(Threshold::BestF1)
    };
    assert!(matches!(
        book(&plant(), &[], 100).figures(&request),
        Err(Error::Interrupted)
    ));
}

#[test]
fn figures_are_written_down_under_their_names() {
    let series = vec![vec![(0.25, false), (0.5, false), (1.0, true)]];
    let json = serde_json::to_value(figures(
        &series,
        &[0.25, 0.5],
        &request(Threshold::Quantile(0.9)),
    ))
    .unwrap();
    assert_eq!(
        (json["roc_auc"].as_f64(), json["far"].as_f64()),
        (Some(1.0), Some(0.5))
    );
    assert_eq!(json["threshold_from"], "training-scores");
    assert_eq!(json["confusion"]["false_positives"], 1);
    assert_eq!(json["detection_delay"]["median_rows"], 0.0);
    assert_eq!(json["nab"]["standard"], 100.0);
    assert_eq!(json["calibration"]["false_alarms"][0]["nominal"], 0.1);
    assert!(
        json.get("curves").is_none(),
        "they are for pictures, and can be computed from the scores"
    );
    assert!(
        json["intervals"]["roc_auc"].is_null(),
        "3 rows make no interval"
    );
}

fn corpora() -> impl Strategy<Value = Vec<Series>> {
    let rows = prop::collection::vec((-20_i8..20, any::<bool>()), 1..40);
    let series = rows.prop_map(|rows| {
        rows.into_iter()
            .map(|(score, label)| (f32::from(score), label))
            .collect()
    });
    prop::collection::vec(series, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn figures_do_not_depend_on_what_is_held_in_memory(
        series in corpora(),
        in_memory in 1_usize..50,
        smooth_rows in 0_u32..4,
    ) {
        let training: Vec<f32> = series.concat().iter().map(|(score, _)| score / 2.0).collect();
        let request = Request { smooth_rows, ..request(Threshold::Quantile(0.8)) };
        let spilled = book(&series, &training, in_memory).figures(&request).unwrap();
        let mut held = book(&series, &training, 10_000).figures(&request).unwrap();
        // Costs of tied rows add up in another order.
        if let (Some(spilled), Some(held)) = (spilled.nab, &mut held.nab) {
            prop_assert!((spilled.scores.standard - held.scores.standard).abs() < 1e-9);
            held.scores = spilled.scores;
        }
        prop_assert_eq!(spilled, held);
    }
}
