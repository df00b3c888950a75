//! Reads the dead-letter records that are there now. Those that arrive meanwhile are left out: a
//! replay whose records fail again must come to an end.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::{DeadLetter, Error, Filter, describe};
use fedhost_bus::{Bus, Position, Source, Start};

/// A reader that receives nothing for this time asks whether anything is left.
const PATIENCE: Duration = Duration::from_secs(1);

/// How much has been read, in dead-letter records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanProgress {
    /// So far.
    pub records: u64,
    /// At most this many in all.
    pub of: u64,
}

/// Where a reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// Where its group has stored its offsets, or at the oldest dead-letter record where there are
    /// none.
    Stored,
    /// At the oldest dead-letter record.
    Oldest,
}

/// Reads the dead-letter records of a topic up to the newest that was there when it was opened,
/// each partition in order.
pub struct Reader {
    bus: Arc<dyn Bus>,
    topic: Arc<str>,
    source: Box<dyn Source>,
    /// By partition that has not been read to its end: one past the last dead-letter record to be
    /// read.
    ends: BTreeMap<u32, u64>,
    seen: ScanProgress,
}

impl Reader {
    /// Begins at the oldest dead-letter record, and stores nothing. What the offsets of `filter`
    /// leave out is not read.
    ///
    /// # Errors
    /// There is no such topic or partition, or the bus refused.
    pub async fn browse(bus: &Arc<dyn Bus>, topic: &str, filter: &Filter) -> Result<Self, Error> {
        // A group of its own does not move the offsets of any other reader.
        let group = format!("fedhost-dlq-{}", uuid::Uuid::new_v4());
        Self::open(bus, topic, &group, Begin::Oldest, filter).await
    }

    /// As [`Reader::browse`], as a member of `group`.
    ///
    /// # Errors
    /// There is no such topic or partition, or the bus refused.
    pub async fn open(
        bus: &Arc<dyn Bus>,
        topic: &str,
        group: &str,
        begin: Begin,
        filter: &Filter,
    ) -> Result<Self, Error> {
        let offsets = describe(bus.as_ref(), topic).await?.offsets;
        let exists =
            |partition: u32| usize::try_from(partition).is_ok_and(|index| index < offsets.len());
        if let Some(partition) = filter.partitions().find(|&partition| !exists(partition)) {
            return Err(Error::NoPartition {
                topic: topic.to_owned(),
                partition,
                partitions: offsets.len(),
            });
        }
        let newest = bus.newest(topic).await?;
        let end = |offset: u64| {
            filter
                .end_offset()
                .map_or(offset + 1, |end| end.min(offset + 1))
        };
        let ends = newest
            .iter()
            .map(|record| (record.position.partition, end(record.position.offset)))
            .collect();
        let source = bus.subscribe(group, &[topic], Start::Earliest).await?;
        let mut reader = Self {
            bus: Arc::clone(bus),
            topic: Arc::from(topic),
            source,
            ends,
            seen: ScanProgress::default(),
        };
        reader.seek(begin, filter, &offsets);
        reader.close_what_is_read();
        reader.seen.of = reader.left(&offsets);
        Ok(reader)
    }

    /// At least one dead-letter record, at most `max`; none once all have been read. Cancelling
    /// loses nothing.
    ///
    /// # Errors
    /// The bus refused.
    pub async fn next(&mut self, max: usize) -> Result<Vec<DeadLetter>, Error> {
        while !self.ends.is_empty() {
            let Ok(records) = timeout(PATIENCE, self.source.read(max)).await else {
                self.look_for_the_end().await?;
                continue;
            };
            let mut dead_letters = Vec::new();
            for record in records? {
                let Position {
                    partition, offset, ..
                } = record.position;
                let Some(&end) = self.ends.get(&partition) else {
                    continue;
                };
                if offset + 1 >= end {
                    self.ends.remove(&partition);
                }
                if offset < end {
                    dead_letters.push(DeadLetter(record));
                }
            }
            self.seen.records += dead_letters.len() as u64;
            if !dead_letters.is_empty() {
                return Ok(dead_letters);
            }
        }
        Ok(Vec::new())
    }

    /// Reads no more of that partition.
    pub(super) fn close(&mut self, partition: u32) {
        if let Some(end) = self.ends.remove(&partition) {
            self.source.seek(&self.topic, partition, end);
        }
    }

    /// How far it has come.
    #[must_use]
    pub fn seen(&self) -> ScanProgress {
        self.seen
    }

    fn seek(&mut self, begin: Begin, filter: &Filter, offsets: &[Range<u64>]) {
        let positions = self.source.positions();
        for (partition, offsets) in (0..).zip(offsets) {
            let first = if filter.covers(partition) {
                filter.first_offset().unwrap_or(0)
            } else {
                self.ends.remove(&partition);
                offsets.end
            };
            let first = first.clamp(offsets.start, offsets.end);
            // A source may not know yet where its group has come.
            let next = positions
                .get(&(Arc::clone(&self.topic), partition))
                .copied();
            let is_elsewhere = match begin {
                Begin::Stored => next.unwrap_or(offsets.start) < first,
                Begin::Oldest => next != Some(first),
            };
            if is_elsewhere {
                self.source.seek(&self.topic, partition, first);
            }
        }
    }

    /// The last dead-letter records may have been damaged, purged or dropped by their topic's
    /// retention meanwhile.
    async fn look_for_the_end(&mut self) -> Result<(), Error> {
        let offsets = describe(self.bus.as_ref(), &self.topic).await?.offsets;
        for (partition, offsets) in (0..).zip(offsets) {
            if self
                .ends
                .get(&partition)
                .is_some_and(|&end| offsets.start >= end)
            {
                self.ends.remove(&partition);
            }
        }
        self.close_what_is_read();
        Ok(())
    }

    fn close_what_is_read(&mut self) {
        for ((_, partition), next) in self.source.positions() {
            if self.ends.get(&partition).is_some_and(|&end| next >= end) {
                self.ends.remove(&partition);
            }
        }
    }

    /// Dead-letter records between where it stands and the ends.
    fn left(&self, offsets: &[Range<u64>]) -> u64 {
        let positions = self.source.positions();
        let next = |partition: u32| {
            positions
                .get(&(Arc::clone(&self.topic), partition))
                .copied()
                .unwrap_or(0)
        };
        let left = (0..).zip(offsets).filter_map(|(partition, offsets)| {
            let end = self.ends.get(&partition)?;
            Some(end.saturating_sub(next(partition).max(offsets.start)))
        });
        left.sum()
    }
}
