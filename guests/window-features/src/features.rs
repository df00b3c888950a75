//! Features of sliding windows.
//!
//! All features are computed from the rows of the window, not updated from row to row. So rounding
//! errors do not accumulate, and a restored window continues with the same bits.

use fedhost_guest::{
    Batch, Descriptor, Error, Parameters, Preprocessor, Result, Setting, Weights, Window, state,
    window,
};

use crate::spectrum::Spectrum;

const WINDOW: Setting<i64> = Setting::integer(
    "window",
    "rows of the sliding window, the present one included",
    32,
    4..=1_024,
);
const BANDS: Setting<i64> = Setting::integer(
    "bands",
    "bands of frequencies, at most half as many as rows of the window",
    4,
    0..=64,
);
const KEEP: Setting<bool> = Setting::flag(
    "keep",
    "whether the columns themselves are outputs, too",
    true,
);

/// One source's windows.
#[derive(Clone, Debug)]
pub struct WindowFeatures {
    names: Vec<String>,
    columns: Vec<Window>,
    spectrum: Spectrum,
    window: usize,
    bands: usize,
    keep: bool,
}

impl WindowFeatures {
    fn shape(&self) -> [u32; 2] {
        [self.columns.len() as u32, self.window as u32]
    }
}

impl Preprocessor for WindowFeatures {
    fn describe() -> Descriptor {
        let summary =
            "Mean, deviation, range and vibration by frequency of each column's last rows.";
        let descriptor =
            Descriptor::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), summary);
        descriptor.with(&WINDOW).with(&BANDS).with(&KEEP)
    }

    fn open(columns: &[String], parameters: &Parameters) -> Result<Self> {
        let (window, bands) = (
            parameters.get(&WINDOW) as usize,
            parameters.get(&BANDS) as usize,
        );
        if bands > window / 2 {
            let most = window / 2;
            return Err(Error::InvalidParameter(format!(
                "\"bands\" is {bands}, legal with this window: 0 to {most}"
            )));
        }
        Ok(Self {
            names: columns.to_vec(),
            columns: vec![Window::new(window); columns.len()],
            spectrum: Spectrum::new(window, bands),
            window,
            bands,
            keep: parameters.get(&KEEP),
        })
    }

    /// All outputs of the first column, then all of the second, and so on.
    fn output_columns(&self) -> Vec<String> {
        let of = |name: &String| {
            let kept = self.keep.then(|| name.clone());
            let features =
                ["mean", "deviation", "range"].map(|feature| format!("{name}_{feature}"));
            let bands = (1..=self.bands)
                .map(|number| format!("{name}_band_{number}"))
                .collect::<Vec<_>>();
            kept.into_iter().chain(features).chain(bands)
        };
        self.names.iter().flat_map(of).collect()
    }

    fn transform(&mut self, batch: Batch) -> Result<Batch> {
        let outputs = usize::from(self.keep) + 3 + self.bands;
        let mut values = Vec::with_capacity(batch.values.len() * outputs);
        for row in batch.values.chunks_exact(self.columns.len()) {
            for (column, value) in self.columns.iter_mut().zip(row) {
                let last = column.arrived().next_back().unwrap_or(f32::NAN);
                column.push(if value.is_finite() { *value } else { last });
                if self.keep {
                    values.push(column.arrived().next_back().unwrap_or(0.0));
                }
                let mean = append_moments(column, &mut values);
                if column.is_full() {
                    self.spectrum.append(column.arrived(), mean, &mut values);
                } else {
                    values.extend(std::iter::repeat_n(0.0, self.bands));
                }
            }
        }
        Ok(Batch { values, ..batch })
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

/// Appends mean, deviation and range; returns the mean.
fn append_moments(column: &Window, output: &mut Vec<f32>) -> f64 {
    let count = column.len().max(1) as f64;
    let mean = column.arrived().map(f64::from).sum::<f64>() / count;
    let squares: f64 = column
        .arrived()
        .map(|value| (f64::from(value) - mean) * (f64::from(value) - mean))
        .sum();
    let range = column
        .sorted()
        .last()
        .zip(column.sorted().first())
        .map_or(0.0, |(high, low)| high - low);
    output.extend([
        mean as f32,
        (squares / count).sqrt() as f32,
        range.min(f32::MAX),
    ]);
    mean
}

#[cfg(test)]
mod tests;
