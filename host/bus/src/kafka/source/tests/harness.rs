//! A cluster, topics with unique names, and an observer that records reports.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fedhost_base::event::Event;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::FromClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tokio::task::JoinHandle;

use crate::kafka::groups::Groups;
use crate::kafka::offset_note::Note;
use crate::kafka::source::shared::Shared;
use crate::kafka::source::{KafkaSource, Sharing};
use crate::kafka::{Delivery, Options, Properties};
use crate::{Error, GroupOffset, Record, Source, Start, TopicSpec};
use fedhost_base::backoff::Backoff;
use fedhost_base::metric::{Count, Gauge};
use fedhost_base::observer::{Labels, Observer};

/// A test fails if a wait takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster with names that no other test uses.
pub(super) struct Cluster {
    pub(super) bootstrap: String,
    prefix: String,
}

impl Cluster {
    /// The real cluster.
    #[expect(
        clippy::disallowed_methods,
        reason = "the caller of the tests names the broker"
    )]
    pub(super) fn real() -> Self {
        let bootstrap = std::env::var("KAFKA_BOOTSTRAP_SERVERS");
        Self::at(bootstrap.expect(
            "set KAFKA_BOOTSTRAP_SERVERS to the address of an Apache Kafka, such as 127.0.0.1:9092",
        ))
    }

    pub(super) fn at(bootstrap: String) -> Self {
        Self {
            bootstrap,
            prefix: format!("fedhost-source-{}", uuid::Uuid::new_v4().simple()),
        }
    }

    pub(super) fn name(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    pub(super) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap);
        config
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        AdminClient::from_config(&self.config()).expect("an admin client")
    }

    pub(super) async fn topic(&self, name: &str, partitions: i32) -> String {
        let name = self.name(name);
        let topic = NewTopic::new(&name, partitions, TopicReplication::Fixed(1));
        let made = self
            .admin()
            .create_topics([&topic], &AdminOptions::new())
            .await
            .expect("topics can be created");
        made.into_iter()
            .for_each(|topic| drop(topic.expect("a new topic")));
        name
    }

    /// Deletes a topic, and creates it again with one partition.
    pub(super) async fn recreate(&self, topic: &str) {
        let (admin, options) = (self.admin(), AdminOptions::new());
        let deleted = admin.delete_topics(&[topic], &options).await;
        deleted
            .expect("topics can be deleted")
            .into_iter()
            .for_each(|topic| drop(topic.expect("deleted")));
        let new = NewTopic::new(topic, 1, TopicReplication::Fixed(1));
        loop {
            let made = admin.create_topics([&new], &options).await;
            let made = made.expect("topics can be created").remove(0);
            match made {
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                made => return drop(made.expect("a new topic")),
            }
        }
    }

    /// Stores a group's offset as another program does, with that note.
    pub(super) fn commit(&self, group: &str, topic: &str, next: i64, note: &str) {
        let mut config = self.config();
        config.set("group.id", group);
        let consumer: BaseConsumer = config.create().expect("a consumer");
        let mut list = TopicPartitionList::new();
        let mut element = list.add_partition(topic, 0);
        element.set_offset(Offset::Offset(next)).expect("an offset");
        element.set_metadata(note);
        consumer
            .commit(&list, CommitMode::Sync)
            .expect("the group has no members");
    }

    pub(super) async fn delete_records(&self, topic: &str, partition: i32, before: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(before))
            .expect("an offset");
        let deleted = self
            .admin()
            .delete_records(&list, &AdminOptions::new())
            .await
            .expect("records can be deleted");
        deleted
            .elements()
            .iter()
            .for_each(|element| element.error().expect("deleted"));
    }

    pub(super) fn options(&self, observer: &Arc<Recorder>) -> Options {
        let consumer = Properties::default().with([
            ("bootstrap.servers", &*self.bootstrap),
            ("reconnect.backoff.max.ms", "500"),
            ("heartbeat.interval.ms", "500"),
            ("session.timeout.ms", "6000"),
        ]);
        Options {
            producer: Properties::default().with([("bootstrap.servers", &*self.bootstrap)]),
            consumer,
            delivery: Delivery::AtLeastOnce,
            transactional_id_prefix: self.name(""),
            group_prefix: String::new(),
            state_topic: TopicSpec::default(),
            ahead_bytes: 8 << 20,
            max_poll_records: 500,
            max_block: Duration::from_secs(60),
            consumer_protocol: false,
            stall_after: Duration::from_secs(30),
            drain: Duration::from_secs(20),
            close: Duration::from_secs(10),
            request: Duration::from_secs(20),
            backoff: Backoff {
                first: Duration::from_millis(50),
                longest: Duration::from_millis(500),
            },
            observer: Arc::clone(observer) as Arc<dyn Observer>,
        }
    }

    /// Writes the values `0`, `1` and so on to one partition, and waits until they are
    /// acknowledged.
    pub(super) fn write(&self, topic: &str, partition: i32, numbers: Range<u32>) {
        let producer: BaseProducer = self.config().create().expect("a producer");
        for number in numbers {
            put(&producer, topic, partition, &number.to_string());
        }
        producer.flush(PATIENCE).expect("written");
    }

    /// Writes `count` values of 1 kB to one partition, and waits until they are acknowledged.
    pub(super) fn write_large(&self, topic: &str, partition: i32, count: u32) {
        let (producer, value): (BaseProducer, _) = (
            self.config().create().expect("a producer"),
            "x".repeat(1_000),
        );
        (0..count).for_each(|_| put(&producer, topic, partition, &value));
        producer.flush(PATIENCE).expect("written");
    }

    /// Writes values one by one, to `partitions` in turn; each is acknowledged before the next is
    /// written.
    pub(super) fn trickle(&self, topic: &str, partitions: i32, numbers: Range<u32>) {
        let producer: BaseProducer = self
            .config()
            .set("linger.ms", "0")
            .create()
            .expect("a producer");
        for number in numbers {
            put(
                &producer,
                topic,
                number.cast_signed() % partitions,
                &number.to_string(),
            );
            while producer.in_flight_count() > 0 {
                producer.poll(Duration::from_millis(1));
            }
        }
    }

    /// Writes one value per transaction, so that a marker follows each value.
    pub(super) fn write_transactions(&self, topic: &str, numbers: Range<u32>) {
        let mut config = self.config();
        let producer: BaseProducer = config
            .set("transactional.id", self.name("writer"))
            .create()
            .expect("a producer");
        producer.init_transactions(PATIENCE).expect("transactions");
        for number in numbers {
            producer.begin_transaction().expect("a transaction");
            put(&producer, topic, 0, &number.to_string());
            producer.commit_transaction(PATIENCE).expect("committed");
        }
    }
}

