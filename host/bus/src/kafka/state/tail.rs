//! A topic of one partition, read from some offset to its end, again and again.

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
use super::super::diagnosis::{self, Diagnosis, Kind};
use super::super::options::{Delivery, Options};
use super::super::properties::Properties;
use super::super::source::record::record;
use fedhost_base::clock;

/// The longest time between two looks at the clock.
const LOOK: Duration = Duration::from_millis(200);
/// Between two questions whether transactions have ended.
const PAUSE: Duration = Duration::from_millis(10);
/// librdkafka's own default of `transaction.timeout.ms`.
const TRANSACTION_MS: u64 = 60_000;

pub(in crate::kafka) struct Tail {
    properties: Properties,
    topic: String,
    /// Kept from one reading to the next, until it fails.
    consumer: Option<BaseConsumer<Quiet>>,
    /// The next offset to be read.
    next: i64,
    /// The cluster ends a transaction that its writer has left open after so long; `None` where
    /// there are none.
    transaction: Option<Duration>,
    /// Values that travel in chunks.
    assembler: Assembler,
}

/// What goes wrong comes out of `poll` as well.
struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}
    fn stats(&self, _: Statistics) {}
    fn error(&self, _: KafkaError, _: &str) {}
}

impl ConsumerContext for Quiet {}

impl Tail {
    /// Begins at offset `from`, or at the oldest record when that is gone.
    pub(in crate::kafka) fn new(options: &Options, from: u64) -> Self {
        let group = format!("{}-state", options.transactional_id_prefix);
        let properties = options.consumer.clone().with([
            ("group.id", &*group),
            ("enable.auto.commit", "false"),
            ("isolation.level", "read_committed"),
            ("auto.offset.reset", "earliest"),
            // The end is told, and the broker does not wait for more before it tells.
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

    /// Waits until every transaction in the topic that is open now has ended: what was committed
    /// behind the start of an open one, by whomever, is not shown until then. A commit itself is
    /// answered before its records are shown. Blocks, until `until` or for as long as the cluster
    /// leaves an abandoned transaction open.
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

    /// Shows every record from where the last reading stopped to the end of what is committed now:
    /// its name, and its value or `None` when it was removed. Blocks; gives up when nothing came
    /// for as long as `patience`.
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
        // Assigned anew, the consumer asks the broker anew: an end that it tells was the end after
        // this question.
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
    /// Whoever drops it may be a task, and must not wait for brokers that are away.
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
