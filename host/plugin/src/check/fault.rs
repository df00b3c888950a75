//! Describes a broken promise for the author of a component: what was done, what came, what was
//! expected, and how to fix it.

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
    /// What the promise requires.
    pub expected: String,
    /// How to fix it.
    pub remedy: String,
}

/// The parts of a fault that do not depend on what the component answers.
#[derive(Clone, Copy)]
pub(super) struct Trial {
    pub(super) done: &'static str,
    pub(super) expected: &'static str,
    pub(super) remedy: &'static str,
}

impl Trial {
    /// Builds the fault from what came.
    pub(super) fn fault(&self, came: impl Into<String>) -> Fault {
        Fault {
            done: self.done.to_owned(),
            came: came.into(),
            expected: self.expected.to_owned(),
            remedy: self.remedy.to_owned(),
        }
    }

    /// Turns a failed call into a fault.
    pub(super) fn call<T>(&self, outcome: Result<T, CallError>) -> Result<T, Fault> {
        outcome.map_err(|error| self.failed(&error))
    }

    /// Builds the fault of a failed call.
    pub(super) fn failed(&self, error: &CallError) -> Fault {
        self.fault(format!(
            "{} failed ({}): {}",
            error.call, error.kind, error.detail
        ))
    }

    /// Returns a fault unless the condition holds.
    pub(super) fn holds(&self, holds: bool, came: impl FnOnce() -> String) -> Result<(), Fault> {
        if holds {
            Ok(())
        } else {
            Err(self.fault(came()))
        }
    }

    /// Returns a fault unless two runs gave the same bits. A row has `width` numbers.
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

    /// Returns a fault unless two states have the same names, shapes and bits.
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

    /// Returns a fault unless two states have tensors of the same names and shapes.
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
