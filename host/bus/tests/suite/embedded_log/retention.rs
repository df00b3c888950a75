//! What is dropped, and what never is.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use fedhost_bus::embedded::EmbeddedLog;
use fedhost_bus::{Admin, Bus, NewRecord, Start, TopicSpec};

use super::support::{files, offsets, open, options, read_all, record, spec, text, write};

async fn log_with(
    directory: &Path,
    retention_ms: Option<u64>,
    retention_bytes: Option<u64>,
) -> EmbeddedLog {
    let log = open(directory);
    log.create_topic(TopicSpec {
        retention_ms,
        retention_bytes,
        ..spec("t", 1)
    })
    .await
    .expect("a topic");
    log
}

async fn write_at(log: &EmbeddedLog, timestamp_ms: u64, values: &[&'static str]) {
    let mut records: Vec<_> = values.iter().map(|value| record("t", 0, *value)).collect();
    records
        .iter_mut()
        .for_each(|record| record.timestamp_ms = timestamp_ms);
    write(log, records).await;
}

#[tokio::test]
async fn old_batches_go_whole_and_the_newest_stays() {
    let directory = tempfile::tempdir().unwrap();
    let log = log_with(directory.path(), Some(100), None).await;
    // Given batches of different ages
    write_at(&log, 1_000, &["a", "b"]).await;
    write_at(&log, 1_050, &["c", "d"]).await;
    assert_eq!(offsets(&log, "t").await[0], 0..4);
    // When a newer one makes the first too old
    write_at(&log, 1_101, &["e"]).await;
    // Then it goes, whole, and this holds after opening again
    assert_eq!(offsets(&log, "t").await[0], 2..5);
    drop(log);
    let log = open(directory.path());
    assert_eq!(offsets(&log, "t").await[0], 2..5);
    let records = read_all(&log, "t").await;
    assert_eq!(
        records.iter().map(text).collect::<Vec<_>>(),
        ["c", "d", "e"]
    );
    // And however old the rest is, the newest batch stays
    write_at(&log, 9_000, &["f"]).await;
    assert_eq!(offsets(&log, "t").await[0], 6..7);
}

#[tokio::test]
async fn a_large_partition_shrinks_from_its_old_end() {
    let directory = tempfile::tempdir().unwrap();
    let log = log_with(directory.path(), None, Some(10_000)).await;
    // When much more is written than the partition keeps
    for round in 0..100_u8 {
        write(&log, vec![record("t", 0, vec![round; 1_000])]).await;
    }
    // Then the newest are there, as many as fit
    let range = offsets(&log, "t").await.remove(0);
    assert_eq!(
        (range.end, (8..=9).contains(&(range.end - range.start))),
        (100, true),
        "{range:?}"
    );
    let records = read_all(&log, "t").await;
    let expected: Vec<u8> = (91..100).collect();
    assert!(
        records
            .iter()
            .map(|record| record.value[0])
            .eq(expected.into_iter().skip(9 - records.len()))
    );
    // And one that is larger than all that is kept stays as the newest
    write(&log, vec![record("t", 0, vec![1; 50_000])]).await;
    assert_eq!(offsets(&log, "t").await[0].clone().count(), 1);
}

#[tokio::test]
async fn a_reader_that_fell_behind_goes_on_at_the_oldest_and_that_is_no_damage() {
    let directory = tempfile::tempdir().unwrap();
    let (options, announced) = options(directory.path());
    let log = EmbeddedLog::open(options).expect("the log opens");
    log.create_topic(TopicSpec {
        retention_bytes: Some(5_000),
        ..spec("t", 1)
    })
    .await
    .expect("a topic");
    // Given a reader at the start
    write(
        &log,
        vec![record("t", 0, "first"), record("t", 0, "second")],
    )
    .await;
    let mut source = log
        .subscribe("g", &["t"], Start::Earliest)
        .await
        .expect("subscribed");
    assert_eq!(text(&source.read(1).await.expect("readable")[0]), "first");
    // When retention overtakes it
    for _ in 0..100 {
        write(&log, vec![record("t", 0, vec![b'x'; 1_000])]).await;
    }
    // Then it reads on with the oldest that is there
    let oldest = offsets(&log, "t").await[0].start;
    assert!(oldest > 50);
    assert_eq!(
        source.read(1).await.expect("readable")[0].position.offset,
        oldest
    );
    // And so does one that is sent there
    source.seek("t", 0, 3);
    assert_eq!(
        source.read(1).await.expect("readable")[0].position.offset,
        oldest
    );
    assert_eq!(*announced.lock().unwrap(), []);
}

#[tokio::test]
async fn the_disk_space_of_old_records_is_given_back() {
    let directory = tempfile::tempdir().unwrap();
    let log = log_with(directory.path(), None, Some(100_000)).await;
    // When thirty times as much goes through a partition as it keeps
    for round in 0..150_u32 {
        let value: Vec<u8> = (0..20_000_u32)
            .map(|at| (at.wrapping_mul(round) >> 5) as u8)
            .collect();
        write(&log, vec![record("t", 0, value)]).await;
    }
    log.close();
    // Then the files of the partition hold a small part of it
    let segments = files(&directory.path().join("segments"));
    let bytes: u64 = segments
        .iter()
        .map(|file| file.metadata().unwrap().len())
        .sum();
    assert!(
        (1..1_000_000).contains(&bytes),
        "{bytes} bytes of 3 million remain"
    );
    assert_eq!(read_all(&open(directory.path()), "t").await.len(), 4);
}

#[tokio::test]
async fn the_disk_space_beside_records_that_are_kept_is_given_back() {
    // Given a topic that keeps little, and one that keeps everything and is written now and then
    let directory = tempfile::tempdir().unwrap();
    let log = log_with(directory.path(), None, Some(100_000)).await;
    log.create_topic(spec("kept", 1)).await.expect("a topic");
    // When both are written, so that each segment has something of both
    for round in 0..150_u32 {
        write(&log, vec![record("t", 0, vec![7; 20_000])]).await;
        write(&log, vec![record("kept", 0, round.to_string())]).await;
    }
    log.close();
    // Then little more than what is kept takes up room, where the file system can do that
    let segments = files(&directory.path().join("segments"));
    let metadata = segments.iter().map(|file| file.metadata().unwrap());
    let bytes: u64 = metadata.map(|file| file.blocks() * 512).sum();
    assert!(bytes < 1_500_000, "{bytes} bytes of 3 million remain");
    // And it is all there, also after opening again without the indexes
    for file in segments
        .iter()
        .filter(|file| file.extension().unwrap() == "index")
    {
        std::fs::remove_file(file).unwrap();
    }
    let (options, announced) = options(directory.path());
    let log = EmbeddedLog::open(options).expect("the log opens");
    let kept = read_all(&log, "kept").await;
    let expected: Vec<String> = (0..150).map(|round| round.to_string()).collect();
    assert_eq!(kept.iter().map(text).collect::<Vec<_>>(), expected);
    assert_eq!(read_all(&log, "t").await.len(), 4);
    println!("{:?}", announced.lock().unwrap());
}

#[tokio::test]
async fn a_compacted_topic_keeps_all_its_records() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = open(directory.path());
    for (name, policy) in [("kept", "compact"), ("dropped", "compact,delete")] {
        // Given a topic with a policy, and limits that would let old records go
        let settings = BTreeMap::from([("cleanup.policy".to_owned(), policy.to_owned())]);
        let (retention_ms, retention_bytes) = (Some(1), Some(1));
        let asked = TopicSpec {
            retention_ms,
            retention_bytes,
            settings,
            replication_factor: Some(3),
            ..spec(name, 1)
        };
        let created = log.create_topic(asked.clone()).await.expect("a topic");
        assert_eq!(
            created.spec,
            TopicSpec {
                replication_factor: None,
                ..asked
            }
        );
        // When newer records are written
        for round in 1..=3 {
            let record = record(name, 0, vec![0; 100]);
            write(
                &log,
                vec![NewRecord {
                    timestamp_ms: round * 1_000,
                    ..record
                }],
            )
            .await;
        }
    }
    // Then only a policy that says so lets any go, and the settings are there after opening again
    let expected = [
        ("dropped", 2..3, "compact,delete"),
        ("kept", 0..3, "compact"),
    ];
    for reopened in [false, true] {
        if reopened {
            log.close();
            log = open(directory.path());
        }
        for (topic, (name, offsets, policy)) in
            log.topics().await.expect("topics").iter().zip(&expected)
        {
            assert_eq!((&*topic.spec.name, &topic.offsets[0]), (*name, offsets));
            assert_eq!(topic.spec.settings["cleanup.policy"], *policy);
        }
    }
}
