//! A consumer group's reader.
//!
//! Batches are read where the task runs: that is one point read a batch, tens of microseconds from
//! memory, less than handing it to another thread and back; a read stops after a few megabytes, and
//! lets other tasks run between reads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::cursor::Cursor;
use super::store::Store;
use super::topic::Topic;
use crate::{Error, Record, Source, Start};

/// A read returns early once it has this much.
const READ_BYTES: usize = 4 << 20;

/// The open store, `None` once the log is closed. Whoever reads holds it open only while it reads.
pub(super) type Gate = Arc<RwLock<Option<Arc<Store>>>>;

/// The groups and topics that have a live reader in this process.
pub(super) type Subscriptions = Arc<Mutex<BTreeSet<(String, Arc<str>)>>>;

pub(super) struct EmbeddedSource {
    group: String,
    topics: Vec<Arc<str>>,
    cursors: Vec<Cursor>,
    /// The cursor that the next read begins with.
    turn: usize,
    wake: Arc<Notify>,
    gate: Gate,
    subscriptions: Subscriptions,
}

impl EmbeddedSource {
    pub(super) fn subscribe(
        gate: &Gate,
        subscriptions: &Subscriptions,
        group: &str,
        topics: &[&str],
        start: Start,
    ) -> Result<Self, Error> {
        let open = gate.read().unwrap_or_else(PoisonError::into_inner);
        let store = open.as_ref().ok_or(Error::Closed)?;
        let topics: BTreeSet<&str> = topics.iter().copied().collect();
        let topics = topics
            .into_iter()
            .map(|name| store.topic(name))
            .collect::<Result<Vec<_>, _>>()?;
        let cursors = cursors(store, group, &topics, start)?;
        claim(subscriptions, group, &topics)?;

        let wake = Arc::new(Notify::new());
        topics.iter().for_each(|topic| topic.join(&wake));
        let topics = topics.iter().map(|topic| Arc::clone(&topic.name)).collect();
        let (gate, subscriptions) = (Arc::clone(gate), Arc::clone(subscriptions));
        Ok(Self {
            group: group.to_owned(),
            topics,
            cursors,
            turn: 0,
            wake,
            gate,
            subscriptions,
        })
    }

    /// What is there now, taken from all partitions in turn.
    fn poll(&mut self, max: usize) -> Result<Vec<Record>, Error> {
        let gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let store = gate.as_ref().ok_or(Error::Closed)?;
        let mut records = Vec::new();
        let mut bytes = 0;
        self.turn += 1;
        loop {
            let before = records.len();
            // An equal share each; what some leave is shared again.
            let share = (max - before).div_ceil(self.cursors.len().max(1));
            for step in 0..self.cursors.len() {
                let index = (self.turn + step) % self.cursors.len();
                if let Some(cursor) = self.cursors.get_mut(index).filter(|_| bytes < READ_BYTES) {
                    bytes +=
                        cursor.take(share.min(max - records.len()), &mut records, &store.damages);
                }
            }
            if records.len() == before || records.len() == max || bytes >= READ_BYTES {
                return Ok(records);
            }
        }
    }
}

/// One cursor a partition, at the group's stored offset or at `start`.
fn cursors(
    store: &Store,
    group: &str,
    topics: &[Arc<Topic>],
    start: Start,
) -> Result<Vec<Cursor>, Error> {
    let stored = store.group_offsets(group)?;
    let stored: BTreeMap<_, _> = stored
        .iter()
        .map(|offset| ((&*offset.topic, offset.partition), offset.next))
        .collect();
    let partitions = topics.iter().flat_map(|topic| &topic.partitions);
    let cursors = partitions.map(|partition| {
        let next = match (stored.get(&(&*partition.topic, partition.index)), start) {
            (Some(&stored), _) => stored,
            (None, Start::Earliest) => partition.tail().oldest,
            (None, Start::Latest) => partition.tail().next,
            (None, Start::Stored) => {
                let (topic, partition) = (partition.topic.to_string(), partition.index);
                return Err(Error::NoOffset {
                    group: group.to_owned(),
                    topic,
                    partition,
                });
            }
        };
        Ok(Cursor::new(partition, next))
    });
    cursors.collect()
}

/// Two readers of one group would each take every record, and each move the group's offsets: a
/// second one is refused.
fn claim(subscriptions: &Subscriptions, group: &str, topics: &[Arc<Topic>]) -> Result<(), Error> {
    let mut claimed = subscriptions.lock().unwrap_or_else(PoisonError::into_inner);
    let keys = || {
        topics
            .iter()
            .map(|topic| (group.to_owned(), Arc::clone(&topic.name)))
    };
    if let Some((group, topic)) = keys().find(|key| claimed.contains(key)) {
        return Err(Error::GroupBusy {
            group,
            topic: topic.to_string(),
        });
    }
    claimed.extend(keys());
    Ok(())
}

#[async_trait]
impl Source for EmbeddedSource {
    async fn read(&mut self, max: usize) -> Result<Vec<Record>, Error> {
        tokio::task::coop::consume_budget().await;
        loop {
            let records = self.poll(max.max(1))?;
            if !records.is_empty() {
                return Ok(records);
            }
            // A write since the poll has left its permit: nothing is missed between the two.
            self.wake.notified().await;
        }
    }

    fn positions(&self) -> BTreeMap<(Arc<str>, u32), u64> {
        self.cursors
            .iter()
            .map(|cursor| ((Arc::clone(&cursor.topic), cursor.index), cursor.next()))
            .collect()
    }

    fn seek(&mut self, topic: &str, partition: u32, next: u64) {
        let cursor = self
            .cursors
            .iter_mut()
            .find(|cursor| &*cursor.topic == topic && cursor.index == partition);
        if let Some(cursor) = cursor {
            cursor.seek(next);
        }
        self.wake.notify_one();
    }
}

impl Drop for EmbeddedSource {
    fn drop(&mut self) {
        let mut claimed = self
            .subscriptions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for topic in &self.topics {
            claimed.remove(&(self.group.clone(), Arc::clone(topic)));
        }
        drop(claimed);
        let gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        for topic in self
            .topics
            .iter()
            .filter_map(|name| gate.as_ref()?.topic(name).ok())
        {
            topic.leave(&self.wake);
        }
    }
}
