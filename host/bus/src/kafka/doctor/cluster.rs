//! A cluster that let us in: clients to ask it with, and what it said of itself.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::MetadataTopic;

use super::address::Address;
use super::client_error_log::ClientErrorLog;
use crate::kafka::diagnosis::{self, Diagnosis};
use crate::kafka::{Options, Properties};
use fedhost_base::clock;

/// One try; in between, the client is asked for its troubles.
const STEP: Duration = Duration::from_millis(250);
/// A trouble that may pass gets this long to do so.
const SECOND_CHANCE: Duration = Duration::from_secs(1);

/// A topic as the metadata for clients describes it.
#[derive(Clone, Copy)]
pub(super) struct Topic {
    pub(super) partitions: u32,
    /// Of its first partition.
    pub(super) copies: Option<u16>,
}

/// A cluster that can be asked.
pub(super) struct Cluster<'a> {
    pub(super) options: &'a Options,
    pub(super) id: Option<String>,
    /// By their ids: the addresses that they announce to clients.
    pub(super) brokers: BTreeMap<i32, Address>,
    /// By name, those that we may see.
    pub(super) topics: BTreeMap<String, Topic>,
    /// Knows the one address at which it came in.
    consumer: BaseConsumer<ClientErrorLog>,
    /// For answers that come as futures.
    runtime: tokio::runtime::Runtime,
    pub(super) admin: AdminClient<DefaultClientContext>,
}

impl<'a> Cluster<'a> {
    /// Logs in at that address.
    pub(super) fn enter(options: &'a Options, address: &Address) -> Result<Self, Diagnosis> {
        let here = options
            .consumer
            .clone()
            .with([("bootstrap.servers", address.to_string().as_str())]);
        let consumer = consumer(&here)?;
        let metadata = patiently(&consumer, options.request, |step| {
            consumer.fetch_metadata(None, step)
        })?;
        let brokers = metadata.brokers().iter().map(|broker| {
            let port = u16::try_from(broker.port()).unwrap_or_default();
            (
                broker.id(),
                Address {
                    host: broker.host().to_owned(),
                    port,
                },
            )
        });
        let topics = metadata
            .topics()
            .iter()
            .filter(|topic| topic.error().is_none());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        Ok(Self {
            options,
            id: consumer.client().fetch_cluster_id(options.request),
            brokers: brokers.collect(),
            topics: topics
                .map(|topic| (topic.name().to_owned(), Topic::of(topic)))
                .collect(),
            consumer,
            runtime: runtime.map_err(|error| Diagnosis {
                kind: diagnosis::Kind::Fatal,
                reason: format!("no runtime can be made: {error}"),
                hint: "look at the limits of threads and memory of this process".to_owned(),
            })?,
            admin: options
                .consumer
                .client_config()
                .create()
                .map_err(|error| diagnosis::of(&error))?,
        })
    }

    /// A client that asks in the name of a group, without being a member.
    pub(super) fn reader(&self, group: &str) -> Result<BaseConsumer<ClientErrorLog>, Diagnosis> {
        consumer(&self.options.consumer.clone().with([
            ("group.id", group),
            ("enable.auto.commit", "false"),
            ("enable.partition.eof", "true"),
            // An answer without records comes at once.
            ("fetch.wait.max.ms", "10"),
            ("allow.auto.create.topics", "false"),
        ]))
    }

    /// The settings of a topic or broker by name, without those that are hidden. `None` when we
    /// have no right to see them.
    pub(super) fn settings(
        &self,
        of: ResourceSpecifier<'_>,
    ) -> Result<Option<BTreeMap<String, String>>, Diagnosis> {
        let asked = self.answer(self.admin.describe_configs([&of], &self.request()))?;
        let resource = asked
            .into_iter()
            .next()
            .unwrap_or(Err(RDKafkaErrorCode::Unknown));
        let entries = resource
            .map_err(|code| diagnosis::of_code(code, ""))?
            .entries;
        let settings = entries
            .into_iter()
            .filter_map(|entry| Some((entry.name, entry.value?)));
        let settings: BTreeMap<String, String> = settings.collect();
        // Without the right to see them, the answer is simply empty.
        Ok(Some(settings).filter(|settings| !settings.is_empty()))
    }

