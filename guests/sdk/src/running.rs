//! Mean and spread of a stream of numbers, one at a time.

use crate::{Error, Result};

/// Welford's running statistics, which lose no digits when the mean is large and the spread is
/// small (Welford, "Note on a method for calculating corrected sums of squares and products",
/// Technometrics 1962).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Running {
    /// Numbers seen.
    pub count: f64,
    /// Their mean; 0 before the first.
    pub mean: f64,
    /// Sum of their squared distances from the mean.
    pub squares: f64,
}

impl Running {
    /// Takes in one number.
    pub fn push(&mut self, value: f64) {
        self.count += 1.0;
        let distance = value - self.mean;
        self.mean += distance / self.count;
        self.squares += distance * (value - self.mean);
    }

    /// Standard deviation of the numbers seen, as a population's; 0 when there are fewer than two.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        // Compared by hand: a component calls a function for `f64::max`.
        let count = if self.count > 1.0 { self.count } else { 1.0 };
        (self.squares / count).sqrt()
    }

    /// How many standard deviations `value` lies above the mean.
    ///
    /// `None` when the numbers are all the same but for rounding, with a spread under a millionth
    /// of their size: there is no scale to measure with.
    #[must_use]
    pub fn standardise(&self, value: f64) -> Option<f64> {
        const NEGLIGIBLE: f64 = 1e-6;
        let deviation = self.deviation();
        (deviation > self.mean.abs() * NEGLIGIBLE).then(|| (value - self.mean) / deviation)
    }
}

/// Floats a [`Running`] takes in a state: see [`flatten`].
pub const FIELDS: usize = 3;

/// The statistics of several columns as one list for
/// [`Weights::with_f64`](crate::Weights::with_f64).
#[must_use]
pub fn flatten(columns: &[Running]) -> Vec<f64> {
    columns
        .iter()
        .flat_map(|column| [column.count, column.mean, column.squares])
        .collect()
}

/// The statistics of several columns out of a list that [`flatten`] made.
///
/// # Errors
/// [`Error::InvalidState`] for values that no numbers could have led to.
pub fn unflatten(values: &[f64]) -> Result<Vec<Running>> {
    let columns = values.chunks(FIELDS).map(|fields| match *fields {
        [count, mean, squares]
            if count >= 0.0 && squares >= 0.0 && fields.iter().all(|field| field.is_finite()) =>
        {
            Ok(Running {
                count,
                mean,
                squares,
            })
        }
        _ => Err(Error::InvalidState(format!(
            "{fields:?} are no count, mean and sum of squares"
        ))),
    });
    columns.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn over(values: &[f64]) -> Running {
        let mut running = Running::default();
        values.iter().for_each(|&value| running.push(value));
        running
    }

    proptest! {
        #[test]
        fn they_are_the_mean_and_deviation_of_all_numbers(values in proptest::collection::vec(-1e3..1e3, 1..50)) {
            let count = values.len() as f64;
            let mean = values.iter().sum::<f64>() / count;
            let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
            let running = over(&values);
            prop_assert!((running.mean - mean).abs() < 1e-9);
            prop_assert!((running.deviation() - variance.sqrt()).abs() < 1e-9);
        }

        #[test]
        fn they_come_back_from_a_list(values in proptest::collection::vec(any::<f32>(), 0..50)) {
            let finite: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).map(f64::from).collect();
            let columns = [over(&finite), Running::default()];
            prop_assert_eq!(unflatten(&flatten(&columns)).unwrap(), columns);
        }
    }

    #[test]
    fn a_small_spread_on_a_large_mean_is_not_lost() {
        let running = over(&[1e9 + 4.0, 1e9 + 7.0, 1e9 + 13.0, 1e9 + 16.0]);
        assert_eq!((running.mean, running.squares), (1e9 + 10.0, 90.0));
    }

    #[test]
    fn there_is_no_scale_in_a_constant() {
        for values in [
            &[][..],
            &[5.0],
            &[5.0, 5.0, 5.0],
            &[0.1, 0.1 + 1e-9],
            &[0.0, 0.0],
        ] {
            assert_eq!(over(values).standardise(7.0), None, "{values:?}");
        }
        assert_eq!(over(&[1.0, 3.0]).standardise(7.0), Some(5.0));
    }

    #[test]
    fn a_list_that_no_numbers_lead_to_is_refused() {
        for values in [
            &[-1.0, 0.0, 0.0][..],
            &[1.0, f64::NAN, 0.0],
            &[1.0, 0.0, -1.0],
            &[1.0, 0.0],
        ] {
            assert!(unflatten(values).is_err(), "{values:?}");
        }
    }
}
