//! What a bus promises to writers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use fedhost_bus::{NewRecord, Position, Record, Write};

use super::{Case, info, numbered, offset, read, record, text, texts, too_large, topics_with};

pub(crate) async fn a_record_is_read_as_it_was_written(case: &Case) {
    // Given records with everything, and with nothing
    let topic = case.topic("t", 3).await;
    let headers = vec![
        ("traceparent".to_owned(), Bytes::from_static(b"00-a-b-01")),
        ("twice".to_owned(), Bytes::from_static(b"1")),
        ("twice".to_owned(), Bytes::from_static(&[0, 255])),
    ];
    let key = Some(Bytes::from_static(b"\x00key"));
    let full = NewRecord {
        partition: Some(2),
        timestamp_ms: 7,
        key,
        headers,
        ..record(&topic, vec![0, 1, 255])
    };
    let empty = NewRecord {
        partition: Some(2),
        key: Some(Bytes::new()),
        ..record(&topic, Bytes::new())
    };
    // When they are written and read
    let positions = case.write(vec![full.clone(), empty.clone()]).await;
    let records = read(&mut *case.read_from_start("g", &[&topic]).await, 2).await;
    // Then nothing about them has changed
    for ((read, written), position) in records.iter().zip([full, empty]).zip(positions) {
        let NewRecord {
            timestamp_ms,
            key,
            value,
            headers,
            ..
        } = written;
        assert_eq!(
            *read,
            Record {
                position,
                timestamp_ms,
                key,
                value,
                headers
            }
        );
    }
    assert_eq!(
        records[0].header("twice"),
        Some(&Bytes::from_static(&[0, 255]))
    );
}

pub(crate) async fn offsets_rise_with_every_record(case: &Case) {
    let topic = case.topic("t", 2).await;
    // When two partitions are written in several writes
    let mut places = BTreeMap::<u32, Vec<u64>>::new();
    for round in 0..5 {
        for partition in 0..2 {
            for position in case
                .write(numbered(&topic, partition, 0..round + partition))
                .await
            {
                places
                    .entry(position.partition)
                    .or_default()
                    .push(position.offset);
            }
        }
    }
    // Then each counts upwards from 0, and says where it ends
    for (count, (partition, offsets)) in [10, 15].into_iter().zip(places) {
        assert!(
            offsets.len() == count && offsets[0] == 0 && offsets.is_sorted_by(|a, b| a < b),
            "{offsets:?}"
        );
        let newest = Position {
            topic: Arc::clone(&topic),
            partition,
            offset: offsets[count - 1],
        };
        let topics = topics_with(case, &newest).await;
        assert_eq!(info(&topics, &topic).offsets[partition as usize].start, 0);
    }
}

pub(crate) async fn a_key_decides_the_partition_as_in_kafka(case: &Case) {
    let topic = case.topic("t", 7).await;
    // Given keys whose murmur2 is known from Kafka's own tests
    let hashes = [
        ("21", -973_932_308_i32),
        ("foobar", -790_332_482),
        ("a-little-bit-longer-string", -1_486_304_829),
    ];
    for (key, hash) in hashes {
        let record = || NewRecord {
            key: Some(Bytes::from_static(key.as_bytes())),
            ..record(&topic, key)
        };
        let expected = u32::try_from((hash & 0x7fff_ffff) % 7).expect("not negative");
        // When they are written, then the key alone decides
        for position in case.write(vec![record(), record()]).await {
            assert_eq!(position.partition, expected, "{key}");
        }
        // And the writer's word goes before the key
        let chosen = NewRecord {
            partition: Some((expected + 1) % 7),
            ..record()
        };
        assert_eq!(
            case.write(vec![chosen]).await[0].partition,
            (expected + 1) % 7
        );
    }
}

pub(crate) async fn a_record_without_key_goes_to_partition_0(case: &Case) {
    let topic = case.topic("t", 7).await;
    let positions = case
        .write((0..5).map(|_| record(&topic, "x")).collect())
        .await;
    assert!(
        positions.iter().all(|position| position.partition == 0),
        "{positions:?}"
    );
}

pub(crate) async fn a_write_over_several_topics_says_where_each_record_lies(case: &Case) {
    let (a, b) = (case.topic("a", 1).await, case.topic("b", 2).await);
    let before = case.write(numbered(&b, 1, 0..3)).await.remove(2);
    // When one write mixes topics and partitions
    let records = [
        numbered(&a, 0, 0..1),
        numbered(&b, 1, 3..4),
        numbered(&a, 0, 1..2),
        numbered(&b, 0, 0..1),
    ]
    .concat();
    let positions = case.write(records).await;
    // Then the positions come in the order of the records
    let places: Vec<_> = positions
        .iter()
        .map(|position| (&position.topic, position.partition))
        .collect();
    assert_eq!(places, [(&a, 0), (&b, 1), (&a, 0), (&b, 0)]);
    assert!(positions[1] > before && positions[2] > positions[0]);
    // And the records are there
    let mut records = read(&mut *case.read_from_start("g", &[&a, &b]).await, 7).await;
    records.retain(|record| positions.contains(&record.position));
    records.sort_by_key(|record| {
        positions
            .iter()
            .position(|position| *position == record.position)
    });
    assert_eq!(texts(&records), ["0", "3", "1", "0"]);
}

