//! Integrity checks: scores the same rows under other conditions, which must not change the scores.
//!
//! A score may depend on the model, on its own row and on earlier ones. It must not depend on later
//! rows, the cuts between batches, chance, the number of the row, or the last label.

pub(super) mod preparing;
mod statistics;

use fedhost_domain::protocol::Permutation;
use serde::Serialize;

use super::cost::Cost;
use super::feed::{Afterwards, Feed, Prepared};
use super::schedule::Life;
use super::trial::{Start, Stop, Trial};
use fedhost_plugin::{Batch, Trainer};
use statistics::{correlation, share_of_groups};

/// Rows that are scored again with other cuts.
const ROWS: usize = 4_096;
/// Rows that are shuffled, how long a stream of them is, and how many streams there are.
const SHUFFLED_ROWS: usize = 1_024;
const STREAM_ROWS: usize = 1_024;
const STREAMS: u64 = 8;
/// Rows at the start of a stream in which a detector that learns as it goes may still be warming
/// up.
const WARM_UP_ROWS: usize = STREAM_ROWS / 2;
/// Fewer rows are too few for the check of row numbers.
const SHUFFLED_ROWS_LEAST: usize = 64;
/// If the row's number explains more than this share of the variance, scores follow the number
/// rather than the row.
const POSITION_SHARE_MOST: f64 = 0.25;
/// Trainings on random labels, and rows of each.
const TRAININGS: usize = 24;
const ROWS_PER_TRAINING: usize = 32;
/// Agreement with the last label beyond which scores follow it; by chance alone it is reached once
/// in 10,000 times.
const LAST_LABEL_MOST: f64 = 0.7;

/// The result of one integrity check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IntegrityResult {
    /// Its name, such as `later-rows`.
    pub check: &'static str,
    /// The promise, in one line.
    pub promise: &'static str,
    /// Whether the promise was kept; `None` if it could not be checked.
    pub kept: Option<bool>,
    /// What was observed.
    pub detail: String,
}

/// Whether a promise was kept, and what was seen.
type Seen = Result<(Option<bool>, String), Stop>;

/// A promise, and the function that checks it.
struct Check {
    name: &'static str,
    promise: &'static str,
    run: fn(&Bench<'_, '_>) -> Seen,
}

const CHECKS: [Check; 5] = [
    Check {
        name: "repeatable",
        promise: "the same rows have the same scores",
        run: repeatable,
    },
    Check {
        name: "batch-cuts",
        promise: "scores do not depend on where batches are cut",
        run: batch_cuts,
    },
    Check {
        name: "later-rows",
        promise: "a score does not depend on later rows",
        run: later_rows,
    },
    Check {
        name: "row-number",
        promise: "scores follow the rows, not their numbers",
        run: row_number,
    },
    Check {
        name: "last-label",
        promise: "scores do not repeat the label seen last",
        run: last_label,
    },
];

/// Rows on which a plug-in is checked, and the state from which it starts.
struct Bench<'t, 'a> {
    trial: &'t Trial<'a>,
    feed: Feed<'a>,
    start: &'t Start,
    columns: usize,
    /// Row-major, as the plug-in gets them.
    values: Vec<f32>,
    /// Rows to shuffle: normal ones, of a kind with those that it learns from, so that a detector
    /// which adds up evidence over time finds none.
    familiar: Vec<f32>,
    /// What it scores those from: its model, or nothing when it learns as it goes.
    familiar_start: Start,
    labelled: bool,
}

/// Runs all checks on rows that a model has to score, from the model or state that it starts from.
pub(super) fn check(
    trial: &Trial<'_>,
    life: &Life,
    start: &Start,
    labelled: bool,
) -> Result<Vec<IntegrityResult>, Stop> {
    let mut feed = trial.feed()?;
    let columns = feed.columns().len();
    let values = scored_rows(&mut feed, life)?;
    let familiar = familiar_rows(&mut feed, life)?;
    let familiar_start = if trial.subject.plugin.abilities().training {
        start.clone()
    } else {
        None
    };
    let bench = Bench {
        trial,
        feed,
        start,
        columns,
        values,
        familiar,
        familiar_start,
        labelled,
    };
    let finding = |check: &Check| {
        let (kept, detail) = (check.run)(&bench)?;
        Ok(IntegrityResult {
            check: check.name,
            promise: check.promise,
            kept,
            detail,
        })
    };
    CHECKS.iter().map(finding).collect()
}

fn scored_rows(feed: &mut Feed<'_>, life: &Life) -> Result<Vec<f32>, Stop> {
    let mut values = Vec::new();
    if let Some(part) = life.score.iter().max_by_key(|part| part.rows()) {
        feed.scoring(&part.head(ROWS as u64), &mut |prepared| {
            values.extend(prepared.values);
            Ok(())
        })?;
    }
    Ok(values)
}

