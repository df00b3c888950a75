//! Calibration: whether a threshold has the promised false-alarm rate, and whether scores are the
//! probabilities of an anomaly.

use serde::Serialize;

/// A quantile of the training scores as a threshold, and the false-alarm rate that it promises.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct QuantileLevel {
    /// The quantile's level, of the scores of training rows.
    pub quantile: f64,
    /// `1 - quantile`, without its rounding error.
    pub nominal: f64,
}

/// The levels that reports show.
pub const LEVELS: [QuantileLevel; 3] = [
    QuantileLevel {
        quantile: 0.9,
        nominal: 0.1,
    },
    QuantileLevel {
        quantile: 0.99,
        nominal: 0.01,
    },
    QuantileLevel {
        quantile: 0.999,
        nominal: 0.001,
    },
];

/// The false-alarm rate at a threshold that was set on training rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FalseAlarms {
    /// The level and its promised rate.
    #[serde(flatten)]
    pub level: QuantileLevel,
    /// The threshold: the quantile of the training scores.
    pub threshold: f32,
    /// The share of normal scored rows that score at least `threshold`.
    pub observed: f64,
}

/// Counts false alarms at several thresholds.
#[derive(Clone, Debug, PartialEq)]
pub struct FalseAlarmMeter {
    thresholds: Vec<(QuantileLevel, f32, u64)>,
    normals: u64,
}

impl FalseAlarmMeter {
    /// A meter for each of these levels, with its quantile of the training scores.
    #[must_use]
    pub fn new(thresholds: impl IntoIterator<Item = (QuantileLevel, f32)>) -> Self {
        Self {
            thresholds: thresholds
                .into_iter()
                .map(|(level, threshold)| (level, threshold, 0))
                .collect(),
            normals: 0,
        }
    }

    /// Takes a scored row.
    pub fn add(&mut self, score: f32, anomalous: bool) {
        if anomalous {
            return;
        }
        self.normals += 1;
        for (_, threshold, alarms) in &mut self.thresholds {
            *alarms += u64::from(score >= *threshold);
        }
    }

    /// One result for each level; empty without normal rows.
    #[must_use]
    pub fn finish(self) -> Vec<FalseAlarms> {
        let normals = self.normals as f64;
        self.thresholds
            .into_iter()
            .filter(|_| normals > 0.0)
            .map(|(level, threshold, alarms)| FalseAlarms {
                level,
                threshold,
                observed: alarms as f64 / normals,
            })
            .collect()
    }
}

/// Bins of the expected calibration error.
const BINS: usize = 15;

/// How well scores predict the probability of an anomaly.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Probabilities {
    /// Brier score: the mean squared difference between score and outcome, 0 at best.
    pub brier: f64,
    /// Expected calibration error (Naeini et al., 2015): the mean, over rows, of the difference
    /// between the mean score and the share of anomalies in a row's bin.
    pub calibration_error: f64,
    /// The bins of a reliability diagram: those of 15 bins of equal width that have rows, ascending.
    pub bins: Vec<ReliabilityBin>,
}

/// Rows of similar scores.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// The mean of their scores.
    pub mean_score: f64,
    /// The share of anomalies among them.
    pub anomalous: f64,
    /// Their number.
    pub rows: u64,
}

/// Compares scores with outcomes, as long as all scores are probabilities.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProbabilityMeter {
    bins: [Bin; BINS],
    squares: f64,
    /// Whether a score was outside 0 to 1.
    refuted: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bin {
    scores: f64,
    anomalies: u64,
    rows: u64,
}

impl ProbabilityMeter {
    /// Takes a scored row.
    pub fn add(&mut self, score: f32, anomalous: bool) {
        self.refuted |= !(0.0..=1.0).contains(&score);
        if self.refuted {
            return;
        }
        let score = f64::from(score);
        // A bin includes its upper edge, as in scikit-learn's calibration_curve; the first bin
        // includes both edges.
        let number = ((score * BINS as f64).ceil() as usize).saturating_sub(1);
        if let Some(bin) = self.bins.get_mut(number) {
            bin.scores += score;
            bin.anomalies += u64::from(anomalous);
            bin.rows += 1;
        }
        self.squares += (score - f64::from(u8::from(anomalous))).powi(2);
    }

