//! Updates one by one, and how far they have been read: the offsets to store with the model that is made of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::bus::{Error, GroupOffset, NewRecord, Record, Source};

/// Records read ahead of the machine.
const AHEAD: usize = 8;
/// Refused records kept for the next model's write. More are written at once: a flood must not fill the memory.
const REFUSED_MAX: usize = 64;

/// The aggregator's reader of updates.
pub(super) struct Inbox {
    source: Box<dyn Source>,
    topic: Arc<str>,
    group: &'static str,
    ahead: VecDeque<Record>,
    next: BTreeMap<u32, u64>,
    refused: Vec<NewRecord>,
}

impl Inbox {
    pub(super) fn new(source: Box<dyn Source>, topic: Arc<str>, group: &'static str) -> Self {
        Self { source, topic, group, ahead: VecDeque::new(), next: BTreeMap::new(), refused: Vec::new() }
    }

    /// The next update. Cancelling loses nothing.
    pub(super) async fn next(&mut self) -> Result<Record, Error> {
        loop {
            if let Some(record) = self.ahead.pop_front() {
                self.next.insert(record.position.partition, record.position.offset + 1);
                return Ok(record);
            }
            self.ahead.extend(self.source.read(AHEAD).await?);
        }
    }

    /// Up to the last record that was taken, whatever was read ahead of it.
    pub(super) fn offsets(&self) -> Vec<GroupOffset> {
        let offset = |(&partition, &next): (&u32, &u64)| GroupOffset {
            group: self.group.to_owned(),
            topic: Arc::clone(&self.topic),
            partition,
            next,
        };
        self.next.iter().map(offset).collect()
    }

    /// Keeps a dead letter for the write that also moves the offsets; gives all back when they are too many.
    pub(super) fn refuse(&mut self, letter: NewRecord) -> Option<Vec<NewRecord>> {
        self.refused.push(letter);
        (self.refused.len() >= REFUSED_MAX).then(|| self.take_refused())
    }

    pub(super) fn take_refused(&mut self) -> Vec<NewRecord> {
        std::mem::take(&mut self.refused)
    }
}
