//! Exact quantiles of scores that arrive in ascending order.

/// The position of a quantile among `count` values in ascending order, counted from 0; `None`
/// without values, or when `level` is not within 0 to 1.
///
/// This is numpy's method "higher": the quantile is always a value that occurs. So a threshold at
/// level `q` flags the share `1 - q` of its own values, as closely as whole rows allow, when no
/// values are equal.
#[must_use]
pub fn quantile_place(level: f64, count: u64) -> Option<u64> {
    let last = count.checked_sub(1)?;
    if !(0.0..=1.0).contains(&level) {
        return None;
    }
    Some(((last as f64 * level).ceil() as u64).min(last))
}

/// Finds the quantiles at several levels.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantiles {
    /// Position and value of each level.
    picks: Vec<(Option<u64>, Option<f32>)>,
    passed: u64,
}

impl Quantiles {
    /// Quantiles at `levels`, of `count` values.
    #[must_use]
    pub fn new(levels: &[f64], count: u64) -> Self {
        Self {
            picks: levels
                .iter()
                .map(|&level| (quantile_place(level, count), None))
                .collect(),
            passed: 0,
        }
    }

    /// Adds the next value, in ascending order.
    pub fn add(&mut self, value: f32) {
        for (_, found) in self
            .picks
            .iter_mut()
            .filter(|(place, _)| *place == Some(self.passed))
        {
            *found = Some(value);
        }
        self.passed += 1;
    }

    /// One quantile for each level, in their order; `None` when it does not exist, or when too few
    /// values were added.
    #[must_use]
    pub fn finish(self) -> Vec<Option<f32>> {
        self.picks.into_iter().map(|(_, found)| found).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantiles_agree_with_numpy() {
        // numpy.quantile([1, 2, ..., 11], q, method="higher")
        let mut quantiles = Quantiles::new(&[0.0, 0.5, 0.51, 0.9, 0.999, 1.0], 11);
        (1_u8..=11).for_each(|value| quantiles.add(f32::from(value)));
        assert_eq!(
            quantiles.finish(),
            [1.0, 6.0, 7.0, 10.0, 11.0, 11.0].map(Some)
        );
    }

    #[test]
    fn levels_and_values_that_do_not_exist_have_no_quantile() {
        let mut quantiles = Quantiles::new(&[-0.1, 1.1, f64::NAN, 0.5], 1);
        quantiles.add(3.0);
        assert_eq!(quantiles.finish(), [None, None, None, Some(3.0)]);
        assert_eq!(Quantiles::new(&[0.5], 0).finish(), [None]);
    }

    proptest! {
        #[test]
        fn a_threshold_flags_the_share_that_its_level_leaves(level in 0.0..=1.0_f64, count in 1_u64..5_000) {
            let flagged = (count - quantile_place(level, count).unwrap()) as f64;
            let wanted = (1.0 - level) * count as f64;
            prop_assert!((flagged - wanted).abs() <= 1.0, "{flagged} for {wanted}");
        }
    }
}
