//! Creates and lists topics, reads the records at their ends, and reads the offsets of groups.
//!
//! Every request creates its own clients, which end in the background after the answer. That costs
//! a few round trips, but no idle client can break or collect unread reports between requests.

mod connection;
mod describe;
mod reading;
pub(super) mod settings;
#[cfg(test)]
#[cfg(feature = "broker-tests")]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fedhost_base::event::{Event, RunEvent};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use self::connection::Connection;
use super::Options;
use super::catalogue::Catalogue;
use super::diagnosis::{Diagnosis, Kind};
use crate::limits::BrokerLimits;
use crate::{Error, GroupOffset, Record, TopicInfo, TopicSpec, topic_name};

/// A cluster as it presents itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Clusters that are old enough have none.
    pub id: Option<String>,
    /// By id.
    pub brokers: Vec<Broker>,
}

/// One broker of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// Unique in the cluster.
    pub id: i32,
    /// The host that it announces to clients.
    pub host: String,
    /// The port that it announces to clients.
    pub port: i32,
}

/// Asks the cluster, at most [`Options::request`] a question, and reports to the catalogue every
/// topic it meets.
#[derive(Clone)]
pub(super) struct ClusterAdmin {
    options: Arc<Options>,
    catalogue: Arc<Catalogue>,
    /// It was announced that the cluster does not show the settings of its topics.
    told_of_silence: Arc<AtomicBool>,
}

impl ClusterAdmin {
    pub(super) fn new(options: &Options, catalogue: &Arc<Catalogue>) -> Self {
        let (options, catalogue) = (Arc::new(options.clone()), Arc::clone(catalogue));
        Self {
            options,
            catalogue,
            told_of_silence: Arc::default(),
        }
    }

    /// The same, with this time limit for each request.
    pub(super) fn within(&self, request: Duration) -> Self {
        Self {
            options: Arc::new(Options {
                request,
                ..(*self.options).clone()
            }),
            ..self.clone()
        }
    }

    /// Creates the topic, or leaves it as it is when it exists; see [`crate::compare`] for
    /// what may differ.
    ///
    /// # Errors
    /// The specification is not legal, or the cluster refuses it or cannot be reached.
    pub(super) async fn create_topic(&self, spec: TopicSpec) -> Result<TopicInfo, Error> {
        check(&spec)?;
        let (action, asked) = (format!("create topic {:?}", spec.name), spec.clone());
        let info = self
            .ask(None, action, move |connection| create(connection, &spec))
            .await?;
        self.catalogue.adopt(&info.spec.name);
        Ok(self.learn(info, Some(asked)))
    }

    /// All topics but Kafka's own, by name.
    ///
    /// # Errors
    /// The cluster refuses, or cannot be reached.
    pub(super) async fn topics(&self) -> Result<Vec<TopicInfo>, Error> {
        let infos = self.ask(None, "list topics", describe::all).await?;
        Ok(infos
            .into_iter()
            .map(|info| self.learn(info, None))
            .collect())
    }

    /// One topic.
    ///
    /// # Errors
    /// It does not exist, or the cluster refuses or cannot be reached.
    pub(super) async fn topic(&self, name: &str) -> Result<TopicInfo, Error> {
        let (action, name) = (format!("describe topic {name:?}"), name.to_owned());
        let info = self
            .ask(None, action, move |connection| {
                describe::one(connection, &name)
            })
            .await?;
        Ok(self.learn(info, None))
    }

    /// Whether there is no right to see if the topic exists.
    ///
    /// # Errors
    /// The cluster refuses, or cannot be reached.
    pub(super) async fn hides(&self, name: &str) -> Result<bool, Error> {
        let (action, name) = (format!("look for topic {name:?}"), name.to_owned());
        self.ask(None, action, move |connection| {
            describe::is_hidden(connection, &name)
        })
        .await
    }

    /// A topic whose settings the cluster does not show is taken to have those that were `asked`
    /// for, now or earlier.
    fn learn(&self, mut info: TopicInfo, asked: Option<TopicSpec>) -> TopicInfo {
        if !info.settings_known {
            self.tell_of_silence();
            if let Some(asked) = asked.or_else(|| self.catalogue.spec(&info.spec.name)) {
                let TopicSpec {
                    name,
                    partitions,
                    replication_factor,
                    ..
                } = info.spec;
                info.spec = TopicSpec {
                    name,
                    partitions,
                    replication_factor,
                    ..asked
                };
            }
        }
        self.catalogue.learn(info.spec.clone());
        info
    }

