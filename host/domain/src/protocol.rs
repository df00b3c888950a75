//! Evaluation protocols: which rows a model is trained on, and which it is judged by.
//!
//! A protocol divides the rows of some files into [`Session`]s. In each, one model is trained, and
//! then scores rows it has not been trained on. Rows of a file keep their order, except where a
//! protocol shuffles them.

mod shuffle;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Serialize, Serializer};

pub use shuffle::{Permutation, Side, Stratified};

/// How rows are divided into those to train on and those to score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Protocol {
    /// `prefix:ROWS`: each file has a model of its own, trained on its first rows, which scores the
    /// rest. The Skoltech Anomaly Benchmark does so with 400 rows.
    Prefix {
        /// Rows to train on, at least 1.
        rows: u64,
    },
    /// `split:FRACTION`: one model is trained on the first share of every file, and scores the rest
    /// of each.
    Split {
        /// Above 0 and below 1.
        fraction: f64,
    },
    /// `by-file:FRACTION`: one model is trained on the first share of the files of each folder, in
    /// the order of their names, and scores the others.
    ByFile {
        /// Above 0 and below 1.
        fraction: f64,
    },
    /// `stratified:FRACTION`: all rows are shuffled by the seed; one model is trained on a share of
    /// either class, and scores the rest. ADBench does so with 0.7.
    Stratified {
        /// Above 0 and below 1.
        fraction: f64,
    },
    /// `prequential:DELAY_ROWS`: each file has a model of its own that scores all its rows, and is
    /// trained on a row, with its label, once that many further rows are scored (Gama et al. 2013,
    /// doi:10.1007/s10994-012-5320-9).
    Prequential {
        /// Rows until a label is known, at least 1: labels that are known at once make repeating
        /// the last one win.
        delay_rows: u64,
    },
    /// `shuffled-prequential:DELAY_ROWS`: the same with one model, for all rows, shuffled by the
    /// seed. For rows that have no order, or one that gives the labels away.
    ShuffledPrequential {
        /// Rows until a label is known, at least 1.
        delay_rows: u64,
    },
}

/// A text names no protocol.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "{text:?} is no protocol: {reason}\nhint: write prefix:ROWS, split:FRACTION, by-file:FRACTION, stratified:FRACTION, prequential:DELAY_ROWS or shuffled-prequential:DELAY_ROWS"
)]
pub struct NotAProtocol {
    text: String,
    reason: String,
}

/// Why a protocol cannot be followed with these files.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// Nothing would be left to score.
    #[error(
        "{file} has {rows} rows, and {protocol} leaves none of them to score\nhint: choose a protocol that trains on fewer rows, or leave the file out"
    )]
    NothingToScore {
        /// Its name.
        file: String,
        /// Its rows.
        rows: u64,
        /// The protocol.
        protocol: Protocol,
    },
    /// A share of few files or rows is none, or all.
    #[error(
        "{protocol} divides {what} into {train} to train on and {score} to score\nhint: give more data, or another share"
    )]
    EmptyShare {
        /// Such as `the 1 file of folder pumps`.
        what: String,
        /// Number of them to train on.
        train: u64,
        /// Number of them to score.
        score: u64,
        /// The protocol.
        protocol: Protocol,
    },
}

/// A file as a protocol sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// How it is called.
    pub name: String,
    /// Files of one folder belong together.
    pub folder: String,
    /// How many it has.
    pub rows: u64,
}

/// Consecutive rows of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowRange {
    /// Index of the file, from 0.
    pub file: usize,
    /// Its rows, from 0.
    pub rows: Range<u64>,
}

/// One model's life: what it is trained on, and then scores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// In order; empty when it is trained while it scores.
    pub train: Vec<RowRange>,
    /// In order.
    pub score: Vec<RowRange>,
}

/// All that a protocol does with some files.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// Row ranges in their order, scored after the training.
    Ordered(Vec<Session>),
    /// All rows, shuffled.
    Shuffled {
        /// The share of each class to train on before anything is scored.
        fraction: f64,
        /// Rows until a label is known, when the model is trained while it scores.
        delay_rows: Option<u64>,
    },
    /// Each file is scored and learnt from at the same time.
    Prequential {
        /// One a file; nothing is trained on beforehand.
        sessions: Vec<Session>,
        /// Rows until a label is known.
        delay_rows: u64,
    },
}

impl Protocol {
    /// Divides the files.
    ///
    /// # Errors
    /// A file, or the whole, has nothing to train on or nothing to score.
    pub fn plan(self, files: &[DataFile]) -> Result<Plan, PlanError> {
        match self {
            Self::Prefix { rows } => self.prefix(files, rows).map(Plan::Ordered),
            Self::Split { fraction } => self
                .split(files, fraction)
                .map(|session| Plan::Ordered(vec![session])),
            Self::ByFile { fraction } => self
                .by_file(files, fraction)
                .map(|session| Plan::Ordered(vec![session])),
            Self::Stratified { fraction } => Ok(Plan::Shuffled {
                fraction,
                delay_rows: None,
            }),
            Self::ShuffledPrequential { delay_rows } => Ok(Plan::Shuffled {
                fraction: 0.0,
                delay_rows: Some(delay_rows),
            }),
            Self::Prequential { delay_rows } => {
                let whole = |(file, source): (usize, &DataFile)| Session {
                    train: Vec::new(),
                    score: vec![RowRange {
                        file,
                        rows: 0..source.rows,
                    }],
                };
                Ok(Plan::Prequential {
                    sessions: files.iter().enumerate().map(whole).collect(),
                    delay_rows,
                })
            }
        }
    }

