//! Tests of a reader during faults.

use std::time::Duration;

use fedhost_base::event::{BusEvent, Event};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::harness::{Cluster, Process, eventually, numbers, take, within};
use crate::kafka::source::Sharing;
use crate::{Error, Source as _};

fn expired(event: &Event) -> Option<(u64, u64)> {
    if let Event::Bus(BusEvent::RecordsExpired { from, to, .. }) = event {
        Some((*from, *to))
    } else {
        None
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_expired_while_nobody_read_are_announced() {
    let cluster = Cluster::real();
    let (topic, group) = (cluster.topic("t", 1).await, cluster.name("g"));
    cluster.write(&topic, 0, 0..20);
    let process = Process::on(&cluster);
    let mut source = process.read(&group, &[&topic], Sharing::Whole).await;
    take(&mut source, 5).await;
    process.store(&group, &topic, 0, 5).await;
    within(source.close()).await;
    // When the records after the stored offset are deleted
    cluster.delete_records(&topic, 0, 12).await;
    let mut source = process.read(&group, &[&topic], Sharing::Whole).await;
    // Then the reader continues at the oldest record, and reports it
    assert_eq!(
        numbers(&take(&mut source, 8).await),
        (12..20).collect::<Vec<_>>()
    );
    let told: Vec<_> = process
        .observer
        .events(|event| expired(event).is_some())
        .iter()
        .filter_map(expired)
        .collect();
    assert_eq!(told, [(5, 12)]);
}

async fn records_that_expire_under_a_reader_are_announced(sharing: Sharing) {
    let cluster = Cluster::real();
    let (topic, group) = (cluster.topic("t", 2).await, cluster.name("g"));
    (0..2).for_each(|partition| cluster.write(&topic, partition, 0..40_000));
    let mut process = Process::on(&cluster);
    process.options.ahead_bytes = 2_000;
    // Given a reader with a small queue that has stopped reading
    let mut source = process.read(&group, &[&topic], sharing).await;
    let tail = |source: &crate::kafka::source::KafkaSource| {
        let buffer = source.shared.buffer();
        let full = buffer
            .partitions()
            .iter()
            .filter(|partition| partition.is_paused())
            .count();
        (full == 2).then(|| buffer.find(&topic, 0).expect("owned").tail())
    };
    eventually("full queues", || tail(&source).is_some()).await;
    let tail = tail(&source).expect("full");
    // When the records that it would read next are deleted
    cluster.delete_records(&topic, 0, 39_990).await;
    // Then it reads its queue, continues at the oldest record, and reports it; the other partition
    // is not affected
    let mut seen = [Vec::new(), Vec::new()];
    while seen[0].last() != Some(&39_999) || seen[1].len() < 40_000 {
        for record in within(source.read(500)).await.expect("readable") {
            seen[record.position.partition as usize].push(super::harness::number(&record));
        }
    }
    let [damaged, whole] = seen;
    let kept = u32::try_from(tail).expect("small");
    assert_eq!(damaged, (0..kept).chain(39_990..40_000).collect::<Vec<_>>());
    assert_eq!(whole, (0..40_000).collect::<Vec<_>>());
    let told: Vec<_> = process
        .observer
        .events(|event| expired(event).is_some())
        .iter()
        .filter_map(expired)
        .collect();
    assert_eq!(told, [(tail, 39_990)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_expire_under_a_whole_reader_are_announced() {
    records_that_expire_under_a_reader_are_announced(Sharing::Whole).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_that_expire_under_a_sharing_reader_are_announced() {
    records_that_expire_under_a_reader_are_announced(Sharing::Shared).await;
}

fn mock() -> (MockCluster<'static, DefaultProducerContext>, Cluster) {
    let mock = MockCluster::new(1).expect("a mock cluster");
    let cluster = Cluster::at(mock.bootstrap_servers());
    (mock, cluster)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_told_once_and_survived() {
    let (mock, cluster) = mock();
    let (topic, group) = (cluster.name("t"), cluster.name("g"));
    mock.create_topic(&topic, 1, 1).expect("a topic");
    cluster.write(&topic, 0, 0..5);
    let process = Process::on(&cluster);
    let mut source = process.read(&group, &[&topic], Sharing::Whole).await;
    assert_eq!(take(&mut source, 5).await.len(), 5);
    let lost = |event: &Event| matches!(event, Event::Bus(BusEvent::ConnectionLost { .. }));
    let restored = |event: &Event| matches!(event, Event::Bus(BusEvent::ConnectionRestored { .. }));
    // When the broker becomes unreachable
    mock.broker_down(1).expect("down");
    eventually("the loss is told", || process.observer.heard(lost)).await;
    assert!(!process.observer.is_ready());
    // And becomes reachable again
    mock.broker_up(1).expect("up");
    eventually("the return is told", || process.observer.heard(restored)).await;
    // Then the same reader continues
    cluster.write(&topic, 0, 5..8);
    assert_eq!(numbers(&take(&mut source, 3).await), [5, 6, 7]);
    assert!(process.observer.is_ready());
    assert_eq!(
        (
            process.observer.events(lost).len(),
            process.observer.events(restored).len()
        ),
        (1, 1)
    );
}

/// A reader whose client gets errors for every fetch while the mock has errors left.
async fn a_stalled_reader(
    sharing: Sharing,
) -> (
    MockCluster<'static, DefaultProducerContext>,
    Cluster,
    Process,
) {
    let (mock, cluster) = mock();
    mock.create_topic(&cluster.name("t"), 1, 1)
        .expect("a topic");
    cluster.write(&cluster.name("t"), 0, 0..5);
    let mut process = Process::on(&cluster);
    process.options.stall_after = Duration::from_secs(2);
    process.options.consumer_protocol = sharing == Sharing::Shared;
    (mock, cluster, process)
}

fn break_fetching(mock: &MockCluster<'_, DefaultProducerContext>) {
    mock.request_errors(
        RDKafkaApiKey::Fetch,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN; 10_000],
    );
}

fn stalled(event: &Event) -> bool {
    matches!(
        event,
        Event::Bus(BusEvent::PartitionStalled {
            next: 5,
            end: 8,
            partition: 0,
            ..
        })
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_client_of_a_sharing_reader_is_replaced() {
    let (mock, cluster, process) = a_stalled_reader(Sharing::Shared).await;
    let (topic, group) = (cluster.name("t"), cluster.name("g"));
    let mut source = process.read(&group, &[&topic], Sharing::Shared).await;
    assert_eq!(take(&mut source, 5).await.len(), 5);
    process.store(&group, &topic, 0, 5).await;
    // When there are records and the client gets none of them
    break_fetching(&mock);
    cluster.write(&topic, 0, 5..8);
    eventually("it is told", || process.observer.heard(stalled)).await;
    eventually("the client is given up", || !process.observer.is_ready()).await;
    assert_eq!(process.observer.count_of("partition_stalls", &topic, 0), 1);
    // Then a new client continues from the stored offsets, once fetching works again
    mock.clear_request_errors(RDKafkaApiKey::Fetch);
    assert_eq!(numbers(&take(&mut source, 3).await), [5, 6, 7]);
    eventually("all is well again", || process.observer.is_ready()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_reader_with_a_stalled_client_is_cut_off() {
    let (mock, cluster, process) = a_stalled_reader(Sharing::Whole).await;
    let (topic, group) = (cluster.name("t"), cluster.name("g"));
    let mut source = process.read(&group, &[&topic], Sharing::Whole).await;
    assert_eq!(take(&mut source, 5).await.len(), 5);
    break_fetching(&mock);
    cluster.write(&topic, 0, 5..8);
    let lost = within(source.read(1)).await.expect_err("cut off");
    assert!(matches!(lost, Error::Lost { .. }), "{lost}");
    assert!(process.observer.heard(stalled) && !process.observer.is_ready());
    // And a new reader works, once fetching works again
    mock.clear_request_errors(RDKafkaApiKey::Fetch);
    drop(source);
    let mut source = process.read(&group, &[&topic], Sharing::Whole).await;
    assert_eq!(take(&mut source, 8).await.len(), 8);
    assert!(process.observer.is_ready());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_waits_no_longer_than_it_may() {
    let (mock, cluster) = mock();
    let (topic, group) = (cluster.name("t"), cluster.name("g"));
    mock.create_topic(&topic, 1, 1).expect("a topic");
    let mut process = Process::on(&cluster);
    process.options.close = Duration::from_millis(200);
    let source = process.read(&group, &[&topic], Sharing::Whole).await;
    // Given a coordinator that does not answer
    mock.broker_round_trip_time(1, Duration::from_secs(20))
        .expect("slow");
    let time = fedhost_base::clock::Stopwatch::start();
    within(source.close()).await;
    assert!(
        time.elapsed() < Duration::from_secs(5),
        "{:?}",
        time.elapsed()
    );
}
