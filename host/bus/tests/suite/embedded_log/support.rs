//! Logs, records and child processes for the tests beside this file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use fedhost_base::event::Damage;
use fedhost_bus::embedded::{EmbeddedLog, Options};
use fedhost_bus::{Admin, Bus, NewRecord, Position, Record, Sink, Start, TopicSpec, Write};

/// Tells a child process which directory to work in.
pub(crate) const CHILD_DIRECTORY: &str = "FEDHOST_TEST_LOG";

/// Damage, as it was announced.
pub(crate) type Announced = Arc<Mutex<Vec<Damage>>>;

/// With segments so small that there soon are several.
pub(crate) fn options(directory: &Path) -> (Options, Announced) {
    let announced = Announced::default();
    let told = Arc::clone(&announced);
    let on_damage = Arc::new(move |damage| told.lock().unwrap().push(damage));
    (
        Options {
            segment_bytes: 32 << 10,
            on_damage,
            ..Options::new(directory)
        },
        announced,
    )
}

pub(crate) fn open(directory: &Path) -> EmbeddedLog {
    EmbeddedLog::open(options(directory).0).expect("the log opens")
}

pub(crate) fn spec(name: &str, partitions: u32) -> TopicSpec {
    let (retention_ms, retention_bytes) = (None, None);
    TopicSpec {
        name: name.to_owned(),
        partitions,
        retention_ms,
        retention_bytes,
        max_message_bytes: 4 << 20,
        ..TopicSpec::default()
    }
}

pub(crate) fn record(topic: &str, partition: u32, value: impl Into<Bytes>) -> NewRecord {
    let (topic, value) = (topic.into(), value.into());
    NewRecord {
        topic,
        partition: Some(partition),
        timestamp_ms: 0,
        key: None,
        value,
        headers: Vec::new(),
    }
}

pub(crate) async fn write(log: &EmbeddedLog, records: Vec<NewRecord>) -> Vec<Position> {
    log.write(Write {
        records,
        ..Write::default()
    })
    .await
    .expect("written")
}

/// All records of a topic that can be read, in the order of their partitions.
pub(crate) async fn read_all(log: &EmbeddedLog, topic: &str) -> Vec<Record> {
    let ends: Vec<u64> = offsets(log, topic)
        .await
        .into_iter()
        .map(|range| range.end)
        .collect();
    let mut source = log
        .subscribe("read-all", &[topic], Start::Earliest)
        .await
        .expect("subscribed");
    let mut records = Vec::new();
    // A mark at the end of every partition, so that there is always something to wait for.
    for partition in 0..ends.len() {
        write(
            log,
            vec![record(topic, u32::try_from(partition).unwrap(), "mark")],
        )
        .await;
    }
    let at_end = |positions: Vec<u64>| positions.iter().zip(&ends).all(|(next, end)| next > end);
    while !at_end(source.positions().into_values().collect()) {
        records.extend(source.read(1_000).await.expect("readable"));
    }
    records.retain(|record| record.position.offset < ends[record.position.partition as usize]);
    records.sort_by_key(|record| record.position.clone());
    records
}

pub(crate) async fn offsets(log: &EmbeddedLog, topic: &str) -> Vec<std::ops::Range<u64>> {
    let topics = log.topics().await.expect("topics");
    topics
        .into_iter()
        .find(|info| info.spec.name == topic)
        .expect("the topic is there")
        .offsets
}

pub(crate) fn text(record: &Record) -> &str {
    str::from_utf8(&record.value).expect("text")
}

/// All files under `directory`.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path))
        } else {
            found.push(path)
        }
    }
    found.sort();
    found
}

/// Runs the test `name` of this binary in a process of its own, by way of `shell` (which ends with
/// `exec "$@"`).
pub(crate) fn child(name: &str, directory: &Path, shell: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", shell, "sh"])
        .arg(std::env::current_exe().unwrap());
    command
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD_DIRECTORY, directory);
    command
}