pub(super) fn put(producer: &BaseProducer, topic: &str, partition: i32, value: &str) {
    loop {
        let record = BaseRecord::<(), str>::to(topic)
            .partition(partition)
            .payload(value)
            .timestamp(1_700_000_000_000);
        match producer.send(record) {
            Ok(()) => return,
            Err((error, _)) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) => {
                producer.poll(Duration::from_millis(10));
            }
            Err((error, _)) => panic!("{error}"),
        }
    }
}

/// One process with its readers.
pub(super) struct Process {
    pub(super) options: Options,
    pub(super) groups: Arc<Groups>,
    pub(super) observer: Arc<Recorder>,
    /// What its readers share with their clients; tests read the epochs from it.
    readers: Mutex<Vec<Arc<Shared>>>,
}

impl Process {
    pub(super) fn on(cluster: &Cluster) -> Self {
        let observer = Arc::new(Recorder::default());
        Self {
            options: cluster.options(&observer),
            groups: Arc::default(),
            observer,
            readers: Mutex::default(),
        }
    }

    pub(super) async fn read(&self, group: &str, topics: &[&str], sharing: Sharing) -> KafkaSource {
        self.subscribe(group, topics, Start::Earliest, sharing)
            .await
            .expect("subscribed")
    }

    pub(super) async fn subscribe(
        &self,
        group: &str,
        topics: &[&str],
        start: Start,
        sharing: Sharing,
    ) -> Result<KafkaSource, Error> {
        let source = within(KafkaSource::subscribe(
            &self.options,
            &self.groups,
            group,
            topics,
            start,
            sharing,
            no_turn(),
        ))
        .await?;
        let mut readers = self.readers.lock().expect("no panic");
        readers.push(Arc::clone(&source.shared));
        drop(readers);
        Ok(source)
    }

    /// The epoch of the partition for the reader that shares and owns it now.
    fn epoch(&self, sharing: bool, topic: &str, partition: u32) -> Option<u64> {
        let readers = self.readers.lock().expect("no panic");
        let find = |shared: &Arc<Shared>| Some(shared.buffer().find(topic, partition)?.epoch());
        readers.iter().find_map(find).filter(|_| sharing)
    }

    pub(super) fn offset(
        &self,
        group: &str,
        topic: &str,
        partition: u32,
        next: u64,
    ) -> GroupOffset {
        let mut offset = GroupOffset {
            group: group.to_owned(),
            topic: topic.into(),
            partition,
            next,
            epoch: None,
        };
        let refusal = self.groups.check(&offset);
        let shared = matches!(refusal, Err(Error::Fenced { .. }));
        offset.epoch = self.epoch(shared, topic, partition);
        offset
    }

    /// Subscribes from the start in its own task.
    pub(super) fn join(
        &self,
        group: &str,
        topics: &[&str],
        sharing: Sharing,
    ) -> JoinHandle<Result<KafkaSource, Error>> {
        let (options, groups, group) = (
            self.options.clone(),
            Arc::clone(&self.groups),
            group.to_owned(),
        );
        let topics: Vec<String> = topics.iter().map(ToString::to_string).collect();
        tokio::spawn(async move {
            let topics: Vec<&str> = topics.iter().map(|topic| &**topic).collect();
            KafkaSource::subscribe(
                &options,
                &groups,
                &group,
                &topics,
                Start::Earliest,
                sharing,
                no_turn(),
            )
            .await
        })
    }

