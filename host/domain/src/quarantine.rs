//! When a component that keeps failing is left alone, and when it is tried again.
//!
//! One call that fails so many times in a row shuts the component out for a pause, which doubles
//! each time that it fails again right afterwards. A success of that call ends it, and all is
//! forgotten.

use std::collections::BTreeMap;

/// How much failing is borne with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuarantinePolicy {
    /// Failures of one call in a row that shut the component out; 0 is taken for 1.
    pub failures: u32,
    /// The first pause, in milliseconds.
    pub first_ms: u64,
    /// The longest pause, in milliseconds.
    pub longest_ms: u64,
}

impl QuarantinePolicy {
    /// Length of the pause when it is the `spell`th in a row, from 1.
    #[must_use]
    pub fn pause_ms(&self, spell: u32) -> u64 {
        let doubled = 1_u64
            .checked_shl(spell.saturating_sub(1))
            .unwrap_or(u64::MAX);
        self.first_ms.saturating_mul(doubled).min(self.longest_ms)
    }
}

/// What an outcome has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuarantineChange {
    /// The component is shut out from now on.
    Began {
        /// Failures in a row.
        failures: u32,
        /// How long, in milliseconds.
        pause_ms: u64,
    },
    /// It works again.
    Ended,
}

/// The record of one component. Ask [`Self::admit`] before a call, and tell how it ended.
#[derive(Clone, Debug)]
pub struct Quarantine {
    policy: QuarantinePolicy,
    /// Failures in a row, by call: that opening works says nothing about scoring.
    failures: BTreeMap<&'static str, u32>,
    shut: Option<Shut>,
}

#[derive(Clone, Copy, Debug)]
struct Shut {
    /// The call that has to succeed.
    call: &'static str,
    until_ms: u64,
    spell: u32,
}

impl Quarantine {
    /// Nothing has failed yet.
    #[must_use]
    pub fn new(policy: QuarantinePolicy) -> Self {
        Self {
            policy,
            failures: BTreeMap::new(),
            shut: None,
        }
    }

    /// Whether a call may be made.
    ///
    /// # Errors
    /// For how many more milliseconds none may.
    pub fn admit(&self, now_ms: u64) -> Result<(), u64> {
        match self.shut {
            Some(shut) if now_ms < shut.until_ms => Err(shut.until_ms - now_ms),
            _ => Ok(()),
        }
    }

    /// A call has failed.
    pub fn failed(&mut self, now_ms: u64, call: &'static str) -> Option<QuarantineChange> {
        // It began before the component was shut out, and tells nothing new.
        if self.admit(now_ms).is_err() {
            return None;
        }
        let failures = self.failures.entry(call).or_default();
        *failures = failures.saturating_add(1);
        let failures = *failures;
        if self.shut.is_none() && failures < self.policy.failures {
            return None;
        }
        let spell = self.shut.map_or(1, |shut| shut.spell.saturating_add(1));
        let pause_ms = self.policy.pause_ms(spell);
        self.shut = Some(Shut {
            call,
            until_ms: now_ms.saturating_add(pause_ms),
            spell,
        });
        Some(QuarantineChange::Began { failures, pause_ms })
    }

    /// A call has succeeded.
    pub fn succeeded(&mut self, call: &'static str) -> Option<QuarantineChange> {
        self.failures.remove(call);
        self.shut
            .take_if(|shut| shut.call == call)
            .map(|_| QuarantineChange::Ended)
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

    fn shut_out() -> Quarantine {
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
    fn a_component_is_shut_out_for_its_pause_and_no_longer() {
        let quarantine = shut_out();
        assert_eq!(
            [2, 101, 102].map(|now_ms| quarantine.admit(now_ms)),
            [Err(100), Err(1), Ok(())]
        );
    }

    #[test]
    fn one_failure_after_the_pause_is_enough_for_a_longer_one() {
        let mut quarantine = shut_out();
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
    fn a_success_of_the_call_that_failed_makes_all_good() {
        let mut quarantine = shut_out();
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
    fn failures_count_when_they_come_in_a_row() {
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
    fn a_failure_that_comes_late_changes_nothing() {
        let mut quarantine = shut_out();
        assert_eq!(quarantine.failed(50, SCORE), None);
        assert_eq!(quarantine.admit(101), Err(1));
    }
}