pub(crate) async fn a_refused_write_leaves_nothing_behind(case: &Case) {
    let topic = case.topic("t", 1).await;
    let name = case.name("s").to_string();
    let too_large = record(&topic, too_large(case));
    let nowhere = NewRecord {
        partition: Some(9),
        ..record(&topic, "x")
    };
    let unknown = record(&case.name("no-such-topic"), "x");
    for bad in [too_large, nowhere, unknown] {
        // Given a write with good records, offsets and state, and one record that cannot be written
        let records = [numbered(&topic, 0, 0..3), vec![bad]].concat();
        let offsets = vec![offset(case, "g", &topic, 2)];
        let write = Write {
            records,
            offsets,
            state: vec![(name.clone(), Some(Bytes::from("x")))],
        };
        // When it is refused
        case.bus.write(write).await.expect_err("refused");
        // Then none of it is there
        assert_eq!(case.bus.newest(&topic).await.expect("readable"), []);
        assert_eq!(
            case.bus
                .group_offsets(&case.name("g"))
                .await
                .expect("offsets"),
            []
        );
        assert_eq!(case.bus.state(&name).await.expect("state"), None);
    }
    // And the next write comes first
    case.write(vec![record(&topic, "good")]).await;
    assert_eq!(
        texts(&read(&mut *case.read_from_start("g", &[&topic]).await, 1).await),
        ["good"]
    );
}

pub(crate) async fn many_writers_lose_and_repeat_nothing(case: &Case) {
    // Given eight tasks that write at the same time, each to every partition
    let topic = case.topic("t", 3).await;
    let writers: Vec<_> = (0..8_u32)
        .map(|writer| {
            let (bus, topic) = (Arc::clone(&case.bus), Arc::clone(&topic));
            tokio::spawn(async move {
                let mut positions = Vec::new();
                for round in 0..30_u32 {
                    let new = |number: u32| NewRecord {
                        partition: Some(number % 3),
                        ..record(&topic, format!("{writer} {:05}", round * 6 + number))
                    };
                    let records = (0..6).map(new).collect();
                    positions.extend(
                        bus.write(Write {
                            records,
                            ..Write::default()
                        })
                        .await
                        .expect("written"),
                    );
                }
                positions
            })
        })
        .collect();
    // When one reader follows them
    let records = read(&mut *case.read_from_start("g", &[&topic]).await, 8 * 180).await;
    let mut positions = BTreeSet::new();
    for writer in writers {
        positions.extend(writer.await.expect("the writer ended well"));
    }
    // Then it sees every record once, at the place its writer got, and each writer's records of a
    // partition in order
    assert_eq!(
        records
            .iter()
            .map(|record| record.position.clone())
            .collect::<BTreeSet<_>>(),
        positions
    );
    assert_eq!(
        records.iter().map(text).collect::<BTreeSet<_>>().len(),
        8 * 180
    );
    for writer in 0..8 {
        for partition in 0..3 {
            let mine = |record: &&Record| {
                record.position.partition == partition
                    && text(record).starts_with(&writer.to_string())
            };
            assert!(records.iter().filter(mine).is_sorted_by_key(text));
        }
    }
}

pub(crate) async fn large_records_come_through(case: &Case) {
    let topic = case.topic("t", 1).await;
    // Given records close to the limit between small ones, each different
    let large = |byte: u8| NewRecord {
        key: Some(Bytes::from("k")),
        ..record(&topic, vec![byte; (4 << 20) - 1_000])
    };
    let records = [
        vec![large(1)],
        numbered(&topic, 0, 0..2),
        vec![large(2), large(3)],
    ]
    .concat();
    let sizes: Vec<_> = records
        .iter()
        .map(|record| (record.value.len(), record.value.first().copied()))
        .collect();
    case.write(records).await;
    // When they are read, then they are whole
    let read = read(&mut *case.read_from_start("g", &[&topic]).await, 5).await;
    assert_eq!(
        read.iter()
            .map(|r| (r.value.len(), r.value.first().copied()))
            .collect::<Vec<_>>(),
        sizes
    );
    assert!(read.iter().all(|record| {
        record
            .value
            .iter()
            .all(|byte| Some(byte) == record.value.first())
    }));
}
