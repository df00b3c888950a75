//! Labelled rows as the network sees them.

use fedhost_guest::{Batch, Error, Result, Scales};

/// Largest magnitude of a standardised value: a wild reading is not to bend the whole network.
pub const CLIP: f32 = 10.0;

/// Labelled rows, standardised.
#[derive(Clone, Debug)]
pub struct Rows {
    columns: usize,
    values: Vec<f32>,
    labels: Vec<f32>,
}

impl Rows {
    /// The rows of a batch.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] when there are no rows, no labels, or a label that is neither 0 nor
    /// 1.
    pub fn new(batch: Batch, scales: &Scales) -> Result<Self> {
        let Batch {
            mut values, labels, ..
        } = batch;
        let labels = labels
            .ok_or_else(|| Error::InvalidInput("there are no labels to learn from".into()))?;
        if labels.is_empty() {
            return Err(Error::InvalidInput(
                "there are no rows to learn from".into(),
            ));
        }
        if let Some((row, label)) = labels
            .iter()
            .enumerate()
            .find(|&(_, &label)| label != 0.0 && label != 1.0)
        {
            return Err(Error::InvalidInput(format!(
                "the label of row {row} is {label}, legal: 0 or 1"
            )));
        }
        scales.apply(&mut values, CLIP);
        Ok(Self {
            columns: scales.mean().len(),
            values,
            labels,
        })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.labels.len()
    }

    /// The values and the label of a row.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<(&[f32], f32)> {
        let start = row * self.columns;
        Some((
            self.values.get(start..start + self.columns)?,
            *self.labels.get(row)?,
        ))
    }
}
