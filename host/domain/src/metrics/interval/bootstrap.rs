//! Counts rows by block, and draws blocks.

use serde::Serialize;

use super::{Bins, BlockPlan};
use crate::metrics::areas::{Areas, Counts};
use crate::metrics::confusion::Confusion;
use crate::metrics::sweep::Swept;

/// Replicates for an interval.
pub const REPLICATES: usize = 500;
/// The fewest blocks; with fewer, the replicates differ too little.
const BLOCKS_MIN: usize = 5;
/// The share of replicates on either side of an interval.
const TAIL: f64 = 0.025;

/// The 95 % confidence interval of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// One interval per metric; `None` with fewer than 5 blocks, or when more than half of the
/// replicates lack a class of rows that the metric needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Intervals {
    /// Area under the ROC curve.
    pub roc_auc: Option<Interval>,
    /// Average precision.
    pub average_precision: Option<Interval>,
    /// F1 at the threshold. The threshold is the same in all replicates, also for the metrics below.
    pub f1: Option<Interval>,
    /// Precision.
    pub precision: Option<Interval>,
    /// Recall.
    pub recall: Option<Interval>,
    /// False alarm rate.
    pub far: Option<Interval>,
    /// Missed alarm rate.
    pub mar: Option<Interval>,
}

/// Rows by block, score bin, class and outcome.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    blocks: Vec<Block>,
}

#[derive(Clone, Debug, Default)]
struct Block {
    /// Bins with rows, ascending.
    scores: Vec<BinCounts>,
    outcome: Confusion,
}

/// The rows of one block in one bin. It is compact, because every replicate reads all of them.
#[derive(Clone, Copy, Debug)]
struct BinCounts {
    bin: u16,
    normals: u32,
    anomalies: u32,
}

impl Bootstrap {
    /// A bootstrap without rows.
    #[must_use]
    pub fn new(plan: &BlockPlan) -> Self {
        Self {
            blocks: vec![Block::default(); plan.blocks()],
        }
    }

    /// Counts a row for the areas; rows come in descending order of their scores.
    pub fn add_score(&mut self, block: u16, bin: u16, anomalous: bool) {
        let Some(block) = self.blocks.get_mut(usize::from(block)) else {
            return;
        };
        if block.scores.last().is_none_or(|last| last.bin != bin) {
            block.scores.push(BinCounts {
                bin,
                normals: 0,
                anomalies: 0,
            });
        }
        if let Some(last) = block.scores.last_mut() {
            let count = if anomalous {
                &mut last.anomalies
            } else {
                &mut last.normals
            };
            *count = count.saturating_add(1);
        }
    }

    /// Counts a row for the metrics at the threshold, in any order.
    pub fn add_outcome(&mut self, block: u16, flagged: bool, anomalous: bool) {
        if let Some(block) = self.blocks.get_mut(usize::from(block)) {
            block.outcome.add_row(flagged, anomalous);
        }
    }

    /// Computes the intervals from `replicates` draws; equal seeds give equal intervals. `exact` has
    /// the metrics of all rows; the intervals are corrected by the error of the bins against it.
    #[must_use]
    pub fn intervals(&self, replicates: usize, seed: u64, exact: Option<&Swept>) -> Intervals {
        let blocks = self.blocks.len();
        if blocks < BLOCKS_MIN {
            return Intervals::default();
        }
        let mut random = SplitMix(seed);
        let mut found = Replicates {
            wanted: replicates,
            ..Replicates::default()
        };
        let mut bins = vec![Counts::default(); Bins::MAX];
        for _ in 0..replicates {
            let (areas, outcome) = self.pooled(&random.times_drawn(blocks), &mut bins);
            found.add(areas, &outcome);
        }
        let (binned, _) = self.pooled(&vec![1; blocks], &mut bins);
        found.intervals().corrected(binned.zip(exact))
    }

