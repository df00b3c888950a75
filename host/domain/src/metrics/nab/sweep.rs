//! The best score of all thresholds, per profile.

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
/// Each profile uses the best threshold for the whole corpus, chosen with knowledge of the labels,
/// as NAB does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Nab {
    /// The scores.
    #[serde(flatten)]
    pub scores: Profiles<f64>,
    /// The thresholds: rows with at least this score are flagged; `None` when flagging nothing is
    /// best.
    pub thresholds: Profiles<Option<f32>>,
    /// Windows that are scored.
    pub windows: u64,
}

/// Sums effects while the threshold decreases.
#[derive(Clone, Debug, Default)]
pub struct NabSweep {
    sums: Sums,
    /// The score of the newest rows.
    tied: Option<f32>,
    best: Profiles<Best>,
}

/// The sums over the rows flagged so far, before any weight.
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
    /// Adds the next row, in descending order of the scores.
    pub fn add(&mut self, score: f32, anomalous: bool, effect: Effect) {
        if self.tied.is_some_and(|tied| tied != score) {
            self.close_tied();
        }
        self.tied = Some(score);
        if anomalous {
            self.sums.rewards += effect.value;
        } else {
            self.sums.costs += effect.value;
        }
        self.sums.detected += u64::from(effect.detects);
    }

    /// The scores; `None` when no window was scored.
    #[must_use]
    pub fn finish(mut self) -> Option<Nab> {
        self.close_tied();
        // Every row is flagged now, so every window is detected.
        let windows = self.sums.detected;
        if windows == 0 {
            return None;
        }
        Some(Nab {
            scores: self
                .best
                .zip(&WEIGHTS)
                .map(|(best, weights)| 100.0 * best.gain / weights.perfect_gain(windows)),
            thresholds: self.best.map(|best| best.threshold),
            windows,
        })
    }

    fn close_tied(&mut self) {
        let sums = self.sums;
        let threshold = self.tied;
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
    /// The raw score, less the raw score of a detector that flags nothing.
    fn gain(self, sums: Sums) -> f64 {
        sums.rewards + self.false_positive * sums.costs + self.missed_window * sums.detected as f64
    }

    /// The gain of flagging the first row of every window and no normal row.
    fn perfect_gain(self, windows: u64) -> f64 {
        (1.0 + self.missed_window) * windows as f64
    }
}
