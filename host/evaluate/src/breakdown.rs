//! Scores file by file: figures of each, and how they went over time.

use std::collections::BTreeMap;

use fedhost_domain::metrics::{DelayMeter, Ranking};

use super::document::{FileResult, FileTrace};
use super::figures::{Error, RowScore, ScoreBook};
use super::run::Evaluation;

/// A file with more scored rows has no figures of its own: they would take too much memory.
const ROWS_MOST: usize = 4_000_000;
/// Files of which there is a picture, and points in each.
const PICTURES: usize = 6;
const POINTS: u32 = 800;

/// Figures of each file that was scored, at the threshold of all; none where rows were shuffled.
pub(super) fn files(
    evaluation: &Evaluation<'_>,
    book: &ScoreBook,
    threshold: Option<f32>,
) -> Result<Vec<FileResult>, Error> {
    let mut files = Vec::new();
    if !evaluation.options.protocol.is_time_ordered() {
        return Ok(files);
    }
    let (mut scores, mut labels, mut current) = (Vec::new(), Vec::new(), None);
    let mut finish = |series: Option<u32>, scores: &mut Vec<f32>, labels: &mut Vec<bool>| {
        if let Some(series) = series.filter(|_| scores.len() <= ROWS_MOST) {
            files.push(one(evaluation, series, scores, labels, threshold));
        }
        scores.clear();
        labels.clear();
    };
    for row in book.iter(evaluation.options.smooth_rows) {
        let RowScore {
            series,
            label,
            score,
        } = row?;
        if current.is_some_and(|current| current != series) {
            finish(current, &mut scores, &mut labels);
        }
        current = Some(series);
        if scores.len() <= ROWS_MOST {
            scores.push(score);
            labels.push(label);
        }
    }
    finish(current, &mut scores, &mut labels);
    Ok(files)
}

fn one(
    evaluation: &Evaluation<'_>,
    series: u32,
    scores: &[f32],
    labels: &[bool],
    threshold: Option<f32>,
) -> FileResult {
    let anomalous = labels.iter().filter(|&&label| label).count() as u64;
    let mut result = FileResult {
        name: name(evaluation, series),
        rows: scores.len() as u64,
        anomalous,
        figures: BTreeMap::new(),
        delay_rows: None,
    };
    if let Some(threshold) = threshold {
        result.figures.extend(rates(scores, labels, threshold));
        result.delay_rows = delay(scores, labels, threshold);
    }
    // With one class there are no further figures.
    if let Ok(ranking) = Ranking::new(scores, labels) {
        result.figures.insert("roc_auc", ranking.roc_auc());
        result
            .figures
            .insert("average_precision", ranking.average_precision());
        if let Some(confusion) = threshold.and_then(|threshold| ranking.confusion(threshold).ok()) {
            let at_threshold = [
                ("f1", confusion.f1()),
                ("precision", confusion.precision()),
                ("recall", confusion.recall()),
            ];
            result.figures.extend(at_threshold);
        }
    }
    result
}

/// False and missed alarms, where there are rows that could raise or miss one.
fn rates(
    scores: &[f32],
    labels: &[bool],
    threshold: f32,
) -> impl Iterator<Item = (&'static str, f64)> {
    let share = |class: bool, flagged: bool| {
        let of_class = || {
            scores
                .iter()
                .zip(labels)
                .filter(move |(_, label)| **label == class)
        };
        let all = of_class().count();
        let wrong = of_class()
            .filter(|(score, _)| (**score >= threshold) == flagged)
            .count();
        (all > 0).then(|| wrong as f64 / all as f64)
    };
    let rates = [("far", share(false, true)), ("mar", share(true, false))];
    rates
        .into_iter()
        .filter_map(|(name, rate)| Some((name, rate?)))
}

fn delay(scores: &[f32], labels: &[bool], threshold: f32) -> Option<f64> {
    let mut meter = DelayMeter::new(threshold);
    scores
        .iter()
        .zip(labels)
        .for_each(|(&score, &label)| meter.push(score, label));
    meter.end_series();
    meter.finish().and_then(|delay| delay.mean_rows)
}

/// The first files in which there is something to find.
pub(super) fn traces(
    evaluation: &Evaluation<'_>,
    book: &ScoreBook,
    files: &[FileResult],
) -> Result<Vec<FileTrace>, Error> {
    let by_name = |file: &FileResult| {
        evaluation
            .corpus
            .files()
            .iter()
            .position(|info| info.name == file.name)
            .and_then(|it| u32::try_from(it).ok())
    };
    let mixed = files
        .iter()
        .filter(|file| file.anomalous > 0 && file.anomalous < file.rows);
    let series: Vec<u32> = mixed.filter_map(by_name).take(PICTURES).collect();
    let traces = book.traces(evaluation.options.smooth_rows, &series, POINTS)?;
    let named = series.iter().zip(traces).map(|(&series, trace)| FileTrace {
        name: name(evaluation, series),
        first_row: book.rows_before(series),
        trace,
    });
    Ok(named.collect())
}

fn name(evaluation: &Evaluation<'_>, series: u32) -> String {
    let file = usize::try_from(series)
        .ok()
        .and_then(|file| evaluation.corpus.files().get(file));
    file.map(|file| file.name.clone()).unwrap_or_default()
}
