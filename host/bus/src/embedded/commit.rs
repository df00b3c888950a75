//! One atomic commit of several writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use fjall::{OwnedWriteBatch, PersistMode};

use super::batch::{self, Builder};
use super::keys;
use super::partition::{Partition, Tail, batch_key};
use super::retention;
use super::store::{Store, guarded};
use super::topic::Topic;
use super::writer::Reply;
use crate::{Error, NewRecord, Position, Write};

/// A stored batch takes no further records once it holds this much: a reader decodes it in one go.
const BATCH_BYTES: usize = 1 << 20;

/// Gathers writes, then makes them durable and acknowledges them.
pub(super) struct Commit<'a> {
    store: &'a Store,
    batch: OwnedWriteBatch,
    drafts: BTreeMap<(Arc<str>, u32), Draft>,
    /// Offsets and state; one entry a key, because all of a commit is one version of the store.
    entries: BTreeMap<Vec<u8>, Option<Bytes>>,
    waiting: Vec<(Reply<Vec<Position>>, Vec<Position>)>,
    bytes: u64,
}

/// What is to be appended to one partition.
struct Draft {
    topic: Arc<Topic>,
    partition: Arc<Partition>,
    builder: Builder,
    before: Tail,
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
    pub(super) fn new(store: &'a Store, mode: PersistMode) -> Self {
        let batch = store.database.batch().durability(Some(mode));
        Self {
            store,
            batch,
            drafts: BTreeMap::new(),
            entries: BTreeMap::new(),
            waiting: Vec::new(),
            bytes: 0,
        }
    }

    /// Bytes of all records and state so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes a write in, or refuses it at once when it cannot be carried out; the others are none
    /// the wiser.
    pub(super) fn add(&mut self, write: Write, reply: Reply<Vec<Position>>) {
        match places(self.store, &write) {
            // A writer that has gone away hears neither.
            Err(error) => drop(reply.send(Err(error))),
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
            self.entries.insert(keys::group_offset(&offset), Some(next));
        }
        for (name, value) in write.state {
            self.bytes += value.as_ref().map_or(0, Bytes::len) as u64;
            self.entries.insert(keys::state(&name), value);
        }
        positions
    }

    fn push(&mut self, record: &NewRecord, Place { topic, partition }: Place) -> Position {
        let (name, index) = (Arc::clone(&topic.name), partition.index);
        let draft = self
            .drafts
            .entry((Arc::clone(&name), index))
            .or_insert_with(|| Draft::new(topic, partition));
        let offset = draft.tail.next + draft.builder.count();
        let before = draft.builder.len();
        draft.builder.push(record);
        self.bytes += (draft.builder.len() - before) as u64;
        if draft.builder.len() >= BATCH_BYTES {
            draft.seal(&mut self.batch);
        }
        Position {
            topic: name,
            partition: index,
            offset,
        }
    }

    /// Makes everything durable, then visible, then acknowledges it.
    pub(super) fn finish(mut self) {
        for draft in self.drafts.values_mut() {
            draft.seal(&mut self.batch);
            retention::advance(&draft.partition, &draft.topic.spec, &mut draft.tail);
            let key = keys::tail(&draft.topic.name, draft.partition.index);
            self.batch
                .insert(&self.store.meta, key, draft.tail.encode());
        }
        let Self {
            store,
            mut batch,
            drafts,
            entries,
            waiting,
            ..
        } = self;
        for (key, value) in entries {
            match value {
                Some(value) => batch.insert(&store.meta, key, &*value),
                None => batch.remove(&store.meta, key),
            }
        }
        let result = guarded(|| batch.commit());
        if result.is_ok() {
            drafts.values().for_each(Draft::publish);
        }
        for (reply, positions) in waiting {
            let answer = match &result {
                Ok(()) => Ok(positions),
                Err(reason) => Err(store.write_error(&positions, reason)),
            };
            drop(reply.send(answer));
        }
        if result.is_ok() {
            drafts.values().for_each(|draft| draft.tidy(store));
            store.relieve(&store.meta);
        }
    }
}

impl Draft {
    fn new(topic: Arc<Topic>, partition: Arc<Partition>) -> Self {
        let tail = partition.tail();
        Self {
            topic,
            partition,
            builder: Builder::default(),
            before: tail,
            tail,
        }
    }

    /// Turns the records gathered so far into a batch.
    fn seal(&mut self, batch: &mut OwnedWriteBatch) {
        if let Some((head, value)) = self.builder.finish(self.tail.next, self.tail.bytes_written) {
            batch.insert(&self.partition.keyspace, batch_key(self.tail.end), value);
            self.tail.append(&head);
        }
    }

    fn publish(&self) {
        self.partition.publish(self.tail);
        self.topic.wake();
    }

    fn tidy(&self, store: &Store) {
        store.relieve(&self.partition.keyspace);
        retention::reclaim(store, &self.partition, &self.before, &self.tail);
    }
}
