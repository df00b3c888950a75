//! Exponential back-off with an upper bound and jitter.

use std::time::Duration;

use fedhost_domain::backoff::Doubling;

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
        let doubling = Doubling {
            first_ms: milliseconds(self.first),
            longest_ms: milliseconds(self.longest),
        };
        Duration::from_millis(doubling.jittered_ms(attempt, rand::random()))
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            longest: Duration::from_secs(5),
        }
    }
}
