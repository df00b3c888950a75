//! Reads and writes a run's log with the library, while no run is active.

use std::path::Path;
use std::time::Duration;

use fedhost_bus::embedded::{EmbeddedLog, Options};
use fedhost_bus::{Admin as _, Bus as _, NewRecord, Record, Sink as _, Start, TopicSpec, Write};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(5);

/// All records of a topic that are still there.
#[must_use]
pub fn read_topic(directory: &Path, topic: &str) -> Vec<Record> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let log = EmbeddedLog::open(Options::new(directory)).unwrap();
        let info = log
            .topics()
            .await
            .unwrap()
            .into_iter()
            .find(|info| info.spec.name == topic)
            .unwrap();
        let ends: Vec<u64> = info.offsets.iter().map(|offsets| offsets.end).collect();
        let mut source = log
            .subscribe("test", &[topic], Start::Earliest)
            .await
            .unwrap();
        let mut records = Vec::new();
        while source
            .positions()
            .values()
            .zip(&ends)
            .any(|(next, end)| next < end)
        {
            // A damaged range at the end is skipped and gives no record.
            let Ok(read) = tokio::time::timeout(PATIENCE, source.read(1_000)).await else {
                break;
            };
            records.extend(read.unwrap());
        }
        records
    })
}

/// Writes one record to a topic before a run; the topic is created if it is missing.
pub fn write_record(directory: &Path, topic: &str, key: &str, value: &'static [u8]) {
    write_records(directory, topic, key, &[value]);
}

/// The same for many records.
pub fn write_records(directory: &Path, topic: &str, key: &str, values: &[&'static [u8]]) {
    let record = |value: &&'static [u8]| NewRecord {
        topic: topic.into(),
        partition: None,
        timestamp_ms: fedhost_base::clock::now_ms(),
        key: Some(key.to_owned().into()),
        value: (*value).into(),
        headers: Vec::new(),
    };
    put_records(directory, topic, values.iter().map(record).collect());
}

/// Writes complete records to a topic before a run; the topic is created if it is missing.
pub fn put_records(directory: &Path, topic: &str, records: Vec<NewRecord>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let log = EmbeddedLog::open(Options::new(directory)).unwrap();
        let (retention_ms, retention_bytes, max_message_bytes) = (None, None, 16 << 20);
        let spec = TopicSpec {
            name: topic.to_owned(),
            partitions: 1,
            retention_ms,
            retention_bytes,
            max_message_bytes,
            ..TopicSpec::default()
        };
        log.create_topic(spec).await.unwrap();
        log.write(Write {
            records,
            ..Write::default()
        })
        .await
        .unwrap();
    });
}

/// The data of all prediction messages.
#[must_use]
pub fn predictions(directory: &Path) -> Vec<Value> {
    let message = |record: Record| serde_json::from_slice::<Value>(&record.value).unwrap();
    read_topic(directory, "predictions")
        .into_iter()
        .map(message)
        .collect()
}
