//! Rows on their way to a model: read, and prepared by the preprocessor of their source.

use std::collections::HashMap;

use fedhost_domain::model::Weights;

use super::cost::{Phase, charge};
use super::schedule::{Block, Part};
use super::subject::Opener;
use super::trial::Stop;
use fedhost_dataset::Corpus;
use fedhost_plugin::{Batch, Preprocessor};

/// Gives a model its rows. Each source has a preprocessor of its own, which continues where it
/// stopped.
pub(super) struct Feed<'a> {
    corpus: &'a Corpus,
    opener: Option<Opener<'a>>,
    columns: Vec<String>,
    /// By source: what its preprocessor knows after the rows to train on.
    states: HashMap<usize, Weights>,
    rows_per_call: usize,
    /// What preprocessing has cost.
    pub(super) cost: Phase,
}

/// Rows as a model gets them.
#[derive(Default)]
pub(super) struct Prepared {
    pub(super) rows: usize,
    /// Row-major.
    pub(super) values: Vec<f32>,
    pub(super) labels: Vec<bool>,
}

/// What becomes of a preprocessor at the end of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Afterwards {
    /// Rows of the same source will follow.
    Remember,
    Forget,
}

impl<'a> Feed<'a> {
    /// Rows of `corpus` through the preprocessor that `opener` opens, a block at a time.
    pub(super) fn new(
        corpus: &'a Corpus,
        opener: Option<Opener<'a>>,
        rows_per_call: usize,
    ) -> Result<Self, Stop> {
        let mut feed = Self {
            corpus,
            opener,
            columns: corpus.columns().to_vec(),
            states: HashMap::new(),
            rows_per_call,
            cost: Phase::default(),
        };
        if let Some(preprocessor) = feed.open()? {
            feed.columns = preprocessor.output_columns().to_vec();
        }
        Ok(feed)
    }

    /// Of the rows that a model gets.
    pub(super) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Gives the rows of a part to train on: its source is seen from the beginning.
    pub(super) fn training(
        &mut self,
        part: &Part,
        afterwards: Afterwards,
        take: &mut dyn FnMut(Prepared) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let mut preprocessor = self.open()?;
        self.through(part, &mut preprocessor, take)?;
        if let (Some(mut preprocessor), Afterwards::Remember) = (preprocessor, afterwards) {
            let state = charge(&mut self.cost, &mut preprocessor, Preprocessor::save)?;
            self.states.insert(part.source(), state);
        }
        Ok(())
    }

    /// Gives the rows of a part to score: its source continues after the rows that were remembered,
    /// if any.
    pub(super) fn scoring(
        &mut self,
        part: &Part,
        take: &mut dyn FnMut(Prepared) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let mut preprocessor = self.open()?;
        if let (Some(preprocessor), Some(state)) =
            (&mut preprocessor, self.states.get(&part.source()))
        {
            charge(&mut self.cost, preprocessor, |preprocessor| {
                preprocessor.restore(state)
            })?;
        }
        self.through(part, &mut preprocessor, take)
    }

    fn through(
        &mut self,
        part: &Part,
        preprocessor: &mut Option<Preprocessor>,
        take: &mut dyn FnMut(Prepared) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let mut blocks = part.blocks(self.corpus, self.rows_per_call);
        let mut block = Block::default();
        while blocks.next(&mut block)? {
            let Block { values, labels } = std::mem::take(&mut block);
            let rows = labels.len();
            let values = match preprocessor {
                None => values,
                Some(preprocessor) => {
                    let batch = Batch::new(rows, self.corpus.columns().len(), values, None)?;
                    charge(&mut self.cost, preprocessor, |it| it.transform(&batch))?
                        .into_parts()
                        .0
                }
            };
            take(Prepared {
                rows,
                values,
                labels,
            })?;
        }
        Ok(())
    }

    fn open(&mut self) -> Result<Option<Preprocessor>, Stop> {
        let Self {
            opener,
            corpus,
            cost,
            ..
        } = self;
        Ok(opener
            .as_ref()
            .map(|opener| opener.preprocessor(corpus.columns(), cost))
            .transpose()?)
    }
}