    /// Settings of any broker; all of a cluster are set up alike.
    pub(super) fn broker_settings(&self) -> Result<Option<BTreeMap<String, String>>, Diagnosis> {
        match self.brokers.keys().next() {
            Some(&id) => self.settings(ResourceSpecifier::Broker(id)),
            None => Ok(None),
        }
    }

    /// Waits for the answer to an administrative request.
    pub(super) fn answer<T>(
        &self,
        request: impl Future<Output = KafkaResult<T>>,
    ) -> Result<T, Diagnosis> {
        self.runtime
            .block_on(request)
            .map_err(|error| diagnosis::of(&error))
    }

    /// How long an administrative request may take.
    pub(super) fn request(&self) -> AdminOptions {
        AdminOptions::new().request_timeout(Some(self.options.request))
    }

    /// A topic that we may see.
    pub(super) fn topic(&self, name: &str) -> Option<Topic> {
        self.topics.get(name).copied()
    }

    /// A topic as it is now: the cluster makes some of its own when they are first needed.
    pub(super) fn look_up(&self, name: &str) -> Option<Topic> {
        let asked = self
            .consumer
            .fetch_metadata(Some(name), self.options.request)
            .ok()?;
        let found = asked
            .topics()
            .first()
            .filter(|topic| topic.error().is_none() && !topic.partitions().is_empty());
        found.map(Topic::of)
    }

    /// Whether the cluster will not even say if the topic exists.
    pub(super) fn hides(&self, topic: &str) -> bool {
        let asked = self
            .consumer
            .fetch_metadata(Some(topic), self.options.request);
        let error = asked
            .ok()
            .and_then(|metadata| metadata.topics().first()?.error());
        error.is_some_and(|error| {
            RDKafkaErrorCode::from(error) == RDKafkaErrorCode::TopicAuthorizationFailed
        })
    }

    /// Who we are to the broker's rights, as far as we know.
    pub(super) fn principal(&self) -> String {
        self.options
            .consumer
            .get("sasl.username")
            .map_or("User:NAME".to_owned(), |name| format!("User:{name}"))
    }

    /// The deadline of a request that starts now.
    pub(super) fn deadline(&self) -> Instant {
        clock::now() + self.options.request
    }
}

/// The way into the cluster without anything else that a client is set up with.
pub(super) fn way_in(properties: &Properties) -> Properties {
    const WAY_IN: [&str; 6] = [
        "bootstrap.servers",
        "broker.address.",
        "enable.ssl.",
        "sasl.",
        "security.",
        "ssl.",
    ];
    let belongs = |name: &str| WAY_IN.iter().any(|start| name.starts_with(start));
    let chosen = properties.iter().filter(|(name, _)| belongs(name));
    chosen
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

impl Topic {
    fn of(topic: &MetadataTopic) -> Self {
        let partitions = u32::try_from(topic.partitions().len()).unwrap_or(u32::MAX);
        let first = topic.partitions().first();
        Self {
            partitions,
            copies: first.and_then(|first| u16::try_from(first.replicas().len()).ok()),
        }
    }
}

fn consumer(properties: &Properties) -> Result<BaseConsumer<ClientErrorLog>, Diagnosis> {
    // These include the lines that state why a connection was closed.
    let mut config = properties
        .clone()
        .with([("debug", "broker"), ("statistics.interval.ms", "0")])
        .client_config();
    config.set_log_level(RDKafkaLogLevel::Debug);
    config
        .create_with_context(ClientErrorLog::default())
        .map_err(|error| diagnosis::of(&error))
}

/// Asks until there is an answer, nothing more to hope for, or no time left.
pub(super) fn patiently<T>(
    consumer: &BaseConsumer<ClientErrorLog>,
    patience: Duration,
    mut ask: impl FnMut(Duration) -> KafkaResult<T>,
) -> Result<T, Diagnosis> {
    let begun = clock::Stopwatch::start();
    loop {
        let error = match ask(STEP.min(patience)) {
            Ok(answer) => return Ok(answer),
            Err(error) => diagnosis::of(&error),
        };
        // Errors that the client has had meanwhile are delivered by polling.
        drop(consumer.poll(Duration::from_millis(10)));
        let log = consumer.client().context();
        if let Some(refusal) = log.refusal() {
            return Err(refusal);
        }
        match log.worst() {
            Some(trouble) if begun.elapsed() >= SECOND_CHANCE.min(patience) => return Err(trouble),
            None if begun.elapsed() >= patience => return Err(error),
            _ => {}
        }
    }
}
