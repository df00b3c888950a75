//! Records that cannot be used: how often they are tried again, and when so many fail that the
//! fault must lie elsewhere.

use std::collections::VecDeque;

/// Of a small window no verdict is passed before so many records were seen.
const SEEN_MIN: usize = 20;

/// Watches the newest records: at most a share of them may be dead-lettered.
///
/// One bad record at the start stops nothing: the verdict begins once a tenth of the window, and at
/// least 20 records, were seen (or the whole window, when it is smaller).
#[derive(Clone, Debug)]
pub struct Cap {
    records: usize,
    share: f64,
    /// Whether each of the newest records was dead-lettered, oldest first.
    window: VecDeque<bool>,
    dead: u64,
}

/// Too many of the newest records were dead-lettered.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
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

    /// Takes the next record, and whether it could be used.
    ///
    /// # Errors
    /// With this record, too many of the newest were dead-lettered.
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
        let (dead, of, share) = (self.dead, self.window.len() as u64, self.share);
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

    /// Takes the next records of a batch; all count, also those after one that was too many.
    ///
    /// # Errors
    /// With one of them, too many of the newest were dead-lettered: the first such verdict.
    pub fn record_all(&mut self, used: impl IntoIterator<Item = bool>) -> Result<(), Exceeded> {
        let mut verdict = Ok(());
        for used in used {
            verdict = verdict.and(self.record(used));
        }
        verdict
    }

    fn seen_min(&self) -> usize {
        (self.records / 10).max(SEEN_MIN).min(self.records)
    }
}

/// How often something that failed is tried again, and after which pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// Tries after the first.
    pub retries: u32,
    /// The first pause.
    pub first_ms: u64,
    /// The longest pause.
    pub longest_ms: u64,
}

impl Retries {
    /// The pause in milliseconds after the failed try `attempt`, counted from 1; `None` when it was
    /// the last one.
    ///
    /// The pause doubles with each try up to the longest. A `jitter` of 0 to 1 takes between half
    /// and all of it, so that those who failed together do not come back together.
    #[must_use]
    pub fn pause_ms(&self, attempt: u32, jitter: f64) -> Option<u64> {
        if attempt > self.retries {
            return None;
        }
        let doubled = self
            .first_ms
            .saturating_mul(2_u64.saturating_pow(attempt.saturating_sub(1)));
        let pause = doubled.min(self.longest_ms);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a part of a pause, rounded down"
        )]
        let cut = (pause as f64 * 0.5 * (1.0 - jitter.clamp(0.0, 1.0))) as u64;
        Some(pause.saturating_sub(cut))
    }
}

#[cfg(test)]
mod tests;