/// Returns normal rows to train on; if there are none, normal rows to score.
fn familiar_rows(feed: &mut Feed<'_>, life: &Life) -> Result<Vec<f32>, Stop> {
    let (mut values, columns) = (Vec::new(), feed.columns().len().max(1));
    let mut take = |prepared: Prepared| {
        let rows = prepared.values.chunks_exact(columns).zip(&prepared.labels);
        values.extend(
            rows.filter(|(_, anomalous)| !**anomalous)
                .flat_map(|(row, _)| row),
        );
        Ok(())
    };
    match (life.train.first(), life.score.first()) {
        (Some(part), _) => feed.training(&part.head(ROWS as u64), Afterwards::Forget, &mut take)?,
        (None, Some(part)) => feed.scoring(&part.head(ROWS as u64), &mut take)?,
        (None, None) => {}
    }
    Ok(values)
}

impl Bench<'_, '_> {
    /// Returns how many rows are shuffled or drawn at random.
    fn familiar_rows(&self) -> usize {
        (self.familiar.len() / self.columns.max(1)).min(SHUFFLED_ROWS)
    }

    fn familiar_row(&self, number: usize) -> &[f32] {
        self.familiar
            .get(number * self.columns..(number + 1) * self.columns)
            .unwrap_or_default()
    }

    /// Returns a stream of familiar rows: all of them in one shuffled order, then in another, and
    /// so on. It is long enough for a warm-up, even of few rows.
    fn shuffled(&self, stream: u64) -> Vec<f32> {
        let rows = self.familiar_rows();
        let seed = |round: usize| {
            self.trial
                .seed
                .wrapping_add(stream)
                .wrapping_add(STREAMS * round as u64)
        };
        let round = |round: usize| Permutation::new(rows as u64, seed(round));
        let order = (0..)
            .map(round)
            .flat_map(|order| (0..rows as u64).map(move |place| index(order.at(place))));
        order
            .take(STREAM_ROWS)
            .flat_map(|number| self.familiar_row(number))
            .copied()
            .collect()
    }

    /// Scores rows with a new instance, in batches whose lengths cycle through `cuts`.
    fn scores(&self, values: &[f32], cuts: &[usize]) -> Result<Vec<f32>, Stop> {
        self.scores_from(self.start, values, cuts)
    }

    fn scores_from(&self, start: &Start, values: &[f32], cuts: &[usize]) -> Result<Vec<f32>, Stop> {
        let mut detector = self
            .trial
            .ready_detector(&self.feed, start, &mut Cost::default())?;
        let (mut scores, mut rest) = (Vec::new(), values);
        for rows in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at(rest.len().min(rows * self.columns));
            scores.extend(detector.score(&self.batch(now, None)?)?);
            rest = later;
        }
        Ok(scores)
    }

    fn batch(&self, values: &[f32], labels: Option<Vec<f32>>) -> Result<Batch, Stop> {
        Ok(Batch::new(
            values.len() / self.columns.max(1),
            self.columns,
            values.to_vec(),
            labels,
        )?)
    }

    fn as_evaluated(&self) -> [usize; 1] {
        [self.trial.options.rows_per_call]
    }
}

fn repeatable(bench: &Bench<'_, '_>) -> Seen {
    let cuts = bench.as_evaluated();
    let (once, again) = (
        bench.scores(&bench.values, &cuts)?,
        bench.scores(&bench.values, &cuts)?,
    );
    Ok(same(
        "the score of row",
        &once,
        &again,
        "when the same rows were scored again",
    ))
}

fn batch_cuts(bench: &Bench<'_, '_>) -> Seen {
    let whole = bench.scores(&bench.values, &bench.as_evaluated())?;
    let cut = bench.scores(&bench.values, &[1, 7, 64, 97])?;
    Ok(same(
        "the score of row",
        &whole,
        &cut,
        "when the same rows came in smaller batches",
    ))
}

/// Changes the rows of the second half and their order.
fn later_rows(bench: &Bench<'_, '_>) -> Seen {
    let rows = (bench.values.len() / bench.columns.max(1)).min(bench.trial.options.rows_per_call);
    let half = rows / 2;
    let changed = changed_rows(
        bench.values.get(..rows * bench.columns).unwrap_or_default(),
        half * bench.columns,
    );
    let original = bench.scores(
        bench.values.get(..rows * bench.columns).unwrap_or_default(),
        &[rows.max(1)],
    )?;
    let other = bench.scores(&changed, &[rows.max(1)])?;
    let (original, other) = (
        original.get(..half).unwrap_or_default(),
        other.get(..half).unwrap_or_default(),
    );
    Ok(same(
        "the score of row",
        original,
        other,
        "when only rows after it were changed",
    ))
}

/// Returns the same rows up to value `from`; behind it, other values in another order.
fn changed_rows(values: &[f32], from: usize) -> Vec<f32> {
    let (before, after) = values.split_at(from.min(values.len()));
    let after = after
        .iter()
        .rev()
        .map(|value| 1.0 - 3.0 * value)
        .filter(|value| value.is_finite() || value.is_nan());
    let mut changed = before.to_vec();
    changed.extend(
        after
            .chain(std::iter::repeat(1.0))
            .take(values.len() - before.len()),
    );
    changed
}

