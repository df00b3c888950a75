//! A reader's place in one partition.

use std::sync::{Arc, Weak};

use super::batch::Batch;
use super::damage::Damages;
use super::partition::{Partition, Tail};
use crate::Record;

/// Reads one partition in order. Keeps the batch it is in, so that none is fetched or checked
/// twice.
pub(super) struct Cursor {
    pub(super) topic: Arc<str>,
    pub(super) index: u32,
    /// Weak: a reader must not keep a closed store open.
    partition: Weak<Partition>,
    next: u64,
    /// Number of the batch to fetch next, once it is known.
    number: Option<u64>,
    batch: Option<Batch>,
}

impl Cursor {
    /// Begins at `next`.
    pub(super) fn new(partition: &Arc<Partition>, next: u64) -> Self {
        let (topic, index) = (Arc::clone(&partition.topic), partition.index);
        Self {
            topic,
            index,
            partition: Arc::downgrade(partition),
            next,
            number: None,
            batch: None,
        }
    }

    /// The next offset to be read.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn seek(&mut self, next: u64) {
        (self.next, self.number, self.batch) = (next, None, None);
    }

    /// Adds at most `max` records to `records`; returns how many bytes their values have.
    pub(super) fn take(
        &mut self,
        max: usize,
        records: &mut Vec<Record>,
        damages: &Damages,
    ) -> usize {
        let Some(partition) = self.partition.upgrade() else {
            return 0;
        };
        let (mut taken, mut bytes) = (0, 0);
        if self.next < partition.tail().oldest {
            // What was dropped is not shown any more, even where it is at hand.
            self.batch = None;
        }
        while taken < max && self.fetch(&partition, damages) {
            let Some(batch) = &mut self.batch else { break };
            match batch.next(&self.topic, self.index) {
                Ok(Some(record)) => {
                    self.next = record.position.offset + 1;
                    bytes += record.value.len();
                    taken += 1;
                    records.push(record);
                }
                Ok(None) => self.batch = None,
                Err(broken) => {
                    let lost = batch.rest();
                    self.next = lost.end;
                    self.batch = None;
                    damages.announce(&partition, lost, broken.to_string());
                }
            }
        }
        bytes
    }

    /// Makes sure that a batch is open; `false` when there is nothing to read.
    fn fetch(&mut self, partition: &Partition, damages: &Damages) -> bool {
        while self.batch.is_none() {
            let tail = partition.tail();
            if !tail.offsets().contains(&self.next) {
                // Retention was faster, or the offset sought never existed.
                let (oldest, next) = (tail.oldest, tail.next);
                if self.next != next {
                    self.seek(self.next.clamp(oldest, next));
                }
                if self.next == next {
                    return false;
                }
            }
            self.fetch_from(partition, &tail, damages);
        }
        true
    }

    /// Opens the first readable batch that holds or follows `next`, and announces what is lost
    /// before it.
    fn fetch_from(&mut self, partition: &Partition, tail: &Tail, damages: &Damages) {
        let mut number = self
            .number
            .unwrap_or_else(|| partition.locate(self.next, tail))
            .max(tail.first);
        let mut reason = None;
        let mut found = None;
        while number < tail.end && found.is_none() {
            match partition.batch(number) {
                Ok(batch) if batch.head().end() > self.next => found = Some(batch),
                Ok(_) => {}
                Err(damage) => drop(reason.get_or_insert(damage)),
            }
            number += 1;
        }
        let reached = found.as_ref().map_or(tail.next, |batch| batch.head().base);
        if reached > self.next {
            if partition.tail().oldest > self.next {
                // Not damaged: retention dropped it meanwhile.
                return self.number = None;
            }
            let reason = reason.unwrap_or_else(|| "the batch is missing".to_owned());
            damages.announce(partition, self.next..reached, reason);
            self.next = reached;
        }
        self.number = Some(number);
        if let Some(mut batch) = found
            && batch.skip_to(self.next).is_ok()
        {
            self.batch = Some(batch);
        }
    }
}

#[cfg(test)]
mod tests;