    /// Whether scored rows follow each other in time.
    #[must_use]
    pub fn is_time_ordered(self) -> bool {
        !matches!(
            self,
            Self::Stratified { .. } | Self::ShuffledPrequential { .. }
        )
    }

    /// Whether rows are trained on before anything is scored.
    #[must_use]
    pub fn trains_before_scoring(self) -> bool {
        !matches!(
            self,
            Self::Prequential { .. } | Self::ShuffledPrequential { .. }
        )
    }

    fn prefix(self, files: &[DataFile], rows: u64) -> Result<Vec<Session>, PlanError> {
        let session = |(file, source): (usize, &DataFile)| {
            if source.rows <= rows {
                let (file, rows) = (source.name.clone(), source.rows);
                return Err(PlanError::NothingToScore {
                    file,
                    rows,
                    protocol: self,
                });
            }
            let range = |rows| vec![RowRange { file, rows }];
            Ok(Session {
                train: range(0..rows),
                score: range(rows..source.rows),
            })
        };
        files.iter().enumerate().map(session).collect()
    }

    fn split(self, files: &[DataFile], fraction: f64) -> Result<Session, PlanError> {
        let mut session = Session::default();
        for (file, source) in files.iter().enumerate() {
            let train = share(source.rows, fraction);
            if train == 0 || train == source.rows {
                let what = format!("the {} rows of {}", source.rows, source.name);
                return Err(PlanError::EmptyShare {
                    what,
                    train,
                    score: source.rows - train,
                    protocol: self,
                });
            }
            session.train.push(RowRange {
                file,
                rows: 0..train,
            });
            session.score.push(RowRange {
                file,
                rows: train..source.rows,
            });
        }
        Ok(session)
    }

    fn by_file(self, files: &[DataFile], fraction: f64) -> Result<Session, PlanError> {
        let mut folders: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (file, source) in files.iter().enumerate() {
            folders.entry(&source.folder).or_default().push(file);
        }
        let mut session = Session::default();
        for of_folder in folders.values() {
            let train = share(of_folder.len() as u64, fraction);
            for (place, &file) in (0_u64..).zip(of_folder) {
                let whole = RowRange {
                    file,
                    rows: 0..files.get(file).map_or(0, |source| source.rows),
                };
                if place < train {
                    session.train.push(whole)
                } else {
                    session.score.push(whole)
                }
            }
        }
        if session.train.is_empty() || session.score.is_empty() {
            let (train, score) = (session.train.len() as u64, session.score.len() as u64);
            let what = format!("the files of {} folders", folders.len());
            return Err(PlanError::EmptyShare {
                what,
                train,
                score,
                protocol: self,
            });
        }
        Ok(session)
    }
}

/// The nearest whole number of `of` things to a share of them.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and what is shared"
)]
fn share(of: u64, fraction: f64) -> u64 {
    ((of as f64 * fraction).round() as u64).min(of)
}

impl FromStr for Protocol {
    type Err = NotAProtocol;

    fn from_str(text: &str) -> Result<Self, NotAProtocol> {
        let refuse = |reason: String| NotAProtocol {
            text: text.to_owned(),
            reason,
        };
        let (name, value) = text
            .split_once(':')
            .ok_or_else(|| refuse("there is no number behind a colon".into()))?;
        let rows = || match value.parse() {
            Ok(rows @ 1..=u64::MAX) => Ok(rows),
            _ => Err(refuse(format!("{value:?} is no whole number above 0"))),
        };
        let fraction = || match value.parse() {
            Ok(fraction) if fraction > 0.0 && fraction < 1.0 => Ok(fraction),
            _ => Err(refuse(format!("{value:?} is no number between 0 and 1"))),
        };
        match name {
            "prefix" => Ok(Self::Prefix { rows: rows()? }),
            "split" => Ok(Self::Split {
                fraction: fraction()?,
            }),
            "by-file" => Ok(Self::ByFile {
                fraction: fraction()?,
            }),
            "stratified" => Ok(Self::Stratified {
                fraction: fraction()?,
            }),
            "prequential" => Ok(Self::Prequential {
                delay_rows: rows()?,
            }),
            "shuffled-prequential" => Ok(Self::ShuffledPrequential {
                delay_rows: rows()?,
            }),
            _ => Err(refuse(format!("there is no protocol {name:?}"))),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prefix { rows } => write!(out, "prefix:{rows}"),
            Self::Split { fraction } => write!(out, "split:{fraction}"),
            Self::ByFile { fraction } => write!(out, "by-file:{fraction}"),
            Self::Stratified { fraction } => write!(out, "stratified:{fraction}"),
            Self::Prequential { delay_rows } => write!(out, "prequential:{delay_rows}"),
            Self::ShuffledPrequential { delay_rows } => {
                write!(out, "shuffled-prequential:{delay_rows}")
            }
        }
    }
}

impl Serialize for Protocol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests;
