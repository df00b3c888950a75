//! A plan with its rows: what each model is trained on and scores, read in blocks.

use std::ops::Range;

use fedhost_domain::protocol::{
    DataFile, Plan, PlanError, Protocol, RowRange, Session, Side, Stratified,
};

use fedhost_dataset::{Corpus, DatasetError, FileInfo, FileUse};

/// All models' lives, for one seed.
pub(super) struct Schedule {
    pub(super) lives: Vec<Life>,
    /// Rows until a label is known, when models are trained while they score.
    pub(super) delay_rows: Option<u64>,
}

/// What one model is trained on, and then scores.
pub(super) struct Life {
    pub(super) train: Vec<Part>,
    pub(super) score: Vec<Part>,
}

/// Rows that are read one after the other.
#[derive(Clone)]
pub(super) enum Part {
    /// As they stand in a file.
    Range(RowRange),
    /// Any of the corpus, in the order of a shuffle: the first of a side, up to a number.
    Shuffled(Stratified, Side, u64),
}

/// Rows of a part.
#[derive(Default)]
pub(super) struct Block {
    /// Row-major.
    pub(super) values: Vec<f32>,
    /// One a row.
    pub(super) labels: Vec<bool>,
}

impl Schedule {
    /// Divides the rows of a corpus.
    pub(super) fn new(protocol: Protocol, corpus: &Corpus, seed: u64) -> Result<Self, PlanError> {
        if corpus.has_training_files() {
            return Ok(Self {
                lives: vec![given(corpus)],
                delay_rows: None,
            });
        }
        let source = |file: &FileInfo| DataFile {
            name: file.name.clone(),
            folder: file.folder.display().to_string(),
            rows: file.rows,
        };
        let sources: Vec<DataFile> = corpus.files().iter().map(source).collect();
        Ok(match protocol.plan(&sources)? {
            Plan::Ordered(sessions) => Self {
                lives: sessions.into_iter().map(Life::from).collect(),
                delay_rows: None,
            },
            Plan::Prequential {
                sessions,
                delay_rows,
            } => Self {
                lives: sessions.into_iter().map(Life::from).collect(),
                delay_rows: Some(delay_rows),
            },
            Plan::Shuffled {
                fraction,
                delay_rows,
            } => {
                let anomalies = corpus.anomalous();
                let split = Stratified::new(corpus.rows() - anomalies, anomalies, fraction, seed);
                let side = |side| {
                    Some(Part::Shuffled(split, side, u64::MAX)).filter(|part| part.rows() > 0)
                };
                let [train, score] =
                    [Side::Train, Side::Score].map(|it| side(it).into_iter().collect());
                Self {
                    lives: vec![Life { train, score }],
                    delay_rows,
                }
            }
        })
    }

    /// Rows scored in all.
    pub(super) fn scored_rows(&self) -> u64 {
        self.lives
            .iter()
            .flat_map(|life| &life.score)
            .map(Part::rows)
            .sum()
    }

    /// Rows trained on in all, each counted once, before anything is scored.
    pub(super) fn training_rows(&self) -> u64 {
        self.lives
            .iter()
            .flat_map(|life| &life.train)
            .map(Part::rows)
            .sum()
    }

    /// What every row of the corpus is for, where a row has one use only.
    pub(super) fn uses(&self, corpus: &Corpus) -> Uses {
        let mut uses = Uses {
            training: vec![0; usize::try_from(corpus.rows().div_ceil(64)).unwrap_or(0)],
        };
        for part in self.lives.iter().flat_map(|life| &life.train) {
            part.places(corpus).for_each(|row| uses.train(row));
        }
        uses
    }

    /// Every scored row, in the order of the scores: its series, its file, its number there, its
    /// label.
    pub(super) fn each_scored(&self, corpus: &Corpus, mut visit: impl FnMut(ScoredRow)) {
        for part in self.lives.iter().flat_map(|life| &life.score) {
            for row in part.places(corpus) {
                let (file, number) = place_of(corpus, row);
                visit(ScoredRow {
                    series: part.series(),
                    file,
                    number,
                    anomalous: corpus.label(row),
                });
            }
        }
    }
}

/// One model, trained on the files to train on, scores all others.
fn given(corpus: &Corpus) -> Life {
    let parts = |file_use: FileUse| {
        let files = corpus.files().iter().enumerate();
        let wanted = files.filter(move |(_, info)| info.file_use == file_use);
        let whole = |(file, info): (usize, &FileInfo)| {
            Part::Range(RowRange {
                file,
                rows: 0..info.rows,
            })
        };
        wanted.map(whole).collect()
    };
    Life {
        train: parts(FileUse::Training),
        score: parts(FileUse::Scoring),
    }
}

