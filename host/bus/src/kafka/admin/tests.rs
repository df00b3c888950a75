//! On the cluster that `KAFKA_BOOTSTRAP_SERVERS` names.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseRecord, Producer as _, ThreadedProducer};

use super::*;
use crate::compare::{Difference, compare};
use crate::kafka::{Delivery, Properties};
use fedhost_base::backoff::Backoff;
use fedhost_base::clock::Stopwatch;
use fedhost_base::observer::NoObserver;

const PATIENCE: Duration = Duration::from_secs(30);

fn servers() -> String {
    #[expect(clippy::disallowed_methods, reason = "a test has no command line")]
    let servers = std::env::var("KAFKA_BOOTSTRAP_SERVERS");
    servers.expect("KAFKA_BOOTSTRAP_SERVERS names no cluster: `make test` starts one")
}

fn properties(servers: &str) -> Properties {
    Properties::default().with([("bootstrap.servers", servers)])
}

fn options(servers: &str) -> Options {
    Options {
        producer: properties(servers),
        consumer: properties(servers),
        delivery: Delivery::ExactlyOnce,
        transactional_id_prefix: "admin-test".into(),
        group_prefix: String::new(),
        state_topic: TopicSpec::default(),
        ahead_bytes: 1 << 20,
        max_poll_records: 500,
        max_block: Duration::from_secs(60),
        consumer_protocol: false,
        stall_after: PATIENCE,
        drain: PATIENCE,
        close: PATIENCE,
        request: PATIENCE,
        backoff: Backoff::default(),
        observer: Arc::new(NoObserver),
    }
}

/// A cluster, and a name on it that no other test has.
struct Scene {
    admin: ClusterAdmin,
    catalogue: Arc<Catalogue>,
    name: String,
}

impl Scene {
    fn new() -> Self {
        let catalogue = Arc::new(Catalogue::default());
        let admin = ClusterAdmin::new(&options(&servers()), &catalogue);
        Self {
            admin,
            catalogue,
            name: format!("admin-test-{}", uuid::Uuid::new_v4()),
        }
    }

    fn spec(&self, partitions: u32) -> TopicSpec {
        TopicSpec {
            name: self.name.clone(),
            partitions,
            max_message_bytes: 1 << 20,
            ..TopicSpec::default()
        }
    }

    async fn with_topic(partitions: u32) -> Self {
        let scene = Self::new();
        scene
            .admin
            .create_topic(scene.spec(partitions))
            .await
            .expect("created");
        scene
    }

    fn producer(
        &self,
        further: &[(&str, &str)],
    ) -> ThreadedProducer<rdkafka::producer::DefaultProducerContext> {
        properties(&servers())
            .with(further.iter().copied())
            .client_config()
            .create()
            .expect("a producer")
    }

    fn write(&self, partition: i32, values: &[&str]) {
        let producer = self.producer(&[]);
        send(&producer, &self.name, partition, values);
        producer.flush(PATIENCE).expect("acknowledged");
    }

    /// In a transaction, whose mark takes an offset behind them.
    fn write_in_transaction(&self, partition: i32, values: &[&str], commit: bool) {
        let producer = self.producer(&[("transactional.id", &self.name)]);
        producer.init_transactions(PATIENCE).expect("transactions");
        producer.begin_transaction().expect("begun");
        send(&producer, &self.name, partition, values);
        producer.flush(PATIENCE).expect("acknowledged");
        if commit {
            producer.commit_transaction(PATIENCE).expect("committed");
        } else {
            producer.abort_transaction(PATIENCE).expect("aborted");
        }
    }

    async fn offsets(&self) -> Vec<std::ops::Range<u64>> {
        self.admin
            .topic(&self.name)
            .await
            .expect("described")
            .offsets
    }
}

fn send(
    producer: &ThreadedProducer<rdkafka::producer::DefaultProducerContext>,
    topic: &str,
    partition: i32,
    values: &[&str],
) {
    for value in values {
        let record = BaseRecord::<str, str>::to(topic)
            .partition(partition)
            .payload(value);
        producer
            .send(record)
            .map_err(|(error, _)| error)
            .expect("queued");
    }
}

