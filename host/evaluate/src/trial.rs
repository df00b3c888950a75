//! One plug-in under one seed: trained and judged as the protocol says, in sandboxes of its own.

use std::ops::ControlFlow;

use fedhost_domain::model::Weights;
use fedhost_domain::protocol::PlanError;
use tokio_util::sync::CancellationToken;

use super::cost::{Cost, charge};
use super::feed::{Afterwards, Feed, Prepared};
use super::figures::{self, RowScore, ScoreBook};
use super::learner::Learner;
use super::notes::Notes;
use super::schedule::{Life, Part, Schedule};
use super::subject::{Opener, Subject};
use super::waiting::Waiting;
use super::{Options, Step};
use fedhost_dataset::{Corpus, DatasetError};
use fedhost_plugin::{Batch, BatchError, CallError, Detector, Trainer};

/// Why a trial has no result.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub(super) enum Stop {
    /// The plug-in is to blame, or its preprocessor.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Call(#[from] CallError),
    /// The rows cannot be read again.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Data(#[from] DatasetError),
    /// The rows cannot be divided.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Plan(#[from] PlanError),
    /// The rows cannot be handed over.
    #[error("the rows are no batch: {0}")]
    Batch(#[from] BatchError),
    /// There are no figures of the scores.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Scores(#[from] figures::Error),
    /// The evaluation is to stop.
    #[error("interrupted")]
    Interrupted,
}

/// Everything a trial needs.
#[derive(Clone, Copy)]
pub(super) struct Trial<'a> {
    pub(super) corpus: &'a Corpus,
    pub(super) schedule: &'a Schedule,
    pub(super) subject: &'a Subject,
    pub(super) preprocess: Option<&'a Subject>,
    pub(super) options: &'a Options,
    pub(super) seed: u64,
    pub(super) notes: &'a Notes,
    pub(super) cancel: &'a CancellationToken,
    pub(super) watch: &'a dyn Fn(Step) -> ControlFlow<()>,
}

/// What a trial has found out.
pub(super) struct Found {
    /// Scores of the rows to score, and of normal rows to train on, from which a threshold is set.
    pub(super) book: ScoreBook,
    /// Whether it was given labels to train with.
    pub(super) labelled: bool,
    /// Whether a training was asked to stop because its time was nearly up.
    pub(super) cut_short: bool,
    /// What the first model's detectors started from.
    pub(super) first_start: Start,
}

/// What a detector starts from.
pub(super) type Start = Option<Weights>;

impl<'a> Trial<'a> {
    /// Runs it; whatever comes of it, what it has cost is in `cost`.
    pub(super) fn run(&self, cost: &mut Cost) -> Result<Found, Stop> {
        let mut feed = self.feed()?;
        let outcome = self.lives(&mut feed, cost);
        cost.prepare = feed.cost;
        outcome
    }

