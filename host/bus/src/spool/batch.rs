//! Writes on their way out: as many as lie together go as one, since a write happens as a whole
//! anyway.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::drain_checkpoint::DrainCheckpoint;
use super::entry::{Broken, Entry, Move, Stamp, decode, size};
use crate::{Error, GroupOffset, NewRecord, Record, Write};

/// A write that was taken from the spool's log.
pub(super) struct Taken {
    pub(super) stamp: Stamp,
    pub(super) offset: u64,
    /// When it was accepted.
    pub(super) accepted_ms: u64,
    /// The room it takes.
    pub(super) bytes: u64,
    pub(super) entry: Entry,
}

impl Taken {
    /// # Errors
    /// Another version of this program has written it.
    pub(super) fn read(directory: &str, record: Record) -> Result<Self, Error> {
        let (offset, accepted_ms) = (record.position.offset, record.timestamp_ms);
        let bytes = size(&record.value);
        let read = || {
            Ok(Self {
                stamp: Stamp::decode(&record)?,
                offset,
                accepted_ms,
                bytes,
                entry: decode(record.value)?,
            })
        };
        read().map_err(|broken: Broken| {
            let hint = "let the version of fedhost that wrote it empty the spool first".to_owned();
            Error::Unreadable {
                directory: directory.to_owned(),
                reason: format!("write {offset}: {broken}"),
                hint,
            }
        })
    }

    /// What is kept on the other side once this one has arrived.
    pub(super) fn checkpoint(&self, home: u128) -> DrainCheckpoint {
        DrainCheckpoint {
            home,
            generation: self.stamp.generation,
            next: self.offset + 1,
        }
    }
}

/// Several writes as one: records in order, of offsets and state the last word.
#[derive(Default)]
pub(super) struct Batch {
    records: Vec<NewRecord>,
    /// By group, topic, partition and epoch: writes of two epochs are never merged, so that one of an
    /// ownership that has ended is refused.
    offsets: BTreeMap<(String, Arc<str>, u32, Option<u64>), u64>,
    state: BTreeMap<String, Option<Bytes>>,
}

impl Batch {
    pub(super) fn push(
        &mut self,
        Entry {
            moves,
            state,
            records,
        }: Entry,
    ) {
        self.records.extend(records);
        let moves = moves
            .into_iter()
            .map(|Move { to, .. }| ((to.group, to.topic, to.partition, to.epoch), to.next));
        self.offsets.extend(moves);
        self.state.extend(state);
    }

    /// With the value `checkpoint` under `name`, so that both arrive or neither.
    pub(super) fn finish(mut self, name: &str, checkpoint: DrainCheckpoint) -> Write {
        self.state
            .insert(name.to_owned(), Some(checkpoint.encode()));
        let offset = |((group, topic, partition, epoch), next)| GroupOffset {
            group,
            topic,
            partition,
            next,
            epoch,
        };
        Write {
            records: self.records,
            offsets: self.offsets.into_iter().map(offset).collect(),
            state: self.state.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_offsets_and_state_the_last_word_counts() {
        let entry = |next: u64, value: Option<&'static str>| {
            let to = GroupOffset {
                group: "g".into(),
                topic: "t".into(),
                partition: 0,
                next,
                epoch: None,
            };
            let state = vec![("s".to_owned(), value.map(Bytes::from))];
            Entry {
                moves: vec![Move {
                    from: 0,
                    to,
                    topic_id: None,
                }],
                state,
                records: Vec::new(),
            }
        };
        let mut batch = Batch::default();
        [entry(3, Some("a")), entry(5, Some("b")), entry(4, None)]
            .into_iter()
            .for_each(|entry| batch.push(entry));
        let checkpoint = DrainCheckpoint {
            home: 3,
            generation: 1,
            next: 2,
        };
        let Write { offsets, state, .. } = batch.finish("spool/x", checkpoint);
        assert_eq!((offsets.len(), offsets[0].next), (1, 4));
        assert_eq!(
            state,
            [
                ("s".to_owned(), None),
                ("spool/x".to_owned(), Some(checkpoint.encode()))
            ]
        );
    }
}
