//! Bounds what a plug-in writes into the log over time: one budget for all its calls and instances.
//!
//! A limit per call is not enough: a plug-in that logs its limit in each of ten thousand calls a
//! minute fills a disk. What is left out is counted, and the count is logged.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a line needs beside its text: the time, the plug-in, the instance and the level.
const OVERHEAD_BYTES: u64 = 256;
/// The time in which the whole budget comes back, and between two reports of what was left out.
const PERIOD: Duration = Duration::from_mins(1);

/// The budget of one plug-in.
#[derive(Debug)]
pub(super) struct LogBudget {
    bytes_per_minute: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    available: u64,
    refilled: Instant,
    /// Lines that were left out and not reported yet.
    left_out: u64,
    reported: Option<Instant>,
}

impl LogBudget {
    /// Creates a full budget. A minute's budget may be used at once.
    pub(super) fn new(bytes_per_minute: u64) -> Self {
        let state = State {
            available: bytes_per_minute,
            refilled: fedhost_base::clock::now(),
            left_out: 0,
            reported: None,
        };
        Self {
            bytes_per_minute,
            state: Mutex::new(state),
        }
    }

    /// Whether a line with a text of this length may be written; else it is counted.
    pub(super) fn admit(&self, text_bytes: usize) -> bool {
        self.with_state(|state| {
            state.refill(self.bytes_per_minute, fedhost_base::clock::now());
            let cost = u64::try_from(text_bytes)
                .unwrap_or(u64::MAX)
                .saturating_add(OVERHEAD_BYTES);
            match state.available.checked_sub(cost) {
                Some(left) => {
                    state.available = left;
                    true
                }
                None => {
                    state.left_out += 1;
                    false
                }
            }
        })
    }

    /// Counts lines that were left out for another reason.
    pub(super) fn count_left_out(&self, lines: u64) {
        self.with_state(|state| state.left_out = state.left_out.saturating_add(lines));
    }

    /// Returns the number of lines to report as left out: after the first one at once, then once a
    /// minute.
    pub(super) fn due_report(&self) -> Option<u64> {
        let now = fedhost_base::clock::now();
        self.with_state(|state| {
            let is_due = state
                .reported
                .is_none_or(|reported| now.saturating_duration_since(reported) >= PERIOD);
            if is_due { state.take_report(now) } else { None }
        })
    }

    /// Returns the number of lines to report, whenever the last report was; for the end of an
    /// instance.
    pub(super) fn last_report(&self) -> Option<u64> {
        self.with_state(|state| state.take_report(fedhost_base::clock::now()))
    }

    fn with_state<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn refill(&mut self, bytes_per_minute: u64, now: Instant) {
        let elapsed = now.saturating_duration_since(self.refilled).min(PERIOD);
        let gained = u128::from(bytes_per_minute) * elapsed.as_micros() / PERIOD.as_micros();
        // A gain below one byte stays in the elapsed time.
        if let Some(gained) = u64::try_from(gained).ok().filter(|gained| *gained > 0) {
            self.available = self.available.saturating_add(gained).min(bytes_per_minute);
            self.refilled = now;
        }
    }

    fn take_report(&mut self, now: Instant) -> Option<u64> {
        if self.left_out == 0 {
            return None;
        }
        self.reported = Some(now);
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_beyond_the_budget_is_left_out_and_counted() {
        let budget = LogBudget::new(2 * (OVERHEAD_BYTES + 100));
        assert!(budget.admit(100) && budget.admit(100));
        assert!(!budget.admit(100) && !budget.admit(100));
        assert_eq!(budget.due_report(), Some(2), "at once");
        assert!(!budget.admit(100));
        budget.count_left_out(5);
        assert_eq!(budget.due_report(), None, "once a minute");
        assert_eq!(budget.last_report(), Some(6), "at the end");
        assert_eq!(budget.last_report(), None);
    }

    proptest! {
        #[test]
        fn whatever_the_pace_no_minute_has_more_than_two_budgets(
            pauses_ms in proptest::collection::vec(0_u64..5_000, 1..200),
            budget in 0_u64..100_000,
            line in 1_u64..5_000,
        ) {
            let start = fedhost_base::clock::now();
            let mut state = State { available: budget, refilled: start, left_out: 0, reported: None };
            let mut written = 0_u64;
            let mut elapsed_ms = 0_u64;
            for pause_ms in pauses_ms {
                elapsed_ms += pause_ms;
                state.refill(budget, start + Duration::from_millis(elapsed_ms));
                if let Some(left) = state.available.checked_sub(line) {
                    state.available = left;
                    written += line;
                }
            }
            prop_assert!(written <= budget + budget * elapsed_ms / 60_000 + 1);
        }
    }
}
