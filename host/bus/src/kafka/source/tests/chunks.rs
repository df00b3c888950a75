//! Tests of records in chunks, with correct and faulty writers.

use std::time::Duration;

use fedhost_base::event::{BusEvent, Event, RunEvent};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use uuid::Uuid;

use super::harness::{Cluster, Process, eventually, take};
use crate::kafka::chunks::{Layout, Limits, Origin, split};
use crate::kafka::source::Sharing;
use crate::{NewRecord, Record};

const KIB: usize = 1 << 10;

fn whole(topic: &str, writer: &str, value: Vec<u8>) -> NewRecord {
    let key = Some(bytes::Bytes::copy_from_slice(writer.as_bytes()));
    let (topic, value) = (topic.into(), value.into());
    NewRecord {
        topic,
        partition: Some(0),
        timestamp_ms: 1,
        key,
        value,
        headers: Vec::new(),
    }
}

/// A record of this size in chunks of 64 KiB, with the writer's time limit.
fn chunks(topic: &str, writer: &str, bytes: usize, within: Duration) -> Vec<NewRecord> {
    let limits = Limits {
        content: 64 << 10,
        all: 128 << 10,
    };
    let whole = whole(topic, writer, vec![writer.as_bytes()[0]; bytes]);
    let origin = Origin {
        writer,
        message: Uuid::new_v4(),
        within,
    };
    split(
        &whole,
        Layout::of(&whole, limits, origin).expect("room"),
        origin,
    )
}

/// Writes records in that order, and waits until they are acknowledged.
fn write(cluster: &Cluster, records: &[NewRecord]) {
    let producer: BaseProducer = cluster.config().create().expect("a producer");
    for NewRecord {
        topic,
        key,
        value,
        headers,
        ..
    } in records
    {
        let all = headers
            .iter()
            .fold(OwnedHeaders::new(), |all, (key, value)| {
                all.insert(Header {
                    key,
                    value: Some(value.as_ref()),
                })
            });
        let record = BaseRecord::to(topic)
            .partition(0)
            .payload(value.as_ref())
            .headers(all);
        let record = record.key(key.as_deref().expect("a key"));
        producer
            .send(record)
            .map_err(|(error, _)| error)
            .expect("queued");
    }
    producer.flush(Duration::from_secs(30)).expect("written");
}

fn offsets(records: &[Record]) -> Vec<u64> {
    records
        .iter()
        .map(|record| record.position.offset)
        .collect()
}