    fn tell_of_silence(&self) {
        if !self.told_of_silence.swap(true, Ordering::Relaxed) {
            let detail = "the cluster does not tell the settings of some topics: they are taken to be as the manifest asks\nhint: where it has access control, allow DescribeConfigs on the topics".to_owned();
            self.options.observer.announce(Event::Run(RunEvent::Warned {
                part: self.options.bus_name(),
                detail,
            }));
        }
    }

    /// The group's stored offsets, by topic and partition.
    ///
    /// # Errors
    /// The cluster refuses, or cannot be reached.
    pub(super) async fn group_offsets(&self, group: &str) -> Result<Vec<GroupOffset>, Error> {
        let (action, name) = (
            format!("read the offsets of group {group:?}"),
            group.to_owned(),
        );
        self.ask(Some(group), action, move |connection| {
            describe::group_offsets(connection, &name)
        })
        .await
    }

    /// The newest committed record of each partition that has one, in the order of the partitions.
    ///
    /// # Errors
    /// The topic does not exist, or the cluster refuses or cannot be reached.
    pub(super) async fn newest(&self, topic: &str) -> Result<Vec<Record>, Error> {
        let (action, topic) = (
            format!("read the newest records of {topic:?}"),
            topic.to_owned(),
        );
        self.ask(None, action, move |connection| {
            reading::newest(connection, &topic)
        })
        .await
    }

    /// The oldest committed record of a partition at or behind `from`.
    ///
    /// # Errors
    /// The partition does not exist, or the cluster refuses or cannot be reached.
    pub(super) async fn first_from(
        &self,
        topic: &str,
        partition: u32,
        from: u64,
    ) -> Result<Option<Record>, Error> {
        let (action, topic) = (
            format!("read {topic:?}, partition {partition}"),
            topic.to_owned(),
        );
        self.ask(None, action, move |connection| {
            reading::first_from(connection, &topic, partition, from)
        })
        .await
    }

    /// Forgets the records of a partition below `before`.
    ///
    /// # Errors
    /// The partition does not exist or does not reach so far, or the cluster refuses or cannot be
    /// reached.
    pub(super) async fn delete_records(
        &self,
        topic: &str,
        partition: u32,
        before: u64,
    ) -> Result<(), Error> {
        let (action, topic) = (
            format!("delete records of {topic:?}, partition {partition}"),
            topic.to_owned(),
        );
        self.ask(None, action, move |connection| {
            delete(connection, &topic, partition, before)
        })
        .await
    }

    /// Who answers.
    ///
    /// # Errors
    /// The cluster refuses, or cannot be reached.
    pub(super) async fn cluster(&self) -> Result<Cluster, Error> {
        self.ask(None, "ask for the brokers", describe::cluster)
            .await
    }

    /// What every broker lets pass.
    ///
    /// # Errors
    /// The cluster cannot be reached.
    pub(super) async fn broker_limits(&self) -> Result<BrokerLimits, Error> {
        let settings = self
            .ask(
                None,
                "ask for the brokers' limits",
                describe::broker_settings,
            )
            .await?;
        Ok(settings::broker_limits(&settings))
    }

    /// Runs a question on a thread that may block.
    async fn ask<T: Send + 'static>(
        &self,
        group: Option<&str>,
        action: impl Into<String>,
        question: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (options, group, action) = (
            Arc::clone(&self.options),
            group.map(str::to_owned),
            action.into(),
        );
        let what = action.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let connection = Connection::open(&options, group.as_deref(), action)?;
            let answer = question(&connection);
            connection.leave();
            answer
        });
        asked.await.unwrap_or_else(|error| {
            Err(Error::Lost {
                what,
                reason: error.to_string(),
            })
        })
    }
}

fn check(spec: &TopicSpec) -> Result<(), Error> {
    let bad = |reason| Error::BadTopic {
        topic: spec.name.clone(),
        reason,
        hint: None,
    };
    topic_name::check(&spec.name).map_err(bad)?;
    if spec.partitions == 0 {
        return Err(bad("a topic has at least 1 partition".to_owned()));
    }
    Ok(())
}

