//! A column's range so far, to which its values are scaled.

/// The smallest and the largest finite value so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Above `high` before the first value.
    pub low: f32,
    /// Below `low` before the first value.
    pub high: f32,
}

impl Range {
    /// The range of no values; finite, so that it can be saved.
    pub const EMPTY: Self = Self {
        low: f32::MAX,
        high: f32::MIN,
    };

    /// Extends the range by one value, if it is finite.
    pub fn extend(&mut self, value: f32) {
        if value.is_finite() {
            // Compared by hand: a component calls functions for `f32::min` and `f32::max`.
            self.low = if value < self.low { value } else { self.low };
            self.high = if value > self.high { value } else { self.high };
        }
    }

    /// The position of a value in the range, from 0 to 1; 0.5 when it is missing or there is no
    /// range.
    #[must_use]
    pub fn place(&self, value: f32) -> f32 {
        let (low, high) = (f64::from(self.low), f64::from(self.high));
        if value.is_nan() || low >= high {
            return 0.5;
        }
        ((f64::from(value) - low) / (high - low)).clamp(0.0, 1.0) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(values: &[f32]) -> Range {
        let mut range = Range::EMPTY;
        values.iter().for_each(|&value| range.extend(value));
        range
    }

    #[test]
    fn values_are_placed_in_the_range_of_the_finite_ones() {
        let range = over(&[2.0, f32::NAN, 6.0, f32::INFINITY]);
        assert_eq!(
            [2.0, 3.0, 6.0].map(|value| range.place(value)),
            [0.0, 0.25, 1.0]
        );
        let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 9.0, -9.0];
        assert_eq!(
            odd.map(|value| range.place(value)),
            [0.5, 1.0, 0.0, 1.0, 0.0]
        );
    }

    #[test]
    fn without_a_range_everything_is_in_the_middle() {
        for values in [&[][..], &[f32::NAN], &[5.0, 5.0]] {
            assert_eq!(over(values).place(7.0), 0.5);
        }
    }

    #[test]
    fn the_widest_range_does_not_overflow() {
        assert_eq!(over(&[f32::MIN, f32::MAX]).place(0.0), 0.5);
    }
}
