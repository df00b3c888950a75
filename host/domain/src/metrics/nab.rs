//! The score of the Numenta Anomaly Benchmark: early detection is rewarded, and a false alarm costs
//! more the further it is from a window.
//!
//! Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms", 2015, arXiv:1510.03336;
//! where the paper is ambiguous, the program in the repository numenta/NAB decides. Each constant
//! names its file there. Differences: a window is a maximal run of anomalous rows, because only
//! labels are known; a window of one row, after which that program divides by 0, counts as
//! infinitely far away; a window within the probationary part does not count.
//!
//! Flagging a row changes the raw score by an amount that depends only on the rows of its own
//! series. [`NabSeries`] computes this [`Effect`] in time order, [`NabSweep`] sums effects in the
//! order of the scores. Neither stores rows.

mod series;
mod sweep;

pub use series::{Effect, NabSeries};
pub use sweep::{Nab, NabSweep, Profiles};

/// The published weights of a profile: `config/profiles.json`. The weight of a detected window is 1
/// in every profile.
#[derive(Clone, Copy, Debug)]
struct Weights {
    false_positive: f64,
    missed_window: f64,
}

const WEIGHTS: Profiles<Weights> = Profiles {
    standard: Weights {
        false_positive: 0.11,
        missed_window: 1.0,
    },
    low_fp: Weights {
        false_positive: 0.22,
        missed_window: 1.0,
    },
    low_fn: Weights {
        false_positive: 0.11,
        missed_window: 2.0,
    },
};

/// The share of a series, in percent, that is not scored: `nab/runner.py`, 0.15.
const PROBATION_PERCENT: u64 = 15;
/// No more rows than these count towards that share: `nab/sweeper.py`.
const PROBATION_ROWS_COUNTED: u64 = 5000;
/// The slope of the reward: `nab/sweeper.py`, and the paper's equation for the scoring function.
const STEEPNESS: f64 = 5.0;
/// A false positive costs the whole weight beyond this distance from its window, in window widths:
/// `nab/sweeper.py`.
const FAR: f64 = 3.0;

/// The reward at a position relative to a window: nearly 1 at -1, its first row; 0 at its end;
/// nearly -1 at 1 and beyond.
fn scaled_sigmoid(place: f64) -> f64 {
    if place > FAR {
        -1.0
    } else {
        2.0 / (1.0 + (STEEPNESS * place).exp()) - 1.0
    }
}

/// Rows at the beginning of a series of `rows` in which a detector may learn and nothing is scored.
fn probation(rows: u64) -> u64 {
    rows.min(PROBATION_ROWS_COUNTED) * PROBATION_PERCENT / 100
}

#[cfg(test)]
mod tests;
