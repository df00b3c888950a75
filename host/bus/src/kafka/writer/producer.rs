//! The client of a writer, and what it reports.

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

/// librdkafka's own default of `batch.size`, in bytes.
const BATCH_BYTES: u64 = 1_000_000;
/// The name that manifests give it by: librdkafka has a second one, `message.timeout.ms`, and of
/// two names for one setting it takes whichever it is given last.
const DELIVERY_TIMEOUT: &str = "delivery.timeout.ms";
/// How long a full queue is left alone, unless the broker acknowledges something before.
const FULL_QUEUE: Duration = Duration::from_millis(50);

/// Hears the client's reports, on the client's thread.
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

/// A producer; dropping it gives up whatever it still holds.
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

    /// Hands a record over; waits while the client's queue is full.
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

    /// Asks the broker for something small: whether it is there.
    pub(super) fn probe(&self, topic: &str, timeout: Duration) -> KafkaResult<()> {
        self.client
            .client()
            .fetch_metadata(Some(topic), timeout)
            .map(drop)
    }
}

/// librdkafka takes 0 for `now`, and -1 as no time at all, which is read as 0.
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

/// What the client of a writer is made with: the properties of [`Options::producer`], and what a
/// writer needs whatever was asked for. `smallest_limit` is that of the topics' records, in bytes.
#[must_use]
pub fn writer_properties(options: &Options, role: &str, smallest_limit: Option<u64>) -> Properties {
    let defaults = [
        ("enable.idempotence", "true"),
        ("statistics.interval.ms", "5000"),
    ];
    // A record is never given up: it is this writer that decides, not the clock of the client.
    let mut all = Properties::default()
        .with(defaults)
        .with(options.producer.iter())
        .with([(DELIVERY_TIMEOUT, "0")]);
    // A batch over a topic's limit is refused by the broker with everything in it.
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
        // All of a transaction is handed over at once: to wait for more only delays its end.
        all.set("linger.ms", "0");
    }
    all
}

/// By which the cluster knows the role: who comes later with the same one takes over.
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