/// Which rows are trained on: a bit a row.
pub(super) struct Uses {
    training: Vec<u64>,
}

impl Uses {
    fn train(&mut self, row: u64) {
        if let Some(bits) = usize::try_from(row / 64)
            .ok()
            .and_then(|word| self.training.get_mut(word))
        {
            *bits |= 1 << (row % 64);
        }
    }

    pub(super) fn is_trained_on(&self, row: u64) -> bool {
        let word = usize::try_from(row / 64)
            .ok()
            .and_then(|word| self.training.get(word));
        word.is_some_and(|bits| bits >> (row % 64) & 1 == 1)
    }
}

/// Where a scored row comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScoredRow {
    pub(super) series: u32,
    pub(super) file: usize,
    pub(super) number: u64,
    pub(super) anomalous: bool,
}

impl From<Session> for Life {
    fn from(session: Session) -> Self {
        let parts = |ranges: Vec<RowRange>| ranges.into_iter().map(Part::Range).collect();
        Self {
            train: parts(session.train),
            score: parts(session.score),
        }
    }
}

impl Part {
    /// Rows of one source share a preprocessor.
    pub(super) fn source(&self) -> usize {
        match self {
            Self::Range(range) => range.file,
            Self::Shuffled(..) => 0,
        }
    }

    /// Rows of one series follow each other in time.
    pub(super) fn series(&self) -> u32 {
        u32::try_from(self.source()).unwrap_or(u32::MAX)
    }

    pub(super) fn rows(&self) -> u64 {
        match self {
            Self::Range(range) => range.rows.end - range.rows.start,
            Self::Shuffled(split, side, rows) => split.rows(*side).min(*rows),
        }
    }

    /// Rows of its source that come before it.
    pub(super) fn rows_before(&self) -> u64 {
        match self {
            Self::Range(range) => range.rows.start,
            Self::Shuffled(..) => 0,
        }
    }

    /// The first rows of it.
    pub(super) fn head(&self, rows: u64) -> Self {
        match self {
            Self::Range(RowRange {
                file,
                rows: Range { start, end },
            }) => Self::Range(RowRange {
                file: *file,
                rows: *start..(*end).min(start.saturating_add(rows)),
            }),
            Self::Shuffled(split, side, most) => Self::Shuffled(*split, *side, rows.min(*most)),
        }
    }

    /// The numbers of its rows in the corpus.
    pub(super) fn places<'a>(&self, corpus: &'a Corpus) -> Box<dyn Iterator<Item = u64> + 'a> {
        match self {
            Self::Range(range) => {
                let first = first_row(corpus, range.file);
                Box::new(first + range.rows.start..first + range.rows.end)
            }
            Self::Shuffled(split, side, rows) => {
                let rows = usize::try_from(*rows).unwrap_or(usize::MAX);
                Box::new(split.side(*side, |row| corpus.label(row)).take(rows))
            }
        }
    }

    /// Its rows, a block at a time; the last block is shorter.
    pub(super) fn blocks<'a>(&self, corpus: &'a Corpus, rows: usize) -> Blocks<'a> {
        let ordered = matches!(self, Self::Range(_));
        Blocks {
            corpus,
            places: self.places(corpus),
            ordered,
            rows: rows.max(1),
            numbers: Vec::new(),
        }
    }
}

/// Reads the rows of a part.
pub(super) struct Blocks<'a> {
    corpus: &'a Corpus,
    places: Box<dyn Iterator<Item = u64> + 'a>,
    ordered: bool,
    rows: usize,
    numbers: Vec<u64>,
}

impl Blocks<'_> {
    /// The next rows instead of those in `into`; whether there were any.
    pub(super) fn next(&mut self, into: &mut Block) -> Result<bool, DatasetError> {
        self.numbers.clear();
        self.numbers.extend(self.places.by_ref().take(self.rows));
        into.values.clear();
        into.labels.clear();
        into.labels
            .extend(self.numbers.iter().map(|&row| self.corpus.label(row)));
        match self.numbers.first() {
            None => return Ok(false),
            Some(&first) if self.ordered => {
                let (file, row) = place_of(self.corpus, first);
                self.corpus
                    .read(file, row, self.numbers.len(), &mut into.values)?;
            }
            Some(_) => self.corpus.gather(&self.numbers, &mut into.values)?,
        }
        Ok(true)
    }
}

/// The file of a row, and its number there.
fn place_of(corpus: &Corpus, row: u64) -> (usize, u64) {
    let file = corpus
        .files()
        .partition_point(|file| file.first_row <= row)
        .saturating_sub(1);
    (file, row - first_row(corpus, file))
}

fn first_row(corpus: &Corpus, file: usize) -> u64 {
    corpus.files().get(file).map_or(0, |file| file.first_row)
}

#[cfg(test)]
mod tests;
