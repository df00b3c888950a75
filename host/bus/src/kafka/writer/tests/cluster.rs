//! A real or mocked cluster with names that no other test uses.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{Headers, Message};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use uuid::Uuid;

use super::{Recorder, Writer};
use crate::kafka::catalogue::Catalogue;
use crate::kafka::groups::{Groups, Reader};
use crate::kafka::state::StateReader;
use crate::kafka::{Delivery, Options, Properties};
use crate::{Error, GroupOffset, Position, Record, TopicId, TopicSpec};
use fedhost_base::backoff::Backoff;

const SECOND: Duration = Duration::from_secs(1);

pub(in crate::kafka::writer) struct Cluster {
    servers: String,
    prefix: String,
    pub(in crate::kafka::writer) topics: Arc<Catalogue>,
    pub(in crate::kafka::writer) groups: Arc<Groups>,
    pub(in crate::kafka::writer) seen: Arc<Recorder>,
    pub(in crate::kafka::writer) mock: Option<MockCluster<'static, DefaultProducerContext>>,
    /// Added to the producer properties that all these tests use.
    pub(in crate::kafka::writer) producer: Vec<(&'static str, &'static str)>,
}

impl Cluster {
    /// The broker from the environment, with a state topic.
    pub(in crate::kafka::writer) async fn real() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a test has no command line")]
        let servers = std::env::var("KAFKA_BOOTSTRAP_SERVERS");
        let servers = servers
            .expect("this test needs a broker: set KAFKA_BOOTSTRAP_SERVERS, see `make kafka-up`");
        let cluster = Self::at(servers, None);
        cluster.topic("state", 1, 4 << 20).await;
        cluster
    }

    /// One mocked broker: it keeps 5 MiB per partition and does not support aborted transactions.
    pub(in crate::kafka::writer) fn mocked() -> Self {
        let mock = MockCluster::new(1).expect("a mocked cluster");
        let cluster = Self::at(mock.bootstrap_servers(), Some(mock));
        for name in ["state", "t"] {
            cluster
                .mock()
                .create_topic(&cluster.name(name), 1, 1)
                .expect("a topic");
            cluster.learn(&cluster.name(name), 1, 1 << 20);
        }
        cluster
    }

    fn at(servers: String, mock: Option<MockCluster<'static, DefaultProducerContext>>) -> Self {
        let prefix = format!("writer-test-{}-", Uuid::new_v4().simple());
        let (topics, groups, seen) = (Arc::default(), Arc::default(), Arc::default());
        Self {
            servers,
            prefix,
            topics,
            groups,
            seen,
            mock,
            producer: Vec::new(),
        }
    }

    pub(in crate::kafka::writer) fn mock(&self) -> &MockCluster<'static, DefaultProducerContext> {
        self.mock.as_ref().expect("a mocked cluster")
    }

    pub(in crate::kafka::writer) fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    pub(in crate::kafka::writer) fn learn(
        &self,
        name: &str,
        partitions: u32,
        max_message_bytes: u64,
    ) {
        self.topics.learn(TopicSpec {
            name: name.to_owned(),
            partitions,
            max_message_bytes,
            ..TopicSpec::default()
        });
        self.topics.adopt(name);
    }

    pub(in crate::kafka::writer) async fn topic(
        &self,
        name: &str,
        partitions: u32,
        limit: u64,
    ) -> Arc<str> {
        let name = self.name(name);
        let admin: AdminClient<DefaultClientContext> =
            self.client(&[]).create().expect("an admin client");
        let bytes = (limit + 1_024).to_string();
        let topic = NewTopic::new(&name, partitions.cast_signed(), TopicReplication::Fixed(1));
        let topic = topic
            .set("max.message.bytes", &bytes)
            .set("retention.ms", "-1");
        let made = admin
            .create_topics([&topic], &AdminOptions::new())
            .await
            .expect("the broker answers");
        made.into_iter()
            .for_each(|made| drop(made.expect("a new topic")));
        self.learn(&name, partitions, limit);
        name.into()
    }

    pub(in crate::kafka::writer) async fn delete_topic(&self, name: &str) {
        let admin: AdminClient<DefaultClientContext> =
            self.client(&[]).create().expect("an admin client");
        admin
            .delete_topics(&[name], &AdminOptions::new())
            .await
            .expect("the broker answers");
    }

    pub(in crate::kafka::writer) fn client(
        &self,
        others: &[(&str, &str)],
    ) -> rdkafka::ClientConfig {
        self.properties()
            .with(others.iter().copied())
            .client_config()
    }

    fn properties(&self) -> Properties {
        Properties::default().with([("bootstrap.servers", &*self.servers)])
    }

    pub(in crate::kafka::writer) fn options(&self, delivery: Delivery) -> Options {
        let properties = self
            .properties()
            .with([("reconnect.backoff.max.ms", "200")]);
        let producer = properties
            .clone()
            .with([("message.max.bytes", "16777216")])
            .with(self.producer.iter().copied());
        let state_topic = TopicSpec {
            name: self.name("state"),
            partitions: 1,
            max_message_bytes: 4 << 20,
            ..TopicSpec::default()
        };
        Options {
            producer,
            consumer: properties,
            delivery,
            transactional_id_prefix: self.prefix.clone(),
            group_prefix: String::new(),
            state_topic,
            ahead_bytes: 1 << 20,
            max_poll_records: 500,
            max_block: Duration::from_secs(60),
            consumer_protocol: false,
            stall_after: 60 * SECOND,
            drain: SECOND,
            close: 20 * SECOND,
            request: 20 * SECOND,
            backoff: Backoff {
                first: SECOND / 100,
                longest: SECOND / 5,
            },
            observer: self.seen.clone(),
        }
    }

    pub(in crate::kafka::writer) async fn writer(
        &self,
        delivery: Delivery,
        role: &str,
    ) -> Result<Writer, Error> {
        let (groups, topics) = (Arc::clone(&self.groups), Arc::clone(&self.topics));
        Writer::start(role, &self.options(delivery), groups, topics).await
    }

    pub(in crate::kafka::writer) fn state(&self) -> StateReader {
        StateReader::new(self.options(Delivery::ExactlyOnce))
    }

    pub(in crate::kafka::writer) fn offset(
        &self,
        group: &str,
        topic: &Arc<str>,
        partition: u32,
        next: u64,
    ) -> GroupOffset {
        GroupOffset {
            group: group.to_owned(),
            topic: Arc::clone(topic),
            partition,
            next,
            epoch: None,
        }
    }

    pub(in crate::kafka::writer) fn committed(
        &self,
        group: &str,
        topic: &str,
        partition: i32,
    ) -> Option<i64> {
        let consumer: BaseConsumer = self
            .client(&[("group.id", group)])
            .create()
            .expect("a consumer");
        let mut list = TopicPartitionList::new();
        list.add_partition(topic, partition);
        let list = consumer
            .committed_offsets(list, 20 * SECOND)
            .expect("offsets");
        match list.elements().first().expect("one partition").offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        }
    }

    /// All records of a topic that are visible with `isolation`, partition by partition.
    pub(in crate::kafka::writer) fn read(&self, topic: &str, isolation: &str) -> Vec<Record> {
        let partitions = self
            .topics
            .spec(topic)
            .expect("a topic of this test")
            .partitions;
        (0..partitions)
            .flat_map(|partition| self.read_partition(topic, partition, isolation))
            .collect()
    }

    fn read_partition(&self, topic: &str, partition: u32, isolation: &str) -> Vec<Record> {
        let others = [
            ("group.id", "writer-test"),
            ("isolation.level", isolation),
            ("enable.partition.eof", "true"),
        ];
        let consumer: BaseConsumer = self
            .client(&others)
            .set("enable.auto.commit", "false")
            .create()
            .expect("a consumer");
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition.cast_signed(), Offset::Beginning)
            .expect("a partition");
        consumer.assign(&list).expect("assigned");
        let mut records = Vec::new();
        loop {
            match consumer.poll(20 * SECOND).expect("the topic has an end") {
                Ok(message) => records.push(to_record(&message)),
                Err(KafkaError::PartitionEOF(_)) => return records,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// The committed values of a topic as text.
    pub(in crate::kafka::writer) fn texts(&self, topic: &str) -> Vec<String> {
        let text = |record: Record| String::from_utf8(record.value.to_vec()).expect("text");
        self.read(topic, "read_committed")
            .into_iter()
            .map(text)
            .collect()
    }

    /// A reader that was a member of a group and has left it.
    pub(in crate::kafka::writer) fn reader_that_left(
        &self,
        group: &str,
        topic: &Arc<str>,
    ) -> Arc<dyn Reader> {
        let consumer = self.consumer(group, topic);
        while partitions(&consumer) == 0 {
            drop(consumer.poll(SECOND / 10));
        }
        let reader = Arc::new(Left {
            metadata: Mutex::new(consumer.group_metadata()),
        });
        self.join(group, topic, reader)
    }

    /// A member that keeps a partition in a rebalance, and notices the rebalance only after its
    /// first attempt to store an offset.
    pub(in crate::kafka::writer) fn reader_in_a_rebalance(
        &self,
        group: &str,
        topic: &Arc<str>,
    ) -> Arc<dyn Reader> {
        let first = self.consumer(group, topic);
        while partitions(&first) == 0 {
            drop(first.poll(SECOND / 10));
        }
        let outdated = first.group_metadata();
        // Only now: a member that joins and does not poll holds up the group's first rebalance.
        let second = self.consumer(group, topic);
        while partitions(&second) == 0 || partitions(&first) == 0 {
            for consumer in [&first, &second] {
                drop(consumer.poll(SECOND / 10));
            }
        }
        self.join(
            group,
            topic,
            Arc::new(Rearranged {
                outdated: Mutex::new(outdated),
                first,
                _second: second,
            }),
        )
    }

    fn consumer(&self, group: &str, topic: &str) -> BaseConsumer {
        let consumer: BaseConsumer = self
            .client(&[("group.id", group)])
            .create()
            .expect("a consumer");
        consumer.subscribe(&[topic]).expect("subscribed");
        consumer
    }

    fn join(&self, group: &str, topic: &Arc<str>, reader: Arc<dyn Reader>) -> Arc<dyn Reader> {
        self.groups
            .join(group, &[Arc::clone(topic)], &reader)
            .expect("the only reader");
        reader
    }
}

fn partitions(consumer: &BaseConsumer) -> usize {
    consumer.assignment().expect("an assignment").count()
}

struct Rearranged {
    outdated: Mutex<Option<ConsumerGroupMetadata>>,
    first: BaseConsumer,
    _second: BaseConsumer,
}

impl Rearranged {
    fn take_outdated(&self) -> Option<ConsumerGroupMetadata> {
        self.outdated.lock().expect("no panic").take()
    }
}

impl Reader for Rearranged {
    fn shares(&self) -> bool {
        false
    }

    fn commit(&self, _: &[GroupOffset], list: &TopicPartitionList) -> KafkaResult<()> {
        match self.take_outdated() {
            Some(_) => Err(KafkaError::ConsumerCommit(
                rdkafka::types::RDKafkaErrorCode::IllegalGeneration,
            )),
            None => self.first.commit(list, CommitMode::Sync),
        }
    }

    fn metadata(&self) -> Option<ConsumerGroupMetadata> {
        self.take_outdated().or_else(|| self.first.group_metadata())
    }

    fn fenced(&self, _: &GroupOffset) -> Option<String> {
        None
    }

    fn topic_id(&self, _: &str) -> Option<TopicId> {
        None
    }

    fn stored(&self, _: &GroupOffset) {}
}

struct Left {
    metadata: Mutex<Option<ConsumerGroupMetadata>>,
}

impl Reader for Left {
    fn shares(&self) -> bool {
        false
    }

    fn commit(&self, _: &[GroupOffset], _: &TopicPartitionList) -> KafkaResult<()> {
        Err(KafkaError::ConsumerCommit(
            rdkafka::types::RDKafkaErrorCode::UnknownMemberId,
        ))
    }

    fn metadata(&self) -> Option<ConsumerGroupMetadata> {
        self.metadata.lock().expect("no panic").take()
    }

    fn fenced(&self, _: &GroupOffset) -> Option<String> {
        None
    }

    fn topic_id(&self, _: &str) -> Option<TopicId> {
        None
    }

    fn stored(&self, _: &GroupOffset) {
        panic!("nothing of this reader is ever stored");
    }
}

fn to_record(message: &impl Message) -> Record {
    let bytes = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
    let headers = message
        .headers()
        .into_iter()
        .flat_map(|headers| headers.iter());
    Record {
        position: Position {
            topic: message.topic().into(),
            partition: message.partition().cast_unsigned(),
            offset: message.offset().cast_unsigned(),
        },
        timestamp_ms: message
            .timestamp()
            .to_millis()
            .map_or(0, |ms| ms.max(0).cast_unsigned()),
        key: message.key().map(bytes),
        value: message.payload().map(bytes).unwrap_or_default(),
        headers: headers
            .map(|header| {
                (
                    header.key.to_owned(),
                    bytes(header.value.unwrap_or_default()),
                )
            })
            .collect(),
    }
}
