use proptest::prelude::*;

use super::bootstrap::SplitMix;
use super::*;
use crate::metrics::{Ranking, Sweep};

/// A draw from the standard normal distribution: twelve uniform ones, less their mean.
fn normal(random: &mut SplitMix) -> f64 {
    (0..12)
        .map(|_| (random.next() >> 11) as f64 / (1_u64 << 53) as f64)
        .sum::<f64>()
        - 6.0
}

/// Rows of `series`: a score for each, a quarter of the rows anomalous and higher by 1. Rows of a
/// series have a part of their score in common, of this standard deviation.
fn world(seed: u64, series: usize, rows: usize, common: f64) -> Vec<Vec<(f32, bool)>> {
    let mut random = SplitMix(seed);
    let mut one = |_| {
        let shift = common * normal(&mut random);
        let row = |row| {
            let anomalous = row % 4 == 0;
            (
                (normal(&mut random) + shift + f64::from(u8::from(anomalous))) as f32,
                anomalous,
            )
        };
        (0..rows).map(row).collect()
    };
    (0..series).map(&mut one).collect()
}

/// Rows counted, to draw from.
fn bootstrap(world: &[Vec<(f32, bool)>], threshold: f32) -> Bootstrap {
    let plan = BlockPlan::new(
        &world
            .iter()
            .map(|rows| rows.len() as u64)
            .collect::<Vec<_>>(),
    );
    let mut bootstrap = Bootstrap::new(&plan);
    let mut rows: Vec<(f32, bool, u16)> = Vec::new();
    for (series, series_rows) in world.iter().enumerate() {
        for (row, &(score, anomalous)) in series_rows.iter().enumerate() {
            let block = plan.block(series, row as u64);
            bootstrap.add_outcome(block, score >= threshold, anomalous);
            rows.push((score, anomalous, block));
        }
    }
    rows.sort_by(|left, right| right.0.total_cmp(&left.0));
    let mut bins = Bins::new(rows.len() as u64);
    for (score, anomalous, block) in rows {
        bootstrap.add_score(block, bins.next(score), anomalous);
    }
    bootstrap
}

fn roc_auc(world: &[Vec<(f32, bool)>]) -> f64 {
    let (scores, labels): (Vec<f32>, Vec<bool>) = world.iter().flatten().copied().unzip();
    Ranking::new(&scores, &labels).unwrap().roc_auc()
}

#[test]
fn an_interval_holds_the_truth_about_95_times_in_100() {
    // Rows of a series are alike: a row-by-row bootstrap would hold it far less often.
    let common = 0.5;
    let truth = roc_auc(&world(1, 2_000, 40, common));
    let worlds = 150;
    let held = (0..worlds).filter(|seed| {
        let sample = world(1_000 + seed, 40, 16, common);
        let Interval { low, high } = bootstrap(&sample, 1.0)
            .intervals(200, *seed, None)
            .roc_auc
            .unwrap();
        (low..=high).contains(&truth)
    });
    let coverage = held.count() as f64 / worlds as f64;
    assert!((0.89..=0.99).contains(&coverage), "{coverage}");
}

#[test]
fn metrics_lie_in_their_intervals() {
    let sample = world(7, 3, 1_000, 0.0);
    let intervals = bootstrap(&sample, 0.5).intervals(REPLICATES, 7, None);
    let (scores, labels): (Vec<f32>, Vec<bool>) = sample.iter().flatten().copied().unzip();
    let ranking = Ranking::new(&scores, &labels).unwrap();
    let outcome = ranking.confusion(0.5).unwrap();
    for (figure, interval) in [
        (ranking.roc_auc(), intervals.roc_auc),
        (ranking.average_precision(), intervals.average_precision),
        (outcome.f1(), intervals.f1),
        (outcome.precision(), intervals.precision),
        (outcome.recall(), intervals.recall),
        (outcome.far(), intervals.far),
        (outcome.mar(), intervals.mar),
    ] {
        let Interval { low, high } = interval.unwrap();
        assert!(
            low < figure && figure < high && high - low < 0.2,
            "{figure} in {low} to {high}"
        );
    }
}