fn text(record: &Record) -> &str {
    str::from_utf8(&record.value).expect("text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_is_made_as_it_was_asked_for() {
    let scene = Scene::new();
    let settings = [
        ("cleanup.policy", "compact,delete"),
        ("compression.type", "zstd"),
        ("min.insync.replicas", "1"),
    ];
    let asked = TopicSpec {
        retention_ms: Some(3_600_000),
        retention_bytes: Some(1 << 30),
        replication_factor: Some(1),
        settings: settings
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        ..scene.spec(3)
    };
    let info = scene
        .admin
        .create_topic(asked.clone())
        .await
        .expect("created");
    assert_eq!(compare(&asked, &info.spec), []);
    assert_eq!(info.offsets, [0..0, 0..0, 0..0]);
    assert_eq!(
        info.spec.settings["min.insync.replicas"], "1",
        "what it has without being asked is told too"
    );
    assert_eq!(scene.catalogue.spec(&scene.name), Some(info.spec));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_exists_stays_as_it_is_and_its_differences_are_told() {
    let scene = Scene::with_topic(2).await;
    scene.write(1, &["a", "b"]);
    let settings = BTreeMap::from([("cleanup.policy".to_owned(), "compact".to_owned())]);
    let asked = TopicSpec {
        retention_ms: Some(1_000),
        settings,
        ..scene.spec(5)
    };
    let found = scene
        .admin
        .create_topic(asked.clone())
        .await
        .expect("left as it is");
    assert_eq!(compare(&scene.spec(2), &found.spec), []);
    assert_eq!(found.offsets, [0..0, 0..2]);
    let difference = |(setting, asked, found): (&str, &str, &str)| Difference {
        setting: setting.into(),
        asked: asked.into(),
        found: found.into(),
    };
    let expected = [
        ("partitions", "5", "2"),
        ("retention.ms", "1000", "-1"),
        ("cleanup.policy", "compact", "delete"),
    ];
    assert_eq!(compare(&asked, &found.spec), expected.map(difference));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_cannot_be_is_refused_with_the_reason() {
    let scene = Scene::new();
    let setting = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    let cases = [
        (
            TopicSpec {
                name: "a b".into(),
                ..scene.spec(1)
            },
            "characters",
        ),
        (scene.spec(0), "at least 1 partition"),
        (
            TopicSpec {
                replication_factor: Some(9),
                ..scene.spec(1)
            },
            "too few brokers for 9 copies",
        ),
        (
            TopicSpec {
                settings: setting("no.such.setting", "1"),
                ..scene.spec(1)
            },
            "no.such.setting",
        ),
        (
            TopicSpec {
                settings: setting("cleanup.policy", "shred"),
                ..scene.spec(1)
            },
            "cleanup.policy",
        ),
    ];
    for (spec, words) in cases {
        let error = scene
            .admin
            .create_topic(spec.clone())
            .await
            .expect_err("refused");
        assert!(
            matches!(&error, Error::BadTopic { topic, .. } if *topic == spec.name),
            "{error}"
        );
        assert!(error.to_string().contains(words), "{error}");
    }
    let error = scene
        .admin
        .topic(&scene.name)
        .await
        .expect_err("nothing was made");
    assert!(
        matches!(&error, Error::UnknownTopic { topic } if *topic == scene.name),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_as_large_as_the_topic_takes_fits_with_its_headers() {
    let scene = Scene::with_topic(1).await;
    let producer = scene.producer(&[("message.max.bytes", "16777216")]);
    let (key, value) = ("k".repeat(100), vec![b'x'; (1 << 20) - 100]);
    let headers = OwnedHeaders::new().insert(Header {
        key: "fedhost-envelope",
        value: Some(&vec![b'h'; 60 << 10]),
    });
    let record = BaseRecord::to(&scene.name)
        .partition(0)
        .key(&key)
        .payload(&value)
        .headers(headers);
    producer
        .send(record)
        .map_err(|(error, _)| error)
        .expect("queued");
    producer.flush(PATIENCE).expect("acknowledged");
    let newest = scene.admin.newest(&scene.name).await.expect("read");
    let [record] = newest.as_slice() else {
        panic!("{} records", newest.len())
    };
    assert_eq!(
        (record.value.len(), record.key.as_ref().map(|key| key.len())),
        ((1 << 20) - 100, Some(100))
    );
    assert_eq!(
        record.header("fedhost-envelope").map(|header| header.len()),
        Some(60 << 10)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_are_listed_by_name_without_those_of_kafka_itself() {
    let scene = Scene::with_topic(2).await;
    scene.write(0, &["a"]);
    let topics = scene.admin.topics().await.expect("listed");
    assert!(topics.is_sorted_by_key(|topic| topic.spec.name.clone()));
    assert!(
        topics
            .iter()
            .all(|topic| !topic.spec.name.starts_with("__"))
    );
    let ours = topics
        .iter()
        .find(|topic| topic.spec.name == scene.name)
        .expect("it is there");
    assert_eq!(
        *ours,
        scene.admin.topic(&scene.name).await.expect("described")
    );
    assert_eq!(ours.offsets, [0..1, 0..0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_record_is_found_behind_marks_and_aborted_records() {
    let scene = Scene::with_topic(3).await;
    // Given a partition whose last offsets hold a mark, another with many aborted records, and an
    // empty one
    scene.write_in_transaction(0, &["a", "b"], true);
    scene.write(1, &["c", "d"]);
    let aborted: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    scene.write_in_transaction(
        1,
        &aborted.iter().map(String::as_str).collect::<Vec<_>>(),
        false,
    );
    assert_eq!(scene.offsets().await, [0..3, 0..103, 0..0]);
    // When the newest records are asked for
    let newest = scene.admin.newest(&scene.name).await.expect("read");
    // Then it is the last that was committed, partition by partition
    assert_eq!(
        newest
            .iter()
            .map(|r| (r.position.partition, r.position.offset, text(r)))
            .collect::<Vec<_>>(),
        [(0, 1, "b"), (1, 1, "d")]
    );
    let nothing = scene
        .admin
        .newest("admin-test-no-such-topic")
        .await
        .expect_err("no such topic");
    assert!(matches!(nothing, Error::UnknownTopic { .. }), "{nothing}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_record_from_an_offset_is_the_next_that_a_reader_would_get() {
    let scene = Scene::with_topic(1).await;
    scene.write_in_transaction(0, &["a", "b"], true);
    scene.write_in_transaction(0, &["never"], false);
    scene.write_in_transaction(0, &["c"], true);
    let first = async |from| {
        let record = scene
            .admin
            .first_from(&scene.name, 0, from)
            .await
            .expect("read");
        record.map(|record| (record.position.offset, text(&record).to_owned()))
    };
    assert_eq!(first(0).await, Some((0, "a".to_owned())));
    assert_eq!(first(1).await, Some((1, "b".to_owned())));
    assert_eq!(
        first(2).await,
        Some((5, "c".to_owned())),
        "behind a mark, an aborted record and its mark"
    );
    assert_eq!(first(6).await, None, "only a mark is left");
    assert_eq!(first(99).await, None, "not written yet");
    scene
        .admin
        .delete_records(&scene.name, 0, 1)
        .await
        .expect("deleted");
    assert_eq!(
        first(0).await,
        Some((1, "b".to_owned())),
        "the oldest that is left"
    );
    let error = scene
        .admin
        .first_from(&scene.name, 7, 0)
        .await
        .expect_err("no such partition");
    assert!(
        matches!(error, Error::UnknownPartition { partition: 7, .. }),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_records_are_gone_and_nothing_else_is() {
    let scene = Scene::with_topic(2).await;
    scene.write(0, &["a", "b", "c"]);
    scene.write(1, &["d"]);
    scene
        .admin
        .delete_records(&scene.name, 0, 2)
        .await
        .expect("deleted");
    assert_eq!(scene.offsets().await, [2..3, 0..1]);
    scene
        .admin
        .delete_records(&scene.name, 0, 1)
        .await
        .expect("gone already");
    assert_eq!(scene.offsets().await, [2..3, 0..1]);
    let error = scene
        .admin
        .delete_records(&scene.name, 0, 9)
        .await
        .expect_err("beyond the end");
    assert!(
        error.to_string().contains("does not reach to offset 9"),
        "{error}"
    );
    let error = scene
        .admin
        .delete_records(&scene.name, 2, 0)
        .await
        .expect_err("no such partition");
    assert!(
        matches!(error, Error::UnknownPartition { partition: 2, .. }),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_s_offsets_are_told_whatever_else_lies_in_the_cluster() {
    let scene = Scene::with_topic(3).await;
    scene.write(0, &["a", "b"]);
    let member: BaseConsumer = properties(&servers())
        .with([("group.id", scene.name.as_str())])
        .client_config()
        .create()
        .expect("a consumer");
    let mut offsets = TopicPartitionList::new();
    offsets
        .add_partition_offset(&scene.name, 0, Offset::Offset(2))
        .expect("an offset");
    offsets
        .add_partition_offset(&scene.name, 2, Offset::Offset(0))
        .expect("an offset");
    member.commit(&offsets, CommitMode::Sync).expect("stored");
    let expected = [(0, 2), (2, 0)].map(|(partition, next)| GroupOffset {
        group: scene.name.clone(),
        topic: scene.name.as_str().into(),
        partition,
        next,
        epoch: None,
    });
    assert_eq!(
        scene.admin.group_offsets(&scene.name).await.expect("told"),
        expected
    );
    assert_eq!(
        scene
            .admin
            .group_offsets(&format!("{}-other", scene.name))
            .await
            .expect("told"),
        []
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newer_group_protocol_makes_no_difference() {
    let scene = Scene::with_topic(1).await;
    scene.write(0, &["a"]);
    let mut options = options(&servers());
    options.consumer.set("group.protocol", "consumer");
    let admin = ClusterAdmin::new(&options, &scene.catalogue);
    assert_eq!(admin.newest(&scene.name).await.expect("read").len(), 1);
    assert_eq!(admin.group_offsets(&scene.name).await.expect("told"), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cluster_tells_its_id_and_its_brokers() {
    let cluster = Scene::new().admin.cluster().await.expect("told");
    assert!(cluster.id.is_some_and(|id| !id.is_empty()));
    assert!(
        cluster
            .brokers
            .iter()
            .any(|broker| broker.port > 0 && !broker.host.is_empty()),
        "{:?}",
        cluster.brokers
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_brokers_tell_what_they_let_pass() {
    let BrokerLimits { copied, requested } =
        Scene::new().admin.broker_limits().await.expect("told");
    assert!(
        copied.is_some_and(|bytes| bytes > 0) && requested.is_some_and(|bytes| bytes > 1 << 20),
        "{copied:?} {requested:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_whose_leader_is_away_is_not_taken_for_one_that_does_not_exist() {
    // Given a topic whose only partition is led by a broker that is down
    let mock = MockCluster::new(3).expect("a cluster");
    mock.create_topic("t", 1, 3).expect("a topic");
    mock.partition_leader("t", 0, Some(1)).expect("a leader");
    mock.broker_down(1).expect("down");
    let options = Options {
        request: Duration::from_secs(3),
        ..options(&mock.bootstrap_servers())
    };
    let admin = ClusterAdmin::new(&options, &Arc::default());
    // When it is asked for, then the answer is not that it does not exist
    let refused = admin.topic("t").await.expect_err("its end is unknown");
    assert!(matches!(refused, Error::Unreachable { .. }), "{refused}");
    // And it is found once another broker leads it
    mock.partition_leader("t", 0, Some(2)).expect("a leader");
    assert_eq!(
        admin.topic("t").await.expect("it is there").spec.partitions,
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_is_away_is_told_in_time() {
    let request = Duration::from_secs(1);
    let away = Options {
        request,
        ..options("127.0.0.1:1")
    };
    let admin = ClusterAdmin::new(&away, &Arc::default());
    let watch = Stopwatch::start();
    let error = admin.topics().await.expect_err("no broker listens there");
    assert!(
        matches!(&error, Error::Unreachable { bus, action, .. } if bus.contains("127.0.0.1:1") && action == "list topics"),
        "{error}"
    );
    assert!(
        watch.elapsed() < Duration::from_secs(5),
        "{:?}",
        watch.elapsed()
    );
}
