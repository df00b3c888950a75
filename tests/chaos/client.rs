//! An independent reader of topics: it uses the client library, and none of the program's own code.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fedhost_base::clock::Stopwatch;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Header, Headers as _, Message as _, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

/// A cluster that has just been disturbed may take long to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A record as it lies in its topic.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) content: Content,
}

/// What its writer has given.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Content {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Vec<u8>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

impl Content {
    /// The last header of that name, as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().rev().find(|(header, _)| header == name);
        found.and_then(|(_, value)| str::from_utf8(value).ok())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.value).unwrap_or_default()
    }
}

/// Reads and writes what it is asked to, committed records only.
pub(crate) struct Client {
    bootstrap: String,
    producer: OnceCell<FutureProducer>,
}

impl Client {
    pub(crate) fn new(bootstrap: &str) -> Self {
        Self {
            bootstrap: bootstrap.to_owned(),
            producer: OnceCell::new(),
        }
    }

    fn consumer(&self, group: &str) -> BaseConsumer {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap)
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "earliest")
            .set("isolation.level", "read_committed")
            .set("fetch.wait.max.ms", "20")
            .set("reconnect.backoff.max.ms", "1000")
            .set_log_level(rdkafka::config::RDKafkaLogLevel::Emerg);
        config.create().unwrap()
    }

    /// Everything that lies in a topic, each partition in order.
    pub(crate) fn read(&self, topic: &str) -> Vec<Entry> {
        let consumer = self.consumer("chaos-checker");
        let partitions = partitions(&consumer, topic);
        assign(&consumer, topic, partitions.iter().copied());
        let (mut entries, mut open, watch) = (Vec::new(), partitions, Stopwatch::start());
        while !open.is_empty() {
            assert!(
                watch.elapsed() < PATIENCE,
                "{topic} cannot be read to its end: {} partitions are left",
                open.len()
            );
            match consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => entries.push(entry(&message)),
                Some(Err(KafkaError::PartitionEOF(partition))) => drop(open.remove(&partition)),
                // The client tries again by itself.
                Some(Err(_)) | None => {}
            }
        }
        entries
    }

    /// The next offset that a group reads of a partition; 0 when it has stored none.
    pub(crate) fn committed(&self, group: &str, topic: &str, partition: i32) -> i64 {
        let consumer = self.consumer(group);
        let mut asked = TopicPartitionList::new();
        asked.add_partition(topic, partition);
        let stored = patiently(&format!("read the offsets of {group}"), || {
            consumer.committed_offsets(asked.clone(), Duration::from_secs(5))
        });
        match stored
            .find_partition(topic, partition)
            .map(|element| element.offset())
        {
            Some(Offset::Offset(next)) => next,
            _ => 0,
        }
    }

    /// Puts a record on a topic; says where it lies.
    pub(crate) fn put(&self, topic: &str, content: Content) -> Entry {
        let headers = content
            .headers
            .iter()
            .fold(OwnedHeaders::new(), |headers, (key, value)| {
                headers.insert(Header {
                    key,
                    value: Some(value),
                })
            });
        let key = content.key.clone().unwrap_or_default();
        let record = FutureRecord::to(topic)
            .key(&key)
            .payload(&content.value)
            .headers(headers);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let delivery = runtime
            .block_on(self.producer().send(record, PATIENCE))
            .map_err(|(error, _)| error)
            .unwrap();
        Entry {
            partition: delivery.partition,
            offset: delivery.offset,
            content,
        }
    }

    fn producer(&self) -> &FutureProducer {
        self.producer.get_or_init(|| {
            let mut config = ClientConfig::new();
            config
                .set("bootstrap.servers", &self.bootstrap)
                .set("enable.idempotence", "true")
                .set("linger.ms", "0");
            config.create().unwrap()
        })
    }

    /// Follows topics from now on.
    pub(crate) fn count(&self, topics: &[String]) -> Counter {
        let consumer = self.consumer("chaos-counter");
        let mut assignment = TopicPartitionList::new();
        for topic in topics {
            for partition in partitions(&consumer, topic) {
                assignment
                    .add_partition_offset(topic, partition, Offset::Beginning)
                    .unwrap();
            }
        }
        consumer.assign(&assignment).unwrap();
        Counter {
            consumer,
            records: 0,
        }
    }
}

/// Counts the records of some topics as they come.
pub(crate) struct Counter {
    consumer: BaseConsumer,
    records: u64,
}

impl Counter {
    /// Their number, as the brokers report it now.
    pub(crate) fn records(&mut self) -> u64 {
        while let Some(polled) = self.consumer.poll(Duration::ZERO) {
            self.records += u64::from(polled.is_ok());
        }
        self.records
    }
}

fn partitions(consumer: &BaseConsumer, topic: &str) -> BTreeSet<i32> {
    patiently(&format!("find {topic}"), || {
        let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(5))?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let partitions: BTreeSet<i32> = found
            .into_iter()
            .flat_map(|topic| topic.partitions())
            .map(|partition| partition.id())
            .collect();
        if partitions.is_empty() {
            Err(KafkaError::Subscription("it is not there".to_owned()))
        } else {
            Ok(partitions)
        }
    })
}

fn assign(consumer: &BaseConsumer, topic: &str, partitions: impl Iterator<Item = i32>) {
    let places = partitions
        .map(|partition| ((topic.to_owned(), partition), Offset::Beginning))
        .collect();
    consumer
        .assign(&TopicPartitionList::from_topic_map(&places).unwrap())
        .unwrap();
}

fn patiently<T>(what: &str, mut attempt: impl FnMut() -> Result<T, KafkaError>) -> T {
    let watch = Stopwatch::start();
    loop {
        match attempt() {
            Ok(answer) => return answer,
            Err(error) => assert!(watch.elapsed() < PATIENCE, "cannot {what}: {error}"),
        }
    }
}

fn entry(message: &BorrowedMessage<'_>) -> Entry {
    let headers = message
        .headers()
        .into_iter()
        .flat_map(|headers| headers.iter());
    let header = |header: Header<'_, &[u8]>| {
        (
            header.key.to_owned(),
            header.value.unwrap_or_default().to_vec(),
        )
    };
    let content = Content {
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().unwrap_or_default().to_vec(),
        headers: headers.map(header).collect(),
    };
    Entry {
        partition: message.partition(),
        offset: message.offset(),
        content,
    }
}

/// Entries by their places.
pub(crate) fn by_place(entries: &[Entry]) -> BTreeMap<(i32, i64), &Entry> {
    entries
        .iter()
        .map(|entry| ((entry.partition, entry.offset), entry))
        .collect()
}
