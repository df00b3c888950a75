//! Judges one plug-in after the other.

use std::collections::BTreeMap;
use std::path::PathBuf;

use fedhost_domain::protocol::PlanError;
use tokio_util::sync::CancellationToken;

use super::cost::Cost;
use super::document::{Document, PluginResult, Status};
use super::figures::{self, Figures, Request, ScoreBook, Threshold};
use super::integrity::IntegrityResult;
use super::notes::Notes;
use super::schedule::{Life, Schedule};
use super::scores::Scores;
use super::subject::{Opener, Subject};
use super::trial::{Found, Start, Stop, Trial};
use super::{EvaluateError, Options, Step, Watch, breakdown, integrity};
use fedhost_dataset::Corpus;
use fedhost_plugin::{Inspection, Limits, Refused};

/// What is to be judged.
pub struct Candidate {
    /// Its file.
    pub file: PathBuf,
    /// What it is, as far as that can be seen.
    pub inspection: Option<Inspection>,
    /// Itself, or why it is not run.
    pub subject: Result<Subject, Refused>,
}

/// Rows, and how models are judged by them.
pub struct Evaluation<'a> {
    /// The rows.
    pub corpus: &'a Corpus,
    /// How.
    pub options: &'a Options,
    /// The column of labels.
    pub label: &'a str,
    /// What stands before every model.
    pub preprocess: Option<&'a Subject>,
    /// What each plug-in may use.
    pub limits: Limits,
    /// The command that does this again.
    pub command: &'a str,
    /// Where it is done: times depend on it.
    pub machine: &'a BTreeMap<String, String>,
    /// Once cancelled, everything ends soon.
    pub cancel: &'a CancellationToken,
}

/// A plug-in's result, and its scores of the first seed.
pub(super) struct Judged {
    pub(super) result: PluginResult,
    /// In the order of the schedule; `None` when there are not all.
    pub(super) scores: Option<ScoreBook>,
}

/// Everything that has been found out.
pub struct Outcome {
    /// What is known of each plug-in.
    pub document: Document,
    /// Every score of the first seed.
    pub scores: Scores,
}

/// What one seed has come to.
pub(super) struct Attempt {
    pub(super) seed: u64,
    /// `None` when it did not come to the end.
    pub(super) figures: Option<Figures>,
    pub(super) cost: Cost,
}

