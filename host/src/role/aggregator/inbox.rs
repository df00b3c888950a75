//! Updates one by one, and how far they have been read: the offsets to store with the model that is
//! made of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use fedhost_bus::{Error, GroupOffset, NewRecord, Position, Record, Source, Write};

/// Records read ahead of the machine.
const AHEAD: usize = 8;
/// Records of refused updates kept for the next model's write. More are written at once: a flood must not fill
/// the memory.
const REFUSED_MAX: usize = 64;

/// Refused records wait no longer for it: an operator looks for them in the dead-letter records,
/// and offsets wait with them.
const REFUSED_FOR_MS: u64 = 1_000;

/// The aggregator's reader of updates.
pub(super) struct Inbox {
    source: Box<dyn Source>,
    topic: Arc<str>,
    group: &'static str,
    ahead: VecDeque<Record>,
    next: BTreeMap<u32, u64>,
    /// By partition, the first update of a sum that is not published yet: it has to be read again
    /// after a restart.
    held: BTreeMap<u32, u64>,
    refused: Vec<NewRecord>,
    /// Present while dead-letter records wait.
    settle_by_ms: Option<u64>,
}

impl Inbox {
    pub(super) fn new(source: Box<dyn Source>, topic: Arc<str>, group: &'static str) -> Self {
        Self {
            source,
            topic,
            group,
            ahead: VecDeque::new(),
            next: BTreeMap::new(),
            held: BTreeMap::new(),
            refused: Vec::new(),
            settle_by_ms: None,
        }
    }

    /// The next update. Cancelling loses nothing.
    pub(super) async fn next(&mut self) -> Result<Record, Error> {
        loop {
            if let Some(record) = self.ahead.pop_front() {
                self.next
                    .insert(record.position.partition, record.position.offset + 1);
                return Ok(record);
            }
            self.ahead.extend(self.source.read(AHEAD).await?);
        }
    }

    /// The update is part of a sum.
    pub(super) fn hold(&mut self, update: &Position) {
        self.held.entry(update.partition).or_insert(update.offset);
    }

    /// Keeps the dead-letter record of an update, and the answer to its sender, for the write that
    /// also moves the offsets. Returns whether there are too many to keep.
    pub(super) fn refuse(
        &mut self,
        records: impl IntoIterator<Item = NewRecord>,
        now_ms: u64,
    ) -> bool {
        self.settle_by_ms.get_or_insert(now_ms + REFUSED_FOR_MS);
        self.refused.extend(records);
        self.refused.len() >= REFUSED_MAX
    }

    /// When the dead-letter records are to be written at the latest, with or without a model.
    pub(super) fn settle_by_ms(&self) -> Option<u64> {
        self.settle_by_ms
    }

    /// With the model that is made of them: the dead-letter records, and the offsets up to the last
    /// update that was taken, whatever was read ahead of it.
    pub(super) fn published(&mut self) -> Write {
        self.held.clear();
        self.settled()
    }

    /// Without a model: the dead-letter records, and the offsets up to the first update that is
    /// part of an unpublished sum.
    pub(super) fn settled(&mut self) -> Write {
        self.settle_by_ms = None;
        let offset = |(&partition, &next): (&u32, &u64)| GroupOffset {
            group: self.group.to_owned(),
            topic: Arc::clone(&self.topic),
            partition,
            next: self.held.get(&partition).copied().unwrap_or(next),
            epoch: None,
        };
        let offsets = self.next.iter().map(offset).collect();
        Write {
            records: std::mem::take(&mut self.refused),
            offsets,
            state: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;

    /// Has all updates ready.
    struct Ready(Vec<Record>);

    #[async_trait]
    impl Source for Ready {
        async fn read(&mut self, _: usize) -> Result<Vec<Record>, Error> {
            Ok(std::mem::take(&mut self.0))
        }

        fn positions(&self) -> BTreeMap<(Arc<str>, u32), u64> {
            BTreeMap::new()
        }

        fn seek(&mut self, _: &str, _: u32, _: u64) {}
    }

    fn update(partition: u32, offset: u64) -> Record {
        let position = Position {
            topic: "updates".into(),
            partition,
            offset,
        };
        Record {
            position,
            timestamp_ms: 0,
            key: None,
            value: Default::default(),
            headers: Vec::new(),
        }
    }

    fn dead_letter() -> NewRecord {
        let topic = "updates.dlq".into();
        NewRecord {
            topic,
            partition: None,
            timestamp_ms: 0,
            key: None,
            value: Default::default(),
            headers: Vec::new(),
        }
    }

    fn next(write: &Write) -> Vec<(u32, u64)> {
        write
            .offsets
            .iter()
            .map(|offset| (offset.partition, offset.next))
            .collect()
    }

    #[tokio::test]
    async fn an_update_of_an_unpublished_sum_is_read_again_after_a_restart() {
        let updates = vec![update(0, 0), update(0, 1), update(0, 2), update(1, 7)];
        let mut inbox = Inbox::new(Box::new(Ready(updates)), "updates".into(), "aggregator");
        for accepted in [false, true, false, false] {
            let update = inbox.next().await.unwrap();
            match accepted {
                true => inbox.hold(&update.position),
                false => assert!(!inbox.refuse([dead_letter()], 5), "there is room for a few"),
            }
        }
        assert_eq!(
            inbox.settle_by_ms(),
            Some(1_005),
            "dead-letter records do not wait for a model that may never come"
        );
        let settled = inbox.settled();
        assert_eq!(inbox.settle_by_ms(), None);
        assert_eq!(
            (next(&settled), settled.records.len()),
            (vec![(0, 1), (1, 8)], 3)
        );
        let published = inbox.published();
        assert_eq!(
            (next(&published), published.records.len()),
            (vec![(0, 3), (1, 8)], 0),
            "each dead-letter record is written once"
        );
    }
}
