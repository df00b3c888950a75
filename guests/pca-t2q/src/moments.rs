//! Mean and covariance of rows, in a form that can be averaged.
//!
//! The host joins models by the mean of every number, weighted by the rows behind it, and rounds it
//! to 32 bits. The mean of covariances is not the covariance of all rows: it lacks how far the
//! nodes' means lie apart. And a mean of raw second moments `x * x` is, but for a column at 300
//! that varies by 0.01 its 32 bits hold nothing of the variance. So both parts travel by
//! themselves:
//!
//! * `within`: covariance of a node's rows about the node's own mean;
//! * `between`: product of the distances of the node's mean from a `reference` that is the same for
//!   all nodes.
//!
//! The covariance of all rows about their mean is the mean of `within` plus the mean of `between`,
//! minus the product of the distances of the overall mean from the reference. Of one node alone the
//! last two cancel to the bit.
//!
//! The reference is 0 at first, and follows from the global model that a node starts from: a
//! column's stays until the mean lies 100 deviations off, and is then that mean. So a column at 300
//! that varies by 0.01 has its exact variance from the second round on, and in every other round
//! even nodes that start from different global models agree.

use fedhost_guest::kernels::double;
use fedhost_guest::{Result, Weights};

/// Deviations from the reference at which 32 bits still hold a variance within a thousandth.
const FAR: f64 = 100.0;

/// Moments of the rows of one node, or the mean of several nodes' moments.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    /// One a column, as all lists here and both sides of the square ones.
    mean: Vec<f32>,
    within: Vec<f32>,
    reference: Vec<f32>,
    between: Vec<f32>,
}

impl Moments {
    /// Of no rows: everything is 0.
    #[must_use]
    pub fn none(columns: usize) -> Self {
        let (list, square) = (vec![0.0; columns], vec![0.0; columns * columns]);
        Self {
            mean: list.clone(),
            within: square.clone(),
            reference: list,
            between: square,
        }
    }

    /// Of these rows, to be averaged with those of nodes that start from the same model, which is
    /// `before`.
    ///
    /// Two passes in double precision: the second is about the mean, so nothing cancels. Of no
    /// rows: as `none`.
    #[must_use]
    pub fn of(rows: &[&[f32]], before: &Self) -> Self {
        let columns = before.mean.len();
        let count = rows.len().max(1) as f64;
        let mut mean = vec![0.0; columns];
        for row in rows {
            double::add(row, &mut mean);
        }
        mean.iter_mut().for_each(|sum| *sum /= count);
        let within = squares(rows, &mean);
        let mean: Vec<f32> = mean.into_iter().map(|value| value as f32).collect();
        let reference = before.next_reference();
        let between = between(&mean, &reference);
        Self {
            mean,
            within: within.into_iter().map(|sum| (sum / count) as f32).collect(),
            reference,
            between,
        }
    }

    /// Means of the columns.
    #[must_use]
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// Covariance about the mean, row-major, as a population's.
    #[must_use]
    pub fn covariance(&self) -> Vec<f64> {
        let excess = between(&self.mean, &self.reference);
        let sums = self.within.iter().zip(self.between.iter().zip(excess));
        sums.map(|(&within, (&between, excess))| {
            f64::from(within) + (f64::from(between) - f64::from(excess))
        })
        .collect()
    }

    fn next_reference(&self) -> Vec<f32> {
        let covariance = self.covariance();
        let variances = covariance.iter().step_by(self.mean.len() + 1);
        let next = |((&mean, &reference), variance): ((&f32, &f32), &f64)| {
            let distance = f64::from(mean) - f64::from(reference);
            if distance * distance <= FAR * FAR * variance {
                reference
            } else {
                mean
            }
        };
        self.mean
            .iter()
            .zip(&self.reference)
            .zip(variances)
            .map(next)
            .collect()
    }

    /// Whether every number is finite; values above 1e19 have squares that 32 bits do not hold.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        let Self {
            mean,
            within,
            reference,
            between,
        } = self;
        [mean, within, reference, between]
            .into_iter()
            .flatten()
            .all(|value| value.is_finite())
    }

    /// As tensors `mean` and `reference` of shape `[columns]`, `within` and `between` of shape
    /// `[columns, columns]`.
    #[must_use]
    pub fn to_weights(&self) -> Weights {
        let columns = self.mean.len() as u32;
        let (list, square) = ([columns], [columns, columns]);
        let weights = Weights::default().with("mean", &list, &self.mean).with(
            "within",
            &square,
            &self.within,
        );
        weights
            .with("reference", &list, &self.reference)
            .with("between", &square, &self.between)
    }

    /// What [`to_weights`](Self::to_weights) gave, or a mean of several such.
    ///
    /// # Errors
    /// [`Error::InvalidState`](fedhost_guest::Error::InvalidState) for another model's weights.
    pub fn from_weights(weights: &Weights, columns: usize) -> Result<Self> {
        let (list, square) = ([columns as u32], [columns as u32; 2]);
        let expected = [
            ("mean", &list[..]),
            ("within", &square),
            ("reference", &list),
            ("between", &square),
        ];
        let [mean, within, reference, between] = weights.tensors(expected)?.map(<[f32]>::to_vec);
        Ok(Self {
            mean,
            within,
            reference,
            between,
        })
    }
}

/// Sums of the products of the rows' distances from the mean, a column by a column, row after row:
/// four rows at a time, as the sums are many and stay where they are.
fn squares(rows: &[&[f32]], mean: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; mean.len() * mean.len()];
    let mut distances = [(); 4].map(|()| vec![0.0; mean.len()]);
    let (fours, rest) = rows.as_chunks::<4>();
    for rows in fours {
        distances
            .iter_mut()
            .zip(rows)
            .for_each(|(distance, row)| double::distance(row, mean, distance));
        let [a, b, c, d] = distances.each_ref().map(Vec::as_slice);
        let lefts = a.iter().zip(b).zip(c).zip(d);
        for (sums, (((a_left, b_left), c_left), d_left)) in
            sums.chunks_exact_mut(mean.len().max(1)).zip(lefts)
        {
            double::axpy4([*a_left, *b_left, *c_left, *d_left], [a, b, c, d], sums);
        }
    }
    let [distance, ..] = &mut distances;
    for row in rest {
        double::distance(row, mean, distance);
        for (sums, left) in sums
            .chunks_exact_mut(mean.len().max(1))
            .zip(distance.iter())
        {
            double::axpy(*left, distance, sums);
        }
    }
    sums
}

/// The products of the means' distances from the reference: the same expression where it is added
/// and where it is taken away.
fn between(mean: &[f32], reference: &[f32]) -> Vec<f32> {
    let distance = || {
        mean.iter()
            .zip(reference)
            .map(|(mean, reference)| f64::from(*mean) - f64::from(*reference))
    };
    distance()
        .flat_map(|left| distance().map(move |right| (left * right) as f32))
        .collect()
}

#[cfg(test)]
mod tests;
