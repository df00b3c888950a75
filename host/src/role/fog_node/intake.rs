//! The node's reader of readings, and the offsets up to which their results are published.
//!
//! After a restart the node reads from its snapshot on, which may lie before what is published: the
//! results of those records are not published again. Where it continues is decided in
//! [`super::resume`].
//!
//! Until the columns are known, the first readings are held back and handed out together: the
//! columns are the union over all of them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fedhost_base::clock;
use fedhost_bus::{Error, GroupOffset, Record, Source, TopicId};

use super::Readings;
use super::resume::{Positions, Resume, resume};
use super::writes::offset;
use crate::role::message::END;

/// Readings over which columns are looked for.
const FIRST_READINGS: usize = 100;
/// How long the first readings are waited for, from the first of them on.
const FIRST_READINGS_WAIT: Duration = Duration::from_millis(500);

/// Reads the topic of readings.
pub(super) struct Intake {
    source: Box<dyn Source>,
    group: String,
    topic: Arc<str>,
    batch_rows: usize,
    /// The topic that has the name now.
    topic_id: Option<TopicId>,
    /// By partition: results of earlier offsets are published already.
    published: BTreeMap<u32, u64>,
    /// By partition: records that an operator has skipped.
    skipped: BTreeMap<u32, Range<u64>>,
    /// The first readings, while columns are looked for.
    first: Option<First>,
}

/// Readings that are held back.
#[derive(Default)]
struct First {
    records: Vec<Record>,
    /// When the first of them came.
    since: Option<Instant>,
}

impl Intake {
    /// `source` stands at the group's stored offsets.
    pub(super) fn new(source: Box<dyn Source>, group: &str, readings: &Readings) -> Self {
        let mut intake = Self {
            source,
            group: group.to_owned(),
            topic: Arc::clone(&readings.topic),
            batch_rows: readings.batch_rows,
            topic_id: None,
            published: BTreeMap::new(),
            skipped: BTreeMap::new(),
            first: None,
        };
        intake.published = intake.positions();
        let beginnings = intake.source.beginnings();
        intake.topic_id = beginnings
            .values()
            .find_map(|beginning| beginning.topic_id.clone());
        intake
    }

    /// Holds the first readings back until there are enough to know the columns.
    pub(super) fn look_for_columns(&mut self) {
        self.first = Some(First::default());
    }

    /// Goes to where the node continues: behind its snapshot, or at the oldest record of a topic that
    /// was created again. Returns what else follows from what was found.
    pub(super) fn resume(
        &mut self,
        published: Option<&Positions>,
        snapshot: Option<&Positions>,
    ) -> Resumed {
        let beginnings = self.source.beginnings();
        let Resume {
            read_from,
            published,
            skipped,
            forget_sequences,
            notes,
        } = resume(&self.topic, &beginnings, published, snapshot);
        for (partition, next) in read_from {
            self.source.seek(&self.topic, partition, next);
        }
        self.published = published;
        self.skipped = skipped;
        Resumed {
            forget_sequences,
            notes,
        }
    }

    /// The next records. Cancelling loses nothing.
    ///
    /// # Errors
    /// The bus refused.
    pub(super) async fn read(&mut self) -> Result<Vec<Record>, Error> {
        let wanted = self.batch_rows.min(FIRST_READINGS);
        while let Some(first) = &mut self.first {
            let wait = first.wait();
            let missing = wanted.saturating_sub(first.records.len()).max(1);
            tokio::select! {
                records = self.source.read(missing) => {
                    let records = leave_out(&mut self.skipped, self.source.as_mut(), &self.topic, records?);
                    first.add(records);
                }
                () = tokio::time::sleep(wait.unwrap_or(Duration::ZERO)), if wait.is_some() => {}
            }
            if first.is_complete(wanted) {
                let records = std::mem::take(&mut first.records);
                self.first = None;
                return Ok(records);
            }
        }
        loop {
            let records = self.source.read(self.batch_rows).await?;
            let records = leave_out(
                &mut self.skipped,
                self.source.as_mut(),
                &self.topic,
                records,
            );
            if !records.is_empty() || self.skipped.is_empty() {
                return Ok(records);
            }
        }
    }

