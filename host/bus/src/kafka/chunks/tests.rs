use std::time::Instant;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{NewRecord, Position};
use fedhost_base::clock;

const WITHIN: Duration = Duration::from_secs(45);

fn record(key: Option<&str>, value: Vec<u8>, headers: &[(&str, &str)]) -> NewRecord {
    let headers = headers
        .iter()
        .map(|&(name, value)| (name.to_owned(), Bytes::copy_from_slice(value.as_bytes())));
    NewRecord {
        topic: "models".into(),
        partition: Some(2),
        timestamp_ms: 7,
        key: key.map(|key| Bytes::copy_from_slice(key.as_bytes())),
        value: value.into(),
        headers: headers.collect(),
    }
}

/// Bytes that depend on their position.
fn content(length: usize, seed: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index * 31 + index / 251 + seed * 7) as u8)
        .collect()
}

fn limits(content: u64) -> Limits {
    Limits {
        content,
        all: content + 2_000,
    }
}

fn split_by(writer: &str, record: &NewRecord, limits: Limits) -> Option<Vec<NewRecord>> {
    let origin = Origin {
        writer,
        message: Uuid::new_v4(),
        within: WITHIN,
    };
    Layout::of(record, limits, origin).map(|layout| split(record, layout, origin))
}

/// The record as it is stored in the log.
fn lying(record: &NewRecord, offset: u64) -> Record {
    let NewRecord {
        topic,
        timestamp_ms,
        key,
        value,
        headers,
        ..
    } = record.clone();
    Record {
        position: Position {
            topic,
            partition: 2,
            offset,
        },
        timestamp_ms,
        key,
        value,
        headers,
    }
}

fn log(records: impl IntoIterator<Item = NewRecord>) -> Vec<Record> {
    records
        .into_iter()
        .zip(0..)
        .map(|(record, offset)| lying(&record, offset))
        .collect()
}

fn assemble(assembler: &mut Assembler, log: &[Record]) -> Vec<Record> {
    let now = clock::now();
    log.iter()
        .filter_map(|record| assembler.add(record.clone(), now))
        .collect()
}

/// A message of four chunks.
fn message(writer: &str) -> Vec<NewRecord> {
    let chunks = split_by(
        writer,
        &record(Some("k"), content(3_500, 3), &[("h", "x")]),
        limits(1_000),
    )
    .unwrap();
    assert_eq!(chunks.len(), 4);
    chunks
}

fn torn(troubles: &[Trouble]) -> Vec<(u64, u32, &'static str)> {
    let torn = troubles.iter().map(|trouble| match trouble {
        Trouble::Torn {
            at, got, reason, ..
        } => (at.offset, *got, *reason),
        Trouble::Damaged { .. } => panic!("{trouble}"),
    });
    torn.collect()
}

#[test]
fn chunks_carry_what_readers_in_other_languages_need() {
    let whole = record(
        Some("global"),
        content(2_500, 1),
        &[("traceparent", "00-1")],
    );
    let chunks = split_by("fedhost-aggregator", &whole, limits(1_100)).unwrap();
    let text = |chunk: &NewRecord, name: &str| text(&lying(chunk, 0), name).map(str::to_owned);
    let keys: Vec<_> = chunks
        .iter()
        .map(|chunk| str::from_utf8(chunk.key.as_ref().unwrap()).unwrap())
        .collect();
    assert_eq!(keys, ["global", "global#1", "global#2"]);
    for (index, chunk) in chunks.iter().enumerate() {
        let place = text(chunk, "fedhost-chunk").unwrap();
        assert!(
            place.starts_with("fedhost-aggregator:") && place.ends_with(&format!("/{index}/3")),
            "{place}"
        );
        assert_eq!(
            text(chunk, "fedhost-chunk-sha256").unwrap(),
            Sha256Hex::of(&chunk.value).as_str()
        );
        assert_eq!(
            (chunk.partition, chunk.timestamp_ms, &*chunk.topic),
            (Some(2), 7, "models")
        );
        assert_eq!(chunk.headers.len(), if index == 0 { 4 } else { 2 });
    }
    let all = format!("2500/{}/45000", Sha256Hex::of(&whole.value));
    assert_eq!(text(&chunks[0], "fedhost-chunk-whole"), Some(all));
    assert_eq!(text(&chunks[0], "traceparent").as_deref(), Some("00-1"));
}

