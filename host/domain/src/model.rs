//! Models and their identity: named tensors, digests, nodes and plug-ins.
//!
//! Every type here refuses invalid values when it is constructed, so later code need not check.

mod identity;
mod selector;

use std::collections::HashMap;
use std::fmt;

use ndarray::ArrayViewD;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest as _, Sha256};

pub use identity::{NodeId, NotANodeId, NotASha256, PluginId, Sha256Hex, sha256_prefix};
pub use selector::{NotASelector, PluginSelector, check_name, check_versions};

/// The name and shape of one tensor; its elements follow the previous tensor's, row-major.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorSpec {
    /// Unique within one model, not empty.
    pub name: String,
    /// Extents, outermost first; an empty shape is a scalar.
    pub shape: Vec<u32>,
}

impl TensorSpec {
    /// The number of elements, or `None` when it does not fit in a `usize`.
    #[must_use]
    pub fn elements(&self) -> Option<usize> {
        self.shape.iter().try_fold(1_usize, |total, &extent| {
            total.checked_mul(usize::try_from(extent).ok()?)
        })
    }
}

/// Why a list of tensors is not a valid model.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum WeightsError {
    /// There is no tensor.
    #[error("there are no tensors")]
    Empty,
    /// A tensor has no name, or two share one.
    #[error("tensor {index} has the name {name:?}, which is empty or already taken")]
    BadName {
        /// Its index in the list.
        index: usize,
        /// Its name.
        name: String,
    },
    /// The number of values does not agree with the shapes.
    #[error("the shapes need {expected} values, but there are {found}")]
    Length {
        /// Values that the shapes need; `usize::MAX` when the number overflows.
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// A value is NaN or infinite.
    #[error("value {index} of tensor {tensor:?} is {value}")]
    NonFinite {
        /// The tensor's name.
        tensor: String,
        /// Row-major index within the tensor.
        index: usize,
        /// The value.
        value: f32,
    },
}

/// Two models cannot be averaged because their tensors differ.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
#[error("expected tensors {expected}, found {found}")]
pub struct ShapeMismatch {
    /// The expected shape, as `name[2x3], name[1]`.
    pub expected: String,
    /// The shape that was found.
    pub found: String,
}

/// A model's parameters: uniquely named tensors of finite 32-bit floats, one after the other in one
/// list.
#[derive(Clone, PartialEq)]
pub struct Weights {
    tensors: Vec<TensorSpec>,
    data: Vec<f32>,
}

impl Weights {
    /// Checks names, shapes and finiteness.
    ///
    /// # Errors
    /// Names the first fault found.
    pub fn new(tensors: Vec<TensorSpec>, data: Vec<f32>) -> Result<Self, WeightsError> {
        if tensors.is_empty() {
            return Err(WeightsError::Empty);
        }
        let mut names = std::collections::HashSet::with_capacity(tensors.len());
        for (index, tensor) in tensors.iter().enumerate() {
            if tensor.name.is_empty() || !names.insert(tensor.name.as_str()) {
                return Err(WeightsError::BadName {
                    index,
                    name: tensor.name.clone(),
                });
            }
        }
        let expected = tensors
            .iter()
            .try_fold(0_usize, |total, tensor| {
                total.checked_add(tensor.elements()?)
            })
            .unwrap_or(usize::MAX);
        if expected != data.len() {
            return Err(WeightsError::Length {
                expected,
                found: data.len(),
            });
        }
        let weights = Self { tensors, data };
        weights.check_finite()?;
        Ok(weights)
    }

    fn check_finite(&self) -> Result<(), WeightsError> {
        // One branch-free pass. The slow search runs only for a model that is refused.
        if self
            .data
            .iter()
            .fold(true, |finite, value| finite & value.is_finite())
        {
            return Ok(());
        }
        for (spec, values) in self.iter() {
            if let Some((index, &value)) = values
                .iter()
                .enumerate()
                .find(|(_, value)| !value.is_finite())
            {
                return Err(WeightsError::NonFinite {
                    tensor: spec.name.clone(),
                    index,
                    value,
                });
            }
        }
        Ok(())
    }

    /// Names and shapes, in order.
    #[must_use]
    pub fn tensors(&self) -> &[TensorSpec] {
        &self.tensors
    }

