//! One atomic commit of several writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::batch::{self, Builder};
use super::keys;
use super::log;
use super::partition::{Partition, Tail};
use super::retention;
use super::store::Store;
use super::topic::Topic;
use super::writer::Reply;
use crate::{Error, NewRecord, Position, Write};

/// A stored batch takes no further records once it holds this much: a reader decodes it in one go.
const BATCH_BYTES: usize = 1 << 20;

/// Gathers writes, then makes them durable and acknowledges them.
pub(super) struct Commit<'a> {
    store: &'a Store,
    draft: log::Draft,
    partitions: BTreeMap<(Arc<str>, u32), Addition>,
    waiting: Vec<(Reply<Vec<Position>>, Vec<Position>)>,
    bytes: u64,
}

/// What is to be appended to one partition.
struct Addition {
    topic: Arc<Topic>,
    partition: Arc<Partition>,
    builder: Builder,
    tail: Tail,
}

/// Where a record goes.
pub(super) struct Place {
    topic: Arc<Topic>,
    partition: Arc<Partition>,
}

/// Where each record goes, when all of the write can be carried out.
///
/// # Errors
/// Something in it is unknown, or too large.
pub(super) fn places(store: &Store, write: &Write) -> Result<Vec<Place>, Error> {
    for offset in &write.offsets {
        store.topic(&offset.topic)?.partition(offset.partition)?;
    }
    let names = write
        .offsets
        .iter()
        .map(|offset| &offset.group)
        .chain(write.state.iter().map(|(name, _)| name));
    for name in names {
        if name.len() > keys::NAME_BYTES_MAX {
            let reason = format!(
                "a name of {} bytes is over the limit of {}",
                name.len(),
                keys::NAME_BYTES_MAX
            );
            return Err(store.error("store group offsets and state", reason));
        }
    }
    let mut topic: Option<Arc<Topic>> = None;
    write
        .records
        .iter()
        .map(|record| place(store, record, &mut topic))
        .collect()
}

/// `last` saves the search, as most writes go to one topic.
fn place(store: &Store, record: &NewRecord, last: &mut Option<Arc<Topic>>) -> Result<Place, Error> {
    let topic = match last.take() {
        Some(topic) if topic.name == record.topic => topic,
        _ => store.topic(&record.topic)?,
    };
    let size = batch::size(record);
    for (bytes, limit) in [
        (size.content, topic.spec.max_message_bytes),
        (size.total, batch::RECORD_BYTES_MAX),
    ] {
        if bytes > limit {
            return Err(Error::TooLarge {
                topic: topic.spec.name.clone(),
                bytes,
                limit,
            });
        }
    }
    let partition = Arc::clone(topic.partition_of(record)?);
    *last = Some(Arc::clone(&topic));
    Ok(Place { topic, partition })
}

impl<'a> Commit<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self {
            store,
            draft: store.begin(),
            partitions: BTreeMap::new(),
            waiting: Vec::new(),
            bytes: 0,
        }
    }

    /// Bytes of all records and state so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes a write in, or refuses it at once when it cannot be carried out, without affecting the
    /// others.
    pub(super) fn add(&mut self, write: Write, reply: Reply<Vec<Position>>) {
        match places(self.store, &write) {
            Err(error) => {
                // The caller may have gone.
                let _ = reply.send(Err(error));
            }
            Ok(places) => {
                let positions = self.append(write, places);
                self.waiting.push((reply, positions));
            }
        }
    }

    fn append(&mut self, write: Write, places: Vec<Place>) -> Vec<Position> {
        let positions = write
            .records
            .iter()
            .zip(places)
            .map(|(record, place)| self.push(record, place))
            .collect();
        for offset in write.offsets {
            let next = Bytes::copy_from_slice(&offset.next.to_be_bytes());
            self.draft.put(keys::group_offset(&offset), Some(next));
        }
        for (name, value) in write.state {
            self.bytes += value.as_ref().map_or(0, Bytes::len) as u64;
            self.draft.put(keys::state(&name), value);
        }
        positions
    }

    fn push(&mut self, record: &NewRecord, Place { topic, partition }: Place) -> Position {
        let (name, index) = (Arc::clone(&topic.name), partition.index);
        let addition = self
            .partitions
            .entry((Arc::clone(&name), index))
            .or_insert_with(|| Addition::new(topic, partition));
        let offset = addition.tail.next + addition.builder.count();
        let before = addition.builder.len();
        addition.builder.push(record);
        self.bytes += (addition.builder.len() - before) as u64;
        if addition.builder.len() >= BATCH_BYTES {
            addition.seal(&mut self.draft);
        }
        Position {
            topic: name,
            partition: index,
            offset,
        }
    }

    /// Makes everything durable, then visible, then acknowledges it.
    pub(super) fn finish(mut self) {
        for addition in self.partitions.values_mut() {
            addition.seal(&mut self.draft);
            let Addition {
                topic,
                partition,
                tail,
                ..
            } = addition;
            retention::advance(partition, &topic.spec, tail);
            let key = keys::tail(&topic.name, partition.index);
            self.draft.put(key, Some(tail.encode().into()));
        }
        let result = self.store.commit(self.draft);
        if result.is_ok() {
            self.partitions.values().for_each(Addition::publish);
        }
        for (reply, positions) in self.waiting {
            let answer = match &result {
                Ok(()) => Ok(positions),
                Err(reason) => Err(self.store.write_error(&positions, reason)),
            };
            // The write is done also when the caller has gone.
            let _ = reply.send(answer);
        }
        self.store.tidy();
    }
}

impl Addition {
    fn new(topic: Arc<Topic>, partition: Arc<Partition>) -> Self {
        let tail = partition.tail();
        Self {
            topic,
            partition,
            builder: Builder::default(),
            tail,
        }
    }

    /// Turns the records gathered so far into a batch.
    fn seal(&mut self, draft: &mut log::Draft) {
        if let Some((head, batch)) = self.builder.finish(self.tail.next, self.tail.bytes_written) {
            draft.add(&self.partition, self.tail.end, &batch);
            self.tail.append(&head);
        }
    }

    fn publish(&self) {
        self.partition.publish(self.tail);
        self.topic.wake();
    }
}