    /// Rows as this trial's plug-in gets them.
    pub(super) fn feed(&self) -> Result<Feed<'a>, Stop> {
        Feed::new(
            self.corpus,
            self.preprocess.map(|subject| self.opener(subject)),
            self.options.rows_per_call,
        )
    }

    fn opener(&self, subject: &'a Subject) -> Opener<'a> {
        Opener {
            subject,
            seed: self.seed,
            notes: self.notes,
            cancel: self.cancel,
        }
    }

    fn lives(&self, feed: &mut Feed<'_>, cost: &mut Cost) -> Result<Found, Stop> {
        let mut warming = Cost::default();
        if let Err(stop) = self.warm_up(feed, &mut warming) {
            // Nothing else is known of it.
            *cost = warming;
            return Err(stop);
        }
        feed.cost = Default::default();
        let mut learner = Learner::new(
            self.options,
            self.subject.plugin.limits(),
            self.corpus.is_labelled(),
        );
        let mut book = ScoreBook::new(ScoreBook::IN_MEMORY);
        let mut first_start = None;
        for life in &self.schedule.lives {
            let start = match self.schedule.delay_rows {
                Some(delay_rows) => {
                    self.prequential(life, delay_rows, feed, &mut learner, cost, &mut book)?
                }
                None => {
                    let start = self.train(life, feed, &mut learner, cost, &mut book)?;
                    self.score(life, feed, &start, cost, &mut book)?;
                    start
                }
            };
            first_start = first_start.or(start);
        }
        Ok(Found {
            book,
            labelled: learner.gives_labels(),
            cut_short: learner.was_cut_short(),
            first_start,
        })
    }

    /// Learns from the rows to train on, and takes down the scores of the normal ones.
    pub(super) fn train(
        &self,
        life: &Life,
        feed: &mut Feed<'_>,
        learner: &mut Learner,
        cost: &mut Cost,
        book: &mut ScoreBook,
    ) -> Result<Start, Stop> {
        if !self.subject.plugin.abilities().training {
            return self.watch_training_rows(life, feed, cost, book);
        }
        let mut trainer = self.open_trainer(feed, cost)?;
        learner.fit(&mut trainer, life, feed, cost, &mut |rows| {
            self.go_on(Step::Fit { rows })
        })?;
        let model = charge(&mut cost.other, &mut trainer, Trainer::save)?;
        for part in &life.train {
            let mut detector = self.open_detector(feed, cost)?;
            charge(&mut cost.other, &mut detector, |it| it.load(&model))?;
            let columns = feed.columns().len();
            feed.training(part, afterwards(life, part), &mut |prepared| {
                let labels = prepared.labels.clone();
                let batch = unlabelled(prepared, columns)?;
                let scores = charge(&mut cost.other, &mut detector, |it| it.score(&batch))?;
                note_training(book, part, &labels, &scores)?;
                self.go_on(Step::Other)
            })?;
        }
        Ok(Some(model))
    }

    /// A detector that learns as it goes sees the rows to train on first, all in one instance.
    fn watch_training_rows(
        &self,
        life: &Life,
        feed: &mut Feed<'_>,
        cost: &mut Cost,
        book: &mut ScoreBook,
    ) -> Result<Start, Stop> {
        if life.train.is_empty() {
            return Ok(None);
        }
        let mut detector = self.open_detector(feed, cost)?;
        let columns = feed.columns().len();
        for part in &life.train {
            feed.training(part, afterwards(life, part), &mut |prepared| {
                let labels = prepared.labels.clone();
                let rows = prepared.rows as u64;
                let batch = unlabelled(prepared, columns)?;
                let scores = charge(&mut cost.fit, &mut detector, |it| it.score(&batch))?;
                note_training(book, part, &labels, &scores)?;
                self.go_on(Step::Fit { rows })
            })?;
        }
        Ok(Some(charge(
            &mut cost.other,
            &mut detector,
            Detector::save,
        )?))
    }

    fn score(
        &self,
        life: &Life,
        feed: &mut Feed<'_>,
        start: &Start,
        cost: &mut Cost,
        book: &mut ScoreBook,
    ) -> Result<(), Stop> {
        for part in &life.score {
            book.leave_out(part.series(), part.rows_before());
            let mut detector = self.ready_detector(feed, start, cost)?;
            let (series, columns) = (part.series(), feed.columns().len());
            feed.scoring(part, &mut |prepared| {
                let labels = prepared.labels.clone();
                let batch = unlabelled(prepared, columns)?;
                let scores = charge(&mut cost.score, &mut detector, |it| it.score(&batch))?;
                note(book, series, &labels, &scores)?;
                self.go_on(Step::Score {
                    rows: labels.len() as u64,
                })
            })?;
        }
        Ok(())
    }

    /// Scores each block with what is known by then, and learns from the rows whose labels have
    /// come in meanwhile. Returns the model in the end, if there is one.
    fn prequential(
        &self,
        life: &Life,
        delay_rows: u64,
        feed: &mut Feed<'_>,
        learner: &mut Learner,
        cost: &mut Cost,
        book: &mut ScoreBook,
    ) -> Result<Start, Stop> {
        let columns = feed.columns().len();
        let mut trainer = self
            .subject
            .plugin
            .abilities()
            .training
            .then(|| self.open_trainer(feed, cost))
            .transpose()?;
        for part in &life.score {
            let mut start = trainer
                .as_mut()
                .map(|it| charge(&mut cost.other, it, Trainer::save))
                .transpose()?;
            let mut detector = self.ready_detector(feed, &start, cost)?;
            let mut waiting = Waiting::new(columns, delay_rows);
            feed.scoring(part, &mut |prepared| {
                if let Some(model) = start.take() {
                    charge(&mut cost.other, &mut detector, |it| it.load(&model))?;
                }
                let labels = prepared.labels.clone();
                let kept = trainer.is_some().then(|| prepared.values.clone());
                let batch = unlabelled(prepared, columns)?;
                let scores = charge(&mut cost.score, &mut detector, |it| it.score(&batch))?;
                note(book, part.series(), &labels, &scores)?;
                if let (Some(trainer), Some(values)) = (trainer.as_mut(), kept) {
                    waiting.push(values, &labels);
                    if let Some(known) = waiting.known() {
                        learner.learn(trainer, known, columns, 1, cost)?;
                        start = Some(charge(&mut cost.other, trainer, Trainer::save)?);
                    }
                }
                self.go_on(Step::Score {
                    rows: labels.len() as u64,
                })
            })?;
        }
        Ok(trainer.as_mut().map(Trainer::save).transpose()?)
    }

    /// An untrained model. Its cost is not counted.
    pub(super) fn fresh_trainer(&self, feed: &Feed<'_>) -> Result<Trainer, Stop> {
        self.open_trainer(feed, &mut Cost::default())
    }

    /// Calls everything once with the first rows, so that the first touch of code and memory is not
    /// part of the cost.
    fn warm_up(&self, feed: &mut Feed<'_>, cost: &mut Cost) -> Result<(), Stop> {
        const ROWS: u64 = 200;
        let Some(life) = self.schedule.lives.first() else {
            return Ok(());
        };
        let head = |parts: &[Part]| {
            parts
                .first()
                .map(|part| part.head(ROWS))
                .into_iter()
                .collect()
        };
        let life = Life {
            train: head(&life.train),
            score: head(&life.score),
        };
        let mut book = ScoreBook::new(ScoreBook::IN_MEMORY);
        let options = Options {
            epochs: 1,
            ..self.options.clone()
        };
        let mut learner = Learner::new(
            &options,
            self.subject.plugin.limits(),
            self.corpus.is_labelled(),
        );
        let unseen = Trial {
            watch: &|_| ControlFlow::Continue(()),
            ..*self
        };
        let start = unseen.train(&life, feed, &mut learner, cost, &mut book)?;
        unseen.score(&life, feed, &start, cost, &mut book)
    }

    fn open_trainer(&self, feed: &Feed<'_>, cost: &mut Cost) -> Result<Trainer, Stop> {
        Ok(self
            .opener(self.subject)
            .trainer(feed.columns(), &mut cost.other)?)
    }

    fn open_detector(&self, feed: &Feed<'_>, cost: &mut Cost) -> Result<Detector, Stop> {
        Ok(self
            .opener(self.subject)
            .detector(feed.columns(), &mut cost.other)?)
    }

    pub(super) fn ready_detector(
        &self,
        feed: &Feed<'_>,
        start: &Start,
        cost: &mut Cost,
    ) -> Result<Detector, Stop> {
        let mut detector = self.open_detector(feed, cost)?;
        if let Some(state) = start {
            charge(&mut cost.other, &mut detector, |it| it.load(state))?;
        }
        Ok(detector)
    }

    fn go_on(&self, step: Step) -> Result<(), Stop> {
        match (self.watch)(step) {
            ControlFlow::Continue(()) if !self.cancel.is_cancelled() => Ok(()),
            _ => Err(Stop::Interrupted),
        }
    }
}

fn afterwards(life: &Life, part: &Part) -> Afterwards {
    let follows = life
        .score
        .iter()
        .any(|scored| scored.source() == part.source());
    if follows {
        Afterwards::Remember
    } else {
        Afterwards::Forget
    }
}

fn unlabelled(prepared: Prepared, columns: usize) -> Result<Batch, BatchError> {
    Batch::new(prepared.rows, columns, prepared.values, None)
}

fn note(book: &mut ScoreBook, series: u32, labels: &[bool], scores: &[f32]) -> Result<(), Stop> {
    for (&anomalous, &score) in labels.iter().zip(scores) {
        book.push(RowScore {
            series,
            label: anomalous,
            score,
        })?;
    }
    Ok(())
}

/// Of normal rows alone: a threshold says what is unusual for them.
fn note_training(
    book: &mut ScoreBook,
    part: &Part,
    labels: &[bool],
    scores: &[f32],
) -> Result<(), Stop> {
    for (_, &score) in labels
        .iter()
        .zip(scores)
        .filter(|(anomalous, _)| !**anomalous)
    {
        book.push_training(part.series(), score)?;
    }
    Ok(())
}
