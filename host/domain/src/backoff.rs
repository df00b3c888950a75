//! Pauses that double, for whatever is tried again.

/// The pauses between attempts: the first is doubled each time, up to the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubling {
    /// The first pause, in milliseconds.
    pub first_ms: u64,
    /// The longest pause, in milliseconds.
    pub longest_ms: u64,
}

impl Doubling {
    /// Returns the pause number `number`, counted from 1, in milliseconds.
    #[must_use]
    pub fn pause_ms(self, number: u32) -> u64 {
        let factor = 2_u64.saturating_pow(number.saturating_sub(1));
        self.first_ms.saturating_mul(factor).min(self.longest_ms)
    }

    /// Returns a pause between half of the pause `number` and all of it. A `jitter` of 0 gives half
    /// of it, 1 gives all of it; with random jitter, clients that failed together do not retry
    /// together.
    #[must_use]
    pub fn jittered_ms(self, number: u32, jitter: f64) -> u64 {
        let pause_ms = self.pause_ms(number);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a part of a pause, rounded down"
        )]
        let cut_ms = (pause_ms as f64 * 0.5 * (1.0 - jitter.clamp(0.0, 1.0))) as u64;
        pause_ms.saturating_sub(cut_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let doubling = Doubling {
            first_ms: 100,
            longest_ms: 350,
        };
        let pauses = [0, 1, 2, 3, 64, 65, u32::MAX].map(|number| doubling.pause_ms(number));
        assert_eq!(pauses, [100, 100, 200, 350, 350, 350, 350]);
        let jittered = [0.0, 0.5, 1.0, 7.0].map(|jitter| doubling.jittered_ms(2, jitter));
        assert_eq!(jittered, [100, 150, 200, 200]);
        let endless = Doubling {
            first_ms: 3,
            longest_ms: u64::MAX,
        };
        assert_eq!(
            [3, 70].map(|number| endless.pause_ms(number)),
            [12, u64::MAX]
        );
    }
}
