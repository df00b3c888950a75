//! How far the readers of a federation are behind, asked of the bus.

use std::ops::Range;

use serde::Serialize;

use super::topics;
use fedhost_bus::{Admin, Error, GroupOffset, TopicInfo};
use fedhost_manifest::{Extent, Manifest, Read, RoleSpec};

/// How far a group is behind in one partition.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lag {
    /// The consumer group.
    pub group: String,
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: u32,
    /// The next offset that the group has to read, when it has stored one.
    pub committed: Option<u64>,
    /// One past the newest record.
    pub end: u64,
    /// Offsets whose results are not stored yet: the group would read their records after a crash.
    /// The marks that transactions leave on Kafka take an offset each, so that there may be fewer
    /// records.
    pub records: u64,
    /// How long the oldest of these has been waiting; 0 without any.
    pub seconds: f64,
    /// Records that the topic's retention dropped before the group read them.
    pub expired: u64,
}

/// How many dead-letter records one topic has at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeadLetterOffsets {
    /// The dead-letter topic.
    pub topic: String,
    /// Offsets between the oldest and the newest. The marks that transactions leave on Kafka take
    /// one each, so that there may be fewer records; to count these, read them with
    /// [`crate::dead_letters::survey()`].
    pub offsets: u64,
}

/// Everything that waits in a federation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Waiting {
    /// By group, topic and partition.
    pub groups: Vec<Lag>,
    /// By topic.
    pub dead_letters: Vec<DeadLetterOffsets>,
    /// The sum of all groups' `records`.
    pub records_not_safe: u64,
}

/// Asks the bus how far every group of the manifest is behind at `now_ms`, in milliseconds since
/// the Unix epoch.
///
/// Nodes' groups that take the newest model, however many have come, are never behind, and are left
/// out. Topics that are not there yet hold nothing.
///
/// # Errors
/// The bus refused.
pub async fn waiting(
    bus: &(impl Admin + ?Sized),
    manifest: &Manifest,
    now_ms: u64,
) -> Result<Waiting, Error> {
    let found = bus.topics().await?;
    let mut groups = Vec::new();
    let roles = manifest.roles();
    for read in tracked(&roles) {
        let (group, topic) = (&read.group, &read.topic.name);
        let Some(info) = topics::find(&found, topic) else {
            continue;
        };
        let stored = bus.group_offsets(group).await?;
        for (partition, offsets) in (0..).zip(&info.offsets) {
            let committed = committed(&stored, topic, partition);
            let mut lag = Lag::new(group, topic, partition, committed, offsets);
            lag.measure(bus, offsets, now_ms).await?;
            groups.push(lag);
        }
    }
    let dead_letters = topics::asked(manifest)
        .into_iter()
        .filter(|asked| asked.dead_letters);
    let dead_letters = dead_letters
        .filter_map(|asked| topics::find(&found, &asked.spec.name))
        .map(dead_letter_offsets)
        .collect();
    let records_not_safe = groups.iter().map(|lag| lag.records).sum();
    Ok(Waiting {
        groups,
        dead_letters,
        records_not_safe,
    })
}

/// What has to be read record by record, so that its reader can be behind.
pub(super) fn tracked(roles: &[RoleSpec]) -> impl Iterator<Item = &Read> {
    let reads = roles.iter().flat_map(|spec| &spec.reads);
    reads.filter(|read| read.extent == Extent::All)
}

fn committed(stored: &[GroupOffset], topic: &str, partition: u32) -> Option<u64> {
    stored
        .iter()
        .find(|offset| &*offset.topic == topic && offset.partition == partition)
        .map(|offset| offset.next)
}

fn dead_letter_offsets(info: &TopicInfo) -> DeadLetterOffsets {
    let offsets = info
        .offsets
        .iter()
        .map(|offsets| offsets.end.saturating_sub(offsets.start))
        .sum();
    DeadLetterOffsets {
        topic: info.spec.name.clone(),
        offsets,
    }
}

impl Lag {
    fn new(
        group: &str,
        topic: &str,
        partition: u32,
        committed: Option<u64>,
        offsets: &Range<u64>,
    ) -> Self {
        Self {
            group: group.to_owned(),
            topic: topic.to_owned(),
            partition,
            committed,
            end: offsets.end,
            records: 0,
            seconds: 0.0,
            expired: committed.map_or(0, |next| offsets.start.saturating_sub(next)),
        }
    }

    /// Looks for the record that waits longest: a bus may have nothing but marks of its own left,
    /// which are not waited for.
    async fn measure(
        &mut self,
        bus: &(impl Admin + ?Sized),
        offsets: &Range<u64>,
        now_ms: u64,
    ) -> Result<(), Error> {
        let next = self.committed.unwrap_or(0).max(offsets.start);
        if next >= offsets.end {
            return Ok(());
        }
        if let Some(oldest) = bus.first_from(&self.topic, self.partition, next).await? {
            // It may be newer than the end that was asked for before.
            self.records = offsets.end.saturating_sub(oldest.position.offset);
            let waited_ms = now_ms.saturating_sub(oldest.timestamp_ms);
            self.seconds = if self.records > 0 {
                waited_ms as f64 / 1e3
            } else {
                0.0
            };
        }
        Ok(())
    }
}
