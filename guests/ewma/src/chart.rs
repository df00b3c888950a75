//! One column's control chart: a baseline, and an average or sums of later readings.

use fedhost_guest::{Error, Result, Running};

/// How readings are accumulated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// A moving average.
    Average {
        /// The weight of the newest reading: above 0, up to 1.
        weight: f64,
    },
    /// Cumulative sums.
    Sum {
        /// Subtracted from every reading, in deviations.
        slack: f64,
        /// The limit of the sums.
        most: f64,
    },
}

/// A column's chart.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Chart {
    baseline: Running,
    /// The average; or the sum of readings above the mean.
    up: f64,
    /// The sum of readings below the mean, as a positive number.
    down: f64,
    /// The weight that the average still lacks: `(1 - weight)` to the power of the number of
    /// readings.
    lacking: f64,
}

/// The number of fields of a saved chart.
pub const FIELDS: usize = 6;

impl Chart {
    /// A chart without readings.
    #[must_use]
    pub fn new() -> Self {
        Self {
            lacking: 1.0,
            ..Self::default()
        }
    }

    /// Adds one reading and returns the score after it. The first `baseline_rows` readings are the
    /// baseline and score 0.
    pub fn score(&mut self, value: f64, baseline_rows: f64, clip: f64, rule: Rule) -> f64 {
        if self.baseline.count < baseline_rows {
            self.baseline.push(value);
            return 0.0;
        }
        let Some(distance) = self.baseline.standardise(value) else {
            return 0.0;
        };
        self.add(distance.clamp(-clip, clip), rule);
        self.present(rule)
    }

    /// The present score.
    #[must_use]
    pub fn present(&self, rule: Rule) -> f64 {
        match rule {
            Rule::Average { weight } => {
                // The variance of the average of independent readings, exact from the first on.
                let variance = weight / (2.0 - weight) * (1.0 - self.lacking * self.lacking);
                if variance > 0.0 {
                    self.up.abs() / variance.sqrt()
                } else {
                    0.0
                }
            }
            Rule::Sum { .. } => self.up.max(self.down),
        }
    }

    fn add(&mut self, distance: f64, rule: Rule) {
        match rule {
            Rule::Average { weight } => {
                self.up += weight * (distance - self.up);
                self.lacking *= 1.0 - weight;
            }
            Rule::Sum { slack, most } => {
                self.up = (self.up + distance - slack).clamp(0.0, most);
                self.down = (self.down - distance - slack).clamp(0.0, most);
            }
        }
    }

    /// The fields for a saved state.
    #[must_use]
    pub fn fields(&self) -> [f64; FIELDS] {
        let Running {
            count,
            mean,
            squares,
        } = self.baseline;
        [count, mean, squares, self.up, self.down, self.lacking]
    }

    /// A chart from its [`fields`](Self::fields).
    ///
    /// # Errors
    /// [`Error::InvalidState`] for fields that no readings lead to.
    pub fn from_fields(fields: [f64; FIELDS]) -> Result<Self> {
        let [count, mean, squares, up, down, lacking] = fields;
        let possible =
            count >= 0.0 && squares >= 0.0 && down >= 0.0 && (0.0..=1.0).contains(&lacking);
        if !possible || fields.iter().any(|field| !field.is_finite()) {
            return Err(Error::InvalidState(format!("{fields:?} is not a chart")));
        }
        Ok(Self {
            baseline: Running {
                count,
                mean,
                squares,
            },
            up,
            down,
            lacking,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUM: Rule = Rule::Sum {
        slack: 0.5,
        most: 100.0,
    };

    /// After a baseline with mean 10 and deviation 1.
    fn scores(rule: Rule, values: &[f64]) -> Vec<f64> {
        let mut chart = Chart::new();
        let baseline = [9.0, 11.0, 9.0, 11.0];
        let all = baseline
            .iter()
            .chain(values)
            .map(|&value| chart.score(value, 4.0, 8.0, rule));
        all.skip(4).collect()
    }

    fn close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        assert!(
            found
                .iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-9),
            "{found:?} are not {expected:?}"
        );
    }

    #[test]
    fn averages_are_in_their_own_deviations() {
        // 1, then 1/2 + 1/2 * 1: variances 1/4 and 1/4 + 1/16.
        let half = Rule::Average { weight: 0.5 };
        close(
            &scores(half, &[11.0, 11.0, 10.0]),
            &[1.0, 0.75 / 0.3125_f64.sqrt(), 0.375 / 0.328_125_f64.sqrt()],
        );
        close(
            &scores(Rule::Average { weight: 1.0 }, &[12.0, 7.0]),
            &[2.0, 3.0],
        );
    }

    #[test]
    fn sums_grow_with_what_is_beyond_the_slack_on_either_side() {
        close(
            &scores(SUM, &[12.0, 12.0, 10.0, 8.0]),
            &[1.5, 3.0, 2.5, 1.5],
        );
        close(&scores(SUM, &[8.0, 8.0]), &[1.5, 3.0]);
    }

    #[test]
    fn sums_stop_at_their_most_and_readings_at_the_clip() {
        let found = scores(
            Rule::Sum {
                slack: 0.5,
                most: 10.0,
            },
            &[1e9, 1e9, 1e9],
        );
        close(&found, &[7.5, 10.0, 10.0]);
    }

    #[test]
    fn a_small_lasting_shift_passes_the_limit() {
        let shifted = [11.0; 40];
        assert!(scores(Rule::Average { weight: 0.1 }, &shifted)[39] > 3.0);
        assert!(scores(SUM, &shifted)[39] > 5.0);
    }

    #[test]
    fn a_column_without_spread_is_silent() {
        let mut chart = Chart::new();
        let found = [5.0, 5.0, 5.0, 9.0].map(|value| chart.score(value, 2.0, 8.0, SUM));
        assert_eq!(found, [0.0; 4]);
    }

    #[test]
    fn a_chart_comes_back_from_its_fields() {
        let mut chart = Chart::new();
        for value in [1.0, 2.0, 4.0] {
            chart.score(value, 2.0, 8.0, SUM);
        }
        assert_eq!(Chart::from_fields(chart.fields()), Ok(chart));
        assert!(Chart::from_fields([0.0, 0.0, 0.0, 0.0, -1.0, 1.0]).is_err());
        assert!(Chart::from_fields([0.0, f64::NAN, 0.0, 0.0, 0.0, 1.0]).is_err());
    }
}
