//! The node's reader of readings, and the offsets up to which their results are published.
//!
//! After a restart the node reads from its snapshot on, which may lie before what is published: the
//! results of those records are not published again.
//!
//! Until the columns are known, the first readings are held back and handed out together: the
//! columns are the union over all of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fedhost_base::clock;
use fedhost_bus::{Error, GroupOffset, Record, Source};

use super::Readings;
use super::snapshot::Snapshot;
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
    /// By partition: results of earlier offsets are published already.
    published: BTreeMap<u32, u64>,
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
            published: BTreeMap::new(),
            first: None,
        };
        intake.published = intake.positions();
        intake
    }

    /// Holds the first readings back until there are enough to know the columns.
    pub(super) fn look_for_columns(&mut self) {
        self.first = Some(First::default());
    }

    /// Goes back to the records that came after the snapshot; without one, to the oldest.
    pub(super) fn go_back(&mut self, snapshot: Option<&Snapshot>) {
        for &partition in self.published.keys() {
            let next = snapshot.and_then(|snapshot| snapshot.offsets.get(&partition));
            let next = next.copied().unwrap_or(0);
            self.source.seek(&self.topic, partition, next);
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
                records = self.source.read(missing) => first.add(records?),
                () = tokio::time::sleep(wait.unwrap_or(Duration::ZERO)), if wait.is_some() => {}
            }
            if first.is_complete(wanted) {
                let records = std::mem::take(&mut first.records);
                self.first = None;
                return Ok(records);
            }
        }
        self.source.read(self.batch_rows).await
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
