//! Draws up the document: the rows, how they were used, and what needs no model, beside the
//! results.

use super::baseline::{Baseline, Scorer};
use super::document::{
    BaselineResult, Card, DataCard, Document, FileCard, PluginResult, RepeatedRows,
};
use super::figures::{RowScore, ScoreBook, Threshold};
use super::integrity::IntegrityResult;
use super::run::Evaluation;
use super::schedule::Schedule;
use super::{EvaluateError, figures, warnings};
use fedhost_dataset::Part;

impl Evaluation<'_> {
    pub(super) fn document(
        &self,
        results: Vec<PluginResult>,
        preprocess_integrity: Vec<IntegrityResult>,
    ) -> Result<Document, EvaluateError> {
        let schedule = self.schedule(self.options.seed)?;
        let baselines = self.baselines(&schedule)?;
        let mut scored_anomalous = 0;
        schedule.each_scored(self.corpus, |row| {
            scored_anomalous += u64::from(row.anomalous);
        });
        let mut document = Document {
            data: self.data(),
            protocol: self.options.protocol,
            seed: self.options.seed,
            repeat: self.options.repeat,
            threshold: self.options.threshold.to_string(),
            smooth_rows: self.options.smooth_rows,
            epochs: self.options.epochs,
            labels: self.options.labels,
            rows_per_call: self.options.rows_per_call,
            training_rows: schedule.training_rows(),
            scored_rows: schedule.scored_rows(),
            scored_anomalous,
            warnings: Vec::new(),
            repeated_rows: self.repeated_rows(&schedule)?,
            preprocess: self.preprocess.map(Card::of),
            preprocess_integrity,
            limits: self.limits,
            baselines,
            results,
            command: self.command.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            machine: self.machine.clone(),
        };
        document.warnings = warnings::of(&document);
        Ok(document)
    }

    fn data(&self) -> DataCard {
        let corpus = self.corpus;
        let files = corpus.files().iter().map(|file| FileCard {
            name: file.name.clone(),
            rows: file.rows,
            anomalous: file.anomalous,
            sha256: file.sha256.to_string(),
        });
        let unlabelled: u64 = corpus.files().iter().map(|file| file.unlabelled).sum();
        let labelled = corpus.rows() - unlabelled;
        DataCard {
            files: corpus.files().len(),
            rows: corpus.rows(),
            columns: corpus.columns().len(),
            anomalous: corpus.anomalous() as f64 / labelled.max(1) as f64,
            sha256: corpus.sha256().to_string(),
            column_names: corpus.columns().to_vec(),
            label: self.label.to_owned(),
            missing: corpus.missing(),
            counting: corpus.counting().to_vec(),
            merging: corpus.merging().to_vec(),
            file_list: files.collect(),
        }
    }

    /// Scored rows that are trained on as well, in another place: a model may know them by heart.
    /// Where every file has a model of its own, or rows are learnt from after they are scored, the
    /// question makes no sense.
    fn repeated_rows(&self, schedule: &Schedule) -> Result<Option<RepeatedRows>, EvaluateError> {
        if schedule.lives.len() != 1 || schedule.delay_rows.is_some() {
            return Ok(None);
        }
        let uses = schedule.uses(self.corpus);
        let found = self.corpus.repeats(|row| {
            if uses.is_trained_on(row) {
                Part::Training
            } else {
                Part::Scored
            }
        })?;
        Ok(Some(RepeatedRows {
            looked_at: found.looked_at,
            repeated: found.repeated,
        }))
    }

    /// All in one pass: baselines are not timed.
    fn baselines(&self, schedule: &Schedule) -> Result<Vec<BaselineResult>, EvaluateError> {
        std::thread::scope(|scope| {
            let one = |baseline| scope.spawn(move || self.baseline(baseline, schedule));
            let all = Baseline::ALL.map(one);
            all.into_iter()
                .map(|thread| {
                    thread
                        .join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect()
        })
    }

    fn baseline(
        &self,
        baseline: Baseline,
        schedule: &Schedule,
    ) -> Result<BaselineResult, EvaluateError> {
        let mut scorer = Scorer::new(baseline, self.options.seed);
        // This many are filled at the same time.
        let mut book = ScoreBook::new(ScoreBook::IN_MEMORY / Baseline::ALL.len());
        let mut outcome: Result<(), figures::Error> = Ok(());
        schedule.each_scored(self.corpus, |row| {
            if outcome.is_ok() {
                let score = scorer.score(&row);
                outcome = book.push(RowScore {
                    series: row.series,
                    label: row.anomalous,
                    score,
                });
            }
        });
        outcome?;
        let threshold = baseline
            .threshold()
            .map_or(Threshold::BestF1, Threshold::Value);
        // Even of an evaluation that was stopped: what came to its end is to be seen beside it.
        let figures = self.figures(&book, threshold, self.options.seed, &|| true)?;
        Ok(BaselineResult {
            name: baseline.name(),
            figures,
        })
    }
}
