//! A bounded window of labelled rows, the oldest dropped first, each with its place in the node's
//! stream.

use std::collections::VecDeque;
use std::ops::Range;

/// Rows as a plug-in takes them: row-major values and one label a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelledRows {
    /// `labels.len() * columns` values.
    pub values: Vec<f32>,
    /// 1.0 is anomalous, 0.0 is not.
    pub labels: Vec<f32>,
}

/// The newest `capacity` labelled rows. Rows are numbered from 0 in the order in which they were
/// pushed.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    columns: usize,
    capacity: usize,
    values: VecDeque<f32>,
    labels: VecDeque<f32>,
    next: u64,
}

impl Window {
    /// An empty window of rows with `columns` values each.
    #[must_use]
    pub fn new(columns: usize, capacity: usize) -> Self {
        Self {
            columns,
            capacity,
            values: VecDeque::new(),
            labels: VecDeque::new(),
            next: 0,
        }
    }

    /// A window whose oldest row has the number `first`, as [`Window::range`] said when it was
    /// taken apart. Rows over the capacity are dropped, and so are incomplete ones.
    #[must_use]
    pub fn restore(columns: usize, capacity: usize, first: u64, rows: &LabelledRows) -> Self {
        let mut window = Self {
            next: first,
            ..Self::new(columns, capacity)
        };
        for (row, &label) in rows.values.chunks_exact(columns.max(1)).zip(&rows.labels) {
            window.push(row, label >= 0.5);
        }
        window
    }

    /// Appends a row of `columns` values; a row of another length is a fault of the caller and is
    /// not taken.
    pub fn push(&mut self, row: &[f32], anomalous: bool) {
        debug_assert_eq!(row.len(), self.columns, "a row of another width");
        if row.len() != self.columns {
            return;
        }
        if self.labels.len() == self.capacity {
            self.values.drain(..self.columns);
            self.labels.pop_front();
        }
        self.values.extend(row);
        self.labels.push_back(if anomalous { 1.0 } else { 0.0 });
        self.next += 1;
    }

    /// The numbers of the rows it holds.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.next - self.labels.len() as u64..self.next
    }

    /// A copy of those rows of `wanted` that it still holds.
    #[must_use]
    pub fn copy(&self, wanted: Range<u64>) -> LabelledRows {
        let held = self.range();
        let start = wanted.start.clamp(held.start, held.end) - held.start;
        let end = wanted.end.clamp(held.start, held.end) - held.start;
        let (Ok(start), Ok(end)) = (usize::try_from(start), usize::try_from(end)) else {
            return LabelledRows::default();
        };
        let end = end.max(start);
        LabelledRows {
            values: self
                .values
                .range(start * self.columns..end * self.columns)
                .copied()
                .collect(),
            labels: self.labels.range(start..end).copied().collect(),
        }
    }

    /// A copy of all rows it holds.
    #[must_use]
    pub fn copy_all(&self) -> LabelledRows {
        self.copy(self.range())
    }

    /// Whether it holds no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window_of(capacity: usize, rows: u64) -> Window {
        let mut window = Window::new(2, capacity);
        for row in 0..rows {
            window.push(&[row as f32, -(row as f32)], row % 2 == 1);
        }
        window
    }

    #[test]
    fn the_oldest_rows_are_dropped_first() {
        let window = window_of(3, 5);
        assert_eq!(window.range(), 2..5);
        assert_eq!(
            window.copy_all(),
            LabelledRows {
                values: vec![2.0, -2.0, 3.0, -3.0, 4.0, -4.0],
                labels: vec![0.0, 1.0, 0.0]
            }
        );
    }

    #[test]
    fn a_copy_holds_what_is_wanted_and_still_there() {
        let window = window_of(3, 5);
        assert_eq!(
            window.copy(0..4),
            LabelledRows {
                values: vec![2.0, -2.0, 3.0, -3.0],
                labels: vec![0.0, 1.0]
            }
        );
        assert_eq!(window.copy(0..1), LabelledRows::default());
        assert_eq!(window.copy(7..9), LabelledRows::default());
    }

    #[test]
    fn a_restored_window_is_the_same_window() {
        let window = window_of(4, 9);
        assert_eq!(
            Window::restore(2, 4, window.range().start, &window.copy_all()),
            window
        );
    }
}
