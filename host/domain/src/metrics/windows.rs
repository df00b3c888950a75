//! Windows: maximal runs of anomalous rows within one series.

/// Measures the lengths of windows, from the labels of one series in time order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowLengths {
    /// Rows of the window that has begun.
    rows: u64,
}

impl WindowLengths {
    /// Adds the next row's label. Returns the length of the window that it ends, if any.
    pub fn push(&mut self, anomalous: bool) -> Option<u64> {
        if anomalous {
            self.rows = self.rows.saturating_add(1);
            return None;
        }
        self.end_series()
    }

    /// Ends the series. Returns the length of the window that ends with it, if any. The next row
    /// begins another series.
    pub fn end_series(&mut self) -> Option<u64> {
        Some(std::mem::take(&mut self.rows)).filter(|&rows| rows > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_end_with_a_normal_row_or_the_series() {
        let mut lengths = WindowLengths::default();
        let ended: Vec<_> = [true, true, false, false, true]
            .map(|anomalous| lengths.push(anomalous))
            .into();
        assert_eq!(ended, [None, None, Some(2), None, None]);
        assert_eq!(lengths.end_series(), Some(1));
        assert_eq!(
            lengths.end_series(),
            None,
            "nothing is open in the next series"
        );
    }
}
