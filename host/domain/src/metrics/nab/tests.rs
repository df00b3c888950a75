use proptest::prelude::*;

use super::*;
use crate::metrics::WindowLengths;

/// A series without rows for training: scores and labels.
type Rows = Vec<(f32, bool)>;

/// Scores 0 but for `flagged`, which score 1; anomalous in `windows`, given as first and last row.
fn series(rows: usize, windows: &[(usize, usize)], flagged: &[usize]) -> Rows {
    let anomalous = |row| {
        windows
            .iter()
            .any(|&(first, last)| (first..=last).contains(&row))
    };
    (0..rows)
        .map(|row| {
            (
                if flagged.contains(&row) { 1.0 } else { 0.0 },
                anomalous(row),
            )
        })
        .collect()
}

/// For each row the rows of its window.
fn window_rows(rows: &[(f32, bool)]) -> Vec<Option<u64>> {
    let mut lengths = WindowLengths::default();
    let mut widths: Vec<u64> = rows
        .iter()
        .filter_map(|(_, anomalous)| lengths.push(*anomalous))
        .collect();
    widths.extend(lengths.end_series());
    let mut widths = widths
        .into_iter()
        .flat_map(|rows| std::iter::repeat_n(rows, rows as usize));
    rows.iter()
        .map(|(_, anomalous)| if *anomalous { widths.next() } else { None })
        .collect()
}

/// Score, label and effect of every row, as they are given back.
fn effects(corpus: &[Rows], all_scored: bool) -> Vec<(f32, bool, Effect)> {
    let mut found = Vec::new();
    for rows in corpus {
        let mut series = NabSeries::new(if all_scored { 0 } else { rows.len() as u64 }, 0);
        for (&row, width) in rows.iter().zip(window_rows(rows)) {
            found.extend(series.push(row, row.0, width));
        }
        found.extend(series.end());
    }
    found
        .into_iter()
        .map(|((score, anomalous), effect)| (score, anomalous, effect))
        .collect()
}

/// The raw score, of the standard profile but for the cost of a false positive, when scores of 0.5
/// and more are flagged; no row is on probation.
fn raw(corpus: &[Rows], false_positive: f64) -> f64 {
    let effects = effects(corpus, true);
    let windows = effects.iter().filter(|(.., effect)| effect.detects).count() as f64;
    let flagged =
        effects
            .iter()
            .filter(|(score, ..)| *score >= 0.5)
            .map(|(_, anomalous, effect)| {
                f64::from(u8::from(effect.detects))
                    + effect.value * if *anomalous { 1.0 } else { false_positive }
            });
    flagged.sum::<f64>() - windows
}

fn nab(corpus: &[Rows]) -> Option<Nab> {
    let mut rows = effects(corpus, false);
    rows.sort_by(|left, right| right.0.total_cmp(&left.0));
    let mut sweep = NabSweep::default();
    rows.into_iter()
        .for_each(|(score, anomalous, effect)| sweep.add(score, anomalous, effect));
    sweep.finish()
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() < 1e-9
}

#[test]
fn the_reward_falls_as_published() {
    // Doc comment of `scaledSigmoid` in nab/sweeper.py.
    for (place, reward) in [
        (-1.0, 0.98661),
        (-0.5, 0.84828),
        (0.0, 0.0),
        (1.0, -0.98661),
    ] {
        assert!((scaled_sigmoid(place) - reward).abs() < 5e-6, "{place}");
    }
    assert_eq!(
        (scaled_sigmoid(3.1), scaled_sigmoid(f64::INFINITY)),
        (-1.0, -1.0)
    );
}

#[test]
fn the_probationary_part_is_as_long_as_published() {
    // tests/integration/sweeper_test.py, whose cases for other shares are scaled to 15 %.
    for (rows, expected) in [(0, 0), (100, 15), (5000, 750), (6000, 750)] {
        assert_eq!(probation(rows), expected);
    }
    for rows in 0..10_000_u64 {
        assert_eq!(
            probation(rows),
            (0.15 * rows as f64).floor().min(750.0) as u64,
            "{rows} rows"
        );
    }
}

