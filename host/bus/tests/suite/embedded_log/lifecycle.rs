//! Opening, closing, and who may.

use std::sync::Arc;

use bytes::Bytes;
use fedhost_base::hint::hint;
use fedhost_bus::embedded::{EmbeddedLog, Fsync, Options};
use fedhost_bus::{Admin, Bus, Error, GroupOffset, NewRecord, Sink, Start, TopicInfo, Write};

use super::support::{CHILD_DIRECTORY, child, open, options, read_all, record, spec, text, write};

#[tokio::test]
async fn what_was_written_is_there_after_closing_and_opening() {
    let directory = tempfile::tempdir().unwrap();
    let offset = GroupOffset {
        group: "g".into(),
        topic: "t".into(),
        partition: 1,
        next: 2,
        epoch: None,
    };
    for round in 0..3 {
        // Given a log that was opened before, or not
        let log = open(directory.path());
        log.create_topic(spec("t", 2)).await.expect("a topic");
        // When something of each kind is written and the log is dropped
        let records = vec![
            record("t", 0, format!("a{round}")),
            record("t", 1, format!("b{round}")),
        ];
        let state = vec![("s".to_owned(), Some(Bytes::from(vec![round; 3])))];
        log.write(Write {
            records,
            offsets: vec![offset.clone()],
            state,
        })
        .await
        .expect("written");
        drop(log);
    }
    // Then it can be opened again at once, and everything is there
    let log = open(directory.path());
    let records = read_all(&log, "t").await;
    assert_eq!(
        records.iter().map(text).collect::<Vec<_>>(),
        ["a0", "a1", "a2", "b0", "b1", "b2"]
    );
    assert_eq!(log.group_offsets("g").await.expect("offsets"), [offset]);
    assert_eq!(
        log.state("s").await.expect("state"),
        Some(Bytes::from(vec![2; 3]))
    );
    drop(log);
    let log = open(directory.path());
    let expected = TopicInfo {
        spec: spec("t", 2),
        offsets: vec![0..4, 0..4],
        settings_known: true,
    };
    assert_eq!(log.topics().await.expect("topics"), [expected]);
}

#[tokio::test]
async fn the_last_of_many_writes_that_share_a_commit_wins() {
    // Given many writes at the same time that set, remove and set the same state and offset
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.create_topic(spec("t", 1)).await.expect("a topic");
    let write = |number: u64| {
        let offset = GroupOffset {
            group: "g".into(),
            topic: "t".into(),
            partition: 0,
            next: number,
            epoch: None,
        };
        let value = (number % 3 != 2).then(|| Bytes::from(number.to_string()));
        let state = vec![("s".to_owned(), value), ("r".to_owned(), None)];
        log.write(Write {
            offsets: vec![offset],
            state,
            ..Write::default()
        })
    };
    for number in 0..50 {
        let base = number * 4;
        let (a, b, c, d) = tokio::join!(
            write(base),
            write(base + 1),
            write(base + 2),
            write(base + 3)
        );
        [a, b, c, d]
            .into_iter()
            .for_each(|written| drop(written.expect("written")));
        // Then the last one counts, also after opening again
        let expected = ((base + 3) % 3 != 2).then(|| Bytes::from((base + 3).to_string()));
        assert_eq!(log.state("s").await.expect("state"), expected);
        assert_eq!(
            log.group_offsets("g").await.expect("offsets")[0].next,
            base + 3
        );
    }
    drop(log);
    let log = open(directory.path());
    assert_eq!(
        log.state("s").await.expect("state"),
        Some(Bytes::from("199"))
    );
    assert_eq!(log.group_offsets("g").await.expect("offsets")[0].next, 199);
}

#[tokio::test]
async fn a_write_is_synced_when_that_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(Options {
        fsync: Fsync::Always,
        ..options(directory.path()).0
    })
    .expect("the log opens");
    log.create_topic(spec("t", 1)).await.expect("a topic");
    write(&log, vec![record("t", 0, "x")]).await;
    assert_eq!(read_all(&log, "t").await.len(), 1);
}

#[tokio::test]
async fn a_directory_has_one_log_in_a_process() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    // When it is opened a second time, then that is refused with the name of the directory
    let error = EmbeddedLog::open(Options::new(directory.path()))
        .err()
        .expect("refused");
    assert!(
        matches!(&error, Error::InUse { directory: name } if *name == directory.path().display().to_string())
    );
    // And the first one continues
    log.create_topic(spec("t", 1)).await.expect("a topic");
    log.close();
    open(directory.path());
}

/// Not a promise of its own: in a process of its own, it says what opening gave.
#[test]
fn a_process_that_opens_the_log() {
    let Some(directory) = std::env::var_os(CHILD_DIRECTORY) else {
        return;
    };
    let answer = EmbeddedLog::open(Options::new(directory))
        .map_or_else(|error| error.to_string(), |_| "open".to_owned());
    println!("\nanswer: {answer}");
}

#[test]
fn a_directory_has_one_log_among_processes() {
    let directory = tempfile::tempdir().unwrap();
    let ask = || {
        let mut child = child(
            "embedded_log::lifecycle::a_process_that_opens_the_log",
            directory.path(),
            r#"exec "$@""#,
        );
        String::from_utf8(child.output().unwrap().stdout).unwrap()
    };
    // While the log is open here, another process is refused; afterwards it is not
    let log = open(directory.path());
    assert!(ask().contains("is in use by another process"));
    drop(log);
    assert!(ask().contains("answer: open"));
}