#[test]
fn what_is_too_large_or_finds_no_room_is_not_split() {
    let largest = usize::try_from(LARGEST_RECORD).unwrap();
    let split = |value: usize, limits| {
        split_by("w", &record(Some("k"), vec![0; value], &[]), limits).is_some()
    };
    assert!(split(largest - 1, limits(1 << 20)) && !split(largest, limits(1 << 20)));
    assert!(
        !split(
            1_000,
            Limits {
                content: 100,
                all: 10_000
            }
        ),
        "no room for content"
    );
    assert!(
        !split(
            1_000,
            Limits {
                content: 10_000,
                all: 300
            }
        ),
        "no room for headers"
    );
}

#[test]
fn a_record_that_only_looks_like_a_chunk_is_a_record() {
    let hex = Sha256Hex::of(b"").to_string();
    let cases: [&[(&str, &str)]; 5] = [
        &[("fedhost-chunk", "w:1/0/2")],
        &[("fedhost-chunk", "w:1/1/2"), ("fedhost-chunk-sha256", "no")],
        &[("fedhost-chunk", "w:1/2/2"), ("fedhost-chunk-sha256", &hex)],
        &[("fedhost-chunk", "w:1/0/2"), ("fedhost-chunk-sha256", &hex)],
        &[("fedhost-chunk", "1/2"), ("fedhost-chunk-sha256", &hex)],
    ];
    let records = log(cases.map(|headers| record(None, content(9, 0), headers)));
    assert_eq!(assemble(&mut Assembler::default(), &records), records);
}

#[test]
fn a_writer_that_begins_another_message_has_torn_the_one_before() {
    // Given a writer that died after two chunks, its successor, and another writer
    let chunks = [&message("a")[..2], &message("b")[..1], &message("a")[..]].concat();
    let mut assembler = Assembler::default();
    let whole = assemble(&mut assembler, &log(chunks));
    assert_eq!(
        whole
            .iter()
            .map(|record| record.position.offset)
            .collect::<Vec<_>>(),
        [3]
    );
    assert_eq!(
        torn(&assembler.take_troubles()),
        [(0, 2, "its writer began another one")]
    );
    assert_eq!(assembler.oldest(), Some(2));
}

#[test]
fn a_message_whose_writer_has_had_its_time_is_given_up_once_all_is_read_that_is_there() {
    let (mut assembler, now) = (Assembler::default(), clock::now());
    for record in log(message("a").into_iter().take(2)) {
        assembler.add(record, now);
    }
    assert!(!assembler.is_overdue(now + WITHIN / 2));
    assembler.call_last(2, now + WITHIN / 2);
    assembler.give_up(2);
    assert_eq!(assembler.oldest(), Some(0), "not yet");
    // When the writer's time is over and the log ends after its chunks
    let late = now + WITHIN;
    assert!(assembler.is_overdue(late));
    assembler.call_last(5, late);
    assert!(
        !assembler.is_overdue(late),
        "it is known where the log ends"
    );
    assembler.give_up(4);
    assert_eq!(
        assembler.oldest(),
        Some(0),
        "it may still be complete by then"
    );
    assembler.give_up(5);
    // Then the torn message is skipped, and so are its later chunks
    assert_eq!(assembler.oldest(), None);
    let troubles = assembler.take_troubles();
    assert_eq!(torn(&troubles), [(0, 2, "its writer has had its time")]);
    let words = troubles[0].to_string();
    assert!(
        words.starts_with("models/2 holds 2 of 4 chunks of message a:"),
        "{words}"
    );
    assert_eq!(
        assemble(&mut assembler, &log(message("a").into_iter().skip(2))),
        []
    );
}