fn warnings(process: &Process) -> Vec<String> {
    let told = process
        .observer
        .events(|event| matches!(event, Event::Run(RunEvent::Warned { .. })));
    told.into_iter()
        .filter_map(|event| {
            if let Event::Run(RunEvent::Warned { detail, .. }) = event {
                Some(detail)
            } else {
                None
            }
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_record_is_given_up_when_its_writer_has_had_its_time() {
    let cluster = Cluster::real();
    let topic = cluster.topic("t", 1).await;
    // Given a writer that died after two of four chunks, and small records after them
    let torn = chunks(&topic, "a", 250 * KIB, Duration::from_secs(2));
    write(
        &cluster,
        &[&torn[..2], &[whole(&topic, "b", vec![1])]].concat(),
    );
    let (process, group) = (Process::on(&cluster), cluster.name("g"));
    let mut source = process.read(&group, &[&topic], Sharing::Whole).await;
    // When they are read, then the torn record is skipped and reported
    assert_eq!(offsets(&take(&mut source, 1).await), [2]);
    let told = warnings(&process);
    assert!(
        told.len() == 1 && told[0].contains("/0 holds 2 of 4 chunks of message a:"),
        "{told:?}"
    );
    // And its later chunks do not count as lag
    write(&cluster, &torn[2..]);
    process.store(&group, &topic, 0, 3).await;
    let lag = || process.observer.gauge_of("consumer_lag_records", &topic, 0);
    eventually("no lag", || {
        lag() == Some(0.0)
            && source
                .shared
                .buffer()
                .find(&topic, 0)
                .is_some_and(|p| p.tail() == 5)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_record_is_given_up_at_once_when_its_writer_begins_another() {
    let cluster = Cluster::real();
    let topic = cluster.topic("t", 1).await;
    let for_ever = Duration::from_secs(3_600);
    let (torn, next) = (
        chunks(&topic, "a", 250 * KIB, for_ever),
        chunks(&topic, "a", 100 * KIB, for_ever),
    );
    write(
        &cluster,
        &[&torn[..3], &[whole(&topic, "b", vec![1])], &next[..]].concat(),
    );
    let process = Process::on(&cluster);
    let mut source = process
        .read(&cluster.name("g"), &[&topic], Sharing::Whole)
        .await;
    let records = take(&mut source, 2).await;
    assert_eq!(
        (offsets(&records), records[1].value.len()),
        (vec![3, 4], 100 * KIB)
    );
    assert_eq!(warnings(&process).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_record_is_handed_out_as_it_is_and_says_so() {
    let cluster = Cluster::real();
    let topic = cluster.topic("t", 1).await;
    let mut damaged = chunks(&topic, "a", 250 * KIB, Duration::from_secs(3_600));
    damaged[2].value = bytes::Bytes::from_static(b"something else");
    write(
        &cluster,
        &[&damaged[..], &[whole(&topic, "b", vec![1])]].concat(),
    );
    let process = Process::on(&cluster);
    let mut source = process
        .read(&cluster.name("g"), &[&topic], Sharing::Whole)
        .await;
    let records = take(&mut source, 2).await;
    assert_eq!(
        (offsets(&records), &records[0].value),
        (vec![0, 4], &damaged[0].value)
    );
    let fault = records[0]
        .header("fedhost-chunk-fault")
        .map(|fault| String::from_utf8_lossy(fault).into_owned());
    assert_eq!(
        fault.as_deref(),
        Some("chunk 2 of 4 does not have its sha256")
    );
    assert_eq!(warnings(&process).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_large_records_at_once_come_once_and_in_order_however_little_is_kept() {
    let cluster = Cluster::real();
    let topic = cluster.topic("t", 1).await;
    // Given twelve writers whose chunks are interleaved, with small records in between
    let all: Vec<Vec<NewRecord>> = (b'a'..b'm')
        .map(|writer| {
            chunks(
                &topic,
                &char::from(writer).to_string(),
                500 * KIB,
                Duration::from_secs(3_600),
            )
        })
        .collect();
    let mut written = Vec::new();
    for step in 0..all[0].len() + all.len() {
        for (index, chunks) in all.iter().enumerate() {
            // Each writer begins a little later than the one before.
            written.extend(
                step.checked_sub(index / 2)
                    .and_then(|at| chunks.get(at))
                    .cloned(),
            );
        }
        written.push(whole(&topic, "small", vec![1]));
    }
    write(&cluster, &written);
    let beginnings: Vec<u64> = (0..)
        .zip(&written)
        .filter(|(_, record)| record.headers.len() != 2)
        .map(|(offset, _)| offset)
        .collect();
    // When they are read by a reader with room for no more than two of them
    let mut process = Process::on(&cluster);
    process.options.ahead_bytes = 1 << 20;
    let mut source = process
        .read(&cluster.name("g"), &[&topic], Sharing::Whole)
        .await;
    let records = take(&mut source, beginnings.len()).await;
    // Then all records are returned, complete
    assert_eq!(offsets(&records), beginnings);
    let large = records
        .iter()
        .filter(|record| record.value.len() == 500 * KIB);
    assert_eq!(
        large
            .filter(|record| record
                .value
                .iter()
                .all(|byte| Some(byte) == record.value.first()))
            .count(),
        12
    );
    assert!(
        !process
            .observer
            .heard(|event| !matches!(event, Event::Bus(BusEvent::ConnectionRestored { .. }))),
        "nothing to tell of"
    );
}
