//! The mark that each transaction writes to the state topic. It shows a writer how a transaction
//! ended whose result it did not see.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::state::MARKS;

/// Identifies a transaction of a writer. The topic keeps only the newest mark of a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// This writer; another writer of the role has another value.
    pub(super) writer: String,
    /// Increases with each attempt of a transaction.
    pub(super) sequence: u64,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Happened,
    NeverHappened,
    /// Another writer of the role has written since.
    TakenOver,
}

impl Mark {
    /// The first mark of a new writer.
    pub(super) fn first() -> Self {
        Self {
            writer: Uuid::new_v4().to_string(),
            sequence: 0,
        }
    }

    pub(super) fn next(&self) -> Self {
        Self {
            sequence: self.sequence + 1,
            writer: self.writer.clone(),
        }
    }

    /// The name under which the mark is stored.
    pub(super) fn name(role: &str) -> String {
        format!("{MARKS}{role}")
    }

    pub(super) fn value(&self) -> Option<Bytes> {
        serde_json::to_vec(self).ok().map(Bytes::from)
    }

    /// How the transaction with this mark ended, by the committed marks of its role; older marks
    /// may be missing.
    pub(super) fn outcome<'a>(&self, committed: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
        let mut outcome = Outcome::NeverHappened;
        for mark in committed.into_iter().map(serde_json::from_slice::<Self>) {
            match mark {
                Ok(mark) if mark.writer == self.writer => {
                    if mark.sequence == self.sequence {
                        outcome = Outcome::Happened;
                    }
                }
                // A mark that cannot be parsed belongs to another writer.
                _ => return Outcome::TakenOver,
            }
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(mine: &Mark, committed: &[&Mark]) -> Outcome {
        let values: Vec<_> = committed.iter().map(|mark| mark.value().unwrap()).collect();
        mine.outcome(values.iter().map(|value| &**value))
    }

    #[test]
    fn a_transaction_happened_when_its_mark_is_committed_and_only_then() {
        let first = Mark::first();
        let second = first.next();
        assert_eq!(outcome(&second, &[&first]), Outcome::NeverHappened);
        assert_eq!(outcome(&second, &[]), Outcome::NeverHappened);
        assert_eq!(outcome(&second, &[&first, &second]), Outcome::Happened);
    }

    #[test]
    fn the_mark_of_another_writer_means_that_it_took_over() {
        let (mine, other) = (Mark::first(), Mark::first());
        assert_eq!(outcome(&mine, &[&mine, &other]), Outcome::TakenOver);
        assert_eq!(mine.outcome([b"not a mark".as_slice()]), Outcome::TakenOver);
    }
}
