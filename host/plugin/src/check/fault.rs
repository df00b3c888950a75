//! A broken promise in the words an author needs: what was done, what came, what should have come,
//! what to mend.

use fedhost_domain::model::{Weights, describe_shape};
use serde::Serialize;

use crate::failure::CallError;

/// How a promise was broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// What the check did.
    pub done: String,
    /// What the component answered.
    pub came: String,
    /// What the law asks for.
    pub expected: String,
    /// Where to look first.
    pub mend: String,
}

/// The part of a fault that is known before anything has gone wrong.
#[derive(Clone, Copy)]
pub(super) struct Trial {
    pub(super) done: &'static str,
    pub(super) expected: &'static str,
    pub(super) mend: &'static str,
}

impl Trial {
    /// The fault, now that it is known what came.
    pub(super) fn fault(&self, came: impl Into<String>) -> Fault {
        Fault {
            done: self.done.to_owned(),
            came: came.into(),
            expected: self.expected.to_owned(),
            mend: self.mend.to_owned(),
        }
    }

    /// A call that had to go well.
    pub(super) fn call<T>(&self, outcome: Result<T, CallError>) -> Result<T, Fault> {
        outcome.map_err(|error| self.failed(&error))
    }

    /// What a failed call comes to.
    pub(super) fn failed(&self, error: &CallError) -> Fault {
        self.fault(format!(
            "{} failed ({}): {}",
            error.call, error.kind, error.detail
        ))
    }

    /// Nothing, or a fault.
    pub(super) fn holds(&self, holds: bool, came: impl FnOnce() -> String) -> Result<(), Fault> {
        if holds {
            Ok(())
        } else {
            Err(self.fault(came()))
        }
    }

    /// Two runs gave the same bits, row by row of `width` numbers.
    pub(super) fn same_numbers(
        &self,
        first: &[f32],
        second: &[f32],
        width: usize,
    ) -> Result<(), Fault> {
        self.holds(first.len() == second.len(), || {
            format!("{} numbers, then {}", first.len(), second.len())
        })?;
        let differs = |(left, right): (&f32, &f32)| left.to_bits() != right.to_bits();
        match first.iter().zip(second).position(differs) {
            None => Ok(()),
            Some(at) => {
                let value = |numbers: &[f32]| numbers.get(at).copied().unwrap_or(f32::NAN);
                let (row, column) = (at / width.max(1), at % width.max(1));
                let place = if width > 1 {
                    format!("row {row}, column {column}")
                } else {
                    format!("row {row}")
                };
                Err(self.fault(format!(
                    "{place}: {:?}, then {:?}",
                    value(first),
                    value(second)
                )))
            }
        }
    }

    /// Two states are the same, names, shapes and bits.
    pub(super) fn same_weights(&self, first: &Weights, second: &Weights) -> Result<(), Fault> {
        self.same_shape(first, second)?;
        for ((spec, left), (_, right)) in first.iter().zip(second.iter()) {
            let differs = |(left, right): (&f32, &f32)| left.to_bits() != right.to_bits();
            if let Some(at) = left.iter().zip(right).position(differs) {
                let value = |numbers: &[f32]| numbers.get(at).copied().unwrap_or(f32::NAN);
                let (left, right) = (value(left), value(right));
                return Err(self.fault(format!(
                    "tensor {:?}, element {at}: {left:?}, then {right:?}",
                    spec.name
                )));
            }
        }
        Ok(())
    }

    /// Two states have the same tensors.
    pub(super) fn same_shape(&self, first: &Weights, second: &Weights) -> Result<(), Fault> {
        self.holds(first.tensors() == second.tensors(), || {
            format!(
                "{}, then {}",
                describe_shape(first.tensors()),
                describe_shape(second.tensors())
            )
        })
    }
}
