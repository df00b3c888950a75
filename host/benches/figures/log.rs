//! The embedded log: records of 200 bytes in and out, and one small write, as an update is.

use std::sync::Arc;

use bytes::Bytes;
use fedhost_base::clock::Stopwatch;
use fedhost_bus::embedded::{EmbeddedLog, Options};
use fedhost_bus::{Admin as _, Bus as _, NewRecord, Sink as _, Start, TopicSpec, Write};

use crate::measure::{Document, Figure, median};

const RECORDS: usize = 200_000;
const TOGETHER: usize = 500;
const RECORD_BYTES: usize = 200;

pub(crate) fn figures(document: &mut Document) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let log = EmbeddedLog::open(Options::new(folder.path())).unwrap();
        log.create_topic(topic()).await.unwrap();
        let (write, file) = (write(&log).await, plain_file(folder.path()));
        let read = read(&log).await;
        let small = small_write(&log).await;
        let thousands = RECORDS as f64 / 1e3;
        document.extend([
            Figure::beside(
                "log_write_200B",
                thousands / write,
                "k/s",
                "appending to a file",
                thousands / file,
            ),
            Figure::alone("log_read_200B", thousands / read, "k/s"),
            Figure::alone("log_one_write_acknowledged", small * 1e6, "us"),
        ]);
    });
}

fn topic() -> TopicSpec {
    TopicSpec {
        name: "bench".into(),
        partitions: 1,
        retention_ms: None,
        retention_bytes: None,
        max_message_bytes: 1 << 20,
        ..TopicSpec::default()
    }
}

fn record() -> NewRecord {
    NewRecord {
        topic: Arc::from("bench"),
        partition: None,
        timestamp_ms: 1,
        key: None,
        value: Bytes::from_static(&[7; RECORD_BYTES]),
        headers: Vec::new(),
    }
}

async fn write(log: &EmbeddedLog) -> f64 {
    let watch = Stopwatch::start();
    for _ in 0..RECORDS / TOGETHER {
        log.write(Write {
            records: vec![record(); TOGETHER],
            ..Write::default()
        })
        .await
        .unwrap();
    }
    watch.elapsed().as_secs_f64()
}

/// One write a batch, as the log makes them, without offsets, checksums or an index.
fn plain_file(folder: &std::path::Path) -> f64 {
    use std::io::Write as _;
    let mut file = std::fs::File::create(folder.join("plain")).unwrap();
    let batch = vec![7; TOGETHER * RECORD_BYTES];
    let watch = Stopwatch::start();
    for _ in 0..RECORDS / TOGETHER {
        file.write_all(&batch).unwrap();
    }
    watch.elapsed().as_secs_f64()
}

async fn read(log: &EmbeddedLog) -> f64 {
    let mut source = log
        .subscribe("bench", &["bench"], Start::Earliest)
        .await
        .unwrap();
    let watch = Stopwatch::start();
    let mut records = 0;
    while records < RECORDS {
        records += source.read(TOGETHER).await.unwrap().len();
    }
    watch.elapsed().as_secs_f64()
}

async fn small_write(log: &EmbeddedLog) -> f64 {
    let mut times = Vec::new();
    for _ in 0..2_000 {
        let watch = Stopwatch::start();
        log.write(Write {
            records: vec![record()],
            ..Write::default()
        })
        .await
        .unwrap();
        times.push(watch.elapsed().as_secs_f64());
    }
    median(times)
}
