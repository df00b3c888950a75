//! Deviation from the first rows of a source.
//!
//! Machines of one kind differ more from each other than a failing machine differs from its own
//! normal state. So every column is standardised by the first `window` rows of the same source. The
//! magnitude of the deviation is a second output, so that a linear model can score deviations in
//! both directions.
//!
//! * While the window fills, the statistics are those of the rows so far, the present one included;
//!   then they are fixed.
//! * A value that is missing or infinite is not counted, and its output is 0.
//! * A column that has not varied has no scale, and its output is 0. If it has not varied until the
//!   window is full, its output stays 0: otherwise the last digit of a constant would cause an
//!   alarm.

use fedhost_guest::{
    Batch, Descriptor, Parameters, Preprocessor, Result, Running, Setting, Weights, running, state,
};

const WINDOW: Setting<i64> = Setting::integer(
    "window",
    "rows at the start that are the baseline",
    200,
    2..=1_000_000,
);
const CLIP: Setting<f64> = Setting::number(
    "clip",
    "largest magnitude of the output, in standard deviations",
    50.0,
    0.1..=1e6,
);

/// One source's baseline.
#[derive(Debug)]
pub struct BaselineDeviation {
    names: Vec<String>,
    columns: Vec<Running>,
    /// Rows that may still be added to the baseline.
    filling: u64,
    clip: f64,
}

impl BaselineDeviation {
    fn shape(&self) -> [u32; 2] {
        [(self.columns.len() * running::FIELDS) as u32, state::PARTS]
    }
}

impl Preprocessor for BaselineDeviation {
    fn describe() -> Descriptor {
        let summary =
            "Deviation of each column from its source's first rows, in their standard deviations.";
        Descriptor::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), summary)
            .with(&WINDOW)
            .with(&CLIP)
    }

    fn open(columns: &[String], parameters: &Parameters) -> Result<Self> {
        Ok(Self {
            names: columns.to_vec(),
            columns: vec![Running::default(); columns.len()],
            filling: parameters.get(&WINDOW).unsigned_abs(),
            clip: parameters.get(&CLIP),
        })
    }

    /// All `<column>_deviation`, then all `<column>_magnitude`.
    fn output_columns(&self) -> Vec<String> {
        let named = |suffix| {
            self.names
                .iter()
                .map(move |name| format!("{name}_{suffix}"))
        };
        named("deviation").chain(named("magnitude")).collect()
    }

    fn transform(&mut self, batch: Batch) -> Result<Batch> {
        let columns = self.columns.len();
        let mut values = vec![0.0; 2 * batch.values.len()];
        for (row, output) in batch
            .values
            .chunks_exact(columns)
            .zip(values.chunks_exact_mut(2 * columns))
        {
            self.learn(row);
            let (deviations, magnitudes) = output.split_at_mut(columns);
            let towards = deviations.iter_mut().zip(magnitudes);
            for ((column, value), (deviation, magnitude)) in
                self.columns.iter().zip(row).zip(towards)
            {
                *deviation = distance(column, *value, self.clip);
                *magnitude = deviation.abs();
            }
        }
        Ok(Batch { values, ..batch })
    }

    fn save(&self) -> Result<Weights> {
        let statistics = running::flatten(&self.columns);
        Ok(Weights::default()
            .with_f64("statistics", &statistics)
            .with_u64("filling", &[self.filling]))
    }

    fn restore(&mut self, state: Weights) -> Result<()> {
        let [statistics, filling] = state.tensors([
            ("statistics", &self.shape()),
            ("filling", &[1, state::PARTS]),
        ])?;
        let columns = running::unflatten(&state::f64s(statistics)?)?;
        self.filling = state::u64s(filling)?.into_iter().sum();
        self.columns = columns;
        Ok(())
    }
}

impl BaselineDeviation {
    fn learn(&mut self, row: &[f32]) {
        if self.filling == 0 {
            return;
        }
        self.filling -= 1;
        for (column, value) in self
            .columns
            .iter_mut()
            .zip(row)
            .filter(|(_, value)| value.is_finite())
        {
            column.push(f64::from(*value));
        }
    }
}

fn distance(column: &Running, value: f32, clip: f64) -> f32 {
    if !value.is_finite() {
        return 0.0;
    }
    column
        .standardise(f64::from(value))
        .map_or(0.0, |deviations| deviations.clamp(-clip, clip) as f32)
}

#[cfg(test)]
mod tests;
