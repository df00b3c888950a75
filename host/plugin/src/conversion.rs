//! Converts weights to and from the ABI: borrowed on the way in, checked on the way out.

use fedhost_domain::model::{TensorSpec, Weights};

use super::bindings::types::{TensorSpecParam, WeightsParam, WeightsResult};
use super::text::{is_name, plain};

/// Bytes of a tensor's or a column's name.
pub(super) const NAME_MAX_BYTES: usize = 256;
/// Tensors of one model; the largest networks in use have some thousand.
const TENSORS_MAX: usize = 16_384;
/// The one name that the format of models on the bus reserves.
const RESERVED_NAME: &str = "__metadata__";
/// Extents of one tensor's shape.
const EXTENTS_MAX: usize = 16;

/// Passes weights to a call. The numbers are copied once, into the guest's memory.
pub(super) fn lend<T>(weights: &Weights, call: impl FnOnce(WeightsParam<'_>) -> T) -> T {
    let tensors: Vec<TensorSpecParam<'_>> = weights
        .tensors()
        .iter()
        .map(|spec| TensorSpecParam {
            name: &spec.name,
            shape: &spec.shape,
        })
        .collect();
    call(WeightsParam {
        tensors: &tensors,
        data: weights.data(),
    })
}

/// Converts weights of a guest.
///
/// # Errors
/// A message, if a name, a shape or a number is invalid.
pub(super) fn take(given: WeightsResult) -> Result<Weights, String> {
    if given.tensors.len() > TENSORS_MAX {
        return Err(format!(
            "it returned {} tensors, at most {TENSORS_MAX} are accepted",
            given.tensors.len()
        ));
    }
    let tensors: Vec<TensorSpec> = given
        .tensors
        .into_iter()
        .map(|spec| TensorSpec {
            name: spec.name,
            shape: spec.shape,
        })
        .collect();
    for spec in &tensors {
        if spec.name == RESERVED_NAME {
            return Err(format!(
                "it returned a tensor {RESERVED_NAME:?}, which safetensors reserves\nhint: rename the tensor"
            ));
        }
        if !is_name(&spec.name, NAME_MAX_BYTES) || spec.shape.len() > EXTENTS_MAX {
            let name = plain(&spec.name, NAME_MAX_BYTES);
            return Err(format!(
                "it returned a tensor {name:?} whose name or shape is too long or not printable"
            ));
        }
    }
    Weights::new(tensors, given.data)
        .map_err(|error| format!("it returned invalid weights: {error}"))
}

#[cfg(test)]
mod tests {
    use super::super::bindings::types::TensorSpecResult;
    use super::*;

    fn given(name: &str, shape: &[u32], data: &[f32]) -> WeightsResult {
        let tensors = vec![TensorSpecResult {
            name: name.into(),
            shape: shape.to_vec(),
        }];
        WeightsResult {
            tensors,
            data: data.to_vec(),
        }
    }

    #[test]
    fn only_named_shaped_and_finite_weights_are_accepted() {
        assert!(take(given("w", &[2], &[1.0, 2.0])).is_ok());
        let cases = [
            (given("w\u{1b}", &[1], &[1.0]), "not printable"),
            (given(&"w".repeat(257), &[1], &[1.0]), "too long"),
            (given("w", &[1; 17], &[1.0]), "too long"),
            (given("__metadata__", &[1], &[1.0]), "reserves"),
            (given("w", &[2], &[1.0]), "need 2 values"),
            (given("w", &[1], &[f32::NAN]), "is NaN"),
            (
                WeightsResult {
                    tensors: vec![],
                    data: vec![],
                },
                "no tensors",
            ),
        ];
        for (weights, fault) in cases {
            let words = take(weights).unwrap_err();
            assert!(words.contains(fault), "{words:?} should say {fault:?}");
        }
    }
}
