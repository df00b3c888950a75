//! Rows in their order, each with its place in its series and its score smoothed.

use std::collections::HashMap;

use fedhost_domain::metrics::Smoother;

use super::RowScore;

/// A row on the way through all rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) row: RowScore,
    /// The place of the row among the rows of its series.
    pub(super) place: u64,
    /// Whether the row before is of another series.
    pub(super) begins: bool,
}

/// Where the way has come to.
#[derive(Debug)]
pub(super) struct Walk {
    smoother: Smoother,
    /// The series of the newest row, and its rows so far.
    newest: Option<(u32, u64)>,
    /// Rows of the series that were left.
    left: HashMap<u32, u64>,
}

impl Walk {
    pub(super) fn new(smooth_rows: u32) -> Self {
        Self {
            smoother: Smoother::new(smooth_rows),
            newest: None,
            left: HashMap::new(),
        }
    }

    /// Goes on to the next row.
    pub(super) fn step(&mut self, row: RowScore) -> Step {
        let begins = self.newest.is_none_or(|(series, _)| series != row.series);
        if begins {
            self.left.extend(self.newest);
            self.smoother.begin_series();
        }
        let place = match self.newest {
            Some((_, rows)) if !begins => rows,
            _ => self.left.get(&row.series).copied().unwrap_or_default(),
        };
        self.newest = Some((row.series, place + 1));
        Step {
            row: RowScore {
                score: self.smoother.smooth(row.score),
                ..row
            },
            place,
            begins,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_series_is_counted_and_smoothed_on_its_own() {
        let mut walk = Walk::new(2);
        let steps = [(7, 1.0), (7, 3.0), (2, 9.0), (7, 5.0)].map(|(series, score)| {
            let step = walk.step(RowScore {
                series,
                label: false,
                score,
            });
            (step.place, step.begins, step.row.score)
        });
        assert_eq!(
            steps,
            [
                (0, true, 1.0),
                (1, false, 2.0),
                (0, true, 9.0),
                (2, true, 5.0)
            ]
        );
    }
}
