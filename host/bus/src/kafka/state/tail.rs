//! Reads a topic of one partition from an offset to its end, repeatedly.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::client::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::Message;
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::super::chunks::Assembler;
use super::super::client::leave_behind;
use super::super::client_log;
use super::super::diagnosis::{self, Diagnosis, Kind};
use super::super::options::{Delivery, Options};
use super::super::properties::Properties;
use super::super::source::record::record;
use fedhost_base::clock;

/// Longest time between two checks of the clock.
const LOOK: Duration = Duration::from_millis(200);
/// Delay between two checks whether transactions have ended.
const PAUSE: Duration = Duration::from_millis(10);
/// librdkafka's default of `transaction.timeout.ms`.
const TRANSACTION_MS: u64 = 60_000;

pub(in crate::kafka) struct Tail {
    properties: Properties,
    topic: String,
    /// Kept from one read to the next, until it fails.
    consumer: Option<BaseConsumer<Quiet>>,
    /// The next offset to read.
    next: i64,
    /// The cluster ends an abandoned transaction after this time; `None` without transactions.
    transaction: Option<Duration>,
    /// For values that travel in chunks.
    assembler: Assembler,
}

/// Errors are also returned by `poll`.
struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        client_log::emit(level, facility, line);
    }

    fn stats(&self, _: Statistics) {}
    fn error(&self, _: KafkaError, _: &str) {}
}

impl ConsumerContext for Quiet {}

impl Tail {
    /// Begins at offset `from`, or at the oldest record if that offset was deleted.
    pub(in crate::kafka) fn new(options: &Options, from: u64) -> Self {
        let group = format!("{}-state", options.transactional_id_prefix);
        let properties = options.consumer.clone().with([
            ("group.id", &*group),
            ("enable.auto.commit", "false"),
            ("isolation.level", "read_committed"),
            ("auto.offset.reset", "earliest"),
            // The client reports the end, and the broker reports it at once instead of waiting for
            // records.
            ("enable.partition.eof", "true"),
            ("fetch.wait.max.ms", "1"),
            ("statistics.interval.ms", "0"),
        ]);
        let (topic, next) = (options.state_topic.name.clone(), from.cast_signed());
        let transaction = (options.delivery == Delivery::ExactlyOnce)
            .then(|| {
                options
                    .producer
                    .number("transaction.timeout.ms")
                    .unwrap_or(TRANSACTION_MS)
            })
            .map(Duration::from_millis);
        Self {
            properties,
            topic,
            consumer: None,
            next,
            transaction,
            assembler: Assembler::default(),
        }
    }

    /// Waits until every transaction that is open in the topic now has ended. Values that any
    /// writer committed after the start of an open transaction are hidden until then; and even a
    /// commit is acknowledged before its records are readable. Blocks until `until`, or for as long
    /// as the cluster keeps an abandoned transaction open.
    pub(in crate::kafka) fn await_commits(&mut self, until: Instant) -> Result<(), Diagnosis> {
        let Some(transaction) = self.transaction else {
            return Ok(());
        };
        let all = self
            .properties
            .clone()
            .with([("isolation.level", "read_uncommitted")]);
        let end = self.end(&client(&all)?, until)?;
        let committed = client(&self.properties)?;
        while self.end(&committed, until + transaction)? < end {
            if clock::now() >= until + transaction {
                return Err(Diagnosis {
                    kind: Kind::Unreachable,
                    reason: format!("a transaction in topic {:?} does not end", self.topic),
                    hint:
                        "look for a role whose process hangs: `kafka-transactions.sh list` names it"
                            .to_owned(),
                });
            }
            drop(committed.poll(PAUSE));
        }
        Ok(())
    }

    /// The offset at which the topic ends for the client.
    fn end(&self, client: &BaseConsumer<Quiet>, until: Instant) -> Result<i64, Diagnosis> {
        loop {
            match client.fetch_watermarks(&self.topic, 0, LOOK) {
                Ok((_, end)) => return Ok(end),
                Err(error) => {
                    let diagnosis = diagnosis::of(&error);
                    if diagnosis.kind != Kind::Unreachable || clock::now() >= until {
                        return Err(diagnosis);
                    }
                }
            }
        }
    }

    /// Passes every record from the last read position to the end of the committed records: its
    /// name, and its value or `None` if it was removed. Blocks; returns an error when no record
    /// arrives within `patience`.
    pub(in crate::kafka) fn catch_up(
        &mut self,
        patience: Duration,
        show: impl FnMut(&str, Option<&[u8]>),
    ) -> Result<(), Diagnosis> {
        let read = self.read(patience, show);
        if read.is_err() {
            self.leave();
        }
        read
    }

    fn leave(&mut self) {
        if let Some(consumer) = self.consumer.take() {
            leave_behind(consumer);
        }
    }

    fn read(
        &mut self,
        patience: Duration,
        mut show: impl FnMut(&str, Option<&[u8]>),
    ) -> Result<(), Diagnosis> {
        let consumer = match self.consumer.take() {
            Some(consumer) => consumer,
            None => client(&self.properties)?,
        };
        let consumer = self.consumer.insert(consumer);
        // After a new assignment the consumer sends a new request: the end that it reports is not
        // older than this request.
        assign(consumer, &self.topic, self.next).map_err(of)?;
        let (topic, mut trouble): (Arc<str>, _) = (self.topic.as_str().into(), None);
        let mut until = clock::now() + patience;
        while clock::now() < until {
            match consumer.poll(LOOK) {
                Some(Ok(message)) => {
                    self.next = message.offset() + 1;
                    until = clock::now() + patience;
                    if message.headers().is_none() {
                        if let Some(Ok(name)) = message.key().map(str::from_utf8) {
                            show(name, message.payload());
                        }
                    } else if let Some(whole) = self
                        .assembler
                        .add(record(&topic, 0, &message), clock::now())
                        && let Some(Ok(name)) = whole.key.as_deref().map(str::from_utf8)
                    {
                        show(name, Some(&whole.value));
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return consumer.unassign().map_err(of),
                Some(Err(error)) => {
                    let diagnosis = diagnosis::of(&error);
                    if diagnosis.kind != Kind::Unreachable {
                        return Err(diagnosis);
                    }
                    trouble = Some(diagnosis);
                }
                None => {}
            }
        }
        Err(trouble.unwrap_or_else(|| Diagnosis {
            kind: Kind::Unreachable,
            reason: format!("the end of topic {:?} was not reached in time", self.topic),
            hint: "give it more time with request_timeout_ms, or look at the network".to_owned(),
        }))
    }
}

impl Drop for Tail {
    /// It may be dropped in a task, which must not wait for unreachable brokers.
    fn drop(&mut self) {
        self.leave();
    }
}

fn client(properties: &Properties) -> Result<BaseConsumer<Quiet>, Diagnosis> {
    BaseConsumer::from_config_and_context(&properties.client_config(), Quiet).map_err(of)
}

fn assign(consumer: &BaseConsumer<Quiet>, topic: &str, next: i64) -> KafkaResult<()> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(next))?;
    consumer.assign(&list)
}

fn of(error: KafkaError) -> Diagnosis {
    diagnosis::of(&error)
}
