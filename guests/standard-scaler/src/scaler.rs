//! Standardisation of a stream: one pass, no look ahead.
//!
//! A row first updates its columns' running mean and deviation and is then standardised by them, so
//! the output depends on this row and earlier rows only. A value that is missing or infinite is not
//! counted, and its output is 0, the mean; so is the output of a column that has not varied yet,
//! which includes the first row.

use fedhost_guest::{
    Batch, Descriptor, Parameters, Preprocessor, Result, Running, Setting, Weights, running, state,
};

const CLIP: Setting<f64> = Setting::number(
    "clip",
    "largest magnitude of the output, in standard deviations",
    10.0,
    0.1..=1e6,
);

/// One source's running statistics.
#[derive(Debug)]
pub struct StandardScaler {
    names: Vec<String>,
    columns: Vec<Running>,
    clip: f64,
}

impl StandardScaler {
    fn shape(&self) -> [u32; 2] {
        [(self.columns.len() * running::FIELDS) as u32, state::PARTS]
    }
}

impl Preprocessor for StandardScaler {
    fn describe() -> Descriptor {
        let summary = "Each column in standard deviations from its mean so far.";
        Descriptor::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), summary).with(&CLIP)
    }

    fn open(columns: &[String], parameters: &Parameters) -> Result<Self> {
        let statistics = vec![Running::default(); columns.len()];
        Ok(Self {
            names: columns.to_vec(),
            columns: statistics,
            clip: parameters.get(&CLIP),
        })
    }

    fn output_columns(&self) -> Vec<String> {
        self.names.clone()
    }

    fn transform(&mut self, mut batch: Batch) -> Result<Batch> {
        for row in batch.values.chunks_exact_mut(self.columns.len()) {
            for (value, column) in row.iter_mut().zip(&mut self.columns) {
                *value = standardised(column, *value, self.clip);
            }
        }
        Ok(batch)
    }

    fn save(&self) -> Result<Weights> {
        Ok(Weights::default().with_f64("statistics", &running::flatten(&self.columns)))
    }

    fn restore(&mut self, state: Weights) -> Result<()> {
        let [statistics] = state.tensors([("statistics", &self.shape())])?;
        self.columns = running::unflatten(&state::f64s(statistics)?)?;
        Ok(())
    }
}

fn standardised(column: &mut Running, value: f32, clip: f64) -> f32 {
    if !value.is_finite() {
        return 0.0;
    }
    let value = f64::from(value);
    column.push(value);
    column
        .standardise(value)
        .map_or(0.0, |deviations| deviations.clamp(-clip, clip) as f32)
}

#[cfg(test)]
mod tests;