    /// Stores the next offset to read, as a writer does.
    pub(super) async fn store(&self, group: &str, topic: &str, partition: u32, next: u64) {
        let offset = self.offset(group, topic, partition, next);
        let reader = self.groups.reader(&offset).expect("a reader");
        assert_eq!(reader.fenced(&offset), None);
        let stored = tokio::task::spawn_blocking(move || {
            let mut list = TopicPartitionList::new();
            let position = Offset::Offset(offset.next.cast_signed());
            let topic_id = reader.topic_id(&offset.topic);
            let mut element = list.add_partition(&offset.topic, offset.partition.cast_signed());
            element.set_offset(position).expect("an offset");
            element.set_metadata(Note::text(topic_id.as_ref()));
            let committed = reader.commit(std::slice::from_ref(&offset), &list);
            committed.map(|()| reader.stored(&offset))
        });
        within(stored).await.expect("no panic").expect("committed");
    }

    /// Why that offset must not be stored.
    pub(super) fn fenced(
        &self,
        group: &str,
        topic: &str,
        partition: u32,
        next: u64,
    ) -> Option<String> {
        let offset = self.offset(group, topic, partition, next);
        let refusal = self.groups.check(&offset).err();
        refusal.map(|error| error.to_string())
    }
}

/// A turn that does nothing.
fn no_turn() -> std::future::Ready<Result<(), Error>> {
    std::future::ready(Ok(()))
}

pub(super) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("it took too long")
}

/// Waits until the condition holds.
pub(super) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let waiting = async {
        let mut interval = tokio::time::interval(Duration::from_millis(20));
        while !condition() {
            interval.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .unwrap_or_else(|_| panic!("never came true: {what}"));
}

/// Reads exactly `count` records.
pub(super) async fn take(source: &mut KafkaSource, count: usize) -> Vec<Record> {
    let mut records = Vec::new();
    while records.len() < count {
        records.extend(
            within(source.read(count - records.len()))
                .await
                .expect("readable"),
        );
    }
    records
}

pub(super) fn number(record: &Record) -> u32 {
    str::from_utf8(&record.value)
        .expect("text")
        .parse()
        .expect("a number")
}

pub(super) fn numbers(records: &[Record]) -> Vec<u32> {
    records.iter().map(number).collect()
}

/// Records all reports.
#[derive(Default)]
pub(super) struct Recorder {
    events: Mutex<Vec<Event>>,
    troubles: Mutex<BTreeMap<String, String>>,
    gauges: Mutex<BTreeMap<String, f64>>,
    counts: Mutex<BTreeMap<String, u64>>,
}

impl Recorder {
    pub(super) fn events(&self, which: impl Fn(&Event) -> bool) -> Vec<Event> {
        self.events
            .lock()
            .expect("no panic")
            .iter()
            .filter(|event| which(event))
            .cloned()
            .collect()
    }

    pub(super) fn heard(&self, which: impl Fn(&Event) -> bool) -> bool {
        !self.events(which).is_empty()
    }

    pub(super) fn is_ready(&self) -> bool {
        self.troubles.lock().expect("no panic").is_empty()
    }

    /// A gauge of one partition, such as `consumer_lag_records`.
    pub(super) fn gauge_of(&self, name: &str, topic: &str, partition: u32) -> Option<f64> {
        self.gauges
            .lock()
            .expect("no panic")
            .get(&format!("{name}/{topic}/{partition}"))
            .copied()
    }

    pub(super) fn count_of(&self, name: &str, topic: &str, partition: u32) -> u64 {
        let counts = self.counts.lock().expect("no panic");
        counts
            .get(&format!("{name}/{topic}/{partition}"))
            .copied()
            .unwrap_or_default()
    }
}

/// Metrics of clients and groups are ignored.
fn key(name: &str, labels: Labels<'_>) -> Option<String> {
    let label = |wanted| Some(labels.iter().find(|(name, _)| *name == wanted)?.1);
    Some(format!(
        "{name}/{}/{}",
        label("topic")?,
        label("partition")?
    ))
}

impl Observer for Recorder {
    fn condition(&self, part: &str, trouble: Option<&str>) {
        let mut troubles = self.troubles.lock().expect("no panic");
        match trouble {
            Some(trouble) => troubles.insert(part.to_owned(), trouble.to_owned()),
            None => troubles.remove(part),
        };
    }

    fn gauge(&self, metric: Gauge, labels: Labels<'_>, value: f64) {
        if let Some(key) = key(metric.name(), labels) {
            self.gauges.lock().expect("no panic").insert(key, value);
        }
    }

    fn count(&self, metric: Count, labels: Labels<'_>, by: u64) {
        if let Some(key) = key(metric.name(), labels) {
            *self
                .counts
                .lock()
                .expect("no panic")
                .entry(key)
                .or_default() += by;
        }
    }

    fn forget(&self, labels: Labels<'_>) {
        if let Some(partition) = key("", labels) {
            self.gauges
                .lock()
                .expect("no panic")
                .retain(|key, _| !key.ends_with(&partition));
        }
    }

    fn announce(&self, event: Event) {
        self.events.lock().expect("no panic").push(event);
    }
}
