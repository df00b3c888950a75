//! What every bus promises, whichever it is: one async function a promise, written against `dyn
//! Bus` only.
//!
//! [`conformance`] stamps a test from each promise for one bus.

mod groups;
mod keeping;
mod reading;
mod sharing;
mod topics;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fedhost_bus::{
    GroupOffset, NewRecord, Position, Record, Source, Start, TopicInfo, TopicSpec, Write,
};

use super::case::Case;

pub(crate) use self::groups::*;
pub(crate) use self::keeping::*;
pub(crate) use self::reading::*;
pub(crate) use self::sharing::*;
pub(crate) use self::topics::*;
pub(crate) use self::writing::*;

/// `conformance!(name, make)`: a module `name` with a test a promise, each on what `make().await`
/// gives. A bus that cannot keep a promise by its nature leaves it out, and says why:
/// `conformance!(name, make, without large_records_come_through: "its partitions keep at most 5
/// MiB")`. On a bus that is slow without being at work they are tried in one test, all at once:
/// `conformance!(at_once name, make)`.
macro_rules! conformance {
    ($name:ident, $make:path $(, without $promise:ident: $reason:literal)* $(,)?) => {
        conformance!(@all apart $name, $make, [$($promise: $reason)*]);
    };
    (at_once $name:ident, $make:path $(, without $promise:ident: $reason:literal)* $(,)?) => {
        conformance!(@all at_once $name, $make, [$($promise: $reason)*]);
    };
    (@all $how:ident $name:ident, $make:path, [$($promise:ident: $reason:literal)*]) => {
        $(const _: &str = { let _ = $crate::conformance::promises::$promise; $reason };)*
        conformance!(@$how ($) $name, $make, [$($promise)*], [
            a_record_is_read_as_it_was_written,
            offsets_rise_with_every_record,
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
            a_topic_created_again_is_read_from_its_start,
            the_first_record_from_an_offset_is_the_one_a_reader_would_get,
            a_reader_that_waits_is_woken,
            a_cancelled_read_loses_nothing,
            a_read_returns_no_more_than_asked_for,
            a_reader_goes_wherever_it_is_sent,
            latest_begins_behind_what_is_there,
            a_group_that_may_only_go_on_needs_somewhere_to_go_on_from,
            no_partition_starves,
            many_writers_lose_and_repeat_nothing,
            large_records_come_through,
            the_newest_record_of_each_partition_is_found,
            deleted_records_are_gone_and_the_others_stay,
            more_than_there_is_cannot_be_deleted,
            a_joining_member_takes_over_after_the_drain,
            the_partitions_of_a_dropped_member_go_to_the_others,
            a_write_of_a_member_that_lost_the_partition_is_refused,
            a_member_without_partitions_waits_for_some,
            a_group_is_read_alone_or_shared,
            an_offset_without_an_epoch_does_not_move_a_shared_group,
            members_that_leave_in_order_do_nothing_twice,
            members_that_come_and_go_lose_and_repeat_nothing,
        ]);
    };
    // `$d` is a dollar sign for the macro inside, whose first rules swallow what is left out.
    (@apart ($d:tt) $name:ident, $make:path, [$($left_out:ident)*], [$($promise:ident),* $(,)?]) => {
        mod $name {
            macro_rules! stamp {
                $(($left_out) => {};)*
                ($d promise:ident) => {
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $d promise() {
                        let case = $make().await;
                        $crate::conformance::promises::within_a_minute($crate::conformance::promises::$d promise(&case)).await;
                    }
                };
            }
            $(stamp!($promise);)*
        }
    };
    (@at_once ($d:tt) $name:ident, $make:path, [$($left_out:ident)*], [$($promise:ident),* $(,)?]) => {
        mod $name {
            macro_rules! stamp {
                $(($d tasks:ident, $left_out) => {};)*
                ($d tasks:ident, $d promise:ident) => {
                    $d tasks.push((stringify!($d promise), tokio::spawn(async {
                        let case = $make().await;
                        $crate::conformance::promises::within_a_minute($crate::conformance::promises::$d promise(&case)).await;
                    })));
                };
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn every_promise_is_kept() {
                let mut tasks = Vec::new();
                $(stamp!(tasks, $promise);)*
                let mut broken = Vec::new();
                for (promise, task) in tasks {
                    broken.extend(task.await.is_err().then_some(promise));
                }
                assert_eq!(broken, [""; 0]);
            }
        }
    };
}
pub(crate) use conformance;

/// A promise that is not kept may show as waiting forever.
pub(crate) async fn within_a_minute(promise: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(60), promise)
        .await
        .expect("the bus kept a reader or writer waiting");
}

