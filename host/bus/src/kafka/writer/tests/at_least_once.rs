//! Tests of a writer without transactions during faults, on librdkafka's mock.

use std::time::Duration;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::*;

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}

/// Ten numbers per write, all writes at the same time; `trouble` runs while they are in progress.
async fn write_through(
    cluster: &Cluster,
    trouble: impl AsyncFnOnce(&MockCluster<'static, DefaultProducerContext>),
) {
    let topic = cluster.name("t");
    let writer = Arc::new(
        cluster
            .writer(Delivery::AtLeastOnce, "role")
            .await
            .expect("started"),
    );
    let writing = {
        let writer = Arc::clone(&writer);
        tokio::spawn(async move {
            let mut writes = Vec::new();
            for number in 0..100 {
                let (writer, write) = (
                    Arc::clone(&writer),
                    numbered(&topic, number * 10..number * 10 + 10),
                );
                let mut write = Box::pin(async move { writer.write(write).await });
                hand_in(&mut write).await;
                writes.push(write);
            }
            for write in writes {
                assert_eq!(offsets(write.await).len(), 10);
            }
        })
    };
    trouble(cluster.mock()).await;
    writing.await.expect("all are written");
    writer.close().await;
}

/// Removes repeats: the last occurrence of each value counts for the order.
fn in_order(read: Vec<String>) -> Vec<String> {
    let mut last = Vec::new();
    for text in read.into_iter().rev() {
        if !last.contains(&text) {
            last.push(text);
        }
    }
    last.reverse();
    last
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_refuses_for_a_while_loses_and_reorders_nothing() {
    use RDKafkaRespErr as Error;
    for error in [
        Error::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        Error::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        Error::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        Error::RD_KAFKA_RESP_ERR__TRANSPORT,
        // Errors that the client does not retry by itself
        Error::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
        Error::RD_KAFKA_RESP_ERR_UNKNOWN,
        Error::RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
    ] {
        let cluster = Cluster::mocked();
        cluster
            .mock()
            .request_errors(RDKafkaApiKey::Produce, &[error; 4]);
        write_through(&cluster, async |_| {}).await;
        assert_eq!(
            in_order(cluster.texts(&cluster.name("t"))),
            texts(0..1_000),
            "{error:?}"
        );
        assert_eq!(cluster.seen.trouble(), None, "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rights_that_come_back_are_waited_for_and_the_process_is_not_ready_meanwhile() {
    let cluster = Cluster::mocked();
    let refused = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED; 10_000];
    cluster
        .mock()
        .request_errors(RDKafkaApiKey::Produce, &refused);
    write_through(&cluster, async |mock| {
        // Given a writer whose records are refused repeatedly
        until("three tries", || {
            cluster.seen.count_of("write_retries") >= 3
        })
        .await;
        assert!(
            cluster
                .seen
                .trouble()
                .is_some_and(|trouble| trouble.contains("no right to use topic"))
        );
        assert_eq!(cluster.seen.connection(), ["lost"]);
        // When the rights are restored
        mock.clear_request_errors(RDKafkaApiKey::Produce);
    })
    .await;
    // Then all records are written, and the condition ends
    assert_eq!(in_order(cluster.texts(&cluster.name("t"))), texts(0..1_000));
    assert_eq!(
        (cluster.seen.trouble(), cluster.seen.connection()),
        (None, vec!["lost", "restored"])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_goes_away_and_comes_back_loses_and_reorders_nothing() {
    let cluster = Cluster::mocked();
    cluster.mock().broker_down(1).expect("down");
    write_through(&cluster, async |mock| {
        until("the outage is told", || cluster.seen.trouble().is_some()).await;
        mock.broker_up(1).expect("up");
    })
    .await;
    assert_eq!(in_order(cluster.texts(&cluster.name("t"))), texts(0..1_000));
    assert_eq!(cluster.seen.connection(), ["lost", "restored"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_has_nothing_to_do_finds_out_that_the_broker_is_back() {
    let cluster = Cluster::mocked();
    let writer = cluster
        .writer(Delivery::AtLeastOnce, "role")
        .await
        .expect("started");
    writer
        .write(numbered(&cluster.name("t"), 0..1))
        .await
        .expect("written");
    cluster.mock().broker_down(1).expect("down");
    until("the outage is told", || cluster.seen.trouble().is_some()).await;
    cluster.mock().broker_up(1).expect("up");
    until("the writer is well", || cluster.seen.trouble().is_none()).await;
    assert_eq!(cluster.seen.connection(), ["lost", "restored"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_only_slows_down() {
    let mut cluster = Cluster::mocked();
    cluster.producer = vec![
        ("queue.buffering.max.messages", "7"),
        ("queue.buffering.max.kbytes", "3"),
    ];
    write_through(&cluster, async |_| {}).await;
    assert_eq!(cluster.texts(&cluster.name("t")), texts(0..1_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_that_took_too_long_are_written_again_before_the_record_counts_as_written() {
    // Given a record in chunks with one second for them, and a broker that is unreachable for
    // longer
    let mut cluster = Cluster::mocked();
    cluster.producer = vec![
        ("message.max.bytes", "66000"),
        ("delivery.timeout.ms", "1000"),
        ("linger.ms", "0"),
    ];
    let topic = cluster.name("t");
    let writer = cluster
        .writer(Delivery::AtLeastOnce, "role")
        .await
        .expect("started");
    cluster.mock().broker_down(1).expect("down");
    let began = fedhost_base::clock::Stopwatch::start();
    let write = Write {
        records: vec![record(&topic, vec![7; 200_000])],
        ..Write::default()
    };
    let writing = tokio::spawn(async move { writer.write(write).await });
    until("its time is up", || {
        began.elapsed() > Duration::from_secs(2)
    })
    .await;
    cluster.mock().broker_up(1).expect("up");
    // When it is written in the end
    let position = offsets(writing.await.expect("no panic")).remove(0);
    // Then all its chunks were written twice, and its position is that of the second attempt
    let log = cluster.read(&topic, "read_committed");
    let count = u64::try_from(log.len()).expect("few");
    assert!(count >= 8 && count % 4 == 0, "{count} chunks");
    assert_eq!(position, count - 4);
    let mut assembler = crate::kafka::chunks::Assembler::default();
    let whole: Vec<_> = log
        .into_iter()
        .filter_map(|record| assembler.add(record, fedhost_base::clock::now()))
        .collect();
    assert!(whole.iter().all(|record| record.value == vec![7; 200_000]) && !whole.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_without_a_broker_ends_in_time_and_says_so() {
    let cluster = Cluster::mocked();
    cluster.mock().broker_down(1).expect("down");
    let close = Duration::from_millis(300);
    let options = crate::kafka::Options {
        close,
        ..cluster.options(Delivery::AtLeastOnce)
    };
    let writer = Writer::start(
        "role",
        &options,
        Arc::clone(&cluster.groups),
        Arc::clone(&cluster.topics),
    )
    .await;
    let writer = writer.expect("started");
    let mut write = Box::pin(writer.write(numbered(&cluster.name("t"), 0..1)));
    hand_in(&mut write).await;
    // When it is closed and the broker stays unreachable
    tokio::time::timeout(Duration::from_secs(10), writer.close())
        .await
        .expect("closing ends");
    // Then the pending write is answered with an error
    let answer = tokio::time::timeout(Duration::from_secs(10), write)
        .await
        .expect("an answer");
    assert!(matches!(answer, Err(Error::Closed)), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_writer_finishes_what_it_was_given() {
    let cluster = Cluster::mocked();
    let topic = cluster.name("t");
    let writer = cluster
        .writer(Delivery::AtLeastOnce, "role")
        .await
        .expect("started");
    let content = writer.checker.finish(
        writer
            .checker
            .check(numbered(&topic, 0..100))
            .expect("legal"),
    );
    let answer = writer.mailbox.send(content).await.expect("taken");
    drop(writer);
    assert_eq!(answer.await.expect("answered").expect("written").len(), 100);
    assert_eq!(cluster.texts(&topic), texts(0..100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_s_figures_are_passed_on() {
    let mut cluster = Cluster::mocked();
    cluster.producer = vec![("statistics.interval.ms", "50")];
    let writer = cluster
        .writer(Delivery::AtLeastOnce, "role")
        .await
        .expect("started");
    writer
        .write(numbered(&cluster.name("t"), 0..5))
        .await
        .expect("written");
    for metric in ["broker_rtt_seconds", "batch_records"] {
        until(metric, || {
            cluster
                .seen
                .gauge_of(metric)
                .is_some_and(|value| value > 0.0)
        })
        .await;
    }
    assert!(cluster.seen.gauge_of("producer_queue_records").is_some());
    assert_eq!(cluster.seen.count_of("records_written"), 5);
}