#[tokio::test]
async fn a_closed_log_answers_that_it_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    let log = Arc::new(open(directory.path()));
    log.create_topic(spec("t", 1)).await.expect("a topic");
    // Given a reader that waits
    let mut source = log
        .subscribe("g", &["t"], Start::Earliest)
        .await
        .expect("subscribed");
    let waiting = tokio::spawn(async move { (source.read(1).await, source) });
    tokio::task::yield_now().await;
    // When the log is closed
    log.close();
    // Then the reader gets an error, and so does any later one
    let (answer, mut source) = waiting.await.expect("ended");
    assert!(matches!(answer, Err(Error::Closed)));
    assert!(matches!(source.read(1).await, Err(Error::Closed)));
    assert!(matches!(
        log.write(Write::default()).await,
        Err(Error::Closed)
    ));
    assert!(matches!(
        log.create_topic(spec("u", 1)).await,
        Err(Error::Closed)
    ));
    assert!(matches!(log.topics().await, Err(Error::Closed)));
    assert!(matches!(log.newest("t").await, Err(Error::Closed)));
    assert!(matches!(
        log.delete_records("t", 0, 0).await,
        Err(Error::Closed)
    ));
    assert!(matches!(log.state("s").await, Err(Error::Closed)));
    assert!(matches!(
        log.subscribe("h", &["t"], Start::Earliest).await.err(),
        Some(Error::Closed)
    ));
    // And the reader that is still around does not keep the directory
    open(directory.path());
}

#[tokio::test]
async fn closing_waits_for_nobody_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let log = Arc::new(open(directory.path()));
    log.create_topic(spec("t", 1)).await.expect("a topic");
    // Given far more writers under way than the queue takes, none of which gets to run while the
    // log closes
    let writers: Vec<_> = (0..3_000)
        .map(|number| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let records = vec![record("t", 0, number.to_string())];
                log.write(Write {
                    records,
                    ..Write::default()
                })
                .await
            })
        })
        .collect();
    tokio::task::yield_now().await;
    // When it is closed
    log.close();
    // Then each was either acknowledged, and is there, or refused because it came too late
    let mut acknowledged = Vec::new();
    for (number, writer) in writers.into_iter().enumerate() {
        match writer.await.expect("ended") {
            Ok(_) => acknowledged.push(number.to_string()),
            Err(error) => assert!(matches!(error, Error::Closed), "{error}"),
        }
    }
    let log = open(directory.path());
    let records = read_all(&log, "t").await;
    let there: std::collections::BTreeSet<&str> = records.iter().map(text).collect();
    assert!(acknowledged.iter().all(|number| there.contains(&**number)));
    assert!(!acknowledged.is_empty());
}

#[tokio::test]
async fn a_group_has_one_reader_of_a_topic_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    for topic in ["a", "b", "c"] {
        log.create_topic(spec(topic, 1)).await.expect("a topic");
    }
    let subscribe =
        async |group: &str, topics: &[&str]| log.subscribe(group, topics, Start::Earliest).await;
    let first = subscribe("g", &["a", "b"]).await.expect("subscribed");
    // When the same group wants one of its topics again, then it is refused with the reason
    let error = subscribe("g", &["b", "c"]).await.err().expect("refused");
    assert!(
        matches!(&error, Error::GroupBusy { group, topic } if group == "g" && topic == "b"),
        "{error}"
    );
    // And another group, other topics, or the same once the first is gone, are fine
    let _others = [
        subscribe("h", &["a", "b"]).await.expect("another group"),
        subscribe("g", &["c"]).await.expect("another topic"),
    ];
    drop(first);
    subscribe("g", &["a", "b"])
        .await
        .expect("the first is gone");
}

#[tokio::test]
async fn a_log_of_an_earlier_version_is_refused_and_not_touched() {
    // Given a directory with a log as earlier versions made it
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("store");
    std::fs::create_dir(&store).unwrap();
    std::fs::write(store.join("version"), b"FJL\x03").unwrap();
    // When it is opened, then it is refused with the folder and a way out
    let error = EmbeddedLog::open(Options::new(directory.path()))
        .err()
        .expect("refused");
    let text = error.to_string();
    assert!(
        matches!(&error, Error::Unreadable { .. })
            && text.contains("store was written by an earlier version")
            && hint(&error).is_some(),
        "{error}"
    );
    // And nothing was made of it
    assert!(!directory.path().join("segments").exists());
    assert_eq!(std::fs::read(store.join("version")).unwrap(), b"FJL\x03");
}

#[tokio::test]
async fn offsets_begin_at_0_and_have_no_gaps() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.create_topic(spec("t", 2)).await.expect("a topic");
    // When two partitions are written in several writes
    let mut next = [0, 0];
    for (round, partition) in [(1, 0), (3, 1), (2, 1), (5, 0), (1, 1), (4, 0)] {
        let records = (0..round)
            .map(|number: u64| record("t", partition, number.to_string()))
            .collect();
        for position in write(&log, records).await {
            // Then each counts from 0 without a gap, and says so
            let next = &mut next[position.partition as usize];
            assert_eq!(position.offset, *next);
            *next += 1;
        }
    }
    assert_eq!(
        log.topics().await.expect("topics")[0].offsets,
        [0..10, 0..6]
    );
}

#[tokio::test]
async fn a_record_of_exactly_the_limit_is_taken_and_one_byte_more_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.create_topic(spec("t", 1)).await.expect("a topic");
    let sized = |bytes: usize| NewRecord {
        key: Some("key".into()),
        ..record("t", 0, vec![7; bytes - 3])
    };
    write(&log, vec![sized(4 << 20)]).await;
    let records = vec![sized((4 << 20) + 1)];
    let error = log
        .write(Write {
            records,
            ..Write::default()
        })
        .await
        .expect_err("refused");
    assert!(
        matches!(
            error,
            Error::TooLarge {
                bytes: 4_194_305,
                limit: 4_194_304,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(read_all(&log, "t").await[0].value.len(), (4 << 20) - 3);
}
