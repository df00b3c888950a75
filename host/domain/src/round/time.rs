//! Time that does not go back.

/// Turns the readings of a clock that may be set back into times that only rise. The newest time
/// counts, also over a restart.
#[derive(Clone, Copy, Debug)]
pub(super) struct RisingTime {
    newest_ms: u64,
    set_back_ms: u64,
}

impl RisingTime {
    /// Continues after `newest_ms`.
    pub(super) fn after(newest_ms: u64) -> Self {
        Self {
            newest_ms,
            set_back_ms: 0,
        }
    }

    /// Returns the time when the clock shows `clock_ms`.
    pub(super) fn at(&mut self, clock_ms: u64) -> u64 {
        let time_ms = clock_ms.saturating_add(self.set_back_ms);
        if time_ms < self.newest_ms {
            self.set_back_ms = self.newest_ms.saturating_sub(clock_ms);
        } else {
            self.newest_ms = time_ms;
        }
        self.newest_ms
    }

    /// How far the clock has been set back, all together.
    pub(super) fn set_back_ms(self) -> u64 {
        self.set_back_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_only_rises_and_runs_on_after_the_clock_was_set_back() {
        let mut time = RisingTime::after(1_000);
        let readings = [400, 450, 450, 900, 200, 260, 2_000];
        let times = readings.map(|clock_ms| time.at(clock_ms));
        assert_eq!(times, [1_000, 1_050, 1_050, 1_500, 1_500, 1_560, 3_300]);
        assert_eq!(time.set_back_ms(), 1_300);
    }

    #[test]
    fn a_clock_that_runs_on_is_taken_as_it_is() {
        let mut time = RisingTime::after(1_000);
        assert_eq!(
            [1_000, 1_001, 9_000].map(|clock_ms| time.at(clock_ms)),
            [1_000, 1_001, 9_000]
        );
        assert_eq!(time.set_back_ms(), 0);
    }
}
