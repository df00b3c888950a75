//! What each row does to the NAB score, found in time order.

use std::io;

use fedhost_domain::metrics::{NabSeries, WindowLengths};

use super::Error;
use super::compute::Passes;
use super::ranked::RankedRow;
use super::tape::Tape;

impl Passes<'_> {
    /// Hands over all rows with their effects.
    pub(super) fn rank_in_time(
        &self,
        mut hand_over: impl FnMut(RankedRow) -> io::Result<()>,
    ) -> Result<(), Error> {
        let windows = self.windows()?;
        let mut windows = Windows {
            lengths: windows.iter(),
            rows: 0,
            left: 0,
        };
        let mut series: Option<NabSeries<RankedRow>> = None;
        for step in self.steps() {
            let step = step?;
            if step.begins {
                let ended = series
                    .replace(self.nab_series(step.row.series))
                    .and_then(NabSeries::end);
                ended.map_or(Ok(()), |(row, effect)| hand_over(row.with(effect)))?;
            }
            let window_rows = if step.row.label {
                Some(windows.next_row()?)
            } else {
                None
            };
            let Some(series) = &mut series else { continue };
            for (row, effect) in series.push(self.rank(&step), step.row.score, window_rows) {
                hand_over(row.with(effect))?;
            }
        }
        let ended = series.and_then(NabSeries::end);
        Ok(ended.map_or(Ok(()), |(row, effect)| hand_over(row.with(effect)))?)
    }

    /// The rows of each window, in time order.
    fn windows(&self) -> Result<Tape<u64>, Error> {
        let (mut windows, mut lengths) = (Tape::new(self.book.in_memory), WindowLengths::default());
        for step in self.steps() {
            let step = step?;
            let cut = if step.begins {
                lengths.end_series()
            } else {
                None
            };
            let ended = lengths.push(step.row.label);
            cut.into_iter()
                .chain(ended)
                .try_for_each(|rows| windows.push(rows))?;
        }
        lengths
            .end_series()
            .map_or(Ok(()), |rows| windows.push(rows))?;
        Ok(windows)
    }

    fn nab_series(&self, series: u32) -> NabSeries<RankedRow> {
        let scored = self
            .book
            .series
            .get(&series)
            .map_or(0, |series| series.rows);
        let unscored = self.book.unscored.get(&series).copied().unwrap_or_default();
        NabSeries::new(scored + unscored, unscored)
    }
}

/// Sets for each anomalous row how long its window is.
struct Windows<I> {
    /// Of the windows to come.
    lengths: I,
    rows: u64,
    /// Rows of the window that are still to come.
    left: u64,
}

impl<I: Iterator<Item = io::Result<u64>>> Windows<I> {
    /// The rows of the window that the next anomalous row is in.
    fn next_row(&mut self) -> io::Result<u64> {
        if self.left == 0 {
            self.rows = self.lengths.next().transpose()?.unwrap_or_default();
            self.left = self.rows;
        }
        self.left = self.left.saturating_sub(1);
        Ok(self.rows)
    }
}
