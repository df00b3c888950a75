use bytes::Bytes;

use super::*;
use crate::{Position, StoredOffset};

fn put(shelf: &mut Shelf, index: u32, count: u64) {
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
    shelf
        .find_mut("t", index)
        .expect("owned")
        .put((0..count).map(record).collect());
}

/// A shelf with this number of partitions.
fn shelf(partitions: u32) -> Shelf {
    let mut shelf = Shelf::new(400);
    for index in 0..partitions {
        let beginning = Beginning {
            next: 0,
            topic_id: None,
            stored: StoredOffset::Missing,
        };
        shelf.add(("t".into(), index), beginning);
    }
    shelf.enter(Phase::Reading);
    shelf
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
    let mut shelf = shelf(3);
    put(&mut shelf, 0, 100);
    put(&mut shelf, 1, 2);
    put(&mut shelf, 2, 100);
    let records = shelf.take(20);
    assert_eq!(records.len(), 20);
    assert_eq!(counts(&records, 3)[1], 2);
    assert!(counts(&records, 3).iter().all(|&count| count <= 12));
}

#[test]
fn each_partition_has_its_turn_even_one_record_at_a_time() {
    let mut shelf = shelf(3);
    (0..3).for_each(|index| put(&mut shelf, index, 10));
    let records: Vec<Record> = (0..9).flat_map(|_| shelf.take(1)).collect();
    assert_eq!(counts(&records, 3), [3, 3, 3]);
}

#[test]
fn nothing_is_handed_out_while_the_group_is_arranged_anew() {
    let mut shelf = shelf(1);
    put(&mut shelf, 0, 5);
    shelf.enter(Phase::Suspended);
    assert_eq!(shelf.take(5).len(), 0);
    shelf.enter(Phase::Reading);
    assert_eq!(shelf.take(5).len(), 5);
}

#[test]
fn the_end_is_for_ever_and_told_in_full_once() {
    let mut shelf = shelf(1);
    assert!(shelf.take_end().is_none());
    shelf.enter(Phase::Ended(Error::UnknownTopic { topic: "t".into() }));
    shelf.enter(Phase::Reading);
    assert!(matches!(shelf.take_end(), Some(Error::UnknownTopic { .. })));
    let again = shelf.take_end().expect("over");
    assert!(
        matches!(&again, Error::Lost { reason, .. } if reason.contains("\"t\"")),
        "{again}"
    );
}

#[test]
fn partitions_share_what_may_be_queued() {
    let mut shelf = shelf(2);
    put(&mut shelf, 0, 20);
    put(&mut shelf, 1, 19);
    assert_eq!(shelf.brake(), [(("t".into(), 0), FlowControl::Pause)]);
    assert!(!shelf.waits_for_room());
    shelf.take(20);
    assert!(shelf.waits_for_room());
    assert_eq!(shelf.brake(), [(("t".into(), 0), FlowControl::Resume)]);
}
