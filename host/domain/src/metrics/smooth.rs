//! A moving mean of scores.

/// A causal moving mean over the rows of one series.
///
/// It never subtracts, so a large score that leaves the mean leaves no rounding error. Scores are
/// on two stacks. The older stack stores running sums with the oldest score on top, so that popping
/// it removes that score.
#[derive(Clone, Debug, PartialEq)]
pub struct Smoother {
    rows: usize,
    older_sums: Vec<f64>,
    newer: Vec<f64>,
    newer_sum: f64,
}

impl Smoother {
    /// A mean over the last `rows` rows, fewer at the start of a series; 0 and 1 do not change the
    /// scores.
    #[must_use]
    pub fn new(rows: u32) -> Self {
        let rows = usize::try_from(rows).unwrap_or(usize::MAX).max(1);
        Self {
            rows,
            older_sums: Vec::new(),
            newer: Vec::new(),
            newer_sum: 0.0,
        }
    }

    /// The smoothed score of the next row.
    pub fn smooth(&mut self, score: f32) -> f32 {
        if self.older_sums.len() + self.newer.len() == self.rows {
            self.forget_oldest();
        }
        self.newer.push(f64::from(score));
        self.newer_sum += f64::from(score);
        let sum = self.older_sums.last().unwrap_or(&0.0) + self.newer_sum;
        (sum / (self.older_sums.len() + self.newer.len()) as f64) as f32
    }

    /// Removes all rows; the next row begins another series.
    pub fn begin_series(&mut self) {
        self.older_sums.clear();
        self.newer.clear();
        self.newer_sum = 0.0;
    }

    fn forget_oldest(&mut self) {
        if self.older_sums.is_empty() {
            let mut sum = 0.0;
            self.older_sums
                .extend(self.newer.drain(..).rev().map(|score| {
                    sum += score;
                    sum
                }));
            self.newer_sum = 0.0;
        }
        self.older_sums.pop();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_start_of_a_series_has_fewer_rows() {
        let mut smoother = Smoother::new(3);
        assert_eq!(
            [3.0, 5.0, 1.0, 0.0].map(|score| smoother.smooth(score)),
            [3.0, 4.0, 3.0, 2.0]
        );
        smoother.begin_series();
        assert_eq!(smoother.smooth(8.0), 8.0);
    }

    #[test]
    fn a_large_score_leaves_no_rounding_error() {
        let mut smoother = Smoother::new(2);
        let scores = [1e30, 0.1, 0.1, 0.1];
        assert_eq!(scores.map(|score| smoother.smooth(score))[2..], [0.1, 0.1]);
    }

    #[test]
    fn the_largest_scores_have_a_mean() {
        let mut smoother = Smoother::new(1_000);
        assert!((0..3_000).all(|_| smoother.smooth(f32::MAX) == f32::MAX));
    }

    proptest! {
        #[test]
        fn a_smoothed_score_is_the_mean_of_the_last_rows(
            rows in 0_u32..12,
            scores in prop::collection::vec(-1e3_f32..1e3, 0..60),
        ) {
            let mut smoother = Smoother::new(rows);
            for end in 1..=scores.len() {
                let last = &scores[end.saturating_sub(rows.max(1) as usize)..end];
                let mean = last.iter().map(|&score| f64::from(score)).sum::<f64>() / last.len() as f64;
                let smoothed = smoother.smooth(scores[end - 1]);
                prop_assert!((f64::from(smoothed) - mean).abs() < 1e-3, "{smoothed} is not {mean}");
            }
        }
    }
}
