//! Federated averaging: the sample-weighted mean of the nodes' models, w = sum over k of (n_k / n)
//! w_k (McMahan et al. 2017, "Communication-Efficient Learning of Deep Networks from Decentralized
//! Data").
//!
//! The bits of the mean do not depend on the order or grouping of the updates, by construction:
//! each product n_k w_k is rounded by itself to one grid, fixed in advance, and then only integers
//! are added. Memory is one 64-bit sum per parameter, for any number of nodes. Two floats must never
//! be added here.

mod grid;
mod sums;
#[cfg(test)]
mod tests;

pub use grid::{LimitsError, MeanLimits, SAMPLES_MAX, UPDATES_MAX};

use grid::{BIAS, Grid};
use sums::Term;

use crate::model::{ShapeMismatch, TensorSpec, Weights, WeightsError};

/// Why an average cannot be created.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum NewError {
    /// The tensors are not a valid model.
    #[error("these tensors cannot be averaged: {0}")]
    Shape(#[from] WeightsError),
    /// The limits allow no grid.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Limits(#[from] LimitsError),
}

/// Why an update was not added. The sum is unchanged.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum AddError {
    /// It has other tensors.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Shape(#[from] ShapeMismatch),
    /// Its sample count is 0.
    #[error("the update stands for no samples")]
    NoSamples,
    /// Its sample count is over the limit.
    #[error("the update stands for {samples} samples, over the limit of {limit}")]
    TooManySamples {
        /// Its sample count.
        samples: u64,
        /// [`MeanLimits::max_samples`].
        limit: u64,
    },
    /// A weight is over the limit.
    #[error("value {index} of tensor {tensor:?} is {value}, over the limit of {limit}")]
    TooLarge {
        /// The tensor's name.
        tensor: String,
        /// Row-major index within the tensor.
        index: usize,
        /// The first value over the limit.
        value: f32,
        /// [`MeanLimits::max_abs`].
        limit: f32,
    },
    /// The mean is full.
    #[error("the mean already holds {limit} updates, its limit")]
    TooManyUpdates {
        /// [`MeanLimits::max_updates`].
        limit: u64,
    },
}

/// Why there is no mean.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum FinishError {
    /// Nothing was added.
    #[error("there are no updates to average")]
    NoUpdates,
    /// The mean is not a valid model. The limits exclude that.
    #[error("the mean is not a valid model: {0}")]
    Weights(#[from] WeightsError),
}

/// A running sample-weighted mean of models.
#[derive(Clone, Debug)]
pub struct Average {
    tensors: Vec<TensorSpec>,
    limits: MeanLimits,
    grid: Grid,
    /// For each parameter, the sum of its products in steps of the grid, plus [`BIAS`] per update.
    sums: Vec<i64>,
    samples: u64,
    updates: u64,
}

impl Average {
    /// An empty mean of models with these tensors.
    ///
    /// # Errors
    /// The tensors are not a valid model, or the limits allow no grid.
    pub fn new(tensors: Vec<TensorSpec>, limits: MeanLimits) -> Result<Self, NewError> {
        let grid = Grid::new(&limits)?;
        let parameters = tensors.iter().try_fold(0_usize, |total, tensor| {
            total.checked_add(tensor.elements()?)
        });
        // A model of zeros checks the tensors.
        let (tensors, zeros) =
            Weights::new(tensors, vec![0.0; parameters.unwrap_or(0)])?.into_parts();
        Ok(Self {
            tensors,
            limits,
            grid,
            sums: vec![0; zeros.len()],
            samples: 0,
            updates: 0,
        })
    }

    /// Adds one update that stands for `samples` rows.
    ///
    /// # Errors
    /// The update is refused.
    pub fn add(&mut self, weights: &Weights, samples: u64) -> Result<(), AddError> {
        let term = self.admit(weights, samples)?;
        let peak = sums::add(&mut self.sums, term);
        self.settle(weights, samples, term, peak)
    }

