//! Half-space trees over a stream.
//!
//! A row first extends its columns' ranges, is then scored by the reference counts, and is then
//! counted. The cuts are derived from the seed; ranges and counts are the state.

use fedhost_guest::{
    Batch, Descriptor, Detector, Error, Model, Parameters, Random, Result, Setting, Weights,
};

use crate::range::Range;
use crate::trees::Trees;

const TREES: Setting<i64> = Setting::integer(
    "trees",
    "how many; more are steadier and slower",
    50,
    1..=100,
);
const DEPTH: Setting<i64> = Setting::integer("depth", "halvings from root to leaf", 10, 1..=15);
const WINDOW_ROWS: Setting<i64> = Setting::integer(
    "window_rows",
    "rows of a window, whose counts are the reference for the next window",
    500,
    2..=1_000_000,
);

/// One source's trees.
#[derive(Clone, Debug)]
pub struct HalfSpaceTrees {
    trees: Trees,
    window_rows: f32,
    ranges: Vec<Range>,
    /// Rows by node, of the last complete window.
    reference: Vec<f32>,
    /// Rows by node, of the present window.
    latest: Vec<f32>,
    /// Rows in the present window.
    rows: f32,
    /// Whether a window was completed.
    settled: bool,
}

impl HalfSpaceTrees {
    fn score_row(&mut self, row: &[f32], placed: &mut Vec<f32>) -> f32 {
        placed.clear();
        placed.extend(self.ranges.iter_mut().zip(row).map(|(range, value)| {
            range.extend(*value);
            range.place(*value)
        }));
        let (counts, rows) = if self.settled {
            (&self.reference, self.window_rows)
        } else {
            (&self.latest, self.rows)
        };
        let score = self.trees.emptiness(placed, counts, rows);
        self.trees.count(placed, &mut self.latest);
        self.rows += 1.0;
        if self.rows >= self.window_rows {
            std::mem::swap(&mut self.reference, &mut self.latest);
            self.latest.fill(0.0);
            (self.rows, self.settled) = (0.0, true);
        }
        score
    }
}

impl Model for HalfSpaceTrees {
    fn describe() -> Descriptor {
        let summary = "Half-space trees: rows in regions with few rows of the last window; needs no training.";
        let descriptor =
            Descriptor::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), summary);
        descriptor.with(&TREES).with(&DEPTH).with(&WINDOW_ROWS)
    }

    fn open(columns: &[String], parameters: &Parameters, seed: u64) -> Result<Self> {
        let (count, depth) = (
            parameters.get(&TREES) as usize,
            parameters.get(&DEPTH) as u32,
        );
        let trees = Trees::draw(count, depth, columns.len(), &mut Random::new(seed));
        let counts = vec![0.0; trees.nodes()];
        Ok(Self {
            trees,
            window_rows: parameters.get(&WINDOW_ROWS) as f32,
            ranges: vec![Range::EMPTY; columns.len()],
            reference: counts.clone(),
            latest: counts,
            rows: 0.0,
            settled: false,
        })
    }

    fn save(&self) -> Result<Weights> {
        let (columns, nodes) = ([self.ranges.len() as u32], [self.reference.len() as u32]);
        let (low, high): (Vec<f32>, Vec<f32>) = self
            .ranges
            .iter()
            .map(|range| (range.low, range.high))
            .unzip();
        let weights = Weights::default()
            .with("low", &columns, &low)
            .with("high", &columns, &high);
        let weights =
            weights
                .with("reference", &nodes, &self.reference)
                .with("latest", &nodes, &self.latest);
        Ok(weights.with("rows", &[1], &[self.rows]).with(
            "settled",
            &[1],
            &[f32::from(self.settled)],
        ))
    }

    fn load(&mut self, model: Weights) -> Result<()> {
        let (columns, nodes) = ([self.ranges.len() as u32], [self.reference.len() as u32]);
        let expected = [
            ("low", &columns[..]),
            ("high", &columns),
            ("reference", &nodes),
            ("latest", &nodes),
            ("rows", &[1]),
            ("settled", &[1]),
        ];
        let [low, high, reference, latest, rows, settled] = model.tensors(expected)?;
        let rows: f32 = rows.iter().sum();
        if !(0.0..self.window_rows).contains(&rows)
            || reference.iter().chain(latest).any(|count| *count < 0.0)
        {
            return Err(Error::InvalidState(format!(
                "there are negative counts, or {rows} rows in the window"
            )));
        }
        self.ranges = low
            .iter()
            .zip(high)
            .map(|(&low, &high)| Range { low, high })
            .collect();
        self.reference.copy_from_slice(reference);
        self.latest.copy_from_slice(latest);
        self.rows = rows;
        self.settled = settled.iter().any(|settled| *settled > 0.0);
        Ok(())
    }
}

impl Detector for HalfSpaceTrees {
    fn score(&mut self, batch: Batch) -> Result<Vec<f32>> {
        let mut placed = Vec::with_capacity(self.ranges.len());
        let rows = batch.values.chunks_exact(self.ranges.len());
        Ok(rows.map(|row| self.score_row(row, &mut placed)).collect())
    }
}

#[cfg(test)]
mod tests;
