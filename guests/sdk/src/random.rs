//! Reproducible randomness from the seed given at `open`: a component has no other source.
//!
//! SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
//! Its numbers are part of what makes a training reproducible, so they will not change under a
//! plug-in.

/// A generator of 64-bit numbers with a period of 2^64; not for secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The same numbers for the same seed; every seed will do.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// What [`new`](Self::new) makes a generator from that continues where this one stands, for a
    /// saved state.
    #[must_use]
    pub fn state(&self) -> u64 {
        self.state
    }

    /// The next number, each of the 2^64 as likely.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `bound` - 1, or 0 when there is none.
    ///
    /// Multiply and shift: the bias is below `bound` / 2^64, which is negligible.
    pub fn below(&mut self, bound: usize) -> usize {
        let (number, bound) = (self.next_u64(), bound as u64);
        let product = match u32::try_from(bound) {
            // The same upper half; a component has no product of 128 bits and calls a function for
            // it.
            Ok(_) => {
                ((number >> 32) * bound + (((number & u64::from(u32::MAX)) * bound) >> 32)) >> 32
            }
            Err(_) => ((u128::from(number) * u128::from(bound)) >> 64) as u64,
        };
        product as usize
    }

    /// A number from 0 (included) to 1 (excluded), on a grid of 2^-24.
    pub fn unit(&mut self) -> f32 {
        const GRID: f32 = 1.0 / (1_u32 << 24) as f32;
        (self.next_u64() >> 40) as f32 * GRID
    }

    /// Puts `items` in an order in which each is as likely (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last + 1);
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_numbers_are_those_of_the_published_algorithm() {
        let mut random = Random::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.next_u64()).collect();
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn a_generator_goes_on_from_its_state() {
        let mut random = Random::new(7);
        random.next_u64();
        let mut heir = Random::new(random.state());
        assert_eq!(heir.next_u64(), random.next_u64());
    }

    proptest! {
        #[test]
        fn numbers_below_a_bound_are_the_upper_half_of_the_product(
            seed in any::<u64>(), bound in prop_oneof![any::<u64>(), 0..=u64::from(u32::MAX) + 1],
        ) {
            let number = u128::from(Random::new(seed).next_u64());
            let expected = (number * u128::from(bound)) >> 64;
            prop_assert_eq!(Random::new(seed).below(bound as usize) as u128, expected);
        }
    }

    #[test]
    fn a_shuffle_keeps_every_item_and_depends_on_the_seed_only() {
        let shuffled = |seed| {
            let mut items: Vec<u32> = (0..100).collect();
            Random::new(seed).shuffle(&mut items);
            items
        };
        assert_eq!(shuffled(7), shuffled(7));
        assert_ne!(shuffled(7), shuffled(8));
        let mut sorted = shuffled(7);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn numbers_stay_in_their_range_and_reach_all_of_it() {
        let mut random = Random::new(0);
        let mut seen = [0; 6];
        for _ in 0..6_000 {
            seen[random.below(6)] += 1;
            assert!((0.0..1.0).contains(&random.unit()));
        }
        assert!(
            seen.iter().all(|&count| (850..1_150).contains(&count)),
            "{seen:?}"
        );
        assert_eq!(random.below(0), 0);
    }
}
