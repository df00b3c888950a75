//! Clients get in through every kind of listener that Apache Kafka has, and what they write can be
//! read.

use std::time::Duration;

use fedhost_bus::kafka::Properties;
use fedhost_e2e::broker::{Broker, BrokerOptions, secured};
use rdkafka::ClientConfig;
use rdkafka::Message as _;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn config(properties: &Properties) -> ClientConfig {
    properties
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

pub(crate) fn properties(broker: &Broker, listener: &str) -> Properties {
    broker.client(listener).into_iter().collect()
}

pub(crate) fn create_topic(
    properties: &Properties,
    name: &str,
    partitions: i32,
    settings: &[(&str, &str)],
) {
    let admin: AdminClient<DefaultClientContext> = config(properties).create().unwrap();
    let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    let topic = settings
        .iter()
        .fold(topic, |topic, (name, value)| topic.set(name, value));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let made = runtime
        .block_on(admin.create_topics([&topic], &AdminOptions::new()))
        .unwrap();
    assert_eq!(made, [Ok(name.to_owned())]);
}

pub(crate) fn write(properties: &Properties, topic: &str, value: &str) {
    let producer: BaseProducer = config(properties).create().unwrap();
    producer
        .send(BaseRecord::<(), str>::to(topic).partition(0).payload(value))
        .unwrap();
    producer.flush(PATIENCE).unwrap();
}

fn read(properties: &Properties, topic: &str) -> String {
    let consumer: BaseConsumer = config(properties)
        .set("group.id", "security")
        .create()
        .unwrap();
    let mut start = TopicPartitionList::new();
    start
        .add_partition_offset(topic, 0, Offset::Beginning)
        .unwrap();
    consumer.assign(&start).unwrap();
    let record = consumer.poll(PATIENCE).unwrap().unwrap();
    String::from_utf8(record.payload().unwrap().to_vec()).unwrap()
}

#[test]
fn what_is_written_through_a_listener_of_any_kind_can_be_read_through_it() {
    let broker = secured();
    let listeners = [
        "plaintext",
        "tls",
        "mutual_tls",
        "plain",
        "scram256",
        "scram512",
        "plain_tls",
        "scram512_tls",
    ];
    for listener in listeners {
        let properties = properties(&broker, listener);
        let topic = format!("security-{listener}");
        create_topic(&properties, &topic, 1, &[]);
        write(&properties, &topic, listener);
        assert_eq!(read(&properties, &topic), listener);
    }
}

#[test]
fn a_broker_that_was_killed_comes_back_with_what_it_had() {
    let mut broker = Broker::start(BrokerOptions::default());
    let properties = properties(&broker, "plaintext");
    create_topic(&properties, "kept", 1, &[]);
    write(&properties, "kept", "before");
    broker.kill();
    assert!(std::net::TcpStream::connect(broker.address("plaintext")).is_err());
    broker.restart();
    assert_eq!(read(&properties, "kept"), "before");
    broker.stop();
    assert!(std::net::TcpStream::connect(broker.address("plaintext")).is_err());
}
