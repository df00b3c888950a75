use bytes::Bytes;

use super::*;
use crate::{Position, StoredOffset};

fn put(buffer: &mut FetchBuffer, index: u32, count: u64) {
    let record = |offset| Record {
        position: Position {
            topic: "t".into(),
            partition: index,
            offset,
        },
        timestamp_ms: 0,
        key: None,
        value: Bytes::from_static(b"0123456789"),
        headers: Vec::new(),
    };
    buffer
        .find_mut("t", index)
        .expect("owned")
        .put((0..count).map(record).collect());
}

/// A buffer with this number of partitions.
fn buffer(partitions: u32) -> FetchBuffer {
    let mut buffer = FetchBuffer::new(400);
    for index in 0..partitions {
        let beginning = Beginning {
            next: 0,
            topic_id: None,
            stored: StoredOffset::Missing,
        };
        buffer.add(("t".into(), index), beginning);
    }
    buffer.enter(Phase::Reading);
    buffer
}

fn counts(records: &[Record], partitions: u32) -> Vec<usize> {
    let of = |index| {
        records
            .iter()
            .filter(|record| record.position.partition == index)
            .count()
    };
    (0..partitions).map(of).collect()
}

#[test]
fn every_partition_with_records_gets_its_share() {
    let mut buffer = buffer(3);
    put(&mut buffer, 0, 100);
    put(&mut buffer, 1, 2);
    put(&mut buffer, 2, 100);
    let records = buffer.take(20);
    assert_eq!(records.len(), 20);
    assert_eq!(counts(&records, 3)[1], 2);
    assert!(counts(&records, 3).iter().all(|&count| count <= 12));
}

#[test]
fn each_partition_has_its_turn_even_one_record_at_a_time() {
    let mut buffer = buffer(3);
    (0..3).for_each(|index| put(&mut buffer, index, 10));
    let records: Vec<Record> = (0..9).flat_map(|_| buffer.take(1)).collect();
    assert_eq!(counts(&records, 3), [3, 3, 3]);
}

#[test]
fn nothing_is_handed_out_while_the_group_is_arranged_anew() {
    let mut buffer = buffer(1);
    put(&mut buffer, 0, 5);
    buffer.enter(Phase::Suspended);
    assert_eq!(buffer.take(5).len(), 0);
    buffer.enter(Phase::Reading);
    assert_eq!(buffer.take(5).len(), 5);
}

#[test]
fn the_end_is_for_ever_and_told_in_full_once() {
    let mut buffer = buffer(1);
    assert!(buffer.take_end().is_none());
    buffer.enter(Phase::Ended(Error::UnknownTopic { topic: "t".into() }));
    buffer.enter(Phase::Reading);
    assert!(matches!(
        buffer.take_end(),
        Some(Error::UnknownTopic { .. })
    ));
    let again = buffer.take_end().expect("over");
    assert!(
        matches!(&again, Error::Lost { reason, .. } if reason.contains("\"t\"")),
        "{again}"
    );
}

#[test]
fn partitions_share_what_may_be_queued() {
    let mut buffer = buffer(2);
    put(&mut buffer, 0, 20);
    put(&mut buffer, 1, 19);
    assert_eq!(buffer.brake(), [(("t".into(), 0), FlowControl::Pause)]);
    assert!(!buffer.waits_for_room());
    buffer.take(20);
    assert!(buffer.waits_for_room());
    assert_eq!(buffer.brake(), [(("t".into(), 0), FlowControl::Resume)]);
}
