use bytes::Bytes;

use super::*;
use crate::Position;

fn owned(next: u64) -> Partition {
    Partition::new(
        ("readings".into(), 0),
        Beginning {
            next,
            topic_id: None,
            stored: StoredOffset::Own,
        },
    )
}

fn records(offsets: impl IntoIterator<Item = u64>) -> Vec<Record> {
    let record = |offset| Record {
        position: Position {
            topic: "readings".into(),
            partition: 0,
            offset,
        },
        timestamp_ms: 1_000 * offset,
        key: Some(Bytes::from_static(b"k")),
        value: Bytes::from_static(b"value"),
        headers: Vec::new(),
    };
    offsets.into_iter().map(record).collect()
}

fn take(partition: &mut Partition, max: usize) -> Vec<u64> {
    let mut taken = Vec::new();
    partition.take(max, &mut taken);
    taken
        .into_iter()
        .map(|record| record.position.offset)
        .collect()
}

#[test]
fn records_with_gaps_come_in_order_and_once() {
    let mut partition = owned(3);
    partition.put(records([3, 5, 6]));
    partition.put(records([5, 6, 9]));
    assert_eq!(take(&mut partition, 3), [3, 5, 6]);
    assert_eq!((partition.next(), partition.tail()), (7, 10));
    assert_eq!(take(&mut partition, 3), [9]);
}

#[test]
fn nothing_from_before_a_seek_is_handed_out() {
    let mut partition = owned(0);
    partition.put(records(0..10));
    take(&mut partition, 5);
    // When it seeks back while the client still delivers from the old offset
    partition.seek(2);
    partition.put(records(10..12));
    assert_eq!((take(&mut partition, 9), partition.next()), (vec![], 2));
    // Then only the records after the client's seek count
    partition.placed(2);
    partition.put(records(2..4));
    assert_eq!(take(&mut partition, 9), [2, 3]);
}

#[test]
fn of_two_seeks_the_later_counts() {
    let mut partition = owned(0);
    partition.seek(5);
    partition.seek(8);
    partition.placed(5);
    assert_eq!((partition.sought(), partition.next()), (Some(8), 8));
    partition.placed(8);
    assert_eq!((partition.sought(), partition.next()), (None, 8));
}

#[test]
fn records_are_not_safe_before_they_are_stored() {
    let mut partition = owned(10);
    partition.put(records(10..20));
    take(&mut partition, 6);
    assert!(!partition.is_safe());
    assert_eq!(
        partition.lag(20_000),
        Lag {
            records: 10,
            seconds: 5.0,
            not_safe: 6
        }
    );
    partition.stored(14);
    assert_eq!(
        partition.lag(20_000),
        Lag {
            records: 6,
            seconds: 5.0,
            not_safe: 2
        }
    );
    partition.stored(16);
    assert!(partition.is_safe());
    assert_eq!(
        partition.lag(20_000),
        Lag {
            records: 4,
            seconds: 5.0,
            not_safe: 0
        }
    );
}

#[test]
fn reading_again_what_is_stored_makes_nothing_unsafe() {
    let mut partition = owned(10);
    partition.seek(4);
    partition.placed(4);
    partition.put(records(4..10));
    take(&mut partition, 6);
    assert!(partition.is_safe());
    assert_eq!(partition.lag(0), Lag::default());
}

#[test]
fn only_what_this_ownership_handed_out_may_be_stored() {
    let mut partition = owned(10);
    partition.put(records(10..20));
    take(&mut partition, 5);
    assert_eq!((partition.fenced(10), partition.fenced(15)), (None, None));
    assert!(partition.fenced(9).is_some() && partition.fenced(16).is_some());
    // And a seek back does not change which offsets may be stored
    partition.seek(8);
    assert_eq!((partition.fenced(8), partition.fenced(15)), (None, None));
}

#[test]
fn a_partition_that_leaves_hands_out_nothing_more() {
    let mut partition = owned(0);
    partition.put(records(0..4));
    take(&mut partition, 2);
    partition.begin_to_leave();
    partition.put(records(4..6));
    assert!(take(&mut partition, 9).is_empty());
    assert!(!partition.is_safe());
}

#[test]
fn a_mark_behind_the_last_record_is_no_lag_once_the_client_is_sure() {
    let mut partition = owned(0);
    partition.put(records([0]));
    take(&mut partition, 1);
    partition.stored(1);
    partition.observe(Some(2), 2);
    assert_eq!(partition.lag(0).records, 1);
    partition.observe(Some(2), 2);
    assert_eq!((partition.lag(0).records, partition.reached()), (0, 2));
}

#[test]
fn a_full_queue_waits_until_half_of_it_is_gone() {
    let mut partition = owned(0);
    partition.put(records(0..4));
    assert_eq!(partition.brake(24), Some(FlowControl::Pause));
    take(&mut partition, 1);
    assert_eq!(
        (partition.brake(24), partition.waits_for_room(24)),
        (None, false)
    );
    take(&mut partition, 1);
    assert!(partition.waits_for_room(24));
    assert_eq!(
        (partition.brake(24), partition.brake(24)),
        (Some(FlowControl::Resume), None)
    );
}

#[test]
fn what_is_gone_behind_the_queue_is_left_out() {
    let mut partition = owned(0);
    partition.put(records(0..2));
    partition.skip_to(7);
    partition.put(records(7..9));
    assert_eq!(take(&mut partition, 9), [0, 1, 7, 8]);
    partition.skip_to(20);
    assert_eq!(partition.next(), 20);
}