#[test]
fn the_error_of_bins_is_corrected() {
    // So many rows that a bin holds several, and few enough draws that only the shift can differ.
    let sample = world(5, 12, 1_000, 0.2);
    let bootstrap = bootstrap(&sample, 0.5);
    let mut rows = sample.concat();
    rows.sort_by(|left, right| right.0.total_cmp(&left.0));
    let anomalies = rows.iter().filter(|(_, anomalous)| *anomalous).count() as u64;
    let mut sweep = Sweep::new(rows.len() as u64 - anomalies, anomalies);
    rows.iter()
        .for_each(|&(score, anomalous)| sweep.add(score, anomalous).unwrap());
    let exact = sweep.finish().unwrap().unwrap();
    let (off, right) = (
        bootstrap.intervals(50, 1, None),
        bootstrap.intervals(50, 1, Some(&exact)),
    );
    let shift =
        |off: Option<Interval>, right: Option<Interval>| right.unwrap().low - off.unwrap().low;
    let precision = shift(off.average_precision, right.average_precision);
    assert!(
        (1e-5..1e-2).contains(&precision),
        "rows of a bin count as flagged together: {precision}"
    );
    assert!(
        shift(off.roc_auc, right.roc_auc).abs() < 1e-4,
        "ties count half"
    );
    assert_eq!(off.f1, right.f1);
}

#[test]
fn the_same_seed_gives_the_same_intervals() {
    let bootstrap = bootstrap(&world(3, 12, 50, 0.3), 0.5);
    assert_eq!(
        bootstrap.intervals(50, 9, None),
        bootstrap.intervals(50, 9, None)
    );
    assert_ne!(
        bootstrap.intervals(50, 9, None),
        bootstrap.intervals(50, 10, None)
    );
}

#[test]
fn too_few_blocks_make_no_interval() {
    let sample = vec![vec![(1.0, true), (0.0, false), (0.5, true), (0.2, false)]];
    assert_eq!(
        bootstrap(&sample, 0.5).intervals(REPLICATES, 0, None),
        Intervals::default()
    );
}

#[test]
fn a_class_that_most_draws_lack_makes_no_interval() {
    let mut sample = vec![vec![(0.0, false); 20]; 10];
    let one_class = bootstrap(&sample, 0.5).intervals(REPLICATES, 0, None);
    assert_eq!(
        (one_class.roc_auc, one_class.f1, one_class.mar),
        (None, None, None)
    );
    assert_eq!(
        one_class.far,
        Some(Interval {
            low: 0.0,
            high: 0.0
        }),
        "normal rows are in every draw"
    );
    sample[4][3].1 = true;
    let rare = bootstrap(&sample, 0.5).intervals(REPLICATES, 0, None);
    assert!(
        rare.roc_auc.is_some(),
        "two draws in three have the series with the anomaly"
    );
}

#[test]
fn many_series_are_drawn_whole() {
    let plan = BlockPlan::new(&[100; 17]);
    assert_eq!(plan.blocks(), 17);
    assert!((0..17).all(|series| [0, 99].map(|row| plan.block(series, row)) == [series as u16; 2]));
    let neighbours = BlockPlan::new(&[5; 1_000]);
    assert_eq!(
        (
            neighbours.blocks(),
            neighbours.block(999, 4),
            neighbours.block(4, 0)
        ),
        (200, 199, 0)
    );
}

#[test]
fn equal_scores_share_a_bin_and_others_spread_over_all() {
    let mut bins = Bins::new(4_096);
    let found: Vec<u16> = (0..4_096_u16)
        .map(|row| bins.next(-f32::from(row)))
        .collect();
    assert_eq!(
        (found[0], found[1], found[2], found[4_095]),
        (0, 0, 1, 2_047)
    );
    let mut tied = Bins::new(4_096);
    let found: Vec<u16> = (0..4_096_u16)
        .map(|row| tied.next(if row == 0 { 1.0 } else { 0.0 }))
        .collect();
    assert!(
        found.iter().all(|&bin| bin == 0),
        "one row is less than a bin"
    );
}

proptest! {
    #[test]
    fn a_block_lies_within_one_series(series in prop::collection::vec(1_u64..5_000, 1..9)) {
        let plan = BlockPlan::new(&series);
        let total: u64 = series.iter().sum();
        prop_assert!(plan.blocks() as u64 <= 200.min(total) + series.len() as u64);
        let mut next = 0;
        for (number, &rows) in series.iter().enumerate() {
            prop_assert_eq!(plan.block(number, 0), next);
            next = plan.block(number, rows - 1) + 1;
        }
        prop_assert_eq!(usize::from(next), plan.blocks());
    }
}
