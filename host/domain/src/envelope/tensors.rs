//! Models as safetensors files: 8 bytes of header length, a JSON header, all values.

use std::collections::HashMap;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, Metadata, SafeTensorError, TensorInfo};

use super::EncodeError;
use super::reject::{Reject, brief};
use crate::model::{TensorSpec, Weights, describe_shape};

/// The key of a safetensors header that holds metadata instead of a tensor.
const RESERVED: &str = "__metadata__";
const LENGTH_BYTES: usize = 8;
const VALUE_BYTES: usize = 4;

/// Writes the model as a `.safetensors` file, with the tensors in the model's order. The library's
/// own writer would sort them.
///
/// # Errors
/// A tensor is called `__metadata__`.
pub fn to_safetensors(weights: &Weights) -> Result<Vec<u8>, EncodeError> {
    if weights.tensors().iter().any(|spec| spec.name == RESERVED) {
        return Err(EncodeError::ReservedName {
            name: RESERVED.into(),
        });
    }
    let unwritable = |reason: String| EncodeError::Unwritable {
        what: "the safetensors header",
        reason,
    };
    let table =
        Metadata::new(None, infos(weights)).map_err(|error| unwritable(error.to_string()))?;
    let mut header = serde_json::to_vec(&table).map_err(|error| unwritable(error.to_string()))?;
    header.resize(header.len().next_multiple_of(LENGTH_BYTES), b' ');

    let mut file =
        Vec::with_capacity(LENGTH_BYTES + header.len() + weights.data().len() * VALUE_BYTES);
    file.extend_from_slice(&(header.len() as u64).to_le_bytes());
    file.extend_from_slice(&header);
    file.extend(weights.data().iter().flat_map(|value| value.to_le_bytes()));
    Ok(file)
}

fn infos(weights: &Weights) -> Vec<(String, TensorInfo)> {
    let mut start = 0;
    let info = |(spec, values): (&TensorSpec, &[f32])| {
        let end = start + values.len() * VALUE_BYTES;
        let shape = spec.shape.iter().map(|&extent| extent as usize).collect();
        let info = TensorInfo {
            dtype: Dtype::F32,
            shape,
            data_offsets: (start, end),
        };
        start = end;
        (spec.name.clone(), info)
    };
    weights.iter().map(info).collect()
}

/// Reads a `.safetensors` file of 32-bit floats. Tensors are returned in the order of their data;
/// empty tensors at the same position are sorted by name.
///
/// # Errors
/// The file is damaged, has other types than 32-bit floats, or is not a valid model.
pub fn from_safetensors(file: &[u8]) -> Result<Weights, Reject> {
    let bad = |error: SafeTensorError| Reject::BadSafetensors {
        reason: brief(error),
    };
    let (header_bytes, table) = SafeTensors::read_metadata(file).map_err(bad)?;
    let specs = specs(&table)?;
    let values = file.get(LENGTH_BYTES + header_bytes..).unwrap_or_default();
    let (values, _) = values.as_chunks::<VALUE_BYTES>();
    let data = values
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect();
    Weights::new(specs, data).map_err(|error| Reject::BadWeights {
        reason: brief(error),
    })
}

fn specs(table: &Metadata) -> Result<Vec<TensorSpec>, Reject> {
    let mut tensors: Vec<(String, &TensorInfo)> = table.tensors().into_iter().collect();
    tensors.sort_unstable_by(|(a, one), (b, other)| {
        one.data_offsets
            .cmp(&other.data_offsets)
            .then_with(|| a.cmp(b))
    });
    tensors
        .into_iter()
        .map(|(name, info)| spec(name, info))
        .collect()
}

fn spec(name: String, info: &TensorInfo) -> Result<TensorSpec, Reject> {
    if info.dtype != Dtype::F32 {
        return Err(Reject::WrongDtype {
            tensor: brief(name),
            found: info.dtype.to_string(),
        });
    }
    let shape = info
        .shape
        .iter()
        .map(|&extent| u32::try_from(extent))
        .collect::<Result<_, _>>();
    let shape = shape.map_err(|_| Reject::BadSafetensors {
        reason: brief(format!(
            "an extent of tensor {name:?} does not fit in 32 bits"
        )),
    })?;
    Ok(TensorSpec { name, shape })
}

/// The size in bytes of the largest legal file of these tensors: the values, and a header with room
/// for other writers' spaces and metadata.
pub(super) fn size_max(tensors: &[TensorSpec]) -> usize {
    const REMARKS: usize = 64 * 1024;
    tensors.iter().fold(REMARKS, |total, spec| {
        let entry = 256 + 6 * spec.name.len() + 16 * spec.shape.len();
        let values = spec
            .elements()
            .unwrap_or(usize::MAX)
            .saturating_mul(VALUE_BYTES);
        total.saturating_add(entry).saturating_add(values)
    })
}

/// The model with its tensors in the stated order; refused unless it has exactly these tensors.
pub(super) fn as_stated(found: Weights, stated: &[TensorSpec]) -> Result<Weights, Reject> {
    if found.tensors() == stated {
        return Ok(found);
    }
    let count = |tensors: &[TensorSpec]| format!("{} tensors", tensors.len());
    if found.tensors().len() != stated.len() {
        return Err(Reject::ShapeMismatch {
            stated: count(stated),
            found: count(found.tensors()),
        });
    }
    let by_name: HashMap<&str, (&TensorSpec, &[f32])> = found
        .iter()
        .map(|(spec, values)| (spec.name.as_str(), (spec, values)))
        .collect();
    let mut data = Vec::with_capacity(found.data().len());
    for spec in stated {
        match by_name.get(spec.name.as_str()) {
            Some((same, values)) if *same == spec => data.extend_from_slice(values),
            other => return Err(differs(spec, other.map(|(spec, _)| *spec))),
        }
    }
    Weights::new(stated.to_vec(), data).map_err(|error| Reject::BadWeights {
        reason: brief(error),
    })
}

fn differs(stated: &TensorSpec, found: Option<&TensorSpec>) -> Reject {
    let describe = |spec: &TensorSpec| brief(describe_shape(std::slice::from_ref(spec)));
    Reject::ShapeMismatch {
        stated: describe(stated),
        found: found.map_or("no such tensor".into(), describe),
    }
}
