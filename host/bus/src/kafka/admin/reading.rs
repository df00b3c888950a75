//! Single records, by their place.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::connection::Connection;
use super::describe;
use crate::kafka::chunks::Assembler;
use crate::kafka::diagnosis::{self, Kind};
use crate::kafka::source::record::record;
use crate::{Error, Record};
use fedhost_base::clock;

/// The newest committed record of each partition that has one, in the order of the partitions.
///
/// The last offset may be a transaction's mark, or hold the end of a record in chunks, and those
/// before it compacted away: what lies before is searched in steps twice as large each, so that not
/// much more is read than there is to skip.
pub(super) fn newest(connection: &Connection, topic: &str) -> Result<Vec<Record>, Error> {
    let mut searched = describe::offsets_of(connection, topic)?;
    searched.retain(|_, offsets| !offsets.is_empty());
    let mut newest = BTreeMap::new();
    let mut step = 1;
    while !searched.is_empty() {
        let from = |offsets: &Range<u64>| offsets.end.saturating_sub(step).max(offsets.start);
        let starts = searched
            .iter()
            .map(|(&partition, offsets)| (partition, from(offsets)))
            .collect();
        let mut assemblers: BTreeMap<i32, Assembler> = BTreeMap::new();
        read(connection, topic, &starts, |partition, record| {
            let is_last = searched
                .get(&partition)
                .is_none_or(|offsets| record.position.offset + 1 >= offsets.end);
            let known = |newest: &BTreeMap<i32, Record>| {
                newest.get(&partition).map(|record| record.position.offset)
            };
            if let Some(record) = assemblers
                .entry(partition)
                .or_default()
                .add(record, clock::now())
                && known(&newest).is_none_or(|known| known < record.position.offset)
            {
                newest.insert(partition, record);
            }
            is_last
        })?;
        searched.retain(|partition, offsets| {
            !newest.contains_key(partition) && from(offsets) > offsets.start
        });
        step = step.saturating_mul(2);
    }
    Ok(newest.into_values().collect())
}

/// The oldest committed record of a partition at or behind `from`.
pub(super) fn first_from(
    connection: &Connection,
    topic: &str,
    partition: u32,
    from: u64,
) -> Result<Option<Record>, Error> {
    let index = describe::partition(connection, topic, partition)?;
    let offsets = describe::offsets_of(connection, topic)?
        .remove(&index)
        .unwrap_or_default();
    let (mut first, mut assembler): (Option<Record>, _) = (None, Assembler::default());
    if from < offsets.end {
        let starts = BTreeMap::from([(index, from.max(offsets.start))]);
        read(connection, topic, &starts, |_, record| {
            let complete = assembler.add(record, clock::now());
            let is_first = |record: &Record| {
                first
                    .as_ref()
                    .is_none_or(|first| record.position.offset < first.position.offset)
            };
            if let Some(record) = complete.filter(is_first) {
                first = Some(record);
            }
            // One that began before may still be complete.
            first.as_ref().is_some_and(|first| {
                assembler
                    .oldest()
                    .is_none_or(|oldest| first.position.offset < oldest)
            })
        })?;
    }
    Ok(first)
}

/// Reads each partition from its start to its end, or until `seen` has enough of it.
fn read(
    connection: &Connection,
    topic: &str,
    starts: &BTreeMap<i32, u64>,
    mut seen: impl FnMut(i32, Record) -> bool,
) -> Result<(), Error> {
    let mut assignment = TopicPartitionList::new();
    for (&partition, &start) in starts {
        let start = Offset::Offset(i64::try_from(start).unwrap_or(i64::MAX));
        assignment
            .add_partition_offset(topic, partition, start)
            .map_err(|error| connection.failed(&error))?;
    }
    let name: Arc<str> = topic.into();
    connection
        .consumer
        .assign(&assignment)
        .map_err(|error| connection.failed(&error))?;
    let mut unfinished: BTreeSet<i32> = starts.keys().copied().collect();
    while !unfinished.is_empty() {
        match connection.consumer.poll(connection.step()) {
            Some(Ok(message)) => {
                let partition = message.partition();
                let record = || record(&name, partition.cast_unsigned(), &message);
                if unfinished.contains(&partition) && seen(partition, record()) {
                    unfinished.remove(&partition);
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => drop(unfinished.remove(&partition)),
            // Only an error that no retry can clear ends it: the client retries by itself.
            Some(Err(error)) if diagnosis::of(&error).kind != Kind::Unreachable => {
                return Err(connection.failed(&error));
            }
            Some(Err(_)) | None => {}
        }
        if !unfinished.is_empty() && connection.remaining().is_zero() {
            return Err(connection.failed(&KafkaError::MessageConsumption(
                RDKafkaErrorCode::OperationTimedOut,
            )));
        }
    }
    connection
        .consumer
        .unassign()
        .map_err(|error| connection.failed(&error))
}
