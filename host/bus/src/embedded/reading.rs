//! What readers of all partitions and members that share them have in common: where a group
//! begins, and reading several partitions in turn.
//!
//! Batches are read where the task runs: that is one point read a batch, tens of microseconds from
//! memory, less than handing it to another thread and back; a read stops after a few megabytes, and
//! lets other tasks run between reads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use super::cursor::Cursor;
use super::group::Place;
use super::partition::Partition;
use super::store::Store;
use super::topic::Topic;
use crate::{Beginning, Error, Record, Start, StoredOffset};

/// A read returns early once it has this much.
const READ_BYTES: usize = 4 << 20;

/// The open store, `None` once the log is closed. A reader holds it open only while it reads.
pub(super) type Gate = Arc<RwLock<Option<Arc<Store>>>>;

/// Calls `read` with the open store.
///
/// # Errors
/// [`Error::Closed`], or those of `read`.
pub(super) fn with_store<T>(
    gate: &Gate,
    read: impl FnOnce(&Store) -> Result<T, Error>,
) -> Result<T, Error> {
    let gate = gate.read().unwrap_or_else(PoisonError::into_inner);
    read(gate.as_ref().ok_or(Error::Closed)?)
}

/// The topics of those names, each once.
///
/// # Errors
/// [`Error::UnknownTopic`].
pub(super) fn topics(store: &Store, names: &[&str]) -> Result<Vec<Arc<Topic>>, Error> {
    let names: BTreeSet<&str> = names.iter().copied().collect();
    names.into_iter().map(|name| store.topic(name)).collect()
}

/// Where a group begins to read.
pub(super) struct Beginnings<'a> {
    group: &'a str,
    start: Start,
    stored: BTreeMap<Place, u64>,
}

impl<'a> Beginnings<'a> {
    /// Reads the group's stored offsets.
    ///
    /// # Errors
    /// The medium refused.
    pub(super) fn new(store: &Store, group: &'a str, start: Start) -> Result<Self, Error> {
        let stored = store.group_offsets(group)?;
        let stored = stored
            .into_iter()
            .map(|offset| ((offset.topic, offset.partition), offset.next))
            .collect();
        Ok(Self {
            group,
            start,
            stored,
        })
    }

    /// At the stored offset, or at `start`.
    ///
    /// # Errors
    /// [`Error::NoOffset`].
    pub(super) fn cursor(&self, partition: &Arc<Partition>) -> Result<(Cursor, Beginning), Error> {
        let place = (Arc::clone(&partition.topic), partition.index);
        let stored = self.stored.get(&place);
        let next = match (stored, self.start) {
            (Some(&stored), _) => stored,
            (None, Start::Earliest) => partition.tail().oldest,
            (None, Start::Latest) => partition.tail().next,
            (None, Start::Stored) => {
                return Err(Error::NoOffset {
                    group: self.group.to_owned(),
                    topic: partition.topic.to_string(),
                    partition: partition.index,
                });
            }
        };
        let beginning = Beginning {
            next,
            topic_id: None,
            stored: match stored {
                Some(_) => StoredOffset::Own,
                None => StoredOffset::Missing,
            },
        };
        Ok((Cursor::new(partition, next), beginning))
    }
}

/// Several partitions, read in turn.
#[derive(Default)]
pub(super) struct Cursors {
    cursors: Vec<Cursor>,
    /// The cursor that the next read begins with.
    turn: usize,
}

impl Cursors {
    pub(super) fn add(&mut self, cursor: Cursor) {
        self.cursors.push(cursor);
    }

    pub(super) fn remove(&mut self, place: &Place) {
        self.cursors
            .retain(|cursor| cursor.topic != place.0 || cursor.index != place.1);
    }

    /// What is there now, at most `max` records.
    pub(super) fn poll(&mut self, store: &Store, max: usize) -> Vec<Record> {
        let mut records = Vec::new();
        let mut bytes = 0;
        self.turn = self.turn.wrapping_add(1);
        loop {
            let before = records.len();
            // An equal share each; what some leave is shared again.
            let share = (max - before).div_ceil(self.cursors.len().max(1));
            for step in 0..self.cursors.len() {
                let index = self.turn.wrapping_add(step) % self.cursors.len();
                if let Some(cursor) = self.cursors.get_mut(index).filter(|_| bytes < READ_BYTES) {
                    bytes +=
                        cursor.take(share.min(max - records.len()), &mut records, &store.damages);
                }
            }
            if records.len() == before || records.len() == max || bytes >= READ_BYTES {
                return records;
            }
        }
    }

    pub(super) fn positions(&self) -> BTreeMap<Place, u64> {
        self.cursors
            .iter()
            .map(|cursor| ((Arc::clone(&cursor.topic), cursor.index), cursor.next()))
            .collect()
    }

    pub(super) fn seek(&mut self, topic: &str, partition: u32, next: u64) {
        let cursor = self
            .cursors
            .iter_mut()
            .find(|cursor| &*cursor.topic == topic && cursor.index == partition);
        if let Some(cursor) = cursor {
            cursor.seek(next);
        }
    }
}
