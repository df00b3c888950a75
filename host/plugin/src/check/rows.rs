//! Synthetic rows for checks: always the same, with columns of several scales and some unusual
//! rows.

use crate::batch::Batch;

/// More than the default windows of the plug-ins in this repository.
pub(super) const ROWS: usize = 600;
/// Every 11th row is unusual, and labelled as an anomaly.
const UNUSUAL_EVERY: usize = 11;

/// Rows with a label each.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rows {
    columns: usize,
    values: Vec<f32>,
    labels: Vec<f32>,
}

impl Rows {
    /// Returns waves with noise from `seed`; each column has its own scale, level and frequency.
    pub(super) fn waves(columns: usize, rows: usize, seed: u64) -> Self {
        let mut noise = Noise(seed);
        let (mut values, mut labels) =
            (Vec::with_capacity(rows * columns), Vec::with_capacity(rows));
        for row in 0..rows {
            let unusual = row % UNUSUAL_EVERY == UNUSUAL_EVERY - 1;
            labels.push(f32::from(u8::from(unusual)));
            for column in 0..columns {
                let scale = 10_f32.powi(i32::try_from(column % 4).unwrap_or(0) - 1);
                let step = if unusual && column % 2 == 0 { 4.0 } else { 0.0 };
                let angle = row as f32 * (0.1 + 0.07 * (column % 8) as f32);
                values.push(scale * (5.0 + angle.sin() + step + noise.next()));
            }
        }
        Self {
            columns,
            values,
            labels,
        }
    }

    /// Changes every value; `change` gets row, column and value.
    pub(super) fn with(mut self, change: impl Fn(usize, usize, f32) -> f32) -> Self {
        let columns = self.columns.max(1);
        for (at, value) in self.values.iter_mut().enumerate() {
            *value = change(at / columns, at % columns, *value);
        }
        self
    }

    /// Returns rows in which no column changes, as from a stuck sensor.
    pub(super) fn constant(columns: usize, rows: usize) -> Self {
        Self::waves(columns, rows, 1).with(|_, column, _| 3.5 * (column as f32 + 1.0))
    }

    pub(super) fn count(&self) -> usize {
        self.labels.len()
    }

    /// Returns up to `count` rows from row `from` on, without labels.
    pub(super) fn part(&self, from: usize, count: usize) -> Batch {
        let end = (from + count).min(self.count());
        let values = self
            .values
            .get(from * self.columns..end * self.columns)
            .unwrap_or_default()
            .to_vec();
        batch(self.columns, values, None)
    }

    pub(super) fn all(&self) -> Batch {
        self.part(0, self.count())
    }

    pub(super) fn labelled(&self) -> Batch {
        batch(self.columns, self.values.clone(), Some(self.labels.clone()))
    }
}

/// Builds a batch. It cannot fail: lengths agree, and no value is infinite.
fn batch(columns: usize, values: Vec<f32>, labels: Option<Vec<f32>>) -> Batch {
    let rows = values.len() / columns.max(1);
    Batch::new(rows, columns, values, labels).unwrap_or_else(|_| Batch::empty(columns))
}

/// A linear congruential generator; its upper bits are good enough as noise.
struct Noise(u64);

impl Noise {
    /// Returns a number from -0.5 to 0.5.
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        f32::from(u16::try_from(self.0 >> 48).unwrap_or(0)) / 65_536.0 - 0.5
    }
}