    /// The result; `None` without rows, or when a score was not a probability.
    #[must_use]
    pub fn finish(&self) -> Option<Probabilities> {
        let rows = self.bins.iter().map(|bin| bin.rows).sum::<u64>() as f64;
        if self.refuted || rows == 0.0 {
            return None;
        }
        let bins: Vec<ReliabilityBin> = self.bins.iter().filter_map(Bin::reliability).collect();
        let errors = bins
            .iter()
            .map(|bin| (bin.mean_score - bin.anomalous).abs() * bin.rows as f64 / rows);
        Some(Probabilities {
            brier: self.squares / rows,
            calibration_error: errors.sum(),
            bins,
        })
    }
}

impl Bin {
    fn reliability(&self) -> Option<ReliabilityBin> {
        if self.rows == 0 {
            return None;
        }
        let rows = self.rows as f64;
        Some(ReliabilityBin {
            mean_score: self.scores / rows,
            anomalous: self.anomalies as f64 / rows,
            rows: self.rows,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probabilities(rows: &[(f32, bool)]) -> Option<Probabilities> {
        let mut meter = ProbabilityMeter::default();
        rows.iter()
            .for_each(|&(score, anomalous)| meter.add(score, anomalous));
        meter.finish()
    }

    #[test]
    fn only_normal_rows_raise_false_alarms() {
        let mut meter = FalseAlarmMeter::new([(LEVELS[0], 1.0), (LEVELS[1], 3.0)]);
        for (score, anomalous) in [
            (0.5, false),
            (1.0, false),
            (2.0, false),
            (3.0, true),
            (0.0, false),
        ] {
            meter.add(score, anomalous);
        }
        let found: Vec<_> = meter
            .finish()
            .iter()
            .map(|alarms| (alarms.level.nominal, alarms.observed))
            .collect();
        assert_eq!(found, [(0.1, 0.5), (0.01, 0.0)]);
    }

    #[test]
    fn without_normal_rows_there_is_no_false_alarm_rate() {
        let mut meter = FalseAlarmMeter::new([(LEVELS[0], 1.0)]);
        meter.add(2.0, true);
        assert_eq!(meter.finish(), []);
    }

    #[test]
    fn a_forecast_worked_by_hand() {
        // Bins end at 3/15 = 0.2, 8/15 = 0.533 and 1; scores are exact in binary.
        let found =
            probabilities(&[(0.1875, false), (0.1875, true), (0.5, true), (1.0, true)]).unwrap();
        let squares = 0.1875_f64.powi(2) + 0.8125_f64.powi(2) + 0.25;
        assert_eq!(found.brier, squares / 4.0);
        assert_eq!(found.calibration_error, (2.0 * (0.5 - 0.1875) + 0.5) / 4.0);
        let bins: Vec<_> = found
            .bins
            .iter()
            .map(|bin| (bin.mean_score, bin.anomalous, bin.rows))
            .collect();
        assert_eq!(bins, [(0.1875, 0.5, 2), (0.5, 1.0, 1), (1.0, 1.0, 1)]);
    }

    #[test]
    fn a_perfect_forecast_has_no_error() {
        let found = probabilities(&[(0.0, false), (1.0, true), (1.0, true)]).unwrap();
        assert_eq!((found.brier, found.calibration_error), (0.0, 0.0));
    }

    #[test]
    fn scores_outside_0_to_1_are_not_probabilities() {
        for score in [-0.1, 1.1, f32::NAN] {
            assert_eq!(
                probabilities(&[(0.5, true), (score, false), (0.5, true)]),
                None,
                "{score}"
            );
        }
        assert_eq!(probabilities(&[]), None);
    }
}
