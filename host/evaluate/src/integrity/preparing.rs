//! Integrity checks of a preprocessor: if it depends on later rows or on the cuts between batches,
//! so do the scores of every model.

use super::{CHECKS, IntegrityResult, ROWS, Seen, changed_rows, same};
use crate::cost::Phase;
use crate::schedule::{Block, Life};
use crate::subject::Opener;
use crate::trial::Stop;
use fedhost_dataset::Corpus;
use fedhost_plugin::Batch;

/// Runs the checks on raw rows that a model has to score.
pub(crate) fn check(
    corpus: &Corpus,
    opener: &Opener<'_>,
    life: &Life,
) -> Result<Vec<IntegrityResult>, Stop> {
    let columns = corpus.columns().len().max(1);
    let mut block = Block::default();
    if let Some(part) = life.score.iter().max_by_key(|part| part.rows()) {
        part.head(ROWS as u64)
            .blocks(corpus, ROWS)
            .next(&mut block)?;
    }
    let bench = Bench {
        corpus,
        opener,
        columns,
        values: block.values,
    };
    let runs: [(&str, Run); 3] = [
        ("repeatable", repeatable),
        ("batch-cuts", batch_cuts),
        ("later-rows", later_rows),
    ];
    let finding = |(name, run): (&str, Run)| {
        let Some(check) = CHECKS.iter().find(|check| check.name == name) else {
            return Ok(None);
        };
        let (kept, detail) = run(&bench)?;
        Ok(Some(IntegrityResult {
            check: check.name,
            promise: check.promise,
            kept,
            detail,
        }))
    };
    runs.into_iter()
        .filter_map(|run| finding(run).transpose())
        .collect()
}

type Run = fn(&Bench<'_>) -> Seen;

struct Bench<'a> {
    corpus: &'a Corpus,
    opener: &'a Opener<'a>,
    columns: usize,
    values: Vec<f32>,
}

impl Bench<'_> {
    /// What comes out of rows in batches of these lengths over and over, by an instance of their
    /// own.
    fn prepared(&self, values: &[f32], cuts: &[usize]) -> Result<Vec<f32>, Stop> {
        let mut preprocessor = self
            .opener
            .preprocessor(self.corpus.columns(), &mut Phase::default())?;
        let (mut prepared, mut rest) = (Vec::new(), values);
        for rows in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at(rest.len().min(rows * self.columns));
            let batch = Batch::new(now.len() / self.columns, self.columns, now.to_vec(), None)?;
            prepared.extend(preprocessor.transform(&batch)?.into_parts().0);
            rest = later;
        }
        Ok(prepared)
    }
}

fn repeatable(bench: &Bench<'_>) -> Seen {
    let (once, again) = (
        bench.prepared(&bench.values, &[ROWS])?,
        bench.prepared(&bench.values, &[ROWS])?,
    );
    Ok(same(
        "value",
        &once,
        &again,
        "when the same rows were prepared again",
    ))
}

fn batch_cuts(bench: &Bench<'_>) -> Seen {
    let (whole, cut) = (
        bench.prepared(&bench.values, &[ROWS])?,
        bench.prepared(&bench.values, &[1, 7, 64, 97])?,
    );
    Ok(same(
        "value",
        &whole,
        &cut,
        "when the same rows came in smaller batches",
    ))
}

fn later_rows(bench: &Bench<'_>) -> Seen {
    let half = bench.values.len() / bench.columns / 2;
    let changed = changed_rows(&bench.values, half * bench.columns);
    let (original, other) = (
        bench.prepared(&bench.values, &[ROWS])?,
        bench.prepared(&changed, &[ROWS])?,
    );
    let width = original.len() * bench.columns / bench.values.len().max(1);
    let before = |prepared: &[f32]| prepared.get(..half * width).unwrap_or_default().to_vec();
    Ok(same(
        "value",
        &before(&original),
        &before(&other),
        "when only rows after it were changed",
    ))
}
