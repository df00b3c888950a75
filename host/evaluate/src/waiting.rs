//! Rows whose labels are not known yet.

use super::feed::Prepared;

/// Rows in their order, given out once enough others have come after them.
pub(super) struct Waiting {
    columns: usize,
    delay_rows: usize,
    values: Vec<f32>,
    labels: Vec<bool>,
}

impl Waiting {
    pub(super) fn new(columns: usize, delay_rows: u64) -> Self {
        let delay_rows = usize::try_from(delay_rows).unwrap_or(usize::MAX);
        Self {
            columns,
            delay_rows,
            values: Vec::new(),
            labels: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, values: Vec<f32>, labels: &[bool]) {
        self.values.extend(values);
        self.labels.extend(labels);
    }

    /// The rows whose delay has passed, and that were not given out before.
    pub(super) fn known(&mut self) -> Option<Prepared> {
        let rows = self
            .labels
            .len()
            .checked_sub(self.delay_rows)
            .filter(|&rows| rows > 0)?;
        let labels = self.labels.drain(..rows).collect();
        let values = self.values.drain(..rows * self.columns).collect();
        Some(Prepared {
            rows,
            values,
            labels,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_learnt_from_once_and_no_sooner_than_its_label_is_known() {
        let mut waiting = Waiting::new(2, 3);
        let mut known = Vec::new();
        for block in [2_usize, 2, 3] {
            let first = known.len() as f32;
            waiting.push(vec![first; 2 * block], &vec![true; block]);
            known.push(waiting.known().map_or(0, |rows| rows.rows));
        }
        assert_eq!(
            known,
            [0, 1, 3],
            "of 2, 4 and 7 rows the last 3 are waiting"
        );
        assert!(waiting.known().is_none());
    }
}
