//! A uniform sample of a stream of rows, in bounded memory.

use fedhost_guest::Random;

/// Represents a missing value. It is above all other values, and cuts ignore it.
pub const MISSING: f32 = f32::MAX;

/// Rows, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reservoir {
    values: Vec<f32>,
}

impl Reservoir {
    /// A sample of rows from [`values`](Self::values).
    #[must_use]
    pub fn new(values: Vec<f32>) -> Self {
        Self { values }
    }

    /// Offers the row after `seen` others; returns whether it entered the sample.
    ///
    /// Up to `horizon` rows, each is equally likely in the sample; later rows enter with a constant
    /// probability.
    pub fn offer(
        &mut self,
        row: &[f32],
        seen: u64,
        capacity: usize,
        horizon: u64,
        random: &mut Random,
    ) -> bool {
        if self.rows(row.len()) < capacity {
            self.values.extend(row.iter().copied().map(tame));
            return true;
        }
        let place = random.below(seen.saturating_add(1).min(horizon) as usize);
        match self.values.chunks_exact_mut(row.len()).nth(place) {
            Some(kept) => {
                kept.iter_mut()
                    .zip(row)
                    .for_each(|(kept, value)| *kept = tame(*value));
                true
            }
            None => false,
        }
    }

    /// The number of rows of this width.
    #[must_use]
    pub fn rows(&self, width: usize) -> usize {
        self.values.len() / width
    }

    /// All rows, one after the other; every value is finite.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

/// A sample is saved as weights, and those are finite.
fn tame(value: f32) -> f32 {
    if value.is_nan() {
        MISSING
    } else {
        value.clamp(-MISSING, MISSING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(stream: u64, capacity: usize, horizon: u64, seed: u64) -> Vec<f32> {
        let (mut reservoir, mut random) = (Reservoir::default(), Random::new(seed));
        for seen in 0..stream {
            reservoir.offer(&[seen as f32], seen, capacity, horizon, &mut random);
        }
        reservoir.values().to_vec()
    }

    #[test]
    fn every_row_is_as_likely_in_the_sample() {
        let mut counts = [0; 20];
        for seed in 0..4_000 {
            for value in sample(20, 5, 1_000, seed) {
                counts[value as usize] += 1;
            }
        }
        assert!(
            counts.iter().all(|count| (900..1_100).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn beyond_the_horizon_old_rows_fade() {
        let old: usize = (0..50)
            .map(|seed| {
                sample(500, 10, 20, seed)
                    .iter()
                    .filter(|&&row| row < 400.0)
                    .count()
            })
            .sum();
        assert!(old < 10, "{old} of 500");
    }

    #[test]
    fn what_is_missing_or_infinite_is_kept_as_a_finite_number() {
        let (mut reservoir, mut random) = (Reservoir::default(), Random::new(0));
        reservoir.offer(
            &[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.0],
            0,
            1,
            10,
            &mut random,
        );
        assert_eq!(reservoir.values(), [MISSING, MISSING, -MISSING, 1.0]);
    }
}