fn create(connection: &Connection, spec: &TopicSpec) -> Result<TopicInfo, Error> {
    match describe::one(connection, &spec.name) {
        Err(Error::UnknownTopic { .. }) => {}
        known => return known,
    }
    let settings = settings::of(spec);
    let topic = settings::new_topic(spec, &settings);
    if !describe::is_administered(connection)? {
        return Err(not_to_be_made(connection, "it makes no topics on request"));
    }
    let asked = connection.administer(|client, options| client.create_topics([&topic], &options));
    let answers = asked.map_err(|error| connection.failed(&error))?;
    for answer in answers {
        match answer {
            // Another client created it first: it stays as it is.
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((_, code)) => return Err(refusal(connection, spec, code)),
        }
    }
    loop {
        match describe::one(connection, &spec.name) {
            // It takes a moment until every broker knows the topic.
            Err(Error::UnknownTopic { .. }) if !connection.remaining().is_zero() => {
                connection.listen()
            }
            known => return known,
        }
    }
}

/// Brokers send a text with the reason, but the client's interface passes on only the code.
fn refusal(connection: &Connection, spec: &TopicSpec, code: RDKafkaErrorCode) -> Error {
    let names = || {
        spec.settings
            .keys()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (reason, hint) = match code {
        RDKafkaErrorCode::InvalidReplicationFactor => (
            format!(
                "the cluster has too few brokers for {} copies",
                spec.replication_factor.unwrap_or(0)
            ),
            Some("lower its replication_factor, or leave it out"),
        ),
        RDKafkaErrorCode::InvalidConfig => (
            format!(
                "the cluster does not take one of its settings ({})",
                names()
            ),
            Some("compare them with Kafka's topic settings"),
        ),
        RDKafkaErrorCode::PolicyViolation => (
            "the cluster has a policy for topics, and does not allow this one".to_owned(),
            Some("ask who runs the cluster which settings it allows"),
        ),
        RDKafkaErrorCode::InvalidTopic => (
            "there is a topic whose name differs only in '.' and '_', which are the same to Kafka"
                .to_owned(),
            None,
        ),
        RDKafkaErrorCode::InvalidPartitions => (
            format!("the cluster does not take {} partitions", spec.partitions),
            None,
        ),
        RDKafkaErrorCode::TopicAuthorizationFailed
        | RDKafkaErrorCode::ClusterAuthorizationFailed => {
            return not_to_be_made(connection, "there is no right to create it");
        }
        other => return connection.refused(other),
    };
    Error::BadTopic {
        topic: spec.name.clone(),
        reason,
        hint: hint.map(str::to_owned),
    }
}

fn not_to_be_made(connection: &Connection, reason: &str) -> Error {
    let hint = "ask an administrator of the cluster to create it: `fedhost topics create --dry-run` lists what is missing";
    connection.error(Diagnosis {
        kind: Kind::Refused,
        reason: reason.to_owned(),
        hint: hint.to_owned(),
    })
}

fn delete(connection: &Connection, topic: &str, partition: u32, before: u64) -> Result<(), Error> {
    let index = describe::partition(connection, topic, partition)?;
    let mut offsets = TopicPartitionList::new();
    let before_raw = i64::try_from(before).unwrap_or(i64::MAX);
    offsets
        .add_partition_offset(topic, index, Offset::Offset(before_raw))
        .map_err(|error| connection.failed(&error))?;
    let asked = connection.administer(|client, options| client.delete_records(&offsets, &options));
    let deleted = asked.map_err(|error| connection.failed(&error))?;
    for element in deleted.elements() {
        let Some(code) = element
            .error()
            .err()
            .and_then(|error| error.rdkafka_error_code())
        else {
            continue;
        };
        let (reason, hint) = match code {
            RDKafkaErrorCode::OffsetOutOfRange => (
                format!("the partition does not reach to offset {before}"),
                "`fedhost topics describe` shows how far it reaches",
            ),
            RDKafkaErrorCode::PolicyViolation => (
                "the topic is compacted, and keeps the newest record of each key".to_owned(),
                "records of a compacted topic go when a newer one with the same key arrives",
            ),
            other => return Err(connection.refused(other)),
        };
        return Err(connection.error(Diagnosis {
            kind: Kind::Request,
            reason,
            hint: hint.to_owned(),
        }));
    }
    Ok(())
}
