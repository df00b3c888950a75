//! Tests of a reader that reads alone.

use std::collections::BTreeMap;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use fedhost_base::event::{BusEvent, Event};

use super::harness::{Cluster, Process, eventually, number, numbers, take, within};
use crate::kafka::source::partition::Partition;
use crate::kafka::source::{KafkaSource, Sharing};
use crate::{Error, Source as _, Start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_partition_is_read_in_order() {
    let (cluster, mut seen) = (Cluster::real(), BTreeMap::<u32, Vec<u32>>::new());
    let topic = cluster.topic("t", 3).await;
    (0..3).for_each(|partition| cluster.write(&topic, partition, 0..1_000));

    let mut source = Process::on(&cluster)
        .read(&cluster.name("g"), &[&topic], Sharing::Whole)
        .await;
    for record in take(&mut source, 3_000).await {
        seen.entry(record.position.partition)
            .or_default()
            .push(number(&record));
        assert_eq!(record.position.offset, u64::from(number(&record)));
        assert_eq!(
            (&*record.position.topic, record.timestamp_ms),
            (&*topic, 1_700_000_000_000)
        );
    }
    let all: Vec<u32> = (0..1_000).collect();
    assert_eq!(
        seen.into_values().collect::<Vec<_>>(),
        [all.clone(), all.clone(), all]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_goes_wherever_it_is_sent() {
    let cluster = Cluster::real();
    let topic = cluster.topic("t", 1).await;
    cluster.write(&topic, 0, 0..5_000);
    let mut source = Process::on(&cluster)
        .read(&cluster.name("g"), &[&topic], Sharing::Whole)
        .await;
    for next in [4_500_u32, 30, 1_000, 1, 0, 4_999, 2_000, 1_999] {
        // When it seeks while records from elsewhere are in transit
        source.seek(&topic, 0, next.into());
        assert_eq!(
            source.positions(),
            BTreeMap::from([((topic.as_str().into(), 0), next.into())])
        );
        // Then it reads only from there
        let count = (5_000 - next).min(300);
        assert_eq!(
            numbers(&take(&mut source, count as usize).await),
            (next..next + count).collect::<Vec<_>>()
        );
    }
    // And at the end it waits for new records
    source.seek(&topic, 0, 5_000);
    cluster.write(&topic, 0, 5_000..5_001);
    assert_eq!(numbers(&take(&mut source, 1).await), [5_000]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_is_gone_moves_to_the_oldest() {
    let cluster = Cluster::real();
    let topic = cluster.topic("t", 1).await;
    cluster.write(&topic, 0, 0..20);
    cluster.delete_records(&topic, 0, 8).await;
    let process = Process::on(&cluster);
    let mut source = process
        .read(&cluster.name("g"), &[&topic], Sharing::Whole)
        .await;
    assert_eq!(source.positions().into_values().collect::<Vec<_>>(), [8]);
    source.seek(&topic, 0, 3);
    assert_eq!(
        numbers(&take(&mut source, 12).await),
        (8..20).collect::<Vec<_>>()
    );
    source.seek(&topic, 0, 5);
    assert_eq!(numbers(&take(&mut source, 2).await), [8, 9]);
    source.seek(&topic, 0, 30);
    eventually("the end", || source.positions().into_values().eq([20])).await;
    // And no deleted record counts as read or stored
    assert!(
        !process
            .observer
            .heard(|event| matches!(event, Event::Bus(BusEvent::RecordsExpired { .. })))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn latest_begins_behind_what_is_there() {
    let cluster = Cluster::real();
    let topic = cluster.topic("t", 1).await;
    cluster.write(&topic, 0, 0..10);
    let (process, group) = (Process::on(&cluster), cluster.name("g"));
    let mut source = process
        .subscribe(&group, &[&topic], Start::Latest, Sharing::Whole)
        .await
        .expect("subscribed");
    assert_eq!(source.positions().into_values().collect::<Vec<_>>(), [10]);
    cluster.write(&topic, 0, 10..12);
    assert_eq!(numbers(&take(&mut source, 2).await), [10, 11]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_read_loses_nothing() {
    let cluster = Cluster::real();
    let topic = cluster.topic("t", 2).await;
    let mut source = Process::on(&cluster)
        .read(&cluster.name("g"), &[&topic], Sharing::Whole)
        .await;
    let writer = tokio::task::spawn_blocking(move || cluster.trickle(&topic, 2, 0..100));
    // When reads are cancelled repeatedly, after different numbers of polls
    let (mut seen, mut context) = (Vec::new(), Context::from_waker(Waker::noop()));
    for polls in (0..3).cycle() {
        let mut reading = pin!(source.read(3));
        for _ in 0..polls {
            if let Poll::Ready(records) = reading.as_mut().poll(&mut context) {
                seen.extend(numbers(&records.expect("readable")));
                break;
            }
            tokio::task::yield_now().await;
        }
        if seen.len() >= 100 {
            break;
        }
    }
    within(writer).await.expect("written");
    // Then every record was returned once
    seen.sort_unstable();
    assert_eq!(seen, (0..100).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_partition_starves() {
    // Given a partition with a backlog of many fetches, and others with few records
    let cluster = Cluster::real();
    let (long, short) = (
        cluster.topic("long", 2).await,
        cluster.topic("short", 1).await,
    );
    cluster.write_large(&long, 0, 20_000);
    cluster.write(&long, 1, 0..5);
    cluster.write(&short, 0, 0..5);
    // When they are read together, with room for a small part of the long one
    let mut process = Process::on(&cluster);
    process.options.ahead_bytes = 1 << 20;
    let mut source = process
        .read(&cluster.name("g"), &[&long, &short], Sharing::Whole)
        .await;
    let records = take(&mut source, 10_000).await;
    // Then the short ones are finished long before the long one
    let read = |topic: &str, partition| {
        let of = |record: &&crate::Record| {
            *record.position.topic == *topic && record.position.partition == partition
        };
        records.iter().filter(of).count()
    };
    assert_eq!((read(&long, 1), read(&short, 0)), (5, 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_keeps_little_in_memory_and_loses_nothing() {
    // Given far more records than a reader may queue
    const AHEAD_BYTES: usize = 20_000;
    let cluster = Cluster::real();
    let topic = cluster.topic("t", 2).await;
    (0..2).for_each(|partition| cluster.write(&topic, partition, 0..60_000));
    let mut process = Process::on(&cluster);
    process.options.ahead_bytes = AHEAD_BYTES;
    let mut source = process
        .read(&cluster.name("g"), &[&topic], Sharing::Whole)
        .await;
    // When they are read with pauses in which the client continues
    let mut seen = [0_u32; 2];
    let mut most = 0;
    while seen != [60_000; 2] {
        if seen.iter().sum::<u32>() % 4_000 < 500 {
            let nearly_through = seen.iter().any(|&seen| seen > 50_000);
            eventually("a queue that is full", || {
                nearly_through || is_stopped(&source)
            })
            .await;
        }
        most = most.max(queued(&source));
        for record in within(source.read(500)).await.expect("readable") {
            let next = &mut seen[record.position.partition as usize];
            assert_eq!(number(&record), *next);
            *next += 1;
        }
    }
    // Then each was returned once, in order, and at most one batch more than allowed was queued
    assert!(most < AHEAD_BYTES + 2 * 5_000, "{most} bytes");
}

/// The queue of some partition is full, or the reader has ended and a read returns the reason.
fn is_stopped(source: &KafkaSource) -> bool {
    let buffer = source.shared.buffer();
    buffer.is_over() || buffer.partitions().iter().any(Partition::is_paused)
}

fn queued(source: &KafkaSource) -> usize {
    source
        .shared
        .buffer()
        .partitions()
        .iter()
        .map(Partition::queued_bytes)
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marks_of_transactions_are_no_lag() {
    let cluster = Cluster::real();
    let topic = cluster.topic("t", 1).await;
    cluster.write_transactions(&topic, 0..5);
    let (process, group) = (Process::on(&cluster), cluster.name("g"));
    let mut source = process.read(&group, &[&topic], Sharing::Whole).await;
    let lag = || process.observer.gauge_of("consumer_lag_records", &topic, 0);
    // When three of five records are read and stored, each followed by a marker
    assert_eq!(numbers(&take(&mut source, 3).await), [0, 1, 2]);
    process.store(&group, &topic, 0, 5).await;
    eventually("the lag of two records with their marks", || {
        lag() == Some(5.0)
    })
    .await;
    eventually("age", || {
        process.observer.gauge_of("consumer_lag_seconds", &topic, 0) > Some(1e6)
    })
    .await;
    // Then after the rest is read, no lag remains
    assert_eq!(numbers(&take(&mut source, 2).await), [3, 4]);
    eventually("records that are not safe", || {
        process.observer.gauge_of("records_not_safe", &topic, 0) > Some(0.0)
    })
    .await;
    process.store(&group, &topic, 0, 9).await;
    eventually("no lag", || lag() == Some(0.0)).await;
    assert_eq!(
        process.observer.gauge_of("consumer_lag_seconds", &topic, 0),
        Some(0.0)
    );
    assert_eq!(process.observer.count_of("records_read", &topic, 0), 5);
    assert_eq!(process.observer.count_of("bytes_read", &topic, 0), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_exist_is_named() {
    let cluster = Cluster::real();
    let (process, topic) = (Process::on(&cluster), cluster.name("nowhere"));
    let refused = process
        .subscribe(
            &cluster.name("g"),
            &[&topic],
            Start::Earliest,
            Sharing::Whole,
        )
        .await;
    let refused = refused.err().expect("refused");
    assert!(
        matches!(&refused, Error::UnknownTopic { topic: named } if *named == topic),
        "{refused}"
    );
    assert!(process.observer.is_ready());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_is_not_there_is_said_to_be_out_of_reach() {
    let cluster = Cluster::at("127.0.0.1:1".to_owned());
    let mut process = Process::on(&cluster);
    process.options.request = std::time::Duration::from_secs(1);
    let refused = process
        .subscribe("g", &["t"], Start::Earliest, Sharing::Shared)
        .await
        .err()
        .expect("refused");
    assert!(
        matches!(&refused, Error::Unreachable { bus, .. } if bus == "kafka at 127.0.0.1:1"),
        "{refused}"
    );
    assert!(!process.observer.is_ready());
}
