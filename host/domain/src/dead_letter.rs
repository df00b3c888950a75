//! Rules for records that cannot be used: how often a record is retried, and when too many records
//! fail, so that the run has to stop.

use std::collections::VecDeque;

use crate::backoff::Doubling;

/// A cap is not checked before it has seen this number of records.
const SEEN_MIN: usize = 20;

/// Limits the share of dead-lettered records in a sliding window of the newest records.
///
/// One bad record at the start does not exceed the cap: checking begins after a tenth of the
/// window and at least 20 records, or after the whole window when it is smaller.
#[derive(Clone, Debug)]
pub struct Cap {
    records: usize,
    share: f64,
    /// Whether each of the newest records was dead-lettered, oldest first.
    window: VecDeque<bool>,
    dead: u64,
}

/// Too many of the newest records were dead-lettered.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
#[error(
    "{dead} of the last {of} records could not be used, more than the share of {share} that is allowed"
)]
pub struct Exceeded {
    /// Records that were dead-lettered.
    pub dead: u64,
    /// The newest records that were looked at.
    pub of: u64,
    /// What is allowed, 0 to 1.
    pub share: f64,
}

impl Cap {
    /// At most `share` (0 to 1) of the last `records` may be dead-lettered. A share of 1, or no
    /// records, allows everything.
    #[must_use]
    pub fn new(records: u32, share: f64) -> Self {
        let records = usize::try_from(records).unwrap_or(usize::MAX);
        Self {
            records,
            share,
            window: VecDeque::new(),
            dead: 0,
        }
    }

    /// Counts the next record; `used` is false when it was dead-lettered.
    ///
    /// # Errors
    /// The share of dead-lettered records in the window is above the cap.
    pub fn record(&mut self, used: bool) -> Result<(), Exceeded> {
        self.window.push_back(!used);
        self.dead += u64::from(!used);
        while self.window.len() > self.records {
            let oldest_is_dead = self.window.pop_front().unwrap_or(false);
            self.dead -= u64::from(oldest_is_dead);
        }
        if self.window.len() < self.seen_min() {
            return Ok(());
        }
        let dead = self.dead;
        let of = self.window.len() as u64;
        let share = self.share;
        #[expect(
            clippy::cast_precision_loss,
            reason = "a window is far below 2^53 records"
        )]
        let is_exceeded = dead as f64 > share * of as f64;
        if is_exceeded {
            Err(Exceeded { dead, of, share })
        } else {
            Ok(())
        }
    }

    /// Counts the next records of a batch. All of them count, also those after the record that
    /// exceeds the cap.
    ///
    /// # Errors
    /// The first excess, as [`record`](Self::record) reports it.
    pub fn record_all(&mut self, used: impl IntoIterator<Item = bool>) -> Result<(), Exceeded> {
        let mut first_excess = Ok(());
        for used in used {
            let counted = self.record(used);
            first_excess = first_excess.and(counted);
        }
        first_excess
    }

    fn seen_min(&self) -> usize {
        (self.records / 10).max(SEEN_MIN).min(self.records)
    }
}

/// How often a failed action is retried, and after which pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// Attempts after the first.
    pub retries: u32,
    /// The first pause.
    pub first_ms: u64,
    /// The longest pause.
    pub longest_ms: u64,
}

impl Retries {
    /// The pause in milliseconds after the failed attempt number `attempt`, counted from 1; `None`
    /// when no attempt is left.
    ///
    /// The pause doubles with each attempt, up to the longest; for `jitter` see
    /// [`Doubling::jittered_ms`].
    #[must_use]
    pub fn pause_ms(&self, attempt: u32, jitter: f64) -> Option<u64> {
        if attempt > self.retries {
            return None;
        }
        let doubling = Doubling {
            first_ms: self.first_ms,
            longest_ms: self.longest_ms,
        };
        Some(doubling.jittered_ms(attempt, jitter))
    }
}

#[cfg(test)]
mod tests;
