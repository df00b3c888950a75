//! Detection delay: how many rows a detector needs to notice a window of anomalous rows.

use std::collections::BTreeMap;

use serde::Serialize;

/// Detection delays at a threshold. A window is a maximal run of anomalous rows within one series.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DetectionDelay {
    /// Windows.
    pub windows: u64,
    /// Windows in which a row was flagged.
    pub detected: u64,
    /// Rows from the first row of a window to its first flagged row, 0 when the first is flagged:
    /// the mean over detected windows, `None` when there is none.
    pub mean_rows: Option<f64>,
    /// The median over detected windows; for an even number, the mean of the two middle ones.
    pub median_rows: Option<f64>,
}

/// Takes rows in time order, one series after the other.
///
/// Delays are counted by length. Each length needs rows of its own, so `n` rows have at most
/// `sqrt(2n)` different lengths.
#[derive(Clone, Debug)]
pub struct DelayMeter {
    threshold: f32,
    missed: u64,
    delays: BTreeMap<u64, u64>,
    window: Option<Window>,
}

#[derive(Clone, Copy, Debug)]
enum Window {
    /// Rows so far, none of them flagged.
    Unnoticed(u64),
    Detected,
}

impl DelayMeter {
    /// A meter that flags rows with a score of `threshold` or more.
    #[must_use]
    pub fn new(threshold: f32) -> Self {
        Self {
            threshold,
            missed: 0,
            delays: BTreeMap::new(),
            window: None,
        }
    }

    /// Adds the next row of the series.
    pub fn push(&mut self, score: f32, anomalous: bool) {
        if !anomalous {
            return self.end_series();
        }
        let window = self.window.get_or_insert(Window::Unnoticed(0));
        if let Window::Unnoticed(rows) = window {
            if score >= self.threshold {
                *self.delays.entry(*rows).or_default() += 1;
                *window = Window::Detected;
            } else {
                *rows += 1;
            }
        }
    }

    /// Ends the series and an open window.
    pub fn end_series(&mut self) {
        if let Some(Window::Unnoticed(_)) = self.window.take() {
            self.missed += 1;
        }
    }

    /// The delays; `None` when there was no window.
    #[must_use]
    pub fn finish(mut self) -> Option<DetectionDelay> {
        self.end_series();
        let detected: u64 = self.delays.values().sum();
        let windows = detected + self.missed;
        if windows == 0 {
            return None;
        }
        Some(DetectionDelay {
            windows,
            detected,
            mean_rows: self.mean(detected),
            median_rows: self.median(detected),
        })
    }

    fn mean(&self, detected: u64) -> Option<f64> {
        if detected == 0 {
            return None;
        }
        let delays = self
            .delays
            .iter()
            .map(|(&rows, &windows)| rows as f64 * windows as f64);
        Some(delays.sum::<f64>() / detected as f64)
    }

    fn median(&self, detected: u64) -> Option<f64> {
        let below = self.at(detected.checked_sub(1)? / 2)?;
        let above = self.at(detected / 2)?;
        Some((below as f64 + above as f64) / 2.0)
    }

    /// The delay at a position in ascending order, counted from 0.
    fn at(&self, place: u64) -> Option<u64> {
        let mut passed = 0;
        self.delays.iter().find_map(|(&rows, &windows)| {
            passed += windows;
            (passed > place).then_some(rows)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows written as pairs of a label, `A` or `.`, and a flag, `!` or a space.
    fn delays(series: &[&str]) -> Option<DetectionDelay> {
        let mut meter = DelayMeter::new(1.0);
        for rows in series {
            for row in rows.as_bytes().chunks_exact(2) {
                meter.push(if row[1] == b'!' { 1.0 } else { 0.0 }, row[0] == b'A');
            }
            meter.end_series();
        }
        meter.finish()
    }

    #[test]
    fn a_delay_is_counted_to_the_first_flagged_row() {
        let delay = delays(&[". A!A A!. A A A!. A ", ". . A A!A "]).unwrap();
        // The windows are noticed after 0, 2, never and 1 rows.
        let expected = DetectionDelay {
            windows: 4,
            detected: 3,
            mean_rows: Some(1.0),
            median_rows: Some(1.0),
        };
        assert_eq!(delay, expected);
    }

    #[test]
    fn a_median_of_two_lies_between_them() {
        let delay = delays(&["A A A A!. A!"]).unwrap();
        assert_eq!((delay.mean_rows, delay.median_rows), (Some(1.5), Some(1.5)));
    }

    #[test]
    fn a_window_ends_with_its_series() {
        let delay = delays(&[". A ", "A!"]).unwrap();
        assert_eq!(
            (delay.windows, delay.detected, delay.mean_rows),
            (2, 1, Some(0.0))
        );
    }

    #[test]
    fn false_alarms_detect_nothing() {
        let delay = delays(&[".!A .!"]).unwrap();
        assert_eq!(
            delay,
            DetectionDelay {
                windows: 1,
                detected: 0,
                mean_rows: None,
                median_rows: None
            }
        );
    }

    #[test]
    fn without_a_window_there_is_no_delay() {
        assert_eq!(delays(&[". .!. "]), None);
    }
}
