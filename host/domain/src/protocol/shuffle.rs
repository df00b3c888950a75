//! Shuffles rows in constant memory.

/// A seeded permutation of the numbers below a bound, computed on demand: a Feistel network over
/// the next power of four, with cycle walking until the result is below the bound (Black and Rogaway
/// 2002, doi:10.1007/3-540-45760-7_9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permutation {
    length: u64,
    half_bits: u32,
    keys: [u64; Self::ROUNDS],
}

impl Permutation {
    const ROUNDS: usize = 6;

    /// A permutation of the numbers below `length`, which is at most 2^62.
    #[must_use]
    pub fn new(length: u64, seed: u64) -> Self {
        let bits = u64::BITS - length.saturating_sub(1).leading_zeros();
        let mut state = seed;
        let keys = [(); Self::ROUNDS].map(|()| {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            mix(state)
        });
        Self {
            length,
            half_bits: bits.div_ceil(2).max(1),
            keys,
        }
    }

    /// The number at a place below `length`. Each number is at exactly one place.
    #[must_use]
    pub fn at(&self, place: u64) -> u64 {
        debug_assert!(place < self.length, "place {place} of {}", self.length);
        let mut number = self.once(place);
        while number >= self.length {
            number = self.once(number);
        }
        number
    }

    fn once(&self, number: u64) -> u64 {
        let mask = (1_u64 << self.half_bits) - 1;
        let (left, right) = self.keys.iter().fold(
            (number >> self.half_bits, number & mask),
            |(left, right), key| (right, left ^ (mix(right ^ key) & mask)),
        );
        left << self.half_bits | right
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014, doi:10.1145/2714064.2660195).
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// The two sides of a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Rows to train on.
    Train,
    /// Rows to score.
    Score,
}

/// A stratified split: rows of two classes are shuffled, and the first fraction of each class is
/// trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stratified {
    permutation: Permutation,
    /// Rows to train on: normal, anomalous.
    quotas: [u64; 2],
}

impl Stratified {
    /// A split of `normals` and `anomalies` rows; `fraction` is between 0 and 1.
    #[must_use]
    pub fn new(normals: u64, anomalies: u64, fraction: f64, seed: u64) -> Self {
        let quotas = [normals, anomalies].map(|rows| super::share(rows, fraction));
        Self {
            permutation: Permutation::new(normals + anomalies, seed),
            quotas,
        }
    }

    /// The number of rows on a side.
    #[must_use]
    pub fn rows(&self, side: Side) -> u64 {
        let train: u64 = self.quotas.iter().sum();
        match side {
            Side::Train => train,
            Side::Score => self.permutation.length - train,
        }
    }

    /// The numbers of one side's rows, in shuffled order; `is_anomalous` returns the label of a row.
    pub fn side<'a>(
        self,
        side: Side,
        is_anomalous: impl Fn(u64) -> bool + 'a,
    ) -> impl Iterator<Item = u64> + 'a {
        let mut left = self.quotas;
        (0..self.permutation.length).filter_map(move |place| {
            let row = self.permutation.at(place);
            let [normals, anomalies] = &mut left;
            let quota = if is_anomalous(row) {
                anomalies
            } else {
                normals
            };
            let here = if *quota > 0 {
                *quota -= 1;
                Side::Train
            } else {
                Side::Score
            };
            (here == side).then_some(row)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_number_stands_at_one_place(length in 1_u64..3_000, seed in any::<u64>()) {
            let permutation = Permutation::new(length, seed);
            let numbers: BTreeSet<u64> = (0..length).map(|place| permutation.at(place)).collect();
            prop_assert_eq!(numbers.len() as u64, length);
            prop_assert!(numbers.iter().all(|&number| number < length));
        }

        #[test]
        fn both_sides_are_all_rows_and_have_their_share_of_each_class(
            labels in proptest::collection::vec(any::<bool>(), 1..300), fraction in 0.0_f64..1.0, seed in any::<u64>(),
        ) {
            let anomalies = labels.iter().filter(|label| **label).count() as u64;
            let split = Stratified::new(labels.len() as u64 - anomalies, anomalies, fraction, seed);
            let side = |side| split.side(side, |row| labels[row as usize]).collect::<Vec<_>>();
            let (train, score) = (side(Side::Train), side(Side::Score));
            prop_assert_eq!((train.len() as u64, score.len() as u64), (split.rows(Side::Train), split.rows(Side::Score)));
            let all: BTreeSet<_> = train.iter().chain(&score).collect();
            prop_assert_eq!(all.len(), labels.len());
            let learnt = train.iter().filter(|&&row| labels[row as usize]).count() as f64;
            prop_assert!((learnt - anomalies as f64 * fraction).abs() <= 0.5);
        }
    }

    /// A number's expected distance from its place is a third of the length; one in `length` stays
    /// where it was.
    #[test]
    fn rows_are_well_mixed_and_every_seed_mixes_them_differently() {
        let length = 10_000_u64;
        let orders = [1, 2, 3].map(|seed| {
            let permutation = Permutation::new(length, seed);
            (0..length)
                .map(|place| permutation.at(place))
                .collect::<Vec<_>>()
        });
        for order in &orders {
            let moved: u64 = (0..length)
                .zip(order)
                .map(|(place, number)| place.abs_diff(*number))
                .sum();
            let mean = moved as f64 / length as f64 / length as f64;
            assert!((mean - 1.0 / 3.0).abs() < 0.01, "{mean}");
            let neighbours = order
                .windows(2)
                .filter(|pair| pair[0].abs_diff(pair[1]) == 1)
                .count();
            assert!(neighbours < 12, "{neighbours}, expected are 2");
        }
        assert_ne!(orders[0], orders[1]);
        assert_ne!(orders[1], orders[2]);
    }
}