    /// Whether some records were read and not handed out yet.
    pub(super) fn holds_records(&self) -> bool {
        self.first
            .as_ref()
            .is_some_and(|first| !first.records.is_empty())
    }

    /// The next offset to read, by partition.
    pub(super) fn positions(&self) -> BTreeMap<u32, u64> {
        self.source
            .positions()
            .into_iter()
            .map(|((_, partition), next)| (partition, next))
            .collect()
    }

    /// Up to where readings were read.
    pub(super) fn read_positions(&self) -> Positions {
        Positions {
            topic_id: self.topic_id.clone(),
            next: self.positions(),
        }
    }

    /// Up to where results are published. The node keeps it itself: the group's offsets can be
    /// deleted.
    pub(super) fn published_positions(&self) -> Positions {
        Positions {
            topic_id: self.topic_id.clone(),
            next: self.published.clone(),
        }
    }

    /// Whether the record's results are not published yet.
    pub(super) fn is_new(&self, record: &Record) -> bool {
        self.published
            .get(&record.position.partition)
            .is_none_or(|&next| record.position.offset >= next)
    }

    /// Whether no record is left whose results are published already.
    pub(super) fn has_caught_up(&self) -> bool {
        let positions = self.positions();
        self.published
            .iter()
            .all(|(partition, next)| positions.get(partition) >= Some(next))
    }

    /// Whether results of any record were ever published.
    pub(super) fn has_published(&self) -> bool {
        self.published.values().any(|&next| next > 0)
    }

    /// How many records are read a second time.
    pub(super) fn repeated(&self) -> u64 {
        let positions = self.positions();
        let from = |partition| positions.get(partition).copied().unwrap_or(0);
        self.published
            .iter()
            .map(|(partition, &next)| next.saturating_sub(from(partition)))
            .sum()
    }

    /// The offsets up to which results are published.
    pub(super) fn published(&self) -> Vec<GroupOffset> {
        let published = self.published.iter();
        published
            .map(|(&partition, &next)| offset(&self.group, &self.topic, partition, next))
            .collect()
    }

    /// Counts all that was read as published, and returns the offsets that are to be stored in the
    /// same write.
    pub(super) fn publish(&mut self) -> Vec<GroupOffset> {
        let mut offsets = Vec::new();
        for (partition, next) in self.positions() {
            let published = self.published.entry(partition).or_default();
            if next > *published {
                *published = next;
                offsets.push(offset(&self.group, &self.topic, partition, next));
            }
        }
        offsets
    }
}

/// What the rest of the node does when it continues.
pub(super) struct Resumed {
    /// Whether the sequence numbers that sensors have sent so far are to be forgotten.
    pub(super) forget_sequences: bool,
    /// For the operator.
    pub(super) notes: Vec<String>,
}

/// Leaves out records that an operator has skipped, and moves the reader behind them.
fn leave_out(
    skipped: &mut BTreeMap<u32, Range<u64>>,
    source: &mut dyn Source,
    topic: &str,
    mut records: Vec<Record>,
) -> Vec<Record> {
    if skipped.is_empty() {
        return records;
    }
    records.retain(|record| {
        let range = skipped.get(&record.position.partition);
        range.is_none_or(|range| !range.contains(&record.position.offset))
    });
    let positions = source.positions();
    skipped.retain(|&partition, range| {
        let place = (Arc::from(topic), partition);
        let next = positions.get(&place).copied().unwrap_or(0);
        if range.contains(&next) {
            source.seek(topic, partition, range.end);
        }
        next < range.start
    });
    records
}

impl First {
    fn add(&mut self, records: Vec<Record>) {
        if !records.is_empty() {
            self.since.get_or_insert_with(clock::now);
            self.records.extend(records);
        }
    }

    /// How much longer further readings are waited for; `None` before the first of them.
    fn wait(&self) -> Option<Duration> {
        let since = self.since?;
        Some(FIRST_READINGS_WAIT.saturating_sub(since.elapsed()))
    }

    /// Whether there are enough, no more are waited for, or a sensor has ended.
    fn is_complete(&self, wanted: usize) -> bool {
        self.records.len() >= wanted
            || self.wait() == Some(Duration::ZERO)
            || self
                .records
                .iter()
                .any(|record| record.header(END).is_some())
    }
}
