//! Records that an operator deletes, up to an offset.

use fedhost_bus::embedded::{EmbeddedLog, Fsync, Options};
use fedhost_bus::{Admin, Bus, Error, Start};

use super::support::{files, offsets, open, options, read_all, record, spec, text, write};

/// A log with the records `0` to `9` in three batches.
async fn log_of_ten(directory: &std::path::Path) -> EmbeddedLog {
    let log = open(directory);
    log.create_topic(spec("t", 1)).await.expect("a topic");
    for numbers in [0..4, 4..8, 8..10] {
        write(
            &log,
            numbers
                .map(|number: u32| record("t", 0, number.to_string()))
                .collect(),
        )
        .await;
    }
    log
}

#[tokio::test]
async fn deleted_records_are_gone_to_the_offset_also_after_opening_again() {
    for before in [1_u64, 3, 4, 6, 9, 10] {
        let directory = tempfile::tempdir().unwrap();
        let log = log_of_ten(directory.path()).await;
        // When records are deleted, in the middle of a batch or at its edge
        log.delete_records("t", 0, before).await.expect("deleted");
        // Then the rest is there, and nothing else, now and after opening again
        assert_eq!(offsets(&log, "t").await[0], before..10);
        drop(log);
        let log = open(directory.path());
        assert_eq!(offsets(&log, "t").await[0], before..10);
        let newest = log.newest("t").await.expect("readable");
        assert_eq!(
            newest.iter().map(text).collect::<Vec<_>>(),
            if before < 10 { vec!["9"] } else { vec![] }
        );
        // And offsets continue where they were
        assert_eq!(write(&log, vec![record("t", 0, "10")]).await[0].offset, 10);
        let expected: Vec<String> = (before..=10).map(|number| number.to_string()).collect();
        assert_eq!(
            read_all(&log, "t")
                .await
                .iter()
                .map(text)
                .collect::<Vec<_>>(),
            expected
        );
    }
}

#[tokio::test]
async fn a_reader_of_deleted_records_goes_on_at_the_oldest() {
    let directory = tempfile::tempdir().unwrap();
    let (options, announced) = options(directory.path());
    drop(log_of_ten(directory.path()).await);
    let log = EmbeddedLog::open(Options {
        fsync: Fsync::Always,
        ..options
    })
    .expect("the log opens");
    // Given a reader in the middle of a batch
    let mut source = log
        .subscribe("g", &["t"], Start::Earliest)
        .await
        .expect("subscribed");
    assert_eq!(text(&source.read(1).await.expect("readable")[0]), "0");
    // When what it would read next is deleted, in the same batch and then beyond it
    for before in [2_u64, 7] {
        log.delete_records("t", 0, before).await.expect("deleted");
        // Then it continues at the oldest, wherever it is sent
        assert_eq!(
            text(&source.read(1).await.expect("readable")[0]),
            before.to_string()
        );
        source.seek("t", 0, 0);
        assert_eq!(
            text(&source.read(1).await.expect("readable")[0]),
            before.to_string()
        );
    }
    assert_eq!(*announced.lock().unwrap(), []);
}

#[tokio::test]
async fn nothing_is_deleted_beyond_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let log = log_of_ten(directory.path()).await;
    let error = log.delete_records("t", 0, 11).await.expect_err("refused");
    assert!(
        matches!(&error, Error::Refused { reason, .. } if reason.ends_with("has offset 10")),
        "{error}"
    );
    assert_eq!(offsets(&log, "t").await[0], 0..10);
}

#[tokio::test]
async fn the_disk_space_of_deleted_records_is_given_back_and_offsets_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.create_topic(spec("t", 1)).await.expect("a topic");
    // When much goes through a partition, and is deleted soon
    for round in 0..150_u32 {
        let value: Vec<u8> = (0..20_000_u32)
            .map(|at| (at.wrapping_mul(round) >> 5) as u8)
            .collect();
        let position = write(&log, vec![record("t", 0, value)]).await.remove(0);
        log.delete_records("t", 0, position.offset + 1)
            .await
            .expect("deleted");
    }
    log.close();
    // Then its files hold a small part of it
    let segments = files(&directory.path().join("segments"));
    let bytes: u64 = segments
        .iter()
        .map(|file| file.metadata().unwrap().len())
        .sum();
    assert!(bytes < 1_000_000, "{bytes} bytes of 3 million remain");
    // And offsets continue
    assert_eq!(
        write(&open(directory.path()), vec![record("t", 0, "x")]).await[0].offset,
        150
    );
}
