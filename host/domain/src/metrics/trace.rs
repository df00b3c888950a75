//! Reduces a series to few points for a plot.

use serde::Serialize;

/// Scores of a series over time, reduced so that no peak is lost.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Trace {
    /// Scored rows of the series.
    pub rows: u64,
    /// Row, counted from the first scored row, and score: the lowest and the highest of each row
    /// range, in time order.
    pub points: Vec<(u64, f32)>,
    /// First and last row of each anomalous row range. Gaps that are too short to see are closed.
    pub anomalous: Vec<(u64, u64)>,
}

/// Takes the rows of a series in time order.
#[derive(Clone, Debug)]
pub struct TraceBuilder {
    /// Rows that are reduced to at most two points.
    stretch: u64,
    lowest: Option<(u64, f32)>,
    highest: Option<(u64, f32)>,
    trace: Trace,
}

impl TraceBuilder {
    /// A builder for a series of `rows` rows and at most `points` points (but at least two).
    #[must_use]
    pub fn new(rows: u64, points: u32) -> Self {
        let stretches = u64::from(points / 2).max(1);
        let stretch = if rows <= u64::from(points) {
            1
        } else {
            rows.div_ceil(stretches)
        };
        Self {
            stretch,
            lowest: None,
            highest: None,
            trace: Trace::default(),
        }
    }

    /// Takes the next row.
    pub fn push(&mut self, score: f32, anomalous: bool) {
        let row = self.trace.rows;
        self.trace.rows += 1;
        if self.lowest.is_none_or(|(_, lowest)| score < lowest) {
            self.lowest = Some((row, score));
        }
        if self.highest.is_none_or(|(_, highest)| score > highest) {
            self.highest = Some((row, score));
        }
        if anomalous {
            self.extend_anomalous(row);
        }
        if self.trace.rows.is_multiple_of(self.stretch) {
            self.close_stretch();
        }
    }

    /// The trace.
    #[must_use]
    pub fn finish(mut self) -> Trace {
        self.close_stretch();
        self.trace
    }

    fn extend_anomalous(&mut self, row: u64) {
        match self.trace.anomalous.last_mut() {
            Some((_, last)) if row - *last <= self.stretch => *last = row,
            _ => self.trace.anomalous.push((row, row)),
        }
    }

    fn close_stretch(&mut self) {
        let lowest = self.lowest.take();
        let highest = self.highest.take();
        let (first, second) = if lowest.map(|(row, _)| row) <= highest.map(|(row, _)| row) {
            (lowest, highest)
        } else {
            (highest, lowest)
        };
        self.trace.points.extend(first);
        if first != second {
            self.trace.points.extend(second);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(rows: &[(f32, bool)], points: u32) -> Trace {
        let mut builder = TraceBuilder::new(rows.len() as u64, points);
        rows.iter()
            .for_each(|&(score, anomalous)| builder.push(score, anomalous));
        builder.finish()
    }

    #[test]
    fn no_peak_and_no_dip_is_lost() {
        let mut rows = vec![(0.5, false); 123_457];
        (rows[77_777].0, rows[33_333].0, rows[123_456].0) = (9.0, -9.0, 0.6);
        let trace = trace(&rows, 1_000);
        assert!(
            (500..=1_000).contains(&trace.points.len()),
            "{}",
            trace.points.len()
        );
        for kept in [(77_777, 9.0), (33_333, -9.0), (123_456, 0.6)] {
            assert!(trace.points.contains(&kept), "{kept:?}");
        }
        assert!(
            trace
                .points
                .is_sorted_by(|(left, _), (right, _)| left < right)
        );
        assert_eq!(trace.rows, 123_457);
    }

    #[test]
    fn every_row_of_a_short_series_is_a_point() {
        let trace = trace(
            &[
                (1.0, false),
                (3.0, true),
                (2.0, true),
                (2.0, false),
                (1.0, true),
            ],
            1_000,
        );
        assert_eq!(
            trace.points,
            [(0, 1.0), (1, 3.0), (2, 2.0), (3, 2.0), (4, 1.0)]
        );
        assert_eq!(trace.anomalous, [(1, 2), (4, 4)]);
    }

    #[test]
    fn a_short_window_is_seen_and_many_are_few() {
        let mut rows: Vec<(f32, bool)> = (0..100_000)
            .map(|row| (0.0, row >= 50_000 && row % 2 == 0))
            .collect();
        rows[20_000].1 = true;
        assert_eq!(
            trace(&rows, 1_000).anomalous,
            [(20_000, 20_000), (50_000, 99_998)]
        );
    }

    #[test]
    fn a_series_without_rows_has_no_points() {
        assert_eq!(trace(&[], 1_000), Trace::default());
    }
}