    /// All values, tensor after tensor.
    #[must_use]
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// Splits the model into tensors and values.
    #[must_use]
    pub fn into_parts(self) -> (Vec<TensorSpec>, Vec<f32>) {
        (self.tensors, self.data)
    }

    /// Each tensor with its values.
    pub fn iter(&self) -> impl Iterator<Item = (&TensorSpec, &[f32])> {
        let mut rest = self.data.as_slice();
        self.tensors.iter().map(move |spec| {
            let (values, tail) = rest.split_at(spec.elements().unwrap_or(0).min(rest.len()));
            rest = tail;
            (spec, values)
        })
    }

    /// One tensor as an n-dimensional view.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<ArrayViewD<'_, f32>> {
        let (spec, values) = self.iter().find(|(spec, _)| spec.name == name)?;
        let shape: Vec<usize> = spec
            .shape
            .iter()
            .filter_map(|&extent| usize::try_from(extent).ok())
            .collect();
        ArrayViewD::from_shape(shape, values).ok()
    }

    /// Returns the model with its tensors in the order of `expected`. Tensors are matched by name:
    /// writers of safetensors files store them in orders of their own.
    ///
    /// # Errors
    /// Its tensors have other names or shapes than those of `expected`.
    pub fn arranged_as(self, expected: &[TensorSpec]) -> Result<Self, ShapeMismatch> {
        if self.tensors == expected {
            return Ok(self);
        }
        let by_name: HashMap<&str, (&TensorSpec, &[f32])> = self
            .iter()
            .map(|(spec, values)| (spec.name.as_str(), (spec, values)))
            .collect();
        let mut data = Vec::with_capacity(self.data.len());
        for spec in expected {
            match by_name.get(spec.name.as_str()) {
                Some((found, values)) if *found == spec => data.extend_from_slice(values),
                _ => break,
            }
        }
        if self.tensors.len() != expected.len() || data.len() != self.data.len() {
            return Err(self.mismatch(expected));
        }
        Ok(Self {
            tensors: expected.to_vec(),
            data,
        })
    }

    /// Checks that the tensors equal `expected` in name, shape and order.
    ///
    /// # Errors
    /// Both shapes, as text.
    pub fn expect_tensors(&self, expected: &[TensorSpec]) -> Result<(), ShapeMismatch> {
        if self.tensors == expected {
            Ok(())
        } else {
            Err(self.mismatch(expected))
        }
    }

    fn mismatch(&self, expected: &[TensorSpec]) -> ShapeMismatch {
        ShapeMismatch {
            expected: describe_shape(expected),
            found: describe_shape(&self.tensors),
        }
    }

    /// The largest magnitude among all values.
    #[must_use]
    pub fn max_abs(&self) -> f32 {
        self.data
            .iter()
            .fold(0.0, |largest, value| value.abs().max(largest))
    }

    /// Euclidean norm of all values together.
    #[must_use]
    pub fn norm(&self) -> f64 {
        self.data
            .iter()
            .map(|&value| f64::from(value) * f64::from(value))
            .sum::<f64>()
            .sqrt()
    }

    /// The digest of the model: sha256 over names, shapes and little-endian values.
    #[must_use]
    pub fn sha256(&self) -> Sha256Hex {
        let mut hasher = Sha256::new();
        for spec in &self.tensors {
            hasher.update((spec.name.len() as u64).to_le_bytes());
            hasher.update(spec.name.as_bytes());
            hasher.update((spec.shape.len() as u64).to_le_bytes());
            hasher.update(
                spec.shape
                    .iter()
                    .flat_map(|extent| extent.to_le_bytes())
                    .collect::<Vec<u8>>(),
            );
        }
        let mut block = Vec::with_capacity(4096 * 4);
        for values in self.data.chunks(4096) {
            block.clear();
            block.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            hasher.update(&block);
        }
        Sha256Hex::finish(hasher)
    }
}

impl fmt::Debug for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Weights({})", describe_shape(&self.tensors))
    }
}

/// Names and shapes as text, for example `weight[16], bias[1]`.
#[must_use]
pub fn describe_shape(tensors: &[TensorSpec]) -> String {
    let words: Vec<String> = tensors
        .iter()
        .map(|spec| {
            let extents: Vec<String> = spec.shape.iter().map(ToString::to_string).collect();
            format!("{}[{}]", spec.name, extents.join("x"))
        })
        .collect();
    words.join(", ")
}

