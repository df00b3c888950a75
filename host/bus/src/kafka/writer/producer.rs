//! The client of a writer, and its reports.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use rdkafka::statistics::Statistics;

use super::super::catalogue::Catalogue;
use super::super::client::Listener;
use super::super::options::{Delivery, Options};
use super::super::properties::Properties;
use super::super::statistics::Reporter;
use super::job::Outgoing;
use super::mailbox::{Mailbox, Report};
use fedhost_base::metric;

/// librdkafka's default of `batch.size`, in bytes.
const BATCH_BYTES: u64 = 1_000_000;
/// The name that manifests use. librdkafka has a second name for this setting,
/// `message.timeout.ms`, and uses whichever of the two is set last.
const DELIVERY_TIMEOUT: &str = "delivery.timeout.ms";
/// Delay before a full queue is tried again, unless the broker acknowledges a record earlier.
const FULL_QUEUE: Duration = Duration::from_millis(50);

/// Receives the client's reports, on the client's thread.
pub(super) struct Context {
    listener: Arc<Listener>,
    reporter: Reporter,
    mailbox: Arc<Mailbox>,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.listener.log(level, facility, message);
    }

    fn stats(&self, statistics: Statistics) {
        self.reporter.report(&statistics);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.listener.error(error, reason);
        self.mailbox.nudge();
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let outcome = match result {
            Ok(message) => Ok(message.offset().cast_unsigned()),
            Err((error, _)) => {
                self.listener.count(metric::SEND_ERRORS, 1);
                Err(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail))
            }
        };
        self.mailbox.report(Report { number, outcome });
    }
}

/// A producer; when dropped, it drops its unsent records.
pub(super) struct Producer {
    client: ThreadedProducer<Context>,
    mailbox: Arc<Mailbox>,
}

impl Producer {
    pub(super) fn create(
        options: &Options,
        role: &str,
        topics: &Catalogue,
        listener: &Arc<Listener>,
        mailbox: &Arc<Mailbox>,
    ) -> KafkaResult<Self> {
        let (listener, mailbox) = (Arc::clone(listener), Arc::clone(mailbox));
        let config = writer_properties(options, role, topics.smallest_limit()).client_config();
        let reporter = listener.reporter();
        let context = Context {
            listener,
            reporter,
            mailbox: Arc::clone(&mailbox),
        };
        Ok(Self {
            client: ThreadedProducer::from_config_and_context(&config, context)?,
            mailbox,
        })
    }

    pub(super) fn client(&self) -> &ThreadedProducer<Context> {
        &self.client
    }

    /// Sends a record; waits while the client's queue is full.
    pub(super) fn send(&self, number: usize, record: &Outgoing) -> KafkaResult<()> {
        while let Err(error) = self.try_send(number, record) {
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull)
                || self.mailbox.is_over()
            {
                return Err(error);
            }
            self.mailbox.await_reports(1, FULL_QUEUE);
        }
        Ok(())
    }

    fn try_send(&self, number: usize, record: &Outgoing) -> KafkaResult<()> {
        let mut message = BaseRecord::<[u8], [u8], usize>::with_opaque_to(&record.topic, number)
            .partition(record.partition.cast_signed())
            .timestamp(timestamp(record.timestamp_ms));
        message.key = record.key.as_deref();
        message.payload = record.value.as_deref();
        message.headers = headers(&record.headers);
        self.client.send(message).map_err(|(error, _)| error)
    }

    /// Sends a small request to check whether the broker answers.
    pub(super) fn probe(&self, topic: &str, timeout: Duration) -> KafkaResult<()> {
        self.client
            .client()
            .fetch_metadata(Some(topic), timeout)
            .map(drop)
    }
}

/// librdkafka reads 0 as `now`, and -1 as no timestamp, which is returned as 0.
fn timestamp(timestamp_ms: u64) -> i64 {
    match timestamp_ms {
        0 => -1,
        some => i64::try_from(some).unwrap_or(i64::MAX),
    }
}

fn headers(headers: &[(String, bytes::Bytes)]) -> Option<OwnedHeaders> {
    if headers.is_empty() {
        return None;
    }
    let new = OwnedHeaders::new_with_capacity(headers.len());
    Some(headers.iter().fold(new, |all, (key, value)| {
        all.insert(Header {
            key,
            value: Some(value.as_ref()),
        })
    }))
}

/// The client properties of a writer: those of [`Options::producer`], and those that every writer
/// requires. `smallest_limit` is the smallest record limit of its topics, in bytes.
#[must_use]
pub fn writer_properties(options: &Options, role: &str, smallest_limit: Option<u64>) -> Properties {
    let defaults = [
        ("enable.idempotence", "true"),
        ("statistics.interval.ms", "5000"),
    ];
    // The client must not drop a record after a timeout: the writer decides about that.
    let mut all = Properties::default()
        .with(defaults)
        .with(options.producer.iter())
        .with([(DELIVERY_TIMEOUT, "0")]);
    // The broker refuses a whole batch that exceeds a topic's limit.
    let batch = all.number("batch.size").unwrap_or(BATCH_BYTES);
    all.set(
        "batch.size",
        batch
            .min(smallest_limit.unwrap_or(u64::MAX))
            .max(1)
            .to_string(),
    );
    if options.delivery == Delivery::ExactlyOnce {
        all.set("enable.idempotence", "true");
        all.set("transactional.id", transactional_id(options, role));
        // All records of a transaction are sent at once: to wait for more only delays its end.
        all.set("linger.ms", "0");
    }
    all
}

/// Identifies the role in the cluster: a later client with the same id takes over.
pub(super) fn transactional_id(options: &Options, role: &str) -> String {
    format!("{}-{role}", options.transactional_id_prefix)
}

#[cfg(test)]
#[cfg(feature = "broker-tests")]
mod tests {
    use super::super::tests::cluster::Cluster;
    use super::*;

    #[test]
    fn no_limit_of_time_reaches_the_client_under_any_name() {
        let mut cluster = Cluster::mocked();
        cluster.producer = vec![("delivery.timeout.ms", "45000")];
        let options = cluster.options(Delivery::AtLeastOnce);
        let all = writer_properties(&options, "role", None);
        assert_eq!(
            (
                all.get("message.timeout.ms"),
                all.get("delivery.timeout.ms")
            ),
            (None, Some("0"))
        );
        assert_eq!(options.delivery_timeout(), Duration::from_secs(45));
    }
}
