//! Tests of guarantees that only transactions give, on a real broker.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::*;

const WAIT: Duration = Duration::from_secs(20);

/// Another client with the role's transactional id; it writes no mark.
fn intruder(cluster: &Cluster) -> ClientConfig {
    let id = format!(
        "{}-role",
        cluster
            .options(Delivery::ExactlyOnce)
            .transactional_id_prefix
    );
    cluster.client(&[("transactional.id", &id)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_of_committed_records_see_a_write_as_a_whole() {
    let cluster = Cluster::real().await;
    let topic = cluster.topic("t", 1, 1 << 20).await;
    let writer = cluster
        .writer(Delivery::ExactlyOnce, "role")
        .await
        .expect("started");
    // Given a reader that reads along while writes of ten records each arrive
    let config = [
        ("group.id", "g"),
        ("enable.partition.eof", "true"),
        ("auto.offset.reset", "earliest"),
    ];
    let consumer: BaseConsumer = cluster
        .client(&config)
        .set("enable.auto.commit", "false")
        .create()
        .expect("a reader");
    let mut list = rdkafka::TopicPartitionList::new();
    list.add_partition_offset(&topic, 0, rdkafka::Offset::Beginning)
        .expect("a partition");
    consumer.assign(&list).expect("assigned");
    let reading = tokio::task::spawn_blocking(move || {
        let (mut read, mut ends) = (0, 0);
        while read < 200 || ends == 0 {
            match consumer.poll(WAIT).expect("more") {
                Ok(_) => read += 1,
                // Then at every end of the log it has seen only whole writes
                Err(KafkaError::PartitionEOF(_)) => {
                    ends += 1;
                    assert_eq!(read % 10, 0);
                }
                Err(error) => panic!("{error}"),
            }
        }
    });
    for number in 0..20 {
        writer
            .write(numbered(&topic, number * 10..number * 10 + 10))
            .await
            .expect("written");
    }
    reading.await.expect("whole writes only");
    assert_eq!(cluster.seen.count_of("records_written"), 200);
    assert_eq!(cluster.seen.count_of("transactions_committed"), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_crashed_writer_left_open_is_never_seen() {
    let cluster = Cluster::real().await;
    let topic = cluster.topic("t", 1, 1 << 20).await;
    // Given a process that died during a transaction
    let crashed: BaseProducer = intruder(&cluster).create().expect("a producer");
    crashed.init_transactions(WAIT).expect("initialised");
    crashed.begin_transaction().expect("begun");
    crashed
        .send(
            BaseRecord::<(), str>::to(&topic)
                .partition(0)
                .payload("half"),
        )
        .expect("sent");
    crashed.flush(WAIT).expect("flushed");
    drop(crashed);
    // When the role is started again
    let writer = cluster
        .writer(Delivery::ExactlyOnce, "role")
        .await
        .expect("started");
    writer.write(numbered(&topic, 0..3)).await.expect("written");
    // Then only the role's own writes are readable, once
    assert_eq!(cluster.texts(&topic), texts(0..3));
    assert_eq!(cluster.read(&topic, "read_uncommitted").len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_role_s_transaction_hides_is_waited_for() {
    let cluster = Cluster::real().await;
    let state = |value: &'static str| Write {
        state: vec![("s".to_owned(), Some(value.into()))],
        ..Write::default()
    };
    let writer = cluster
        .writer(Delivery::ExactlyOnce, "role")
        .await
        .expect("started");
    writer.write(state("old")).await.expect("written");
    // Given an open transaction of another role in the state topic, and a value that was committed
    // after its start
    let id = cluster.name("another-role");
    let another: BaseProducer = cluster
        .client(&[("transactional.id", &id)])
        .create()
        .expect("a producer");
    another.init_transactions(WAIT).expect("initialised");
    another.begin_transaction().expect("begun");
    let topic = cluster.name("state");
    another
        .send(BaseRecord::to(&topic).key("another").payload("1"))
        .expect("queued");
    another.flush(WAIT).expect("delivered");
    writer.write(state("new")).await.expect("written");
    let value =
        |found: Option<Bytes>| found.map(|value| String::from_utf8_lossy(&value).into_owned());
    // When the role reads it, then it gets no older value
    let states = cluster.state();
    let mut asked = std::pin::pin!(states.get("s", Hidden::Awaited));
    assert!(
        tokio::time::timeout(Duration::from_secs(1), &mut asked)
            .await
            .is_err(),
        "it did not wait"
    );
    let looker = cluster.state();
    assert_eq!(
        value(looker.get("s", Hidden::LeftOut).await.expect("read")).as_deref(),
        Some("old")
    );
    another.abort_transaction(WAIT).expect("aborted");
    assert_eq!(value(asked.await.expect("read")).as_deref(), Some("new"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_was_taken_over_from_is_cut_off() {
    let cluster = Cluster::real().await;
    let topic = cluster.topic("t", 1, 1 << 20).await;
    let old = cluster
        .writer(Delivery::ExactlyOnce, "role")
        .await
        .expect("started");
    old.write(numbered(&topic, 0..1)).await.expect("written");
    // When another process starts the same role, and one starts another role
    let new = cluster
        .writer(Delivery::ExactlyOnce, "role")
        .await
        .expect("started");
    let other = cluster
        .writer(Delivery::ExactlyOnce, "other-role")
        .await
        .expect("started");
    // Then the old process is fenced permanently, and the other two are not
    for _ in 0..2 {
        let refused = old.write(numbered(&topic, 7..8)).await;
        assert!(is_lost(&refused), "{refused:?}");
    }
    new.write(numbered(&topic, 1..2)).await.expect("written");
    other.write(numbered(&topic, 2..3)).await.expect("written");
    assert_eq!(cluster.texts(&topic), texts(0..3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_the_cluster_ended_is_settled_and_done_once() {
    let cluster = Cluster::real().await;
    let topic = cluster.topic("t", 1, 1 << 20).await;
    let writer = cluster
        .writer(Delivery::ExactlyOnce, "role")
        .await
        .expect("started");
    // Given a cluster that ends the role's transactions repeatedly, at any moment, as after a
    // timeout
    let stop = Arc::new(AtomicBool::new(false));
    let (stopped, config) = (Arc::clone(&stop), intruder(&cluster));
    let disturbing = tokio::task::spawn_blocking(move || {
        let mut disturbed = 0;
        while !stopped.load(Ordering::Relaxed) {
            let intruder: BaseProducer = config.create().expect("a producer");
            disturbed += u32::from(intruder.init_transactions(WAIT).is_ok());
        }
        disturbed
    });
    // When writes continue meanwhile
    for number in 0..150 {
        writer
            .write(numbered(&topic, number * 2..number * 2 + 2))
            .await
            .expect("written");
    }
    stop.store(true, Ordering::Relaxed);
    assert!(disturbing.await.expect("no panic") > 0);
    // Then each record exists once, in order
    assert_eq!(cluster.texts(&topic), texts(0..300));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_was_deleted_ends_the_write_with_its_name() {
    let mut cluster = Cluster::real().await;
    cluster.producer = vec![
        ("topic.metadata.propagation.max.ms", "500"),
        ("topic.metadata.refresh.interval.ms", "500"),
    ];
    let (topic, gone) = (
        cluster.topic("t", 1, 1 << 20).await,
        cluster.topic("gone", 1, 1 << 20).await,
    );
    let writer = cluster
        .writer(Delivery::ExactlyOnce, "role")
        .await
        .expect("started");
    cluster.delete_topic(&gone).await;
    // When writes to it and to another topic come at the same time
    let (refused, written) = tokio::join!(
        writer.write(numbered(&gone, 0..1)),
        writer.write(numbered(&topic, 0..1))
    );
    // Then only the first is refused
    assert!(
        matches!(&refused, Err(Error::UnknownTopic { topic }) if **topic == *gone),
        "{refused:?}"
    );
    written.expect("written");
    assert_eq!(cluster.texts(&topic), texts(0..1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_cannot_be_reached_is_told_within_the_time_of_a_request() {
    let mut cluster = Cluster::mocked();
    cluster.mock().broker_down(1).expect("down");
    cluster.producer = vec![("reconnect.backoff.max.ms", "100")];
    let options = crate::kafka::Options {
        request: Duration::from_millis(500),
        ..cluster.options(Delivery::ExactlyOnce)
    };
    let refused = Writer::start(
        "role",
        &options,
        Arc::clone(&cluster.groups),
        Arc::clone(&cluster.topics),
    )
    .await;
    let refused = fedhost_base::hint::explain(&refused.err().expect("no broker"));
    assert!(
        refused.contains("cannot start the writer of role") && refused.contains("hint: "),
        "{refused}"
    );
}
