//! Kafka as the suite tries it: a real cluster with either promise of delivery, and librdkafka's
//! mocked one.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use fedhost_base::backoff::Backoff;
use fedhost_base::observer::NoObserver;
use fedhost_bus::kafka::{Delivery, Kafka, Options, Properties, RoleClient};
use fedhost_bus::{Admin as _, TopicSpec};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, Producer as _};
use uuid::Uuid;

use super::case::Case;

const PATIENCE: Duration = Duration::from_secs(30);
const DRAIN: Duration = Duration::from_secs(2);
/// Members that come or go in the test that tries this at random: each takes some seconds.
const CHURN: u32 = 10;

pub(crate) async fn exactly_once() -> Case {
    real(Delivery::ExactlyOnce).await
}

pub(crate) async fn at_least_once() -> Case {
    real(Delivery::AtLeastOnce).await
}

async fn real(delivery: Delivery) -> Case {
    let servers = servers();
    let (prefix, options) = prefixed(&servers, delivery);
    let client = role_client(options.clone(), "conformance").await;
    let deleting = servers.clone();
    let swept = Swept {
        servers,
        names: prefix.clone(),
    };
    client
        .create_topic(options.state_topic)
        .await
        .expect("a topic for state");
    Case {
        bus: Arc::new(client),
        prefix,
        make_first: None,
        delete_topic: Some(Box::new(move |topic| delete(&deleting, topic))),
        drain: DRAIN,
        churn: CHURN,
        repeats: delivery == Delivery::AtLeastOnce,
        _keep: Box::new(swept),
    }
}

/// One mocked broker. It has no notion of a transaction that did not happen, so only the weaker
/// promise can be tried; and it makes no topics on request.
pub(crate) async fn mocked() -> Case {
    let host: BaseProducer = config(&[("test.mock.num.brokers", "1")])
        .create()
        .expect("a mocked cluster");
    let host = Arc::new(host);
    let servers = host
        .client()
        .mock_cluster()
        .expect("a mocked cluster")
        .bootstrap_servers();
    let (prefix, mut options) = prefixed(&servers, Delivery::AtLeastOnce);
    // A group whose only member left gives its partitions to the next one when the session of the
    // first is over.
    options.consumer = options.consumer.with([
        ("session.timeout.ms", "3000"),
        ("heartbeat.interval.ms", "500"),
    ]);
    // With the classic protocol the mocked broker takes most of a minute to arrange two members.
    options.consumer_protocol = true;
    let maker = Arc::clone(&host);
    let make = move |name: &str, partitions: u32| {
        let cluster = maker.client().mock_cluster().expect("a mocked cluster");
        cluster
            .create_topic(name, partitions.cast_signed(), 1)
            .expect("a topic");
    };
    make(&options.state_topic.name, 1);
    let client = role_client(options.clone(), "conformance").await;
    client
        .create_topic(options.state_topic)
        .await
        .expect("it is there");
    Case {
        bus: Arc::new(client),
        prefix,
        make_first: Some(Box::new(make)),
        delete_topic: None,
        drain: DRAIN,
        churn: CHURN,
        repeats: true,
        _keep: Box::new(host),
    }
}

pub(crate) fn servers() -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "the caller of the tests names the cluster"
    )]
    let servers = std::env::var("KAFKA_BOOTSTRAP_SERVERS");
    servers.expect("KAFKA_BOOTSTRAP_SERVERS names no cluster: `make test` starts one")
}

pub(crate) async fn role_client(options: Options, role: &str) -> RoleClient {
    let kafka = Kafka::connect(options.clone())
        .await
        .expect("the cluster answers");
    kafka.role_client(role, options)
}

/// How to work under names that no other test uses, and what they begin with.
pub(crate) fn prefixed(servers: &str, delivery: Delivery) -> (String, Options) {
    let prefix = format!("conformance-{}-", Uuid::new_v4().simple());
    let properties = Properties::default().with([("bootstrap.servers", servers)]);
    let state_topic = TopicSpec {
        name: format!("{prefix}state"),
        partitions: 1,
        max_message_bytes: 1 << 20,
        settings: [("cleanup.policy".to_owned(), "compact".to_owned())].into(),
        ..TopicSpec::default()
    };
    let options = Options {
        producer: properties.clone().with([("message.max.bytes", "8388608")]),
        consumer: properties.with([("fetch.wait.max.ms", "100")]),
        delivery,
        transactional_id_prefix: prefix.clone(),
        group_prefix: prefix.clone(),
        state_topic,
        ahead_bytes: 16 << 20,
        max_poll_records: 500,
        max_block: Duration::from_secs(60),
        consumer_protocol: false,
        stall_after: PATIENCE,
        drain: DRAIN,
        close: Duration::from_secs(5),
        request: PATIENCE,
        backoff: Backoff::default(),
        observer: Arc::new(NoObserver),
    };
    (prefix, options)
}

fn config(properties: &[(&str, &str)]) -> ClientConfig {
    properties
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Topics that are deleted with their test, so that a foreign cluster stays as it was.
pub(crate) struct Swept {
    pub(crate) servers: String,
    /// What their names begin with.
    pub(crate) names: String,
}

impl Drop for Swept {
    fn drop(&mut self) {
        let (config, names) = (
            config(&[("bootstrap.servers", &self.servers)]),
            self.names.clone(),
        );
        // It may be dropped inside a runtime, where blocking on another runtime is not allowed.
        let sweeping = thread::spawn(move || sweep(&config, &names));
        sweeping
            .join()
            .expect("the topics of this test can be deleted");
    }
}

/// Deletes a topic, and waits until the cluster has forgotten it.
fn delete(servers: &str, topic: &str) {
    let (config, topic) = (config(&[("bootstrap.servers", servers)]), topic.to_owned());
    let deleting = thread::spawn(move || {
        sweep(&config, &topic);
        let admin: AdminClient<DefaultClientContext> = config.create().expect("a client");
        let is_there = || {
            let metadata = admin.inner().fetch_metadata(None, PATIENCE);
            let metadata = metadata.expect("the cluster answers");
            metadata.topics().iter().any(|found| found.name() == topic)
        };
        while is_there() {
            thread::yield_now();
        }
    });
    deleting.join().expect("the topic can be deleted");
}

fn sweep(config: &ClientConfig, names: &str) {
    let admin: AdminClient<DefaultClientContext> = config.create().expect("a client");
    let metadata = admin
        .inner()
        .fetch_metadata(None, PATIENCE)
        .expect("the cluster answers");
    let topics: Vec<&str> = metadata.topics().iter().map(|topic| topic.name()).collect();
    let ours: Vec<&str> = topics
        .into_iter()
        .filter(|topic| topic.starts_with(names))
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime
        .block_on(admin.delete_topics(&ours, &AdminOptions::new()))
        .expect("the cluster answers");
}