#[test]
fn a_chunk_in_time_makes_its_readers_wait_on() {
    let (mut assembler, start) = (Assembler::default(), clock::now());
    for (record, steps) in log(message("a").into_iter().take(3))
        .into_iter()
        .zip(0_u32..)
    {
        assembler.add(record, start + WITHIN * steps);
    }
    assert!(
        !assembler.is_overdue(start + WITHIN * 5 / 2) && assembler.is_overdue(start + WITHIN * 3)
    );
}

#[test]
fn what_was_compacted_away_between_two_chunks_is_not_waited_for() {
    let mut chunks = message("a");
    chunks.remove(1);
    let mut assembler = Assembler::default();
    assert_eq!(assemble(&mut assembler, &log(chunks)), []);
    assert_eq!(
        torn(&assembler.take_troubles()),
        [(0, 1, "chunks between are gone")]
    );
}

#[test]
fn of_a_damaged_message_the_beginning_is_handed_out_and_says_so() {
    type Damage = fn(&mut Vec<NewRecord>);
    let cases: [(Damage, &str); 6] = [
        (
            |chunks| chunks[0].value = b"x".as_slice().into(),
            "chunk 0 of 4 does not have its sha256",
        ),
        (
            |chunks| chunks[2].value = b"x".as_slice().into(),
            "chunk 2 of 4 does not have its sha256",
        ),
        (
            |chunks| declare(chunks, 3_501, None),
            "its chunks hold 3500 bytes, and all should be 3501",
        ),
        (
            |chunks| declare(chunks, 3_499, None),
            "its chunks hold more than the 3499 bytes of all",
        ),
        (
            |chunks| declare(chunks, 3_500, Some("y")),
            "all chunks together do not have their sha256",
        ),
        (
            |chunks| declare(chunks, 1 << 40, None),
            "its 1099511627776 bytes are more than the 67108864",
        ),
    ];
    for (damage, words) in cases {
        let mut chunks = message("a");
        damage(&mut chunks);
        let mut assembler = Assembler::default();
        let handed_out = assemble(&mut assembler, &log(chunks.clone()));
        let [fault] = handed_out.as_slice() else {
            panic!("{words}: {handed_out:?}")
        };
        assert_eq!(
            (fault.position.offset, &fault.key, &fault.value),
            (0, &chunks[0].key, &chunks[0].value),
            "{words}"
        );
        let names: Vec<_> = fault
            .headers
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(
            names,
            ["h", FAULT],
            "so that a dead letter of it is no chunk"
        );
        assert!(
            text(fault, FAULT).unwrap().contains(words),
            "{words}: {:?}",
            text(fault, FAULT)
        );
        let troubles = assembler.take_troubles();
        assert!(
            troubles.len() == 1 && troubles[0].to_string().contains(words),
            "{troubles:?}"
        );
        assert_eq!(
            (assembler.oldest(), assembler.bytes()),
            (None, 0),
            "{words}"
        );
    }
}

/// Changes what chunk 0 declares about the message.
fn declare(chunks: &mut [NewRecord], bytes: u64, content: Option<&str>) {
    let mut whole = Whole::of(&lying(&chunks[0], 0)).unwrap();
    whole.bytes = bytes;
    whole.sha256 = content.map_or(whole.sha256, |content| Sha256Hex::of(content.as_bytes()));
    let Whole {
        bytes,
        sha256,
        within,
    } = whole;
    let said = chunks[0]
        .headers
        .iter_mut()
        .find(|(name, _)| name == WHOLE)
        .unwrap();
    said.1 = Bytes::from(format!("{bytes}/{sha256}/{}", within.as_millis()));
}