/// Compares two runs; `what` names the values in the detail.
fn same(what: &str, scores: &[f32], again: &[f32], circumstances: &str) -> (Option<bool>, String) {
    let mut pairs = scores.iter().zip(again).enumerate();
    match pairs.find(|(_, (score, again))| score.to_bits() != again.to_bits()) {
        _ if scores.is_empty() => (None, "there are too few rows".to_owned()),
        None => (
            Some(true),
            format!("all {} were the same {circumstances}", scores.len()),
        ),
        Some((row, (score, again))) => (
            Some(false),
            format!("{what} {row} was {score} and became {again} {circumstances}"),
        ),
    }
}

/// In shuffled rows, the number of a row carries no information: a score that depends on the place,
/// not on the row, was computed from the number.
fn row_number(bench: &Bench<'_, '_>) -> Seen {
    if let Some(counting) = bench.trial.corpus.counting().first() {
        let detail = format!(
            "column {:?} counts rows, so rows say their numbers",
            counting.column
        );
        return Ok((None, detail));
    }
    if bench.familiar_rows() < SHUFFLED_ROWS_LEAST {
        return Ok((
            None,
            format!("{} rows are too few to decide", bench.familiar_rows()),
        ));
    }
    let warm_up_rows = if bench.trial.subject.plugin.abilities().training {
        0
    } else {
        WARM_UP_ROWS
    };
    let mut by_place = vec![Vec::new(); STREAM_ROWS - warm_up_rows];
    for stream in 0..STREAMS {
        let scores = bench.scores_from(
            &bench.familiar_start,
            &bench.shuffled(stream),
            &bench.as_evaluated(),
        )?;
        by_place
            .iter_mut()
            .zip(scores.iter().skip(warm_up_rows))
            .for_each(|(at_place, score)| at_place.push(*score));
    }
    let share = share_of_groups(&by_place);
    let detail = format!(
        "in shuffled rows, {:.0} % of what makes scores differ is the number of the row",
        100.0 * share
    );
    Ok((Some(share <= POSITION_SHARE_MOST), detail))
}

/// Random labels carry no information about later rows: a model whose scores follow the last label
/// has not learnt from the rows. It scores high wherever anomalies are consecutive.
fn last_label(bench: &Bench<'_, '_>) -> Seen {
    if !bench.labelled {
        return Ok((None, "it gets no labels".to_owned()));
    }
    if bench.familiar_rows() < SHUFFLED_ROWS_LEAST {
        return Ok((
            None,
            format!("{} rows are too few to decide", bench.familiar_rows()),
        ));
    }
    let mut random = RandomRows::new(bench);
    let (mut last, mut scores) = (Vec::new(), Vec::new());
    let mut trainer = bench.trial.fresh_trainer(&bench.feed)?;
    for _ in 0..TRAININGS {
        let labels: Vec<f32> = (0..ROWS_PER_TRAINING).map(|_| random.label()).collect();
        last.extend(labels.last().copied().map(f64::from));
        trainer.train(
            &bench.batch(&random.rows(ROWS_PER_TRAINING), Some(labels))?,
            1,
        )?;
        let start = Some(Trainer::save(&mut trainer)?);
        let mut detector = bench
            .trial
            .ready_detector(&bench.feed, &start, &mut Cost::default())?;
        scores.push(detector.score(&bench.batch(&random.rows(ROWS_PER_TRAINING), None)?)?);
    }
    let means: Vec<f64> = scores.iter().map(|scores| mean(scores)).collect();
    let (follows, share) = (correlation(&means, &last), share_of_groups(&scores));
    let detail = format!(
        "after trainings on random labels, the scores correlate with the last label by {follows:.2}"
    );
    Ok((
        Some(follows <= LAST_LABEL_MOST || share <= POSITION_SHARE_MOST),
        detail,
    ))
}

fn mean(scores: &[f32]) -> f64 {
    scores.iter().copied().map(f64::from).sum::<f64>() / scores.len().max(1) as f64
}

/// Draws random rows and labels from the seed.
struct RandomRows<'b, 't, 'a> {
    bench: &'b Bench<'t, 'a>,
    order: Permutation,
    coin: Permutation,
    drawn: u64,
}

impl<'b, 't, 'a> RandomRows<'b, 't, 'a> {
    const COINS: u64 = 1 << 20;

    fn new(bench: &'b Bench<'t, 'a>) -> Self {
        let seed = bench.trial.seed;
        let order = Permutation::new(bench.familiar_rows() as u64, seed);
        Self {
            bench,
            order,
            coin: Permutation::new(Self::COINS, seed),
            drawn: 0,
        }
    }

    fn label(&mut self) -> f32 {
        self.drawn += 1;
        (self.coin.at(self.drawn % Self::COINS) % 2) as f32
    }

    fn rows(&mut self, rows: usize) -> Vec<f32> {
        let mut values = Vec::with_capacity(rows * self.bench.columns);
        for _ in 0..rows {
            self.drawn += 1;
            let place = self
                .order
                .at(self.drawn % self.bench.familiar_rows() as u64);
            values.extend(self.bench.familiar_row(index(place)));
        }
        values
    }
}

fn index(place: u64) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}