    /// The metrics of a replicate in which each block counts `times` times; `bins` is scratch space.
    fn pooled(&self, times: &[u32], bins: &mut [Counts]) -> (Option<Areas>, Confusion) {
        bins.fill(Counts::default());
        let mut outcome = Confusion::default();
        for (block, &times) in self
            .blocks
            .iter()
            .zip(times)
            .filter(|(_, times)| **times > 0)
        {
            outcome.add_times(&block.outcome, u64::from(times));
            for counts in &block.scores {
                if let Some(bin) = bins.get_mut(usize::from(counts.bin)) {
                    bin.normals += u64::from(counts.normals) * u64::from(times);
                    bin.anomalies += u64::from(counts.anomalies) * u64::from(times);
                }
            }
        }
        (Areas::of(bins.iter().copied()), outcome)
    }
}

impl Intervals {
    fn corrected(mut self, areas: Option<(Areas, &Swept)>) -> Self {
        if let Some((binned, exact)) = areas {
            self.roc_auc = self
                .roc_auc
                .map(|interval| interval.shifted(exact.roc_auc - binned.roc_auc));
            let by = exact.average_precision - binned.average_precision;
            self.average_precision = self.average_precision.map(|interval| interval.shifted(by));
        }
        self
    }
}

impl Interval {
    fn shifted(self, by: f64) -> Self {
        Self {
            low: (self.low + by).clamp(0.0, 1.0),
            high: (self.high + by).clamp(0.0, 1.0),
        }
    }
}

/// The metrics of the replicates, where defined.
#[derive(Clone, Debug, Default)]
struct Replicates {
    wanted: usize,
    roc_auc: Vec<f64>,
    average_precision: Vec<f64>,
    f1: Vec<f64>,
    precision: Vec<f64>,
    recall: Vec<f64>,
    far: Vec<f64>,
    mar: Vec<f64>,
}

impl Replicates {
    fn add(&mut self, areas: Option<Areas>, outcome: &Confusion) {
        if let Some(areas) = areas {
            self.roc_auc.push(areas.roc_auc);
            self.average_precision.push(areas.average_precision);
        }
        let has_normals = outcome.normals() > 0;
        let has_anomalies = outcome.anomalies() > 0;
        if has_normals && has_anomalies {
            self.f1.push(outcome.f1());
            self.precision.push(outcome.precision());
        }
        if has_anomalies {
            self.recall.push(outcome.recall());
            self.mar.push(outcome.mar());
        }
        if has_normals {
            self.far.push(outcome.far());
        }
    }

    fn intervals(self) -> Intervals {
        let interval = |values: Vec<f64>| {
            if 2 * values.len() < self.wanted {
                None
            } else {
                interval(values)
            }
        };
        Intervals {
            roc_auc: interval(self.roc_auc),
            average_precision: interval(self.average_precision),
            f1: interval(self.f1),
            precision: interval(self.precision),
            recall: interval(self.recall),
            far: interval(self.far),
            mar: interval(self.mar),
        }
    }
}

/// The interval of these values; its ends are values that occur, rounded outwards.
fn interval(mut values: Vec<f64>) -> Option<Interval> {
    values.sort_unstable_by(f64::total_cmp);
    let tail = (values.len().checked_sub(1)? as f64 * TAIL).floor() as usize;
    Some(Interval {
        low: *values.get(tail)?,
        high: *values.iter().rev().nth(tail)?,
    })
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
#[derive(Clone, Copy, Debug)]
pub(super) struct SplitMix(pub(super) u64);

impl SplitMix {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// How often each block is drawn in one replicate of `blocks` draws.
    fn times_drawn(&mut self, blocks: usize) -> Vec<u32> {
        let mut times = vec![0; blocks];
        for _ in 0..blocks {
            let drawn = self.below(blocks);
            times
                .iter_mut()
                .skip(drawn)
                .take(1)
                .for_each(|times| *times += 1);
        }
        times
    }

    /// A number below `bound`, nearly uniform.
    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}
