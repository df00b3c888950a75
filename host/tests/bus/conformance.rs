//! What every bus promises, whichever it is: one async function a promise, written against `dyn Bus` only.
//!
//! [`conformance`] stamps a test from each promise for one bus.

mod groups;
mod reading;
mod topics;
mod writing;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fedhost::bus::{Bus, GroupOffset, NewRecord, Position, Record, Source, Start, TopicInfo, TopicSpec, Write};

pub(crate) use self::groups::*;
pub(crate) use self::reading::*;
pub(crate) use self::topics::*;
pub(crate) use self::writing::*;

/// A bus to be tried, and names on it that no other test uses.
pub(crate) struct Case {
    pub(crate) bus: Arc<dyn Bus>,
    /// In front of all names; legal in a topic's name.
    pub(crate) prefix: String,
    /// Whatever has to live as long as the bus.
    pub(crate) _keep: Box<dyn Any + Send + Sync>,
}

/// `conformance!(name, make)`: a module `name` with a test a promise, each on what `make().await` gives.
macro_rules! conformance {
    ($name:ident, $make:path) => {
        conformance!(@stamp $name, $make, [
            a_record_is_read_as_it_was_written,
            offsets_begin_at_0_and_have_no_gaps,
            each_partition_is_read_in_order,
            a_key_decides_the_partition_as_in_kafka,
            a_record_without_key_goes_to_partition_0,
            a_write_over_several_topics_says_where_each_record_lies,
            a_group_goes_on_at_its_stored_offsets,
            a_group_s_offsets_move_only_through_a_write,
            groups_do_not_disturb_each_other,
            state_keeps_the_newest_value_of_each_name,
            a_refused_write_leaves_nothing_behind,
            what_does_not_exist_is_named,
            creating_a_topic_again_changes_nothing,
            an_illegal_topic_is_refused,
            a_reader_that_waits_is_woken,
            a_cancelled_read_loses_nothing,
            a_read_returns_no_more_than_asked_for,
            a_reader_goes_wherever_it_is_sent,
            latest_begins_behind_what_is_there,
            no_partition_starves,
            many_writers_lose_and_repeat_nothing,
            large_records_come_through,
        ]);
    };
    (@stamp $name:ident, $make:path, [$($promise:ident),* $(,)?]) => {
        mod $name {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    let case = $make().await;
                    $crate::conformance::within_a_minute($crate::conformance::$promise(&case)).await;
                }
            )*
        }
    };
}
pub(crate) use conformance;

/// A promise that is not kept may show as waiting forever.
pub(crate) async fn within_a_minute(promise: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(60), promise).await.expect("the bus kept a reader or writer waiting");
}

impl Case {
    fn name(&self, name: &str) -> Arc<str> {
        format!("{}{name}", self.prefix).into()
    }

    async fn topic(&self, name: &str, partitions: u32) -> Arc<str> {
        let name = self.name(name);
        self.bus.create_topic(spec(&name, partitions)).await.expect("a legal topic");
        name
    }

    async fn write(&self, records: Vec<NewRecord>) -> Vec<Position> {
        self.bus.write(Write { records, ..Write::default() }).await.expect("written")
    }

    fn read_from_start(&self, group: &str, topics: &[&Arc<str>]) -> Box<dyn Source> {
        let topics: Vec<&str> = topics.iter().map(|topic| &***topic).collect();
        self.bus.subscribe(&self.name(group), &topics, Start::Earliest).expect("subscribed")
    }
}

fn spec(name: &str, partitions: u32) -> TopicSpec {
    let (retention_ms, retention_bytes) = (None, None);
    TopicSpec { name: name.to_owned(), partitions, retention_ms, retention_bytes, max_message_bytes: 4 << 20 }
}

fn record(topic: &Arc<str>, value: impl Into<Bytes>) -> NewRecord {
    let (topic, value) = (Arc::clone(topic), value.into());
    NewRecord { topic, partition: None, timestamp_ms: 1_700_000_000_000, key: None, value, headers: Vec::new() }
}

fn numbered(topic: &Arc<str>, partition: u32, numbers: std::ops::Range<u32>) -> Vec<NewRecord> {
    let record = |number: u32| NewRecord { partition: Some(partition), ..record(topic, number.to_string()) };
    numbers.map(record).collect()
}

fn text(record: &Record) -> &str {
    str::from_utf8(&record.value).expect("text")
}

fn texts(records: &[Record]) -> Vec<&str> {
    records.iter().map(text).collect()
}

async fn read(source: &mut dyn Source, count: usize) -> Vec<Record> {
    let mut records = Vec::new();
    while records.len() < count {
        records.extend(source.read(count - records.len()).await.expect("readable"));
    }
    records
}

fn info<'a>(topics: &'a [TopicInfo], name: &str) -> &'a TopicInfo {
    topics.iter().find(|topic| topic.spec.name == name).expect("the topic is listed")
}

fn offset(case: &Case, group: &str, topic: &Arc<str>, next: u64) -> GroupOffset {
    GroupOffset { group: case.name(group).to_string(), topic: Arc::clone(topic), partition: 0, next }
}
