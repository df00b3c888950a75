//! Scored rows, kept until their figures are asked for.

use std::collections::HashMap;
use std::io;

use fedhost_domain::metrics::{SweepError, Trace, TraceBuilder};

use super::tape::{Record, Tape};
use super::walk::{Step, Walk};

/// Why there are no figures.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum Error {
    /// A score has no place in the order.
    #[error("the score of row {row} of series {series} is {score}, not a finite number")]
    #[diagnostic(help("fix the plug-in; every row needs a finite score"))]
    NotFinite {
        /// Of the row.
        series: u32,
        /// Counted from the first scored row of the series.
        row: u64,
        /// What was found.
        score: f32,
    },
    /// Rows of a series lie apart, so they cannot be in time order.
    #[error("rows of a series lie apart, and are to be judged in time order")]
    #[diagnostic(help("score one series after the other, or judge rows without regard to time"))]
    Apart,
    /// There is no row before a row.
    #[error("scores of shuffled rows cannot be smoothed over {rows} rows")]
    #[diagnostic(help("leave out --smooth, or take a protocol that keeps rows in time order"))]
    Shuffled {
        /// As asked for.
        rows: u32,
    },
    /// Scores could not be kept.
    #[error("scores cannot be kept in a temporary file: {0}")]
    #[diagnostic(help(
        "make room in the directory for temporary files, or name another one in TMPDIR"
    ))]
    Storage(#[from] io::Error),
    /// The caller asked to stop.
    #[error("the figures were not finished")]
    #[diagnostic(help("run the command again to have them"))]
    Interrupted,
    /// The sorted rows are not those that were scored.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Sweep(#[from] SweepError),
}

/// A scored row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowScore {
    /// The series that it is of.
    pub series: u32,
    /// Whether it is anomalous.
    pub label: bool,
    /// Its score; smoothed, if that was asked for.
    pub score: f32,
}

/// Rows of one plug-in, in the order in which they were scored.
///
/// Rows of one series come together and in time order, except where rows are shuffled. Memory does
/// not grow with rows, only with series.
#[derive(Debug)]
pub struct ScoreBook {
    pub(super) scored: Tape<RowScore>,
    pub(super) training: Tape<TrainingRow>,
    pub(super) series: HashMap<u32, Series>,
    pub(super) unscored: HashMap<u32, u64>,
    /// The series of the newest row, and how often it changed.
    newest: Option<u32>,
    changes: usize,
    pub(super) anomalous: u64,
    /// The least and the greatest training score.
    training_range: Option<(f32, f32)>,
    pub(super) in_memory: usize,
}

/// Scored rows of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Series {
    /// The place of the series among all, by their first rows.
    pub(super) place: usize,
    pub(super) rows: u64,
}

impl ScoreBook {
    /// A good number of rows to hold in memory: at most 12 bytes each, and 16 more while figures
    /// are computed.
    pub const IN_MEMORY: usize = 1 << 20;

    /// Without rows. Beyond `in_memory` scored rows, and as many training rows, rows are kept in
    /// temporary files without a name.
    #[must_use]
    pub fn new(in_memory: usize) -> Self {
        Self {
            scored: Tape::new(in_memory),
            training: Tape::new(in_memory),
            series: HashMap::new(),
            unscored: HashMap::new(),
            newest: None,
            changes: 0,
            anomalous: 0,
            training_range: None,
            in_memory,
        }
    }

    /// Takes the next scored row.
    ///
    /// # Errors
    /// The score is not finite, or cannot be kept.
    pub fn push(&mut self, row: RowScore) -> Result<(), Error> {
        let place = self.series.len();
        let series = self
            .series
            .entry(row.series)
            .or_insert(Series { place, rows: 0 });
        if !row.score.is_finite() {
            return Err(Error::NotFinite {
                series: row.series,
                row: series.rows,
                score: row.score,
            });
        }
        series.rows += 1;
        self.changes += usize::from(self.newest.replace(row.series) != Some(row.series));
        self.anomalous += u64::from(row.label);
        self.scored.push(row)?;
        Ok(())
    }

    /// Takes the score of the next training row, for thresholds and calibration.
    ///
    /// # Errors
    /// The score is not finite, or cannot be kept.
    pub fn push_training(&mut self, series: u32, score: f32) -> Result<(), Error> {
        if !score.is_finite() {
            return Err(Error::NotFinite {
                series,
                row: self.training.len(),
                score,
            });
        }
        let (least, greatest) = self.training_range.unwrap_or((score, score));
        self.training_range = Some((least.min(score), greatest.max(score)));
        self.training.push(TrainingRow { series, score })?;
        Ok(())
    }

