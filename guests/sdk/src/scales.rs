//! Column scales that a model learns and carries among its weights.

use crate::{Error, Result, Running, kernels};

/// Mean and standard deviation of every column.
///
/// A gradient method wants columns of one size. A model that learns their scales in its first
/// training and keeps them as two of its tensors works on raw columns too, and nodes that start
/// from one global model agree on them: after the first round they are the means of the nodes' own.
///
/// ```
/// use fedhost_guest::Scales;
///
/// let scales = Scales::of(&[1.0, 5.0, 3.0, 5.0], 2);
/// let mut row = [4.0, 7.0];
/// scales.apply(&mut row, 10.0);
/// assert_eq!(row, [2.0, 0.0], "two deviations above the mean; the second column has no scale");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Scales {
    mean: Vec<f32>,
    deviation: Vec<f32>,
}

impl Scales {
    /// Unknown scales of `columns` columns.
    #[must_use]
    pub fn unknown(columns: usize) -> Self {
        Self {
            mean: vec![0.0; columns],
            deviation: vec![0.0; columns],
        }
    }

    /// Of the finite values of rows that are `columns` wide.
    #[must_use]
    pub fn of(values: &[f32], columns: usize) -> Self {
        let mut statistics = vec![Running::default(); columns];
        for row in values.chunks_exact(columns.max(1)) {
            for (column, value) in statistics
                .iter_mut()
                .zip(row)
                .filter(|(_, value)| value.is_finite())
            {
                column.push(f64::from(*value));
            }
        }
        let deviation = |column: &Running| {
            column
                .standardise(0.0)
                .map_or(0.0, |_| column.deviation() as f32)
        };
        Self {
            mean: statistics.iter().map(|column| column.mean as f32).collect(),
            deviation: statistics.iter().map(deviation).collect(),
        }
    }

    /// From tensors that [`mean`](Self::mean) and [`deviation`](Self::deviation) gave, or means of
    /// several such.
    ///
    /// # Errors
    /// [`Error::InvalidState`] for a negative deviation, or lists of two lengths.
    pub fn new(mean: &[f32], deviation: &[f32]) -> Result<Self> {
        if mean.len() != deviation.len() || deviation.iter().any(|deviation| *deviation < 0.0) {
            return Err(Error::InvalidState(
                "a deviation is negative, or not every column has one".into(),
            ));
        }
        Ok(Self {
            mean: mean.to_vec(),
            deviation: deviation.to_vec(),
        })
    }

    /// One a column.
    #[must_use]
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// One a column; 0 where it did not vary, or nothing is known yet.
    #[must_use]
    pub fn deviation(&self) -> &[f32] {
        &self.deviation
    }

    /// Whether no column has a scale.
    #[must_use]
    pub fn are_unknown(&self) -> bool {
        self.deviation.iter().all(|deviation| *deviation <= 0.0)
    }

    /// Puts every value of these rows in deviations from its column's mean, at most `clip` of them;
    /// what is missing or infinite, and every value of a column without a scale, becomes 0.
    pub fn apply(&self, values: &mut [f32], clip: f32) {
        for row in values.chunks_exact_mut(self.mean.len().max(1)) {
            kernels::standardise(row, &self.mean, &self.deviation, clip);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(scales: &Scales, values: &[f32]) -> Vec<f32> {
        let mut values = values.to_vec();
        scales.apply(&mut values, 10.0);
        values
    }

    #[test]
    fn columns_come_out_in_their_deviations() {
        let scales = Scales::of(&[2.0, f32::NAN, 4.0, 300.0, f32::INFINITY, 100.0], 2);
        assert_eq!(
            (scales.mean(), scales.deviation()),
            (&[3.0, 200.0][..], &[1.0, 100.0][..])
        );
        assert_eq!(
            applied(&scales, &[5.0, 100.0, 9e9, f32::MIN]),
            [2.0, -1.0, 10.0, -10.0]
        );
    }

    #[test]
    fn what_is_missing_or_has_no_scale_is_zero() {
        let scales = Scales::of(&[1.0, 5.0, 3.0, 5.0], 2);
        assert_eq!(
            applied(&scales, &[f32::NAN, 5.1, f32::NEG_INFINITY, 9e9]),
            [0.0; 4]
        );
        assert!(
            Scales::of(&[], 2).are_unknown()
                && Scales::unknown(2).are_unknown()
                && !scales.are_unknown()
        );
    }

    #[test]
    fn they_come_back_from_their_tensors() {
        let scales = Scales::of(&[1.0, 5.0, 3.0, 5.0], 2);
        assert_eq!(Scales::new(scales.mean(), scales.deviation()), Ok(scales));
        assert!(Scales::new(&[1.0], &[-1.0]).is_err() && Scales::new(&[1.0], &[]).is_err());
    }
}
