//! Quarantine of a component that keeps failing: a circuit breaker with a growing cool-down.
//!
//! A call that fails a given number of times in a row puts the component into quarantine for a
//! pause. The pause doubles each time that the component fails again directly afterwards. A success
//! of that call ends the quarantine and resets the pause.

use std::collections::BTreeMap;

use crate::backoff::Doubling;

/// When quarantine begins, and how long it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuarantinePolicy {
    /// Failures of one call in a row that begin a quarantine; 0 counts as 1.
    pub failures: u32,
    /// The first pause, in milliseconds.
    pub first_ms: u64,
    /// The longest pause, in milliseconds.
    pub longest_ms: u64,
}

impl QuarantinePolicy {
    /// Length in milliseconds of the `spell`th pause in a row, counted from 1.
    #[must_use]
    pub fn pause_ms(&self, spell: u32) -> u64 {
        let doubling = Doubling {
            first_ms: self.first_ms,
            longest_ms: self.longest_ms,
        };
        doubling.pause_ms(spell)
    }
}

/// A change of state, caused by the outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuarantineChange {
    /// Quarantine began, or was extended.
    Began {
        /// Failures in a row.
        failures: u32,
        /// Length of the quarantine, in milliseconds.
        pause_ms: u64,
    },
    /// The component works again.
    Ended,
}

/// The state of one component. Ask [`Self::admit`] before a call; report its outcome by
/// [`Self::failed`] or [`Self::succeeded`].
#[derive(Clone, Debug)]
pub struct Quarantine {
    policy: QuarantinePolicy,
    /// Failures in a row, by call: a successful `open` does not reset the failures of `score`.
    failures: BTreeMap<&'static str, u32>,
    active: Option<Active>,
}

/// A quarantine that has not ended.
#[derive(Clone, Copy, Debug)]
struct Active {
    /// The call that has to succeed.
    call: &'static str,
    until_ms: u64,
    spell: u32,
}

impl Quarantine {
    /// A component without failures.
    #[must_use]
    pub fn new(policy: QuarantinePolicy) -> Self {
        Self {
            policy,
            failures: BTreeMap::new(),
            active: None,
        }
    }

    /// Whether a call may be made now.
    ///
    /// # Errors
    /// The milliseconds until the next call may be made.
    pub fn admit(&self, now_ms: u64) -> Result<(), u64> {
        match self.active {
            Some(active) if now_ms < active.until_ms => Err(active.until_ms - now_ms),
            _ => Ok(()),
        }
    }

    /// Records that a call failed.
    pub fn failed(&mut self, now_ms: u64, call: &'static str) -> Option<QuarantineChange> {
        // The call began before the quarantine did, so its failure is no further evidence.
        if self.admit(now_ms).is_err() {
            return None;
        }
        let failures = self.failures.entry(call).or_default();
        *failures = failures.saturating_add(1);
        let failures = *failures;
        if self.active.is_none() && failures < self.policy.failures {
            return None;
        }
        let spell = self
            .active
            .map_or(1, |active| active.spell.saturating_add(1));
        let pause_ms = self.policy.pause_ms(spell);
        self.active = Some(Active {
            call,
            until_ms: now_ms.saturating_add(pause_ms),
            spell,
        });
        Some(QuarantineChange::Began { failures, pause_ms })
    }

    /// Records that a call succeeded.
    pub fn succeeded(&mut self, call: &'static str) -> Option<QuarantineChange> {
        self.failures.remove(call);
        if self.active?.call != call {
            return None;
        }
        self.active = None;
        Some(QuarantineChange::Ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCORE: &str = "detector.score";
    const POLICY: QuarantinePolicy = QuarantinePolicy {
        failures: 3,
        first_ms: 100,
        longest_ms: 350,
    };

    fn quarantined() -> Quarantine {
        let mut quarantine = Quarantine::new(POLICY);
        assert_eq!(
            (quarantine.failed(0, SCORE), quarantine.failed(1, SCORE)),
            (None, None)
        );
        assert_eq!(
            quarantine.failed(2, SCORE),
            Some(QuarantineChange::Began {
                failures: 3,
                pause_ms: 100
            })
        );
        quarantine
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let pauses: Vec<u64> = [1, 2, 3, 64, 65, u32::MAX]
            .iter()
            .map(|&spell| POLICY.pause_ms(spell))
            .collect();
        assert_eq!(pauses, [100, 200, 350, 350, 350, 350]);
    }

    #[test]
    fn quarantine_lasts_for_the_pause() {
        let quarantine = quarantined();
        assert_eq!(
            [2, 101, 102].map(|now_ms| quarantine.admit(now_ms)),
            [Err(100), Err(1), Ok(())]
        );
    }

    #[test]
    fn one_failure_after_the_pause_begins_a_longer_one() {
        let mut quarantine = quarantined();
        assert_eq!(
            quarantine.failed(200, SCORE),
            Some(QuarantineChange::Began {
                failures: 4,
                pause_ms: 200
            })
        );
        assert_eq!(
            quarantine.failed(400, "detector.open"),
            Some(QuarantineChange::Began {
                failures: 1,
                pause_ms: 350
            })
        );
    }

    #[test]
    fn a_success_of_the_call_that_failed_ends_the_quarantine() {
        let mut quarantine = quarantined();
        assert_eq!(
            quarantine.succeeded("detector.open"),
            None,
            "opening works, scoring does not"
        );
        assert_eq!(quarantine.succeeded(SCORE), Some(QuarantineChange::Ended));
        assert_eq!(
            (quarantine.failed(300, SCORE), quarantine.failed(301, SCORE)),
            (None, None)
        );
        assert_eq!(
            quarantine.failed(302, SCORE),
            Some(QuarantineChange::Began {
                failures: 3,
                pause_ms: 100
            })
        );
    }

    #[test]
    fn only_failures_in_a_row_count() {
        let mut quarantine = Quarantine::new(POLICY);
        for now_ms in 0..10 {
            assert_eq!(quarantine.failed(now_ms, SCORE), None);
            assert_eq!(quarantine.failed(now_ms, SCORE), None);
            assert_eq!(quarantine.succeeded(SCORE), None);
        }
        assert_eq!(
            quarantine.failed(10, "detector.save"),
            None,
            "another call has its own count"
        );
    }

    #[test]
    fn a_failure_during_quarantine_changes_nothing() {
        let mut quarantine = quarantined();
        assert_eq!(quarantine.failed(50, SCORE), None);
        assert_eq!(quarantine.admit(101), Err(1));
    }
}
