use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::kafka::chunks::{Layout, Limits, Origin, split};
use crate::{NewRecord, Position};
use fedhost_base::clock;

/// A message of this number of chunks, 1 kB each.
fn message(writer: &str, chunks: usize) -> Vec<NewRecord> {
    let value = Bytes::from(vec![7; 1_023 * (chunks - 1) + 1]);
    let limits = Limits {
        content: 1_024,
        all: 10_000,
    };
    let origin = Origin {
        writer,
        message: Uuid::new_v4(),
        within: Duration::from_secs(45),
    };
    // A key of one byte; the keys of further chunks are longer, so they have less room.
    let whole = NewRecord {
        value,
        ..small(writer)
    };
    split(
        &whole,
        Layout::of(&whole, limits, origin).expect("room"),
        origin,
    )
}

fn small(key: &str) -> NewRecord {
    let (topic, key) = ("t".into(), Some(Bytes::copy_from_slice(key.as_bytes())));
    NewRecord {
        topic,
        partition: Some(0),
        timestamp_ms: 0,
        key,
        value: Bytes::from_static(b"v"),
        headers: Vec::new(),
    }
}

fn log(records: Vec<NewRecord>) -> Vec<Record> {
    let lying = |(record, offset): (NewRecord, u64)| {
        let NewRecord {
            topic,
            timestamp_ms,
            key,
            value,
            headers,
            ..
        } = record;
        Record {
            position: Position {
                topic,
                partition: 0,
                offset,
            },
            timestamp_ms,
            key,
            value,
            headers,
        }
    };
    records.into_iter().zip(0..).map(lying).collect()
}

fn offsets(records: &[Record]) -> Vec<u64> {
    records
        .iter()
        .map(|record| record.position.offset)
        .collect()
}

fn add(intake: &mut Intake, records: &[Record]) -> Vec<u64> {
    intake.add(records.to_vec(), clock::now());
    offsets(&intake.take_ready())
}

#[test]
fn records_behind_an_unfinished_one_wait_for_it() {
    let large = message("a", 3);
    let log = log([
        &[small("b")],
        &large[..2],
        &[small("c")],
        &large[2..],
        &[small("d")],
    ]
    .concat());
    let mut intake = Intake::new(0);
    let split_at = log.len() - 3;
    assert_eq!(add(&mut intake, &log[..split_at]), [0]);
    assert!(!intake.is_settled());
    let ready = add(&mut intake, &log[split_at..]);
    assert_eq!(
        (ready.first(), ready.is_sorted(), ready.len()),
        (Some(&1), true, 3)
    );
    assert!(intake.is_settled());
}

#[test]
fn what_finds_no_room_is_read_again_once_the_unfinished_ones_are_done() {
    let (first, second) = (message("a", 4), message("b", 4));
    let log = log([
        &first[..2],
        &[small("c")],
        &second[..2],
        &first[2..],
        &second[2..],
    ]
    .concat());
    let (mut intake, last) = (Intake::new(0), log.len());
    // Given room for the first message only
    intake.make_room(3_000);
    let ready = add(&mut intake, &log);
    // Then the first message is done, and the client has to seek back to the refused records
    assert_eq!(
        (ready.as_slice(), intake.take_back_to(), intake.tail()),
        ([0].as_slice(), Some(2), 2)
    );
    assert!(intake.is_settled());
    let ready = add(&mut intake, &log[2..]);
    assert_eq!(
        (ready, intake.take_back_to(), intake.tail()),
        (vec![2, 3], None, last as u64)
    );
}

#[test]
fn what_waits_behind_a_torn_record_goes_on_when_that_is_given_up() {
    let log = log([&message("a", 3)[..1], &[small("b")]].concat());
    let (mut intake, now) = (Intake::new(0), clock::now());
    intake.add(log, now);
    let late = now + Duration::from_secs(45);
    assert!(intake.is_overdue(late) && intake.take_ready().is_empty());
    intake.call_last(2, late);
    intake.give_up(intake.tail());
    assert_eq!(
        (offsets(&intake.take_ready()), intake.is_settled()),
        (vec![1], true)
    );
    assert_eq!(intake.take_troubles().len(), 1);
}

proptest! {
    /// Acts as the client: delivers in batches from the offset that it was sent to.
    #[test]
    fn every_record_comes_once_and_in_order_however_little_room_there_is(
        messages in proptest::collection::vec((1_usize..8, 0_usize..4), 1..14),
        order in proptest::collection::vec(0_usize..4, 0..120),
        room in 0_usize..12_000,
        batch in 1_usize..20,
        begin in 0_u64..30,
    ) {
        let mut writers: Vec<Vec<NewRecord>> = vec![Vec::new(); 4];
        for (chunks, writer) in messages {
            let records = if chunks == 1 { vec![small("s")] } else { message(&writer.to_string(), chunks) };
            writers[writer].extend(records);
        }
        let mut queues: Vec<_> = writers.into_iter().map(|records| records.into_iter().peekable()).collect();
        let mut written = Vec::new();
        for writer in order.into_iter().chain((0..4).cycle()) {
            written.extend(queues[writer].next());
            if queues.iter_mut().all(|queue| queue.peek().is_none()) {
                break;
            }
        }
        let log = log(written);
        let end = log.len() as u64;
        let is_beginning = |record: &&Record| {
            record.header("fedhost-chunk").is_none() || record.header("fedhost-chunk-whole").is_some()
        };
        let begin = begin.min(end);
        let expected: Vec<u64> =
            offsets(&log).into_iter().zip(&log).filter(|(offset, record)| *offset >= begin && is_beginning(record)).map(|(offset, _)| offset).collect();
        // When the log is read from `begin` on
        let (mut intake, mut ready, mut at, mut steps) = (Intake::new(begin), Vec::new(), begin, 0);
        let mut most = 0;
        while at < end {
            intake.make_room(room);
            let until = (at as usize + batch).min(log.len());
            let more = add(&mut intake, &log[at as usize..until]);
            ready.extend(more);
            most = most.max(intake.bytes());
            at = intake.take_back_to().unwrap_or(until as u64);
            steps += 1;
            prop_assert!(steps < 10_000, "it never ends");
        }
        // Then every record that begins there or later is returned, and no more than necessary
        // waits
        prop_assert_eq!(ready, expected);
        prop_assert!(intake.is_settled() && intake.tail() == end);
        prop_assert!(most <= room + 8_000, "{most} bytes in a room of {room}");
    }
}