/// The figures of the repository's own tests: tests/integration of numenta/NAB.
mod published {
    use super::*;

    #[test]
    fn a_hit_a_miss_and_a_false_alarm() {
        // scorer_test.py, testScoringAllMetrics: 100 rows, windows of 5 rows at 30 and 65, flags at
        // 30, 31 and 37.
        let rows = series(100, &[(30, 34), (65, 69)], &[30, 31, 37]);
        assert!((raw(&[rows], 1.0) - -0.9540).abs() < 5e-5);
    }

    #[test]
    fn a_false_alarm_without_any_window_costs_the_whole_weight() {
        // false_positive_test.py, testOneFalsePositiveNoWindow.
        assert_eq!(raw(&[series(1000, &[], &[0])], 1.0), -1.0);
    }

    #[test]
    fn the_first_row_of_a_window_earns_the_whole_weight_whatever_its_width() {
        // true_positive_test.py, testFirstTruePositiveWithinWindow and
        // testTruePositivesWithDifferentWindowSizes.
        for width in 1..5 {
            assert!(
                close(raw(&[series(10, &[(4, 3 + width)], &[4])], 1.0), 1.0),
                "{width} rows"
            );
        }
    }

    #[test]
    fn only_the_first_detection_of_a_window_counts() {
        // true_positive_test.py, testOnlyScoreFirstTruePositiveWithinWindow and
        // testEarlierTruePositiveIsBetter.
        let at = |flagged: &[usize]| raw(&[series(10, &[(4, 5)], flagged)], 1.0);
        assert_eq!(at(&[4]), at(&[4, 5]));
        assert!(at(&[4]) > at(&[5]));
    }

    #[test]
    fn rewards_and_costs_meet_at_the_end_of_a_window() {
        // true_positive_test.py, testTruePositiveAtRightEdgeOfWindow: a window of 100 rows, missed
        // the second time.
        let at = |flagged| raw(&[series(1000, &[(450, 549)], &[flagged])], 1.0);
        assert!((at(549) + at(550) + 1.0).abs() < 5e-4);
    }

    #[test]
    fn a_later_false_alarm_costs_more() {
        // false_positive_test.py, testEarlierFalsePositiveAfterWindowIsBetter.
        let at = |flagged| raw(&[series(10, &[(4, 5)], &[flagged])], 1.0);
        assert!(at(6) > at(7));
    }
}

#[test]
fn a_corpus_worked_by_hand() {
    // 20 rows, of which 3 are on probation; windows of 4 rows at 6 and 2 rows at 14. row      0  4
    // 7  8  11  14 15 score    9  8  7  6   5   4  3 Places: row 7 has 3 of 4 rows left, -3/4; row
    // 8 -2/4; row 11 lies 2 rows after a window of 4, 2/3.
    let mut rows = series(20, &[(6, 9), (14, 15)], &[]);
    for (row, score) in [
        (0, 9.0),
        (4, 8.0),
        (7, 7.0),
        (8, 6.0),
        (11, 5.0),
        (14, 4.0),
        (15, 3.0),
    ] {
        rows[row].0 = score;
    }
    let sigmoid = |place: f64| 2.0 / (1.0 + (5.0 * place).exp()) - 1.0;
    let row_7 = sigmoid(-0.75) / sigmoid(-1.0); // 0.9540 / 0.9866 = 0.9669
    let row_11 = sigmoid(2.0 / 3.0); // -0.9311
    // Down to 4, all but row 4 and 11 is gain: both windows are detected, the second by its first
    // row.
    let standard = row_7 + 1.0 + 0.11 * (row_11 - 1.0) + 2.0; // 3.7546 of 4
    let low_fp = row_7 + 1.0 + 0.22 * (row_11 - 1.0) + 2.0; // 3.5421 of 4
    let low_fn = row_7 + 1.0 + 0.11 * (row_11 - 1.0) + 4.0; // 5.7546 of 6
    let nab = nab(&[rows]).unwrap();
    assert_eq!(nab.windows, 2);
    assert!(
        close(nab.scores.standard, 100.0 * standard / 4.0)
            && (nab.scores.standard - 93.864).abs() < 1e-3
    );
    assert!(
        close(nab.scores.low_fp, 100.0 * low_fp / 4.0) && (nab.scores.low_fp - 88.554).abs() < 1e-3
    );
    assert!(
        close(nab.scores.low_fn, 100.0 * low_fn / 6.0) && (nab.scores.low_fn - 95.909).abs() < 1e-3
    );
    assert_eq!(
        nab.thresholds,
        Profiles {
            standard: Some(4.0),
            low_fp: Some(4.0),
            low_fn: Some(4.0)
        }
    );
}