proptest! {
    #[test]
    fn chunks_are_within_the_limits_and_make_the_record(
        length in 0_usize..40_000,
        content_max in 1_024_u64..5_000,
        all_max in 1_024_u64..8_000,
        key in proptest::option::of("[a-z]{0,40}"),
        header in proptest::option::of("[a-z]{0,300}"),
    ) {
        let headers: Vec<_> = header.iter().map(|value| ("h", value.as_str())).collect();
        let whole = record(key.as_deref(), content(length, 0), &headers);
        let limits = Limits { content: content_max, all: all_max };
        let chunks = split_by("w", &whole, limits).expect("room");
        for chunk in &chunks {
            let content = (chunk.key.as_ref().map_or(0, Bytes::len) + chunk.value.len()) as u64;
            prop_assert!(content <= limits.content);
            prop_assert!(content + (header_bytes(&chunk.headers) + RECORD_OVERHEAD) as u64 <= limits.all);
        }
        let made = assemble(&mut Assembler::default(), &log(chunks));
        prop_assert_eq!(made, [lying(&whole, 0)]);
    }

    #[test]
    fn whatever_lies_between_and_wherever_reading_begins_whole_records_come_whole_and_once(
        messages in proptest::collection::vec((0_usize..6_000, 0_usize..4), 1..12),
        order in proptest::collection::vec(0_usize..4, 0..80),
        begin in 0_usize..60,
    ) {
        // Given writers that each write one message after another, interleaved in any order
        let mut writers: Vec<Vec<NewRecord>> = vec![Vec::new(); 4];
        for (seed, (length, writer)) in messages.into_iter().enumerate() {
            let whole = record(Some(&seed.to_string()), content(length, seed), &[]);
            let small = length <= 1_000;
            let chunks = if small { vec![whole] } else { split_by(&writer.to_string(), &whole, limits(1_024)).unwrap() };
            writers[writer].extend(chunks);
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
        let all = assemble(&mut Assembler::default(), &log);
        for record in &all {
            let seed: usize = str::from_utf8(record.key.as_ref().unwrap()).unwrap().parse().unwrap();
            prop_assert_eq!(record.value.to_vec(), content(record.value.len(), seed));
        }
        // When reading begins at some offset, then exactly the records that begin there or later
        // are returned, in order
        let begin = begin.min(log.len());
        let mut assembler = Assembler::default();
        let rest = assemble(&mut assembler, &log[begin..]);
        let expected: Vec<_> = all.into_iter().filter(|record| record.position.offset >= begin as u64).collect();
        prop_assert_eq!(rest, expected);
        prop_assert_eq!((assembler.oldest(), assembler.take_troubles()), (None, Vec::new()));
    }

    #[test]
    fn a_writer_that_does_not_know_how_far_it_came_repeats_and_loses_nothing(
        written in 1_usize..4,
        again in 0_usize..4,
        as_a_whole in any::<bool>(),
    ) {
        // Given a message of which some chunks were written, and all chunks from some index again
        let chunks = message("a");
        let again = if as_a_whole { 0 } else { again.min(written) };
        let log = log([&chunks[..written], &chunks[again..]].concat());
        let made = assemble(&mut Assembler::default(), &log);
        prop_assert_eq!(made.len(), 1);
        prop_assert_eq!((made[0].position.offset, made[0].value.to_vec()), (0, content(3_500, 3)));
    }
}

#[test]
fn messages_that_have_begun_are_finished_and_no_other_is_begun() {
    let (mut assembler, now): (_, Instant) = (Assembler::default(), clock::now());
    let (first, second) = (message("a"), message("b"));
    assembler.add(lying(&first[0], 0), now);
    let rest = [
        &second[..1],
        &[record(None, vec![1], &[])],
        &first[1..],
        &second[1..],
    ]
    .concat();
    let made: Vec<_> = rest
        .iter()
        .zip(1..)
        .filter_map(|(record, offset)| assembler.add_rest(&lying(record, offset), now))
        .collect();
    assert_eq!(
        made.iter()
            .map(|record| record.position.offset)
            .collect::<Vec<_>>(),
        [0]
    );
    assert_eq!(assembler.oldest(), None);
}