    /// The score of all training rows, if there are several and all have the same.
    #[must_use]
    #[expect(
        clippy::float_cmp,
        reason = "the question is whether they are the same"
    )]
    pub fn constant_training_score(&self) -> Option<f32> {
        let (least, greatest) = self.training_range?;
        (self.training.len() > 1 && least == greatest).then_some(least)
    }

    /// Tells how many rows of a series come before its first scored one, because a detector was
    /// trained on them. They count towards NAB's probationary part.
    pub fn leave_out(&mut self, series: u32, rows: u64) {
        self.unscored.insert(series, rows);
    }

    /// Rows of a series that come before its first scored one.
    #[must_use]
    pub fn rows_before(&self, series: u32) -> u64 {
        self.unscored.get(&series).copied().unwrap_or(0)
    }

    /// Scored rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.scored.len()
    }

    /// All scored rows again, in their order. Scores are smoothed over the last `smooth_rows` rows
    /// of their series; 0 and 1 leave them as they are.
    pub fn iter(&self, smooth_rows: u32) -> impl Iterator<Item = Result<RowScore, Error>> {
        self.steps(smooth_rows).map(|step| Ok(step?.row))
    }

    /// Each of `series` in at most `points` points, smoothed as by [`iter`](Self::iter); one pass
    /// for all.
    ///
    /// # Errors
    /// Rows cannot be read.
    pub fn traces(
        &self,
        smooth_rows: u32,
        series: &[u32],
        points: u32,
    ) -> Result<Vec<Trace>, Error> {
        let rows = |number| {
            self.series
                .get(number)
                .map_or(0, |series: &Series| series.rows)
        };
        let mut builders: Vec<_> = series
            .iter()
            .map(|number| TraceBuilder::new(rows(number), points))
            .collect();
        for row in self.iter(smooth_rows) {
            let row = row?;
            let wanted = series
                .iter()
                .zip(&mut builders)
                .filter(|(number, _)| **number == row.series);
            wanted.for_each(|(_, builder)| builder.push(row.score, row.label));
        }
        Ok(builders.into_iter().map(TraceBuilder::finish).collect())
    }

    /// Whether the rows of every series come together.
    pub(super) fn is_together(&self) -> bool {
        self.changes <= self.series.len()
    }

    /// As [`iter`](Self::iter), with each row's place in its series.
    pub(super) fn steps(&self, smooth_rows: u32) -> impl Iterator<Item = io::Result<Step>> {
        let mut walk = Walk::new(smooth_rows);
        self.scored.iter().map(move |row| Ok(walk.step(row?)))
    }

    /// The scores of all training rows, smoothed likewise.
    pub(super) fn training_scores(
        &self,
        smooth_rows: u32,
    ) -> impl Iterator<Item = io::Result<f32>> {
        let mut walk = Walk::new(smooth_rows);
        self.training.iter().map(move |row| {
            let TrainingRow { series, score } = row?;
            Ok(walk
                .step(RowScore {
                    series,
                    label: false,
                    score,
                })
                .row
                .score)
        })
    }
}

/// A training row as it is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct TrainingRow {
    series: u32,
    score: f32,
}

impl Record for RowScore {
    type Bytes = [u8; 9];

    fn encode(&self) -> [u8; 9] {
        let mut bytes = [u8::from(self.label); 9];
        let (series, score) = (self.series.to_le_bytes(), self.score.to_le_bytes());
        bytes
            .iter_mut()
            .zip(series.into_iter().chain(score))
            .for_each(|(to, byte)| *to = byte);
        bytes
    }

    fn decode(&[a, b, c, d, e, f, g, h, label]: &[u8; 9]) -> Self {
        Self {
            series: u32::from_le_bytes([a, b, c, d]),
            label: label == 1,
            score: f32::from_le_bytes([e, f, g, h]),
        }
    }
}

impl Record for TrainingRow {
    type Bytes = [u8; 8];

    fn encode(&self) -> [u8; 8] {
        (u64::from(self.series) << 32 | u64::from(self.score.to_bits())).to_le_bytes()
    }

    fn decode(bytes: &[u8; 8]) -> Self {
        let bits = u64::from_le_bytes(*bytes);
        Self {
            series: (bits >> 32) as u32,
            score: f32::from_bits(bits as u32),
        }
    }
}
