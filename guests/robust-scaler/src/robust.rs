//! Scaling by the median and the quartiles of a sliding window.
//!
//! A row is first added to its columns' windows and then scaled by them, so the output depends on
//! this row and earlier rows only.

use fedhost_guest::{
    Batch, Descriptor, Parameters, Preprocessor, Result, Setting, Weights, Window, state, window,
};

const WINDOW: Setting<i64> =
    Setting::integer("window", "rows of the sliding window", 500, 4..=100_000);
const CLIP: Setting<f64> = Setting::number(
    "clip",
    "largest magnitude of the output, in standard deviations",
    10.0,
    0.1..=1e6,
);

/// Standard deviations between the quartiles of a Gaussian distribution.
const QUARTILES: f64 = 1.349;
/// Mean distances from the median in one standard deviation of a Gaussian distribution.
const MEAN_DISTANCES: f64 = 1.2533;
/// A spread below this share of the median counts as rounding.
const NEGLIGIBLE: f64 = 1e-6;

/// One source's windows.
#[derive(Clone, Debug)]
pub struct RobustScaler {
    names: Vec<String>,
    columns: Vec<Window>,
    window: usize,
    clip: f64,
}

impl RobustScaler {
    fn shape(&self) -> [u32; 2] {
        [self.columns.len() as u32, self.window as u32]
    }
}

impl Preprocessor for RobustScaler {
    fn describe() -> Descriptor {
        let summary = "Each column in robust deviations from the median of its last rows.";
        Descriptor::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), summary)
            .with(&WINDOW)
            .with(&CLIP)
    }

    fn open(columns: &[String], parameters: &Parameters) -> Result<Self> {
        let window = parameters.get(&WINDOW) as usize;
        let windows = vec![Window::new(window); columns.len()];
        Ok(Self {
            names: columns.to_vec(),
            columns: windows,
            window,
            clip: parameters.get(&CLIP),
        })
    }

    fn output_columns(&self) -> Vec<String> {
        self.names.clone()
    }

    fn transform(&mut self, mut batch: Batch) -> Result<Batch> {
        for row in batch.values.chunks_exact_mut(self.columns.len()) {
            for (value, column) in row.iter_mut().zip(&mut self.columns) {
                column.push(*value);
                *value = scaled(column, *value).clamp(-self.clip, self.clip) as f32;
            }
        }
        Ok(batch)
    }

    fn save(&self) -> Result<Weights> {
        let (lengths, values) = window::flatten(&self.columns);
        Ok(Weights::default()
            .with_u64("lengths", &lengths)
            .with("values", &self.shape(), &values))
    }

    fn restore(&mut self, state: Weights) -> Result<()> {
        let lengths = [self.columns.len() as u32, state::PARTS];
        let [lengths, values] =
            state.tensors([("lengths", &lengths), ("values", &self.shape())])?;
        self.columns = window::unflatten(&state::u64s(lengths)?, values, self.window)?;
        Ok(())
    }
}

fn scaled(column: &Window, value: f32) -> f64 {
    let Some(median) = column.median().filter(|_| value.is_finite()) else {
        return 0.0;
    };
    let quartiles = column
        .quantile(0.75)
        .zip(column.quantile(0.25))
        .map_or(0.0, |(high, low)| high - low);
    let negligible = median.abs() * NEGLIGIBLE;
    let deviation = match quartiles / QUARTILES {
        wide if wide > negligible => wide,
        _ => column.mean_distance(median) * MEAN_DISTANCES,
    };
    if deviation > negligible {
        (f64::from(value) - median) / deviation
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests;
