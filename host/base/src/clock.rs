//! The only place that reads the system's clocks.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Returns the milliseconds since the Unix epoch; 0 if the clock stands before it.
#[must_use]
pub fn now_ms() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the replacement that the ban names"
    )]
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// RFC 3339 with milliseconds, UTC.
#[must_use]
pub fn rfc3339(time_ms: u64) -> String {
    let milliseconds = i64::try_from(time_ms).unwrap_or(i64::MAX);
    let timestamp =
        jiff::Timestamp::from_millisecond(milliseconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{timestamp:.3}")
}

/// Waits until `deadline_ms`, in milliseconds since the Unix epoch; without a deadline, forever.
pub async fn sleep_until(deadline_ms: Option<u64>) {
    match deadline_ms {
        Some(deadline) => {
            tokio::time::sleep(Duration::from_millis(deadline.saturating_sub(now_ms()))).await
        }
        None => std::future::pending().await,
    }
}

/// Returns the time of the monotonic clock.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "this is the replacement that the ban names"
)]
pub fn now() -> Instant {
    Instant::now()
}

/// Measures how long something takes.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[must_use]
    pub fn start() -> Self {
        Self(now())
    }

    /// Time since the start.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// Milliseconds since the start, with fractions.
    #[must_use]
    pub fn milliseconds(self) -> f64 {
        self.elapsed().as_secs_f64() * 1e3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_written_as_rfc_3339() {
        assert_eq!(rfc3339(1_640_995_200_250), "2022-01-01T00:00:00.250Z");
    }
}
