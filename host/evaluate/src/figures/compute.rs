//! The passes over rows that make figures of them.

use std::io;

use fedhost_domain::metrics::{
    Bins, BlockPlan, Bootstrap, LEVELS, Nab, NabSweep, QuantileLevel, Quantiles, REPLICATES, Sweep,
    Swept,
};

use super::book::{Error, ScoreBook};
use super::judge::Judge;
use super::ranked::RankedRow;
use super::sorter::Sorter;
use super::walk::Step;
use super::{Figures, Threshold};

/// Rows between two looks at whether to continue.
const ROWS_A_LOOK: usize = 1 << 16;

/// What is asked of a score book.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// From which score on a row is flagged.
    pub threshold: Threshold,
    /// Scores are means over this number of rows of their series; 0 and 1 leave them as they are.
    pub smooth_rows: u32,
    /// Whether the order of the rows is time: without it there is no delay, no NAB score and no
    /// smoothing.
    pub is_time: bool,
    /// Of the draws for confidence intervals.
    pub seed: u64,
    /// Asked now and then; `false` ends the work.
    pub go_on: &'a dyn Fn() -> bool,
}

impl ScoreBook {
    /// The figures of all rows. Takes five passes over them; call it where blocking is allowed.
    ///
    /// # Errors
    /// The request does not fit the rows, rows cannot be kept or read, or the caller did not want
    /// to continue.
    pub fn figures(&self, request: &Request<'_>) -> Result<Figures, Error> {
        if request.is_time && !self.is_together() {
            return Err(Error::Apart);
        }
        if !request.is_time && request.smooth_rows > 1 {
            return Err(Error::Shuffled {
                rows: request.smooth_rows,
            });
        }
        Passes {
            book: self,
            request,
            plan: self.plan(),
        }
        .figures()
    }

    fn plan(&self) -> BlockPlan {
        let mut series: Vec<_> = self
            .series
            .values()
            .map(|series| (series.place, series.rows))
            .collect();
        series.sort_unstable();
        BlockPlan::new(&series.into_iter().map(|(_, rows)| rows).collect::<Vec<_>>())
    }
}

/// All passes over the rows of a book.
pub(super) struct Passes<'a> {
    pub(super) book: &'a ScoreBook,
    request: &'a Request<'a>,
    plan: BlockPlan,
}

/// What the sweep in the order of scores found.
struct Found {
    swept: Option<Swept>,
    nab: Option<Nab>,
    bootstrap: Bootstrap,
}

/// Quantiles of the training scores; `None` without any.
struct Training {
    levels: Vec<(QuantileLevel, f32)>,
    threshold: Option<f32>,
}

impl Passes<'_> {
    fn figures(&self) -> Result<Figures, Error> {
        let training = self.training()?;
        let found = self.sweep(self.sorted()?)?;
        let threshold = match self.request.threshold {
            Threshold::Quantile(_) => training.threshold,
            Threshold::Value(value) => Some(value),
            Threshold::BestF1 => found.swept.as_ref().map(|swept| swept.best_f1.threshold),
        };
        self.judge(threshold, training, found)
    }

    fn training(&self) -> Result<Training, Error> {
        let mut sorter = Sorter::new(self.book.in_memory);
        for score in self.watched(self.book.training_scores(self.request.smooth_rows)) {
            sorter.push(score?)?;
        }
        let mut levels: Vec<f64> = LEVELS.iter().map(|level| level.quantile).collect();
        levels.extend(if let Threshold::Quantile(level) = self.request.threshold {
            Some(level)
        } else {
            None
        });
        let mut quantiles = Quantiles::new(&levels, self.book.training.len());
        for score in self.watched(sorter.finish()?) {
            quantiles.add(score?);
        }
        let found = quantiles.finish();
        let threshold = found.get(LEVELS.len()).copied().flatten();
        let levels = LEVELS
            .into_iter()
            .zip(found)
            .filter_map(|(level, found)| Some((level, found?)))
            .collect();
        Ok(Training { levels, threshold })
    }

    /// All scored rows, the highest scores first.
    fn sorted(&self) -> Result<impl Iterator<Item = io::Result<RankedRow>>, Error> {
        let mut sorter = Sorter::new(self.book.in_memory);
        if self.request.is_time {
            self.rank_in_time(|row| sorter.push(row))?;
        } else {
            for step in self.steps() {
                let step = step?;
                sorter.push(self.rank(&step))?;
            }
        }
        Ok(sorter.finish()?)
    }

    fn sweep(&self, sorted: impl Iterator<Item = io::Result<RankedRow>>) -> Result<Found, Error> {
        let (rows, anomalous) = (self.book.rows(), self.book.anomalous);
        let (mut sweep, mut nab) = (Sweep::new(rows - anomalous, anomalous), NabSweep::default());
        let (mut bins, mut bootstrap) = (Bins::new(rows), Bootstrap::new(&self.plan));
        for row in self.watched(sorted) {
            let row = row?;
            let RankedRow {
                score,
                anomalous,
                block,
                ..
            } = row;
            sweep.add(score, anomalous)?;
            nab.add(score, anomalous, row.effect());
            bootstrap.add_score(block, bins.next(score), anomalous);
        }
        Ok(Found {
            swept: sweep.finish()?,
            nab: nab.finish(),
            bootstrap,
        })
    }

    /// The last pass, and all together.
    fn judge(
        &self,
        threshold: Option<f32>,
        training: Training,
        found: Found,
    ) -> Result<Figures, Error> {
        let Found {
            swept,
            nab,
            mut bootstrap,
        } = found;
        let mut judge = Judge::new(threshold, training.levels, self.request.is_time);
        for step in self.steps() {
            let step = step?;
            if let Some(flagged) = judge.add(&step) {
                bootstrap.add_outcome(self.rank(&step).block, flagged, step.row.label);
            }
        }
        let figures = Figures {
            rows: self.book.rows(),
            anomalous_rows: self.book.anomalous,
            roc_auc: swept.as_ref().map(|swept| swept.roc_auc),
            average_precision: swept.as_ref().map(|swept| swept.average_precision),
            threshold,
            threshold_from: self.request.threshold.taken_from(),
            nab,
            intervals: bootstrap.intervals(REPLICATES, self.request.seed, swept.as_ref()),
            curves: swept.map(|swept| swept.curves),
            ..judge.figures()
        };
        Ok(figures)
    }

    pub(super) fn steps(&self) -> impl Iterator<Item = Result<Step, Error>> {
        self.watched(self.book.steps(self.request.smooth_rows))
    }

    /// Ends with an error when the caller does not want to continue.
    fn watched<T>(
        &self,
        rows: impl Iterator<Item = io::Result<T>>,
    ) -> impl Iterator<Item = Result<T, Error>> {
        rows.enumerate().map(|(number, row)| {
            if number % ROWS_A_LOOK == 0 && !(self.request.go_on)() {
                return Err(Error::Interrupted);
            }
            Ok(row?)
        })
    }

    pub(super) fn rank(&self, step: &Step) -> RankedRow {
        let series = self
            .book
            .series
            .get(&step.row.series)
            .map_or(0, |series| series.place);
        RankedRow::new(
            step.row.score,
            step.row.label,
            self.plan.block(series, step.place),
        )
    }
}
