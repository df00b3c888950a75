//! What one would write with rdkafka alone: the baselines.

use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::{BorrowedMessage, DeliveryResult};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};

use super::PATIENCE;

/// Counts what was acknowledged.
#[derive(Default)]
pub(crate) struct Acknowledged {
    progress: Mutex<Progress>,
    enough: Condvar,
}

#[derive(Default)]
struct Progress {
    count: usize,
    awaited: usize,
}

impl Acknowledged {
    fn count(&self) -> usize {
        self.progress.lock().unwrap().count
    }

    /// Waits until `count` have come since the beginning.
    fn wait_for(&self, count: usize) {
        let mut progress = self.progress.lock().unwrap();
        progress.awaited = count;
        let waited = self
            .enough
            .wait_timeout_while(progress, PATIENCE, |now| now.count < count)
            .unwrap();
        assert!(!waited.1.timed_out(), "records are not acknowledged");
    }
}

impl ClientContext for Acknowledged {}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        assert!(result.is_ok(), "a record was not written");
        let mut progress = self.progress.lock().unwrap();
        progress.count += 1;
        if progress.count == progress.awaited {
            self.enough.notify_one();
        }
    }
}

/// Its client has a thread that takes the acknowledgements: the client without one looks for them
/// every 100 ms when it has to wait for all of them.
pub(crate) struct Writer {
    producer: ThreadedProducer<Acknowledged>,
    topic: String,
}

impl Writer {
    pub(crate) fn new(config: &ClientConfig, topic: &str) -> Self {
        let producer = config.create_with_context(Acknowledged::default()).unwrap();
        Self {
            producer,
            topic: topic.to_owned(),
        }
    }

    /// The same with transactions. Nothing comes after a transaction's last record that it could
    /// wait for.
    pub(crate) fn transactional(config: &ClientConfig, topic: &str) -> Self {
        let id = super::cluster::new_group();
        let writer = Self::new(
            config
                .clone()
                .set("transactional.id", id)
                .set("linger.ms", "0"),
            topic,
        );
        writer.producer.init_transactions(PATIENCE).unwrap();
        writer
    }

    /// Does not wait for the broker, unless the client's queue is full.
    pub(crate) fn send(&self, value: &[u8]) {
        while let Err((error, _)) = self
            .producer
            .send(BaseRecord::<[u8], [u8]>::to(&self.topic).payload(value))
        {
            assert_eq!(
                error.rdkafka_error_code(),
                Some(RDKafkaErrorCode::QueueFull)
            );
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until `count` are acknowledged since the beginning.
    pub(crate) fn wait_for(&self, count: usize) {
        self.producer.context().wait_for(count);
    }

    /// All of them, acknowledged.
    pub(crate) fn write_all(&self, values: &[Bytes]) {
        let before = self.producer.context().count();
        values.iter().for_each(|value| self.send(value));
        self.wait_for(before + values.len());
    }

    /// All of them, a fixed number in each transaction.
    pub(crate) fn write_in_transactions(&self, values: &[Bytes], together: usize) {
        for some in values.chunks(together) {
            self.producer.begin_transaction().unwrap();
            self.write_all(some);
            self.producer.commit_transaction(PATIENCE).unwrap();
        }
    }
}

pub(crate) struct Reader(BaseConsumer);

impl Reader {
    /// Has its partition when this returns.
    pub(crate) fn join(config: &ClientConfig, topic: &str) -> Self {
        let consumer: BaseConsumer = config.create().unwrap();
        consumer.subscribe(&[topic]).unwrap();
        while consumer.assignment().unwrap().count() == 0 {
            let early = consumer.poll(Duration::from_millis(1));
            assert!(
                early.is_none_or(|early| early.is_err()),
                "a record came before its partition"
            );
        }
        Self(consumer)
    }

    /// The next record; waits for it.
    pub(crate) fn next(&self) -> BorrowedMessage<'_> {
        loop {
            if let Some(Ok(message)) = self.0.poll(PATIENCE) {
                return message;
            }
        }
    }
}
