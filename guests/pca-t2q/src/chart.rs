//! The control chart: from moments to the score of a row.
//!
//! In the directions of the principal components a standardised row's T² is the sum of its squared
//! coordinates, each divided by its variance, over the components that the plane holds; Q is the
//! sum over the others, undivided. The score is their sum, each divided by its limit, and divided
//! by the limit of that: one weighted sum of squared coordinates.

mod limit;

use fedhost_guest::kernels;

use crate::eigen;
use crate::moments::Moments;
use limit::limit;

/// A column whose deviation is under this share of its mean has not varied but for rounding, and
/// counts as silent.
const NEGLIGIBLE: f64 = 1e-6;
/// Least variance of a component, where a standardised column has 1: below is what 32-bit values
/// round to.
const VARIANCE_MIN: f64 = 1e-6;
/// Largest distance of a value from its mean, in deviations: its square and the sums of such stay
/// finite in 32 bits.
const DISTANCE_MAX: f64 = 1e9;

/// What scores a row.
#[derive(Clone, Debug)]
pub struct Chart {
    mean: Vec<f64>,
    /// Of a deviation; 0 of a silent column.
    inverse: Vec<f64>,
    /// One direction after the other.
    directions: Vec<f32>,
    /// What a squared coordinate adds to the score, one a direction.
    weights: Vec<f32>,
    components: usize,
    unexplained: f64,
}

impl Chart {
    /// A chart whose plane holds the share `variance` and whose limits normal rows keep with the
    /// share `confidence`.
    ///
    /// At least one direction stays off the plane when more than one column varies: without it
    /// there is no Q.
    #[must_use]
    pub fn new(moments: &Moments, variance: f64, confidence: f64) -> Self {
        let width = moments.mean().len();
        let mean: Vec<f64> = moments.mean().iter().map(|&mean| f64::from(mean)).collect();
        let covariance = moments.covariance();
        let inverse = inverse_deviations(&covariance, &mean);
        let pairs = eigen::pairs(&correlation(&covariance, &inverse), width);
        let values: Vec<f64> = pairs.iter().map(|pair| pair.value).collect();
        let varying = inverse.iter().filter(|&&inverse| inverse > 0.0).count();
        let components = components(&values, variance)
            .min(varying.saturating_sub(1))
            .max(1);
        let total: f64 = values.iter().sum();
        let explained: f64 = values.iter().take(components).sum();
        Self {
            weights: weights(&values, components, confidence),
            directions: pairs
                .iter()
                .flat_map(|pair| pair.vector.iter().map(|&part| part as f32))
                .collect(),
            components,
            unexplained: if total > 0.0 {
                (1.0 - explained / total).max(0.0)
            } else {
                0.0
            },
            mean,
            inverse,
        }
    }

    /// Directions of the plane.
    #[must_use]
    pub fn components(&self) -> usize {
        self.components
    }

    /// Share of the variance off the plane, which is the mean Q of the rows behind the moments, a
    /// column.
    #[must_use]
    pub fn unexplained(&self) -> f64 {
        self.unexplained
    }

    /// One score a row; 1 is the control limit. What is missing or infinite counts as the column's
    /// mean.
    #[must_use]
    pub fn scores(&self, values: &[f32]) -> Vec<f32> {
        let width = self.mean.len();
        let [mut standardised, mut coordinates, mut weighted] = [(); 3].map(|()| vec![0.0; width]);
        let score = |row: &[f32]| {
            self.standardise(row, &mut standardised);
            kernels::gemv(&self.directions, &standardised, &mut coordinates);
            weighted.copy_from_slice(&coordinates);
            kernels::multiply(&self.weights, &mut weighted);
            kernels::dot(&weighted, &coordinates)
        };
        values.chunks_exact(width).map(score).collect()
    }

    fn standardise(&self, row: &[f32], into: &mut [f32]) {
        for (((value, mean), inverse), into) in
            row.iter().zip(&self.mean).zip(&self.inverse).zip(into)
        {
            let distance = (f64::from(*value) - mean) * inverse;
            *into = if value.is_finite() {
                distance.clamp(-DISTANCE_MAX, DISTANCE_MAX) as f32
            } else {
                0.0
            };
        }
    }
}

fn inverse_deviations(covariance: &[f64], mean: &[f64]) -> Vec<f64> {
    let variances = covariance.iter().step_by(mean.len() + 1);
    let inverse = |(&variance, mean): (&f64, &f64)| {
        let deviation = variance.max(0.0).sqrt();
        if deviation > mean.abs() * NEGLIGIBLE {
            1.0 / deviation
        } else {
            0.0
        }
    };
    variances.zip(mean).map(inverse).collect()
}

fn correlation(covariance: &[f64], inverse: &[f64]) -> Vec<f64> {
    let rows = covariance.chunks_exact(inverse.len()).zip(inverse);
    rows.flat_map(|(row, left)| {
        row.iter()
            .zip(inverse)
            .map(move |(entry, right)| entry * left * right)
    })
    .collect()
}

/// How many of the largest eigenvalues hold this share of all.
fn components(values: &[f64], share: f64) -> usize {
    let wanted = share * values.iter().sum::<f64>();
    let mut held = 0.0;
    let reached = values.iter().position(|value| {
        held += value;
        held >= wanted
    });
    reached.map_or(values.len(), |index| index + 1)
}

fn weights(values: &[f64], components: usize, confidence: f64) -> Vec<f32> {
    let values: Vec<f64> = values.iter().map(|value| value.max(VARIANCE_MIN)).collect();
    let (plane, rest) = values.split_at(components.min(values.len()));
    let t2_limit = limit(plane.iter().map(|_| 1.0), confidence);
    let q_limit = limit(rest.iter().copied(), confidence);
    let variances = plane
        .iter()
        .map(|_| 1.0 / t2_limit)
        .chain(rest.iter().map(|value| value / q_limit));
    let sum_limit = limit(variances, confidence);
    let of_plane = plane
        .iter()
        .map(|value| 1.0 / (value * t2_limit * sum_limit));
    of_plane
        .chain(rest.iter().map(|_| 1.0 / (q_limit * sum_limit)))
        .map(|weight| weight as f32)
        .collect()
}

#[cfg(test)]
mod tests;
