//! Exponential back-off with an upper bound and jitter.

use std::time::Duration;

/// Computes the pauses between attempts: the first is doubled each time up to the longest, and each
/// has jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The first pause.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl Backoff {
    /// Returns the pause before attempt `attempt`, counted from 1: a random time between half of
    /// the doubled pause and all of it.
    #[must_use]
    pub fn pause(&self, attempt: u32) -> Duration {
        let doubled = self
            .first
            .saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
        doubled
            .min(self.longest)
            .mul_f64(rand::random_range(0.5..=1.0))
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            longest: Duration::from_secs(5),
        }
    }
}
