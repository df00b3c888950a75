//! `kill -9` at any instant.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use bytes::Bytes;
use fedhost_bus::embedded::EmbeddedLog;
use fedhost_bus::{Admin, GroupOffset, Record, Sink, Write};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::support::{CHILD_DIRECTORY, child, open, read_all, record, spec, text, write};

const WRITERS: u64 = 4;
const TOPIC: &str = "t";

/// How many records a writer's write has; they vary, so that a torn one shows.
fn records_of(round: u64) -> u64 {
    1 + round * 7 % 23
}

fn group(writer: u64) -> String {
    format!("writer-{writer}")
}

/// What a writer's numbered write holds: records in two partitions, an offset and a state, all with
/// its number.
fn numbered_write(writer: u64, round: u64) -> Write {
    let value = |part| {
        format!(
            "{writer} {round} {part} {}",
            "x".repeat((round % 50) as usize * 20)
        )
    };
    let records = (0..records_of(round))
        .map(|part| record(TOPIC, (part % 2) as u32, value(part)))
        .collect();
    let offset = GroupOffset {
        group: group(writer),
        topic: TOPIC.into(),
        partition: 0,
        next: round,
        epoch: None,
    };
    Write {
        records,
        offsets: vec![offset],
        state: vec![(group(writer), Some(Bytes::from(round.to_string())))],
    }
}

async fn state(log: &EmbeddedLog, writer: u64) -> Option<u64> {
    let state = log.state(&group(writer)).await.expect("state");
    state.map(|round| str::from_utf8(&round).unwrap().parse().unwrap())
}

/// Not a promise of its own: in a process of its own, it writes and says so until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_writes_until_it_is_killed() {
    let Some(directory) = std::env::var_os(CHILD_DIRECTORY) else {
        return;
    };
    let log = Arc::new(open(Path::new(&directory)));
    log.create_topic(spec(TOPIC, 2)).await.expect("a topic");
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let log = Arc::clone(&log);
        writers.spawn(async move {
            for round in state(&log, writer).await.map_or(0, |last| last + 1).. {
                let positions = log
                    .write(numbered_write(writer, round))
                    .await
                    .expect("written");
                let places: Vec<_> = positions
                    .iter()
                    .map(|p| format!("{}:{}", p.partition, p.offset))
                    .collect();
                let mut out = std::io::stdout().lock();
                // In one go: the parent must not see half a line.
                out.write_all(format!("\nack {writer} {round} {}\n", places.join(" ")).as_bytes())
                    .unwrap();
                out.flush().unwrap();
            }
        });
    }
    writers.join_all().await;
}

/// An acknowledged write: who, which, and where its records lie.
struct Ack {
    writer: u64,
    round: u64,
    places: Vec<(u32, u64)>,
}

impl Ack {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("ack ")?.split(' ');
        let (writer, round) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let place = |word: &str| {
            word.split_once(':')
                .map(|(p, o)| (p.parse().unwrap(), o.parse().unwrap()))
        };
        Some(Self {
            writer,
            round,
            places: words.filter_map(place).collect(),
        })
    }
}

/// Lets a process write, kills it after `count` acknowledgements, and gives back all that it had
/// acknowledged.
fn acknowledged_before_a_kill(directory: &Path, count: usize) -> Vec<Ack> {
    let mut child = child(
        "embedded_log::kill::a_process_that_writes_until_it_is_killed",
        directory,
        r#"exec "$@""#,
    );
    let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
    let mut acks = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        acks.extend(Ack::parse(&line.unwrap()));
        if acks.len() == count {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(
        acks.len() >= count,
        "the process ended by itself after {} of {count}",
        acks.len()
    );
    acks
}

#[tokio::test]
async fn a_killed_process_loses_nothing_it_acknowledged_and_tears_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let seed = 20_240_601;
    let mut random = StdRng::seed_from_u64(seed);
    let mut acks = Vec::new();
    for kill in 0..10 {
        // Given a process that was killed at some instant, on the log that its killed forerunners
        // left
        acks.extend(acknowledged_before_a_kill(
            directory.path(),
            random.random_range(1..400),
        ));
        // When the log is opened again
        let log = open(directory.path());
        // Then everything acknowledged is there, once, in order and whole
        check(&log, &acks, &format!("seed {seed}, kill {kill}")).await;
        log.close();
    }
}

async fn check(log: &EmbeddedLog, acks: &[Ack], context: &str) {
    let records: Vec<Record> = read_all(log, TOPIC)
        .await
        .into_iter()
        .filter(|record| text(record) != "mark")
        .collect();
    for writer in 0..WRITERS {
        // Offsets and state agree with each other
        let last = state(log, writer).await;
        let offsets = log.group_offsets(&group(writer)).await.expect("offsets");
        assert_eq!(offsets.first().map(|offset| offset.next), last, "{context}");
        // and with the records: those of every write up to the last, each whole, and of none after
        // it
        for partition in 0..2 {
            let prefix = format!("{writer} ");
            let mine = |record: &&Record| {
                record.position.partition == partition && text(record).starts_with(&prefix)
            };
            let found: Vec<&str> = records.iter().filter(mine).map(text).collect();
            let expected: Vec<Write> = (0..last.map_or(0, |last| last + 1))
                .map(|round| numbered_write(writer, round))
                .collect();
            let expected = expected
                .iter()
                .flat_map(|write| &write.records)
                .filter(|new| new.partition == Some(partition));
            assert!(
                expected
                    .map(|new| &*new.value)
                    .eq(found.iter().map(|text| text.as_bytes())),
                "{context}, writer {writer}"
            );
        }
        // and no write was acknowledged that is not there
        let acked = acks
            .iter()
            .filter(|ack| ack.writer == writer)
            .map(|ack| ack.round)
            .max();
        assert!(
            last >= acked,
            "{context}: {last:?} is stored, {acked:?} was acknowledged"
        );
    }
    let find = |place: &(u32, u64)| {
        let at = records.binary_search_by_key(place, |record| {
            (record.position.partition, record.position.offset)
        });
        text(&records[at.expect("the acknowledged offset is there")])
    };
    for Ack {
        writer,
        round,
        places,
    } in acks
    {
        for (part, place) in places.iter().enumerate() {
            assert!(
                find(place).starts_with(&format!("{writer} {round} {part} ")),
                "{context}"
            );
        }
    }
}

#[tokio::test]
async fn a_log_whose_creation_was_killed_is_created_anew() {
    // Given what a kill or a loss of power leaves while the first segment is being made
    for left in [&b""[..], b"FHLG\x01\x03", &[0; 100]] {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join("segments")).unwrap();
        let segment = format!("segments/{:020}.log", 1);
        std::fs::write(directory.path().join(segment), left).unwrap();
        // When the log is opened, then it works
        let log = open(directory.path());
        log.create_topic(spec(TOPIC, 1)).await.expect("a topic");
        assert_eq!(write(&log, vec![record(TOPIC, 0, "x")]).await[0].offset, 0);
    }
}