impl Evaluation<'_> {
    /// Divides the rows.
    ///
    /// # Errors
    /// The protocol cannot be followed with these files.
    pub(super) fn schedule(&self, seed: u64) -> Result<Schedule, PlanError> {
        Schedule::new(self.options.protocol, self.corpus, seed)
    }

    /// Rows that one plug-in has to train on and to score, over all seeds.
    ///
    /// # Errors
    /// The protocol cannot be followed with these rows.
    pub fn rows_in_all(&self) -> Result<u64, PlanError> {
        let schedule = self.schedule(self.options.seed)?;
        Ok((schedule.training_rows() + schedule.scored_rows())
            * u64::from(self.options.repeat.max(1)))
    }

    /// Judges all candidates, one after the other so that none is in another's way, and what needs
    /// no model.
    ///
    /// # Errors
    /// The rows cannot be read, or no scores be kept. A plug-in that fails is a result, not an
    /// error.
    pub fn run(
        &self,
        candidates: &[Candidate],
        watch: Watch<'_>,
    ) -> Result<Outcome, EvaluateError> {
        let preparing = self.preparing()?;
        let mut results = Vec::with_capacity(candidates.len());
        let mut scores = Scores::default();
        for candidate in candidates {
            let Judged {
                mut result,
                scores: of_plugin,
            } = self.judge(candidate, watch);
            result.suspect(&preparing);
            scores.add(&result.card.plugin, of_plugin);
            results.push(result);
        }
        let document = self.document(results, preparing)?;
        Ok(Outcome { document, scores })
    }

    /// Whether the preprocessor passes the integrity checks. One that fails also fails every model,
    /// and is reported there.
    fn preparing(&self) -> Result<Vec<IntegrityResult>, EvaluateError> {
        let schedule = self.schedule(self.options.seed)?;
        let (Some(subject), Some(life)) = (self.preprocess, schedule.lives.first()) else {
            return Ok(Vec::new());
        };
        let notes = Notes::default();
        let opener = Opener {
            subject,
            seed: self.options.seed,
            notes: &notes,
            cancel: self.cancel,
        };
        Ok(integrity::preparing::check(self.corpus, &opener, life).unwrap_or_default())
    }

    /// One a repeat.
    pub(super) fn seeds(&self) -> impl Iterator<Item = u64> + use<> {
        let first = self.options.seed;
        (0..self.options.repeat.max(1)).map(move |repeat| first.wrapping_add(u64::from(repeat)))
    }

    /// Runs a plug-in once for each seed. Blocks. A plug-in that fails is a result, like any other.
    pub(super) fn judge(&self, candidate: &Candidate, watch: Watch<'_>) -> Judged {
        let mut judged = Judged {
            result: PluginResult::new(candidate),
            scores: None,
        };
        match &candidate.subject {
            Err(refused) => judged
                .result
                .ended(Status::Refused, refused.reason.to_string()),
            Ok(subject) => self.trials(subject, watch, &mut judged),
        }
        judged
    }

    fn trials(&self, subject: &Subject, watch: Watch<'_>, judged: &mut Judged) {
        let notes = Notes::default();
        let mut attempts = Vec::new();
        for seed in self.seeds() {
            let mut cost = Cost::default();
            let outcome = self.attempt(subject, seed, &notes, watch, &mut cost, judged);
            match outcome {
                Ok(figures) => attempts.push(Attempt {
                    seed,
                    figures: Some(figures),
                    cost,
                }),
                Err(stop) => {
                    attempts.push(Attempt {
                        seed,
                        figures: None,
                        cost,
                    });
                    judged.scores = None;
                    judged.result.stopped(&stop);
                    break;
                }
            }
        }
        judged.result.summarise(&attempts, judged.scores.is_some());
        judged.result.said = notes.said();
    }

    /// Figures of all scores of one seed; `go_on` is asked now and then.
    pub(super) fn figures(
        &self,
        book: &ScoreBook,
        threshold: Threshold,
        seed: u64,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Figures, figures::Error> {
        let Options {
            smooth_rows,
            protocol,
            ..
        } = *self.options;
        book.figures(&Request {
            threshold,
            smooth_rows,
            is_time: protocol.is_time_ordered(),
            seed,
            go_on,
        })
    }

    /// One seed; the first one also leaves its scores, and finds out whether the plug-in plays
    /// fair.
    fn attempt(
        &self,
        subject: &Subject,
        seed: u64,
        notes: &Notes,
        watch: Watch<'_>,
        cost: &mut Cost,
        judged: &mut Judged,
    ) -> Result<Figures, Stop> {
        let schedule = self.schedule(seed)?;
        let watch = |step: Step| watch(&subject.plugin.id().name, step);
        let trial = Trial {
            corpus: self.corpus,
            schedule: &schedule,
            subject,
            preprocess: self.preprocess,
            options: self.options,
            seed,
            notes,
            cancel: self.cancel,
            watch: &watch,
        };
        let Found {
            book,
            labelled,
            cut_short,
            first_start,
        } = trial.run(cost)?;
        judged.result.cut_short |= cut_short;
        let figures = self.figures(&book, self.options.threshold, seed, &|| {
            !self.cancel.is_cancelled()
        })?;
        if judged.scores.is_none() {
            judged.result.labelled = labelled;
            judged.result.constant_training_score = book.constant_training_score();
            judged.result.scored_rows = schedule.scored_rows();
            judged.result.files = breakdown::files(self, &book, figures.threshold)?;
            judged.result.traces = breakdown::traces(self, &book, &judged.result.files)?;
            judged.result.integrity =
                fairness(&trial, schedule.lives.first(), &first_start, labelled)?;
            judged.scores = Some(book);
        }
        Ok(figures)
    }
}

/// Checks on the first model's rows.
fn fairness(
    trial: &Trial<'_>,
    life: Option<&Life>,
    start: &Start,
    labelled: bool,
) -> Result<Vec<IntegrityResult>, Stop> {
    life.map_or_else(
        || Ok(Vec::new()),
        |life| integrity::check(trial, life, start, labelled),
    )
}
