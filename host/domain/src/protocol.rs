//! Evaluation protocols: which rows a model is trained on, and which rows it scores.
//!
//! A protocol divides the rows of some files into [`Session`]s. In each session one model is
//! trained, and then scores rows that it was not trained on. Rows of a file keep their order, except
//! where a protocol shuffles them.

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
        /// Rows until a label is known, at least 1. If labels were known at once, repeating the
        /// last label would be the best model.
        delay_rows: u64,
    },
    /// `shuffled-prequential:DELAY_ROWS`: prequential with one model for all rows, shuffled by the
    /// seed. For rows that have no order, or whose order reveals the labels.
    ShuffledPrequential {
        /// Rows until a label is known, at least 1.
        delay_rows: u64,
    },
    /// `given`: rows to train on and rows to score lie in files of their own. The caller says which
    /// these are.
    Given,
}

/// A text that is not a protocol.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
#[error(
    "{text:?} is not a protocol: {reason}\nhint: write prefix:ROWS, split:FRACTION, by-file:FRACTION, stratified:FRACTION, prequential:DELAY_ROWS or shuffled-prequential:DELAY_ROWS"
)]
pub struct NotAProtocol {
    text: String,
    reason: String,
}

/// Why a protocol cannot be applied to these files.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum PlanError {
    /// Nothing would be left to score.
    #[error("{file} has {rows} rows, and {protocol} leaves none of them to score")]
    #[diagnostic(help("choose a protocol that trains on fewer rows, or leave the file out"))]
    NothingToScore {
        /// Its name.
        file: String,
        /// Its rows.
        rows: u64,
        /// The protocol.
        protocol: Protocol,
    },
    /// The fraction of a few files or rows is none of them, or all.
    #[error("{protocol} divides {what} into {train} to train on and {score} to score")]
    #[diagnostic(help("give more data, or another share"))]
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

/// A file of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// Its name.
    pub name: String,
    /// Its folder; the files of one folder belong together.
    pub folder: String,
    /// Its number of rows.
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

/// The rows that one model is trained on, and then scores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// Rows to train on, in order; empty when the model is trained while it scores.
    pub train: Vec<RowRange>,
    /// Rows to score, in order.
    pub score: Vec<RowRange>,
}

/// A protocol, applied to some files.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// Row ranges in their order, scored after the training.
    Ordered(Vec<Session>),
    /// All rows, shuffled.
    Shuffled {
        /// The fraction of each class to train on before any row is scored.
        fraction: f64,
        /// Rows until a label is known; present when the model is trained while it scores.
        delay_rows: Option<u64>,
    },
    /// The model of each file is trained while it scores.
    Prequential {
        /// One session per file, without rows to train on.
        sessions: Vec<Session>,
        /// Rows until a label is known.
        delay_rows: u64,
    },
}

impl Protocol {
    /// Applies the protocol to the files.
    ///
    /// # Errors
    /// A file, or all files together, leave nothing to train on or nothing to score.
    pub fn plan(self, files: &[DataFile]) -> Result<Plan, PlanError> {
        match self {
            Self::Given => Ok(Plan::Ordered(vec![Session {
                train: Vec::new(),
                score: files.iter().enumerate().map(whole).collect(),
            }])),
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
                let sessions = files.iter().enumerate().map(|file| Session {
                    train: Vec::new(),
                    score: vec![whole(file)],
                });
                Ok(Plan::Prequential {
                    sessions: sessions.collect(),
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

    /// Whether training ends before scoring begins.
    #[must_use]
    pub fn trains_before_scoring(self) -> bool {
        !matches!(
            self,
            Self::Prequential { .. } | Self::ShuffledPrequential { .. }
        )
    }

    fn prefix(self, files: &[DataFile], rows: u64) -> Result<Vec<Session>, PlanError> {
        let mut sessions = Vec::with_capacity(files.len());
        for (file, source) in files.iter().enumerate() {
            if source.rows <= rows {
                return Err(PlanError::NothingToScore {
                    file: source.name.clone(),
                    rows: source.rows,
                    protocol: self,
                });
            }
            sessions.push(Session {
                train: vec![RowRange {
                    file,
                    rows: 0..rows,
                }],
                score: vec![RowRange {
                    file,
                    rows: rows..source.rows,
                }],
            });
        }
        Ok(sessions)
    }

    fn split(self, files: &[DataFile], fraction: f64) -> Result<Session, PlanError> {
        let mut session = Session::default();
        for (file, source) in files.iter().enumerate() {
            let train = share(source.rows, fraction);
            if train == 0 || train == source.rows {
                return Err(PlanError::EmptyShare {
                    what: format!("the {} rows of {}", source.rows, source.name),
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
            return Err(PlanError::EmptyShare {
                what: format!("the files of {} folders", folders.len()),
                train: session.train.len() as u64,
                score: session.score.len() as u64,
                protocol: self,
            });
        }
        Ok(session)
    }
}

fn whole((file, source): (usize, &DataFile)) -> RowRange {
    RowRange {
        file,
        rows: 0..source.rows,
    }
}

/// A fraction of `of` things, rounded to the nearest whole number.
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
            .ok_or_else(|| refuse("it has no number after a colon".into()))?;
        let rows = || match value.parse() {
            Ok(rows @ 1..=u64::MAX) => Ok(rows),
            _ => Err(refuse(format!("{value:?} is not a whole number above 0"))),
        };
        let fraction = || match value.parse() {
            Ok(fraction) if fraction > 0.0 && fraction < 1.0 => Ok(fraction),
            _ => Err(refuse(format!("{value:?} is not a number between 0 and 1"))),
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
            Self::Given => out.write_str("given"),
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
