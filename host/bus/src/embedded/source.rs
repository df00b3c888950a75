//! A group's reader of all partitions.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::group::Groups;
use super::reading::{self, Beginnings, Cursors, Gate};
use crate::{Beginning, Error, Record, Source, Start};

pub(super) struct EmbeddedSource {
    group: String,
    topics: Vec<Arc<str>>,
    cursors: Cursors,
    beginnings: BTreeMap<(Arc<str>, u32), Beginning>,
    wake: Arc<Notify>,
    gate: Gate,
    groups: Arc<Groups>,
}

impl EmbeddedSource {
    pub(super) fn subscribe(
        gate: &Gate,
        groups: &Arc<Groups>,
        group: &str,
        topics: &[&str],
        start: Start,
    ) -> Result<Self, Error> {
        reading::with_store(gate, |store| {
            let topics = reading::topics(store, topics)?;
            let beginnings = Beginnings::new(store, group, start)?;
            let mut cursors = Cursors::default();
            let mut found = BTreeMap::new();
            for partition in topics.iter().flat_map(|topic| &topic.partitions) {
                let (cursor, beginning) = beginnings.cursor(partition)?;
                found.insert((Arc::clone(&partition.topic), partition.index), beginning);
                cursors.add(cursor);
            }
            groups.claim_whole(group, &topics)?;

            let wake = Arc::new(Notify::new());
            topics.iter().for_each(|topic| topic.join(&wake));
            Ok(Self {
                group: group.to_owned(),
                topics: topics.iter().map(|topic| Arc::clone(&topic.name)).collect(),
                cursors,
                beginnings: found,
                wake,
                gate: Arc::clone(gate),
                groups: Arc::clone(groups),
            })
        })
    }
}

#[async_trait]
impl Source for EmbeddedSource {
    async fn read(&mut self, max: usize) -> Result<Vec<Record>, Error> {
        tokio::task::coop::consume_budget().await;
        loop {
            let cursors = &mut self.cursors;
            let records =
                reading::with_store(&self.gate, |store| Ok(cursors.poll(store, max.max(1))))?;
            if !records.is_empty() {
                return Ok(records);
            }
            // A write since the poll has left its permit: nothing is missed between the two.
            self.wake.notified().await;
        }
    }

    fn positions(&self) -> BTreeMap<(Arc<str>, u32), u64> {
        self.cursors.positions()
    }

    /// Topics of the log cannot be deleted, and only its own writes store offsets.
    fn beginnings(&self) -> BTreeMap<(Arc<str>, u32), Beginning> {
        self.beginnings.clone()
    }

    fn seek(&mut self, topic: &str, partition: u32, next: u64) {
        self.cursors.seek(topic, partition, next);
        self.wake.notify_one();
    }
}

impl Drop for EmbeddedSource {
    fn drop(&mut self) {
        self.groups.release_whole(&self.group, &self.topics);
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