    /// Adds several updates and returns one result for each, in order. The results equal those of
    /// [`add`](Self::add), in less time. A refused update does not prevent the others.
    #[must_use = "each update has its own result"]
    pub fn add_all(&mut self, updates: &[(&Weights, u64)]) -> Vec<Result<(), AddError>> {
        let (fours, rest) = updates.as_chunks::<4>();
        let mut answers = Vec::with_capacity(updates.len());
        for four in fours {
            answers.extend(self.add_four(four));
        }
        answers.extend(
            rest.iter()
                .map(|&(weights, samples)| self.add(weights, samples)),
        );
        answers
    }

    fn add_four(&mut self, updates: &[(&Weights, u64); 4]) -> Vec<Result<(), AddError>> {
        let [a, b, c, d] = updates.map(|(weights, samples)| self.admit(weights, samples));
        let room = self.limits.max_updates - self.updates >= 4;
        let (Ok(a), Ok(b), Ok(c), Ok(d), true) = (a, b, c, d, room) else {
            return updates
                .iter()
                .map(|&(weights, samples)| self.add(weights, samples))
                .collect();
        };
        let terms = [a, b, c, d];
        let peaks = sums::add_four(&mut self.sums, terms);
        let added = updates.iter().zip(terms).zip(peaks);
        added
            .map(|((&(weights, samples), term), peak)| self.settle(weights, samples, term, peak))
            .collect()
    }

    /// Makes the checks that need not read the values.
    fn admit<'a>(&self, weights: &'a Weights, samples: u64) -> Result<Term<'a>, AddError> {
        weights.expect_tensors(&self.tensors)?;
        let MeanLimits {
            max_samples,
            max_updates,
            ..
        } = self.limits;
        if samples == 0 {
            return Err(AddError::NoSamples);
        }
        if samples > max_samples {
            return Err(AddError::TooManySamples {
                samples,
                limit: max_samples,
            });
        }
        if self.updates >= max_updates {
            return Err(AddError::TooManyUpdates { limit: max_updates });
        }
        Ok(Term {
            values: weights.data(),
            factor: self.grid.factor(samples),
        })
    }

    /// Counts a term that was added, or removes it when its largest magnitude, `peak`, is over the
    /// limit.
    fn settle(
        &mut self,
        weights: &Weights,
        samples: u64,
        term: Term<'_>,
        peak: f32,
    ) -> Result<(), AddError> {
        if peak > self.limits.max_abs {
            sums::remove(&mut self.sums, term);
            return Err(too_large(weights, self.limits.max_abs));
        }
        self.samples += samples;
        self.updates += 1;
        Ok(())
    }

    /// The mean of the updates so far; more can be added afterwards.
    ///
    /// The error of each product is at most half a [`step`](Self::step), so the error of a weight is
    /// at most `step * updates / (2 * samples)`, plus the rounding to 32 bits. No weight is over the
    /// limit.
    ///
    /// # Errors
    /// Nothing was added.
    pub fn finish(&self) -> Result<Weights, FinishError> {
        if self.updates == 0 {
            return Err(FinishError::NoUpdates);
        }
        let bias = BIAS.wrapping_mul(self.updates.cast_signed());
        let step = self.grid.step();
        let samples = self.samples as f64;
        let limit = self.limits.max_abs;
        let means = self.sums.iter().map(|sum| {
            let product = sum.wrapping_sub(bias) as f64 * step;
            ((product / samples) as f32).clamp(-limit, limit)
        });
        Ok(Weights::new(self.tensors.clone(), means.collect())?)
    }

    /// The tensors that every update must have.
    #[must_use]
    pub fn tensors(&self) -> &[TensorSpec] {
        &self.tensors
    }

    /// The step of the grid of products of a weight and a sample count.
    #[must_use]
    pub fn step(&self) -> f64 {
        self.grid.step()
    }

    /// Samples of all updates.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// Updates in the sum.
    #[must_use]
    pub fn updates(&self) -> u64 {
        self.updates
    }
}

fn too_large(weights: &Weights, limit: f32) -> AddError {
    let over = weights.iter().find_map(|(spec, values)| {
        let (index, &value) = values
            .iter()
            .enumerate()
            .find(|(_, value)| value.abs() > limit)?;
        Some((spec.name.clone(), index, value))
    });
    let (tensor, index, value) = over.unwrap_or_default();
    AddError::TooLarge {
        tensor,
        index,
        value,
        limit,
    }
}
