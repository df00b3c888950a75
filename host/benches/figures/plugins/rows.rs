//! Rows for the catalogue, the same for a component and for the native code beside it.

use fedhost_domain::model::Weights;
use fedhost_guest::{Random, TensorSpec};
use fedhost_plugin::Batch;

/// One row in this many is anomalous.
const ANOMALOUS: usize = 10;

pub(crate) fn names(columns: usize) -> Vec<String> {
    (0..columns).map(|column| format!("c{column}")).collect()
}

/// Noise around 0, and around 3 in the anomalous rows.
pub(crate) fn labelled(rows: usize, columns: usize) -> (Vec<f32>, Vec<f32>) {
    let mut random = Random::new(1);
    let labels: Vec<f32> = (0..rows)
        .map(|row| f32::from(u8::from(row % ANOMALOUS == 0)))
        .collect();
    let noise = |random: &mut Random| (0..4).map(|_| random.unit()).sum::<f32>() - 2.0;
    let values = labels
        .iter()
        .flat_map(|label| (0..columns).map(move |_| 3.0 * label))
        .map(|at| at + noise(&mut random));
    (values.collect(), labels)
}

/// For a component.
pub(crate) fn hosted(values: &[f32], labels: Option<&[f32]>, columns: usize) -> Batch {
    Batch::new(
        values.len() / columns,
        columns,
        values.to_vec(),
        labels.map(<[f32]>::to_vec),
    )
    .unwrap()
}

/// For native code, which takes its rows over: it is given a copy, as a component is.
pub(crate) fn native(
    values: &[f32],
    labels: Option<&[f32]>,
    columns: usize,
) -> fedhost_guest::Batch {
    let batch = fedhost_guest::Batch::new(columns, values.to_vec());
    match labels {
        Some(labels) => batch.with_labels(labels.to_vec()),
        None => batch,
    }
}

pub(crate) fn native_weights(weights: &Weights) -> fedhost_guest::Weights {
    let tensor = |spec: &fedhost_domain::model::TensorSpec| TensorSpec {
        name: spec.name.clone(),
        shape: spec.shape.clone(),
    };
    fedhost_guest::Weights {
        tensors: weights.tensors().iter().map(tensor).collect(),
        data: weights.data().to_vec(),
    }
}

pub(crate) fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}
