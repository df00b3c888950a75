//! A control chart for every column.
//!
//! The baseline of a column is its first values and never changes: a mean that followed the stream
//! would also follow the drift to detect.

use fedhost_guest::{
    Batch, Descriptor, Detector, Model, Parameters, Result, Setting, Weights, state,
};

use crate::chart::{Chart, FIELDS, Rule};

const CHART: Setting<&str> = Setting::choice(
    "chart",
    "the kind of control chart",
    "ewma",
    &["ewma", "cusum"],
);
const BASELINE_ROWS: Setting<i64> = Setting::integer(
    "baseline_rows",
    "first values, which give mean and deviation",
    200,
    2..=1_000_000,
);
const WEIGHT: Setting<f64> = Setting::number(
    "weight",
    "weight of the newest reading in the moving average",
    0.1,
    0.001..=1.0,
);
const SLACK: Setting<f64> = Setting::number(
    "slack",
    "half the shift that a cumulative sum detects, in deviations",
    0.5,
    0.0..=10.0,
);
const CLIP: Setting<f64> = Setting::number(
    "clip",
    "largest magnitude of a reading, in deviations",
    10.0,
    1.0..=1e6,
);
const SUM_MAX: Setting<f64> = Setting::number(
    "sum_max",
    "limit of cumulative sums, in deviations",
    1_000.0,
    1.0..=1e9,
);

/// One source's charts.
#[derive(Clone, Debug)]
pub struct Ewma {
    charts: Vec<Chart>,
    baseline_rows: f64,
    clip: f64,
    rule: Rule,
}

impl Ewma {
    fn shape(&self) -> [u32; 2] {
        [(self.charts.len() * FIELDS) as u32, state::PARTS]
    }

    fn score_row(&mut self, row: &[f32]) -> f32 {
        let (baseline_rows, clip, rule) = (self.baseline_rows, self.clip, self.rule);
        let score = |(chart, value): (&mut Chart, &f32)| {
            if value.is_finite() {
                chart.score(f64::from(*value), baseline_rows, clip, rule)
            } else {
                chart.present(rule)
            }
        };
        // None is negative, so their bits are in their order; a component compares those without a
        // jump.
        let bits = self.charts.iter_mut().zip(row).map(score).map(f64::to_bits);
        f64::from_bits(bits.fold(0, u64::max)) as f32
    }
}

impl Model for Ewma {
    fn describe() -> Descriptor {
        let summary = "Small lasting shifts: a moving average (limit 3) or a cumulative sum (limit 5) of each column.";
        let descriptor =
            Descriptor::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), summary);
        let descriptor = descriptor.with(&CHART).with(&BASELINE_ROWS).with(&WEIGHT);
        descriptor.with(&SLACK).with(&CLIP).with(&SUM_MAX)
    }

    fn open(columns: &[String], parameters: &Parameters, _seed: u64) -> Result<Self> {
        let rule = match parameters.get(&CHART) {
            "cusum" => Rule::Sum {
                slack: parameters.get(&SLACK),
                most: parameters.get(&SUM_MAX),
            },
            _ => Rule::Average {
                weight: parameters.get(&WEIGHT),
            },
        };
        Ok(Self {
            charts: vec![Chart::new(); columns.len()],
            baseline_rows: parameters.get(&BASELINE_ROWS) as f64,
            clip: parameters.get(&CLIP),
            rule,
        })
    }

    fn save(&self) -> Result<Weights> {
        let fields: Vec<f64> = self.charts.iter().flat_map(Chart::fields).collect();
        Ok(Weights::default().with_f64("charts", &fields))
    }

    fn load(&mut self, model: Weights) -> Result<()> {
        let [fields] = model.tensors([("charts", &self.shape())])?;
        let fields = state::f64s(fields)?;
        self.charts = fields
            .as_chunks()
            .0
            .iter()
            .map(|fields| Chart::from_fields(*fields))
            .collect::<Result<_>>()?;
        Ok(())
    }
}

impl Detector for Ewma {
    fn score(&mut self, batch: Batch) -> Result<Vec<f32>> {
        let width = self.charts.len();
        Ok(batch
            .values
            .chunks_exact(width)
            .map(|row| self.score_row(row))
            .collect())
    }
}

#[cfg(test)]
mod tests;