impl Case {
    fn name(&self, name: &str) -> Arc<str> {
        format!("{}{name}", self.prefix).into()
    }

    async fn topic(&self, name: &str, partitions: u32) -> Arc<str> {
        let name = self.name(name);
        if let Some(make) = &self.make_first {
            make(&name, partitions);
        }
        self.bus
            .create_topic(spec(&name, partitions))
            .await
            .expect("a legal topic");
        name
    }

    async fn write(&self, records: Vec<NewRecord>) -> Vec<Position> {
        self.bus
            .write(Write {
                records,
                ..Write::default()
            })
            .await
            .expect("written")
    }

    async fn read_from_start(&self, group: &str, topics: &[&Arc<str>]) -> Box<dyn Source> {
        let topics: Vec<&str> = topics.iter().map(|topic| &***topic).collect();
        self.bus
            .subscribe(&self.name(group), &topics, Start::Earliest)
            .await
            .expect("subscribed")
    }
}

fn spec(name: &str, partitions: u32) -> TopicSpec {
    let (retention_ms, retention_bytes) = (None, None);
    TopicSpec {
        name: name.to_owned(),
        partitions,
        retention_ms,
        retention_bytes,
        max_message_bytes: 4 << 20,
        ..TopicSpec::default()
    }
}

fn record(topic: &Arc<str>, value: impl Into<Bytes>) -> NewRecord {
    let (topic, value) = (Arc::clone(topic), value.into());
    NewRecord {
        topic,
        partition: None,
        timestamp_ms: 1_700_000_000_000,
        key: None,
        value,
        headers: Vec::new(),
    }
}

/// One byte more than the bus carries.
fn too_large(case: &Case) -> Vec<u8> {
    let bytes = case.bus.record_bytes_max(&spec("any", 1)) + 1;
    vec![0; usize::try_from(bytes).expect("not so large")]
}

fn numbered(topic: &Arc<str>, partition: u32, numbers: std::ops::Range<u32>) -> Vec<NewRecord> {
    let record = |number: u32| NewRecord {
        partition: Some(partition),
        ..record(topic, number.to_string())
    };
    numbers.map(record).collect()
}

fn text(record: &Record) -> &str {
    str::from_utf8(&record.value).expect("text")
}

fn texts(records: &[Record]) -> Vec<&str> {
    records.iter().map(text).collect()
}

/// Their offsets, which need not follow each other without gaps.
fn offsets(positions: &[Position]) -> Vec<u64> {
    positions.iter().map(|position| position.offset).collect()
}

async fn read(source: &mut dyn Source, count: usize) -> Vec<Record> {
    let mut records = Vec::new();
    while records.len() < count {
        records.extend(source.read(count - records.len()).await.expect("readable"));
    }
    records
}

/// The bus's topics, as soon as they show the record that was written there: what a transaction
/// wrote is counted a moment after it is answered. Each promise has a minute.
async fn topics_with(case: &Case, written: &Position) -> Vec<TopicInfo> {
    loop {
        let topics = case.bus.topics().await.expect("topics");
        let end = info(&topics, &written.topic).offsets[written.partition as usize].end;
        if end > written.offset {
            return topics;
        }
    }
}

fn info<'a>(topics: &'a [TopicInfo], name: &str) -> &'a TopicInfo {
    topics
        .iter()
        .find(|topic| topic.spec.name == name)
        .expect("the topic is listed")
}

fn offset(case: &Case, group: &str, topic: &Arc<str>, next: u64) -> GroupOffset {
    GroupOffset {
        group: case.name(group).to_string(),
        topic: Arc::clone(topic),
        partition: 0,
        next,
        epoch: None,
    }
}