/// A named number, such as a loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// For example `accuracy`.
    pub name: String,
    /// Its value; a value that is not finite is written as null and read as NaN.
    #[serde(deserialize_with = "f64_or_null")]
    pub value: f64,
}

/// Reads a number; null becomes NaN. JSON has no NaN, and a NaN must not make the record around it
/// unreadable.
///
/// # Errors
/// It is neither a number nor null.
pub fn f64_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(name: &str, shape: &[u32]) -> TensorSpec {
        TensorSpec {
            name: name.into(),
            shape: shape.to_vec(),
        }
    }

    #[test]
    fn a_bad_model_cannot_be_built() {
        let cases = [
            (vec![], vec![], WeightsError::Empty),
            (
                vec![spec("", &[1])],
                vec![0.0],
                WeightsError::BadName {
                    index: 0,
                    name: String::new(),
                },
            ),
            (
                vec![spec("a", &[1]), spec("a", &[1])],
                vec![0.0; 2],
                WeightsError::BadName {
                    index: 1,
                    name: "a".into(),
                },
            ),
            (
                vec![spec("a", &[2, 3])],
                vec![0.0; 5],
                WeightsError::Length {
                    expected: 6,
                    found: 5,
                },
            ),
            (
                vec![spec("a", &[u32::MAX, u32::MAX, u32::MAX])],
                vec![],
                WeightsError::Length {
                    expected: usize::MAX,
                    found: 0,
                },
            ),
            (
                vec![spec("a", &[1]), spec("b", &[2])],
                vec![0.0, 1.0, f32::INFINITY],
                WeightsError::NonFinite {
                    tensor: "b".into(),
                    index: 1,
                    value: f32::INFINITY,
                },
            ),
        ];
        for (tensors, data, expected) in cases {
            assert_eq!(Weights::new(tensors, data), Err(expected));
        }
    }

    #[test]
    fn a_tensor_is_viewed_in_its_shape() {
        let weights = Weights::new(
            vec![spec("bias", &[]), spec("w", &[2, 2])],
            vec![9.0, 1.0, 2.0, 3.0, 4.0],
        )
        .unwrap();
        assert_eq!(
            weights.tensor("w").unwrap(),
            ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0]]).into_dyn()
        );
        assert_eq!(weights.tensor("bias").unwrap().len(), 1);
        assert!(weights.tensor("x").is_none());
    }

    #[test]
    fn tensors_are_matched_by_name() {
        let specs = [spec("weight", &[2]), spec("bias", &[]), spec("scale", &[1])];
        let data = [1.0, 2.0, 3.0, 4.0];
        let model = Weights::new(specs.to_vec(), data.to_vec()).unwrap();
        for order in [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ] {
            let other: Vec<TensorSpec> = order.iter().map(|&at| specs[at].clone()).collect();
            let arranged = model.clone().arranged_as(&other).unwrap();
            assert_eq!(arranged.tensors(), other);
            assert_eq!(arranged.arranged_as(&specs).unwrap(), model);
        }
        for wrong in [
            vec![specs[0].clone(), specs[1].clone()],
            vec![specs[0].clone(), specs[1].clone(), spec("scale", &[])],
            vec![specs[0].clone(), specs[1].clone(), spec("other", &[1])],
            [&specs[..], &[spec("more", &[0])]].concat(),
        ] {
            let mismatch = model.clone().arranged_as(&wrong).unwrap_err();
            assert_eq!(mismatch.found, "weight[2], bias[], scale[1]");
        }
    }

    #[test]
    fn the_digest_covers_names_shapes_and_values() {
        let base = Weights::new(vec![spec("w", &[2])], vec![1.0, 2.0]).unwrap();
        let others = [
            Weights::new(vec![spec("v", &[2])], vec![1.0, 2.0]).unwrap(),
            Weights::new(vec![spec("w", &[1, 2])], vec![1.0, 2.0]).unwrap(),
            Weights::new(vec![spec("w", &[2])], vec![1.0, -2.0]).unwrap(),
        ];
        for other in others {
            assert_ne!(base.sha256(), other.sha256());
        }
    }
}
