//! Every score, so that anyone can compute every figure again.

use std::io::Write;

use miette::{IntoDiagnostic as _, miette};

use super::figures::{self, RowScore, ScoreBook};
use super::run::Evaluation;
use super::schedule::ScoredRow;

/// Names of the columns before those of plug-ins.
pub(super) const HEADS: [&str; 3] = ["file", "row", "label"];

/// The scores of all plug-ins that came to the end, of the first seed.
#[derive(Default)]
pub struct Scores(Vec<(String, ScoreBook)>);

impl Scores {
    pub(super) fn add(&mut self, plugin: &str, book: Option<ScoreBook>) {
        self.0.extend(book.map(|book| (plugin.to_owned(), book)));
    }

    /// Writes CSV: `file,row,label`, then one column a plug-in; one line a scored row, in the order
    /// of scoring. `row` counts a file's rows from 0; scores are smoothed, if that was asked for,
    /// and written so that reading them gives the same bits.
    ///
    /// # Errors
    /// Scores cannot be read back, or lines not be written.
    pub fn write(
        &self,
        evaluation: &Evaluation<'_>,
        out: &mut dyn Write,
    ) -> Result<(), miette::Report> {
        let schedule = evaluation.schedule(evaluation.options.seed)?;
        let mut out = csv::Writer::from_writer(out);
        let head = HEADS
            .into_iter()
            .chain(self.0.iter().map(|(plugin, _)| plugin.as_str()));
        out.write_record(head).into_diagnostic()?;
        let smooth_rows = evaluation.options.smooth_rows;
        let mut books: Vec<_> = self
            .0
            .iter()
            .map(|(_, book)| book.iter(smooth_rows))
            .collect();
        let mut outcome = Ok(());
        schedule.each_scored(evaluation.corpus, |row| {
            if outcome.is_ok() {
                outcome = line(evaluation, &row, &mut books)
                    .and_then(|line| out.write_record(&line).into_diagnostic());
            }
        });
        outcome?;
        out.flush().into_diagnostic()?;
        Ok(())
    }
}

fn line(
    evaluation: &Evaluation<'_>,
    row: &ScoredRow,
    books: &mut [impl Iterator<Item = Result<RowScore, figures::Error>>],
) -> Result<csv::StringRecord, miette::Report> {
    let mut line = csv::StringRecord::new();
    line.push_field(
        evaluation
            .corpus
            .files()
            .get(row.file)
            .map_or("", |file| file.name.as_str()),
    );
    line.push_field(&row.number.to_string());
    line.push_field(if row.anomalous { "1" } else { "0" });
    for book in books {
        let scored = book
            .next()
            .ok_or_else(|| miette!("there are fewer scores than rows"))??;
        line.push_field(&scored.score.to_string());
    }
    Ok(line)
}