#[test]
fn the_published_program_gives_the_same_scores() {
    // Rows, and windows as first and last row; anomalous rows past the first quarter of a window
    // score a little more.
    let corpus: [(u64, &[(u64, u64)]); 3] = [
        (400, &[(100, 139), (300, 319)]),
        (700, &[(500, 569)]),
        (300, &[]),
    ];
    let corpus = corpus
        .iter()
        .zip(0_u64..)
        .map(|(&(rows, windows), number)| {
            let row = |row| {
                let score = (row * 7919 + number * 104_729) % 1009;
                let late = windows
                    .iter()
                    .any(|(first, last)| (first + (last - first) / 4..=*last).contains(&row));
                let anomalous = windows
                    .iter()
                    .any(|(first, last)| (*first..=*last).contains(&row));
                (
                    (score + if late && score % 3 == 0 { 10 } else { 0 }) as f32,
                    anomalous,
                )
            };
            (0..rows).map(row).collect()
        });
    let nab = nab(&corpus.collect::<Vec<Rows>>()).unwrap();
    // Found with nab/sweeper.py and nab/runner.py of numenta/NAB.
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
fn a_perfect_detector_scores_100_and_a_silent_one_0() {
    let perfect = nab(&[
        series(40, &[(20, 24)], &[20]),
        series(40, &[(30, 31)], &[30]),
    ])
    .unwrap();
    assert_eq!(
        perfect.scores,
        Profiles {
            standard: 100.0,
            low_fp: 100.0,
            low_fn: 100.0
        }
    );
    // One score for all: 33 of 40 rows would be false alarms, before the window and so at the whole
    // weight.
    let silent = nab(&[series(40, &[(39, 39)], &[])]).unwrap();
    assert_eq!(silent.scores, Profiles::default());
    assert_eq!(silent.thresholds, Profiles::default());
}

#[test]
fn nothing_is_scored_on_probation() {
    // 6 of 40 rows are on probation.
    assert_eq!(
        nab(&[series(40, &[(2, 5)], &[2])]),
        None,
        "no window is left to detect"
    );
    let loud = nab(&[series(40, &[(20, 24)], &[0, 1, 5, 20])]).unwrap();
    assert_eq!(
        loud.scores.standard, 100.0,
        "false alarms on probation cost nothing"
    );
    let begun = nab(&[series(40, &[(4, 7)], &[4, 6])]).unwrap();
    assert!(
        (begun.scores.standard - 92.99).abs() < 1e-2,
        "row 6, halfway through, is the first that counts: {begun:?}"
    );
}

#[test]
fn rows_of_training_count_towards_the_probationary_part() {
    // 15 % of 100 rows were among the 40 that trained the detector.
    let mut series = NabSeries::new(100, 40);
    let effect = series.push((), 1.0, None).next().unwrap().1;
    assert_eq!(effect.value, -1.0);
}

#[test]
fn scores_are_serialised_by_profile() {
    let text = serde_json::to_string(&nab(&[series(40, &[(20, 24)], &[20])]).unwrap()).unwrap();
    let thresholds = r#"{"standard":1.0,"low_fp":1.0,"low_fn":1.0}"#;
    let scores = r#""standard":100.0,"low_fp":100.0,"low_fn":100.0"#;
    assert_eq!(
        text,
        format!(r#"{{{scores},"thresholds":{thresholds},"windows":1}}"#)
    );
}

/// By definition: for every threshold, every window and every false alarm again; raw score and that
/// of a silent detector.
fn best_by_definition(corpus: &[Rows], weights: Weights) -> Option<f64> {
    let mut thresholds: Vec<f32> = corpus.iter().flatten().map(|(score, _)| *score).collect();
    thresholds.push(f32::INFINITY);
    let raw = thresholds
        .iter()
        .map(|&threshold| raw_by_definition(corpus, weights, threshold));
    let (_, windows) = raw_by_definition(corpus, weights, f32::INFINITY);
    let null = -weights.missed_window * windows;
    let best = raw.map(|(raw, _)| raw).fold(f64::NEG_INFINITY, f64::max);
    (windows > 0.0).then(|| 100.0 * (best - null) / (windows - null))
}

/// The raw score and the number of scored windows.
fn raw_by_definition(corpus: &[Rows], weights: Weights, threshold: f32) -> (f64, f64) {
    let (mut score, mut windows) = (0.0, 0.0);
    for rows in corpus {
        let scored = probation(rows.len() as u64) as usize;
        let is_flagged = |row: usize| row >= scored && rows[row].0 >= threshold;
        let mut previous: Option<(usize, usize)> = None;
        let mut row = 0;
        while row < rows.len() {
            let end = (row..rows.len())
                .find(|&other| rows[other].1 != rows[row].1)
                .unwrap_or(rows.len());
            if rows[row].1 {
                if end > scored {
                    windows += 1.0;
                    score += (row..end).find(|&row| is_flagged(row)).map_or(
                        -weights.missed_window,
                        |hit| {
                            scaled_sigmoid(-((end - hit) as f64) / (end - row) as f64)
                                / scaled_sigmoid(-1.0)
                        },
                    );
                }
                previous = Some((end - 1, end - row));
            } else {
                for row in (row..end).filter(|&row| is_flagged(row)) {
                    score += weights.false_positive
                        * previous.map_or(-1.0, |(last, width)| {
                            scaled_sigmoid((row - last) as f64 / (width - 1) as f64)
                        });
                }
            }
            row = end;
        }
    }
    (score, windows)
}

/// Few distinct scores, so that there are ties; labels in runs.
fn corpora() -> impl Strategy<Value = Vec<Rows>> {
    let run = (
        1_usize..8,
        any::<bool>(),
        prop::collection::vec(0_u8..12, 8),
    );
    let rows = prop::collection::vec(run, 0..8).prop_map(|runs| {
        let rows = runs.iter().flat_map(|(length, anomalous, scores)| {
            scores
                .iter()
                .take(*length)
                .map(|score| (f32::from(*score), *anomalous))
        });
        rows.collect()
    });
    prop::collection::vec(rows, 1..4)
}

proptest! {
    #[test]
    fn the_sweep_agrees_with_scoring_every_threshold_anew(corpus in corpora()) {
        let found = nab(&corpus).map(|nab| [nab.scores.standard, nab.scores.low_fp, nab.scores.low_fn]);
        for (profile, weights) in [WEIGHTS.standard, WEIGHTS.low_fp, WEIGHTS.low_fn].into_iter().enumerate() {
            match (best_by_definition(&corpus, weights), found.map(|scores| scores[profile])) {
                (Some(expected), Some(found)) => prop_assert!(close(expected, found), "{expected} is not {found}"),
                (expected, found) => prop_assert_eq!(expected, found),
            }
        }
    }

    #[test]
    fn every_row_is_given_back_once(corpus in corpora()) {
        let mut given: Vec<u32> = effects(&corpus, false).iter().map(|(score, ..)| score.to_bits()).collect();
        let mut taken: Vec<u32> = corpus.iter().flatten().map(|(score, _)| score.to_bits()).collect();
        given.sort_unstable();
        taken.sort_unstable();
        prop_assert_eq!(given, taken);
    }
}
