//! Federated averaging: the sample-weighted mean of the nodes' models, w = sum over k of (n_k / n)
//! w_k (McMahan et al. 2017, "Communication-Efficient Learning of Deep Networks from Decentralized
//! Data").
//!
//! The mean has the same bits in whatever order the updates arrive and however they are grouped, by
//! construction: each product n_k w_k is rounded by itself to one grid, fixed in advance, and from
//! then on only integers are added. Memory is one 64-bit sum a parameter, however many nodes there
//! are. What must stay absent: a float added to another one.

mod grid;
mod sums;
#[cfg(test)]
mod tests;

pub use grid::{LimitsError, MeanLimits, SAMPLES_MAX, UPDATES_MAX};

use grid::{BIAS, Grid};
use sums::Term;

use crate::model::{ShapeMismatch, TensorSpec, Weights, WeightsError};

/// Why a mean cannot be begun.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NewError {
    /// The tensors are no model.
    #[error("these tensors cannot be averaged: {0}")]
    Shape(#[from] WeightsError),
    /// The limits leave no usable grid.
    #[error(transparent)]
    Limits(#[from] LimitsError),
}

/// Why an update was not added. The sum is as it was before.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AddError {
    /// It is a different model.
    #[error(transparent)]
    Shape(#[from] ShapeMismatch),
    /// It stands for nothing.
    #[error("the update stands for no samples")]
    NoSamples,
    /// It would weigh more than an update may.
    #[error("the update stands for {samples} samples, over the limit of {limit}")]
    TooManySamples {
        /// What it claims.
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
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FinishError {
    /// Nothing was added.
    #[error("there are no updates to average")]
    NoUpdates,
    /// The mean is no model, which the limits rule out.
    #[error("the mean is no model: {0}")]
    Weights(#[from] WeightsError),
}

/// A mean in the making.
#[derive(Clone, Debug)]
pub struct Average {
    tensors: Vec<TensorSpec>,
    limits: MeanLimits,
    grid: Grid,
    /// By parameter: the products so far in steps of the grid, plus [`BIAS`] for each update.
    sums: Vec<i64>,
    samples: u64,
    updates: u64,
}

impl Average {
    /// An empty mean of models of this shape.
    ///
    /// # Errors
    /// The tensors are no model, or the limits leave no usable grid.
    pub fn new(tensors: Vec<TensorSpec>, limits: MeanLimits) -> Result<Self, NewError> {
        let grid = Grid::new(&limits)?;
        let parameters = tensors.iter().try_fold(0_usize, |total, tensor| {
            total.checked_add(tensor.elements()?)
        });
        // A model of zeros is as good a check as any, and gone at once.
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

    /// Adds several updates and answers for each, in order: the same as [`add`](Self::add) for one
    /// after the other, in less time. A refused update is left out; the others are added.
    #[must_use = "each update has an answer of its own"]
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

    /// Refuses what can be refused without reading the values.
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

    /// Counts a term that was added, or takes it out again when a value in it, its `peak`, is over
    /// the limit.
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

    /// The mean of what was added so far; more can be added afterwards.
    ///
    /// Each product is off by at most half a [`step`](Self::step), so a weight of the mean is
    /// within `step * updates / (2 * samples)` of the exact one, then rounded to 32 bits, and never
    /// over the limit.
    ///
    /// # Errors
    /// Nothing was added.
    pub fn finish(&self) -> Result<Weights, FinishError> {
        if self.updates == 0 {
            return Err(FinishError::NoUpdates);
        }
        let bias = BIAS.wrapping_mul(self.updates.cast_signed());
        let (step, samples, limit) = (self.grid.step(), self.samples as f64, self.limits.max_abs);
        let mean = |&sum: &i64| {
            let product = sum.wrapping_sub(bias) as f64 * step;
            ((product / samples) as f32).clamp(-limit, limit)
        };
        Ok(Weights::new(
            self.tensors.clone(),
            self.sums.iter().map(mean).collect(),
        )?)
    }

    /// The tensors that every update must have.
    #[must_use]
    pub fn tensors(&self) -> &[TensorSpec] {
        &self.tensors
    }

    /// The distance between neighbouring products of a weight and a sample count.
    #[must_use]
    pub fn step(&self) -> f64 {
        self.grid.step()
    }

    /// Samples of all updates together.
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
