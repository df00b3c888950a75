//! The best score that any threshold reaches, per profile.

use serde::Serialize;

use super::{Effect, WEIGHTS, Weights};

/// One value for each application profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Profiles<T> {
    /// `standard`.
    pub standard: T,
    /// `reward_low_FP_rate`: false alarms cost twice as much.
    pub low_fp: T,
    /// `reward_low_FN_rate`: missed windows cost twice as much.
    pub low_fn: T,
}

impl<T: Copy> Profiles<T> {
    fn map<U>(&self, mut change: impl FnMut(T) -> U) -> Profiles<U> {
        Profiles {
            standard: change(self.standard),
            low_fp: change(self.low_fp),
            low_fn: change(self.low_fn),
        }
    }

    fn zip<U: Copy>(&self, other: &Profiles<U>) -> Profiles<(T, U)> {
        Profiles {
            standard: (self.standard, other.standard),
            low_fp: (self.low_fp, other.low_fp),
            low_fn: (self.low_fn, other.low_fn),
        }
    }
}

/// NAB scores of a corpus. A detector that flags nothing has 0, a perfect one 100.
///
/// Per profile the threshold is the best for the whole corpus, chosen with the labels in view, as
/// NAB does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Nab {
    /// The scores.
    #[serde(flatten)]
    pub scores: Profiles<f64>,
    /// Rows that score at least this much are flagged; `None` where it is best to flag nothing.
    pub thresholds: Profiles<Option<f32>>,
    /// Windows that are scored.
    pub windows: u64,
}

/// Adds up effects while the threshold comes down.
#[derive(Clone, Debug, Default)]
pub struct NabSweep {
    sums: Sums,
    /// The score of the newest rows.
    tied: Option<f32>,
    best: Profiles<Best>,
}

/// What the rows flagged so far are worth, before any weight.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    rewards: f64,
    costs: f64,
    detected: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Best {
    gain: f64,
    threshold: Option<f32>,
}

impl NabSweep {
    /// Adds the next row; rows come in descending order of their scores.
    pub fn add(&mut self, score: f32, anomalous: bool, effect: Effect) {
        if self.tied.is_some_and(|tied| tied != score) {
            self.close_tied();
        }
        self.tied = Some(score);
        *(if anomalous {
            &mut self.sums.rewards
        } else {
            &mut self.sums.costs
        }) += effect.value;
        self.sums.detected += u64::from(effect.detects);
    }

    /// The scores; `None` when no window was scored.
    #[must_use]
    pub fn finish(mut self) -> Option<Nab> {
        self.close_tied();
        // Every row is flagged now, so every window is detected.
        let windows = self.sums.detected;
        (windows > 0).then(|| Nab {
            scores: self
                .best
                .zip(&WEIGHTS)
                .map(|(best, weights)| 100.0 * best.gain / weights.perfect_gain(windows)),
            thresholds: self.best.map(|best| best.threshold),
            windows,
        })
    }

    fn close_tied(&mut self) {
        let (sums, threshold) = (self.sums, self.tied);
        self.best = self.best.zip(&WEIGHTS).map(|(best, weights)| {
            let gain = weights.gain(sums);
            if gain > best.gain {
                Best { gain, threshold }
            } else {
                best
            }
        });
    }
}

impl Weights {
    /// The raw score, less that of a detector that flags nothing and so misses every window.
    fn gain(self, sums: Sums) -> f64 {
        sums.rewards + self.false_positive * sums.costs + self.missed_window * sums.detected as f64
    }

    /// When the first row of every window is flagged, and no normal row.
    fn perfect_gain(self, windows: u64) -> f64 {
        (1.0 + self.missed_window) * windows as f64
    }
}
