//! The clients of one request, and how their errors are handled.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::ClientContext;
use rdkafka::config::{FromClientConfigAndContext as _, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::{Metadata, MetadataBroker};
use tokio::runtime::Handle;

use crate::kafka::client::leave_behind;
use crate::kafka::client_log;
use crate::kafka::diagnosis::{self, Diagnosis, Kind};
use crate::kafka::topic_ids::topic_ids;
use crate::kafka::{Options, Properties};
use crate::{Error, TopicId};
use fedhost_base::clock;

/// Members of this group never subscribe; the client will not read without the name of one.
const NO_GROUP: &str = "fedhost-admin";
/// After this time the client is polled for the errors that block it.
const STEP: Duration = Duration::from_millis(500);
/// To wait for what the client has to say, and between two tries.
const LISTEN: Duration = Duration::from_millis(20);

/// A consumer that belongs to no group's work, and a time by which everything has to be answered.
/// Blocks.
pub(super) struct Connection {
    pub(super) consumer: BaseConsumer<LastError>,
    options: Arc<Options>,
    action: String,
    deadline: Instant,
    /// Of the newest metadata.
    broker: Cell<Option<i32>>,
}

impl Connection {
    /// Nothing is sent yet. `group` is whose offsets are going to be asked for.
    pub(super) fn open(
        options: &Arc<Options>,
        group: Option<&str>,
        action: String,
    ) -> Result<Self, Error> {
        let properties = options.consumer.clone().with([
            ("group.id", group.unwrap_or(NO_GROUP)),
            ("enable.auto.commit", "false"),
            ("enable.partition.eof", "true"),
            ("isolation.level", "read_committed"),
            ("auto.offset.reset", "earliest"),
            ("allow.auto.create.topics", "false"),
            ("statistics.interval.ms", "0"),
        ]);
        let consumer = BaseConsumer::from_config_and_context(
            &properties.client_config(),
            LastError::default(),
        )
        .map_err(|error| diagnosis::of(&error).into_error(&options.bus_name(), &action))?;
        let deadline = clock::now() + options.request;
        Ok(Self {
            consumer,
            options: Arc::clone(options),
            action,
            deadline,
            broker: Cell::new(None),
        })
    }

    /// Ends the client on a thread of its own, however long that takes.
    pub(super) fn leave(self) {
        leave_behind(self.consumer);
    }

    /// Time left.
    pub(super) fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(clock::now())
    }

    /// Time left for one step, at the end of which the client is asked for its troubles.
    pub(super) fn step(&self) -> Duration {
        self.remaining().min(STEP)
    }

    /// Of one topic, or of all.
    pub(super) fn metadata(&self, topic: Option<&str>) -> Result<Metadata, Error> {
        let metadata = self.patiently(|| self.consumer.fetch_metadata(topic, self.step()))?;
        self.broker
            .set(metadata.brokers().first().map(MetadataBroker::id));
        Ok(metadata)
    }

    /// The ids of topics, by name; empty where the cluster has none or does not show them.
    pub(super) fn topic_ids<'a>(
        &self,
        topics: impl Iterator<Item = &'a str>,
    ) -> Result<BTreeMap<String, TopicId>, Error> {
        let topics: Vec<&str> = topics.collect();
        match topic_ids(
            self.consumer.client(),
            &topics,
            self.remaining().max(LISTEN),
        ) {
            Ok(ids) => Ok(ids),
            Err(error) if diagnosis::of(&error).kind == Kind::Unreachable => {
                Err(self.failed(&error))
            }
            Err(_) => Ok(BTreeMap::new()),
        }
    }

    /// A broker that was there when topics were looked up last.
    pub(super) fn any_broker(&self) -> Option<i32> {
        self.broker.get()
    }

    /// Tries again while the cluster cannot be reached or is busy with itself; credentials that are
    /// wrong stay wrong.
    pub(super) fn patiently<T>(
        &self,
        mut attempt: impl FnMut() -> KafkaResult<T>,
    ) -> Result<T, Error> {
        loop {
            let error = match attempt() {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            self.listen();
            let is_over = self.remaining().is_zero() || self.is_refused();
            if is_over || diagnosis::of(&error).kind != Kind::Unreachable {
                return Err(self.failed(&error));
            }
        }
    }

    /// Asks something that only an administering client can.
    pub(super) fn administer<T, F: Future<Output = KafkaResult<T>>>(
        &self,
        ask: impl FnOnce(&AdminClient<LastError>, AdminOptions) -> F,
    ) -> KafkaResult<T> {
        let config = administering(&self.options.producer).client_config();
        let client = AdminClient::from_config_and_context(&config, LastError::default())?;
        let remaining = Some(self.remaining().max(LISTEN));
        let options = AdminOptions::new()
            .request_timeout(remaining)
            .operation_timeout(remaining);
        let answer = Handle::current().block_on(ask(&client, options));
        leave_behind(client);
        answer
    }

    /// What an error of the client means. A client that waits in vain knows better why than the
    /// call that gave up.
    pub(super) fn failed(&self, error: &KafkaError) -> Error {
        self.listen();
        let own = diagnosis::of(error);
        let trouble = self
            .consumer
            .context()
            .trouble()
            .filter(|_| own.kind == Kind::Unreachable);
        self.error(trouble.unwrap_or(own))
    }

    /// What a code in the cluster's answer means.
    pub(super) fn refused(&self, code: RDKafkaErrorCode) -> Error {
        self.error(diagnosis::of(&KafkaError::AdminOp(code)))
    }

    /// The error that the question ends with.
    pub(super) fn error(&self, diagnosis: Diagnosis) -> Error {
        diagnosis.into_error(&self.options.bus_name(), &self.action)
    }

    /// Polls the client for its reports, or waits a moment; records cannot come while no partition
    /// is assigned.
    pub(super) fn listen(&self) {
        let mut patience = LISTEN;
        while self.consumer.poll(patience).is_some() {
            patience = Duration::ZERO;
        }
    }

    fn is_refused(&self) -> bool {
        self.consumer
            .context()
            .trouble()
            .is_some_and(|trouble| trouble.kind == Kind::Refused)
    }
}

/// A producer's properties, but for what makes it introduce itself as a writer.
fn administering(producer: &Properties) -> Properties {
    let producer = producer.clone().with([("statistics.interval.ms", "0")]);
    match producer.get("transactional.id") {
        Some(_) => producer,
        None => producer.with([("enable.idempotence", "false")]),
    }
}

/// Remembers the newest trouble of a client.
#[derive(Default)]
pub(super) struct LastError(Mutex<Option<Diagnosis>>);

impl LastError {
    fn trouble(&self) -> Option<Diagnosis> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl ClientContext for LastError {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        client_log::emit(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // "All brokers are down" comes last and says least.
        let says_nothing = matches!(
            error.rdkafka_error_code(),
            Some(RDKafkaErrorCode::PartitionEOF | RDKafkaErrorCode::AllBrokersDown)
        );
        if !says_nothing {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(diagnosis::of_client(&error, reason));
        }
    }
}

impl ConsumerContext for LastError {}
