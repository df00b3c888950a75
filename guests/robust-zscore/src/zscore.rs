//! Modified z-scores over sliding windows.
//!
//! Each value is scored by the window of earlier values, and then added to the window, for any
//! score: a median tolerates some outliers, and a detector that excluded high scores would never
//! adapt to a new normal state.

use fedhost_guest::{
    Batch, Descriptor, Detector, Model, Parameters, Result, Setting, Weights, Window, state, window,
};

const WINDOW: Setting<i64> = Setting::integer(
    "window",
    "earlier rows that a row is compared with",
    500,
    4..=100_000,
);
const COMBINE: Setting<&str> = Setting::choice(
    "combine",
    "a row's score: the largest of its columns, or their mean",
    "max",
    &["max", "mean"],
);
const WARM_UP_ROWS: Setting<i64> = Setting::integer(
    "warm_up_rows",
    "values of a column before its scores count",
    20,
    2..=100_000,
);

/// Median distances from the median in one standard deviation of a Gaussian distribution.
const MEDIAN_DISTANCES: f64 = 1.0 / 0.6745;
/// Mean distances from the median in one standard deviation of a Gaussian distribution.
const MEAN_DISTANCES: f64 = 1.2533;
/// A spread below this share of the median counts as rounding.
const NEGLIGIBLE: f64 = 1e-6;
/// The largest score, also that of an infinite value: it is large enough to show in the mean of many
/// columns.
const SCORE_MAX: f64 = 1_000.0;

/// One source's windows.
#[derive(Clone, Debug)]
pub struct RobustZscore {
    columns: Vec<Window>,
    window: usize,
    warm_up: usize,
    mean: bool,
}

impl RobustZscore {
    fn shape(&self) -> [u32; 2] {
        [self.columns.len() as u32, self.window as u32]
    }

    fn score_row(&mut self, row: &[f32]) -> f32 {
        let (mut largest, mut sum) = (0, 0.0);
        for (column, value) in self.columns.iter_mut().zip(row) {
            let score = if column.len() < self.warm_up {
                0.0
            } else {
                zscore(column, *value)
            };
            // None is negative, so their bits are in their order; a component compares those
            // without a jump.
            largest = score.to_bits().max(largest);
            sum += score;
            column.push(*value);
        }
        let score = if self.mean {
            sum / self.columns.len() as f64
        } else {
            f64::from_bits(largest)
        };
        score as f32
    }
}

impl Model for RobustZscore {
    fn describe() -> Descriptor {
        let summary = "Distance of the columns from their medians in robust deviations; 3.5 is the usual threshold.";
        let descriptor =
            Descriptor::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), summary);
        descriptor.with(&WINDOW).with(&COMBINE).with(&WARM_UP_ROWS)
    }

    fn open(columns: &[String], parameters: &Parameters, _seed: u64) -> Result<Self> {
        let window = parameters.get(&WINDOW) as usize;
        Ok(Self {
            columns: vec![Window::new(window); columns.len()],
            window,
            warm_up: (parameters.get(&WARM_UP_ROWS) as usize).min(window),
            mean: parameters.get(&COMBINE) == "mean",
        })
    }

    fn save(&self) -> Result<Weights> {
        let (lengths, values) = window::flatten(&self.columns);
        Ok(Weights::default()
            .with_u64("lengths", &lengths)
            .with("values", &self.shape(), &values))
    }

    fn load(&mut self, model: Weights) -> Result<()> {
        let lengths = [self.columns.len() as u32, state::PARTS];
        let [lengths, values] =
            model.tensors([("lengths", &lengths), ("values", &self.shape())])?;
        self.columns = window::unflatten(&state::u64s(lengths)?, values, self.window)?;
        Ok(())
    }
}

impl Detector for RobustZscore {
    fn score(&mut self, batch: Batch) -> Result<Vec<f32>> {
        let width = self.columns.len();
        Ok(batch
            .values
            .chunks_exact(width)
            .map(|row| self.score_row(row))
            .collect())
    }
}

fn zscore(column: &Window, value: f32) -> f64 {
    let Some(median) = column.median().filter(|_| !value.is_nan()) else {
        return 0.0;
    };
    let negligible = median.abs() * NEGLIGIBLE;
    let deviation = match column.median_distance(median) * MEDIAN_DISTANCES {
        wide if wide > negligible => wide,
        _ => column.mean_distance(median) * MEAN_DISTANCES,
    };
    let distance = (f64::from(value) - median).abs();
    if distance <= negligible {
        0.0
    } else {
        (distance / deviation.max(negligible)).min(SCORE_MAX)
    }
}

#[cfg(test)]
mod tests;
