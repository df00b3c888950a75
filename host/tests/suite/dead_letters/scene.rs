//! A bus with a topic of two partitions, and the topic of its dead-letter records.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fedhost::dead_letters::{
    DeadLetter, DeadLetterTopic, Failure, Filter, Reader, Replay, ReplaySummary, dead_letter,
};
use fedhost_bus::embedded::{EmbeddedLog, Options};
use fedhost_bus::{Bus, GroupOffset, NewRecord, Position, Record, TopicInfo, TopicSpec, Write};
use tokio_util::sync::CancellationToken;

use super::case::Case;
#[cfg(feature = "broker-tests")]
use super::kafka;

/// Which bus.
#[derive(Clone, Copy, Debug)]
pub(crate) enum On {
    EmbeddedLog,
    #[cfg(feature = "broker-tests")]
    KafkaExactlyOnce,
    #[cfg(feature = "broker-tests")]
    KafkaAtLeastOnce,
}

pub(crate) struct Scene {
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) topic: DeadLetterTopic,
    _keep: Box<dyn Any + Send + Sync>,
}

impl Scene {
    pub(crate) async fn new(on: On) -> Self {
        let Case {
            bus, prefix, _keep, ..
        } = match on {
            On::EmbeddedLog => embedded(),
            #[cfg(feature = "broker-tests")]
            On::KafkaExactlyOnce => kafka::exactly_once().await,
            #[cfg(feature = "broker-tests")]
            On::KafkaAtLeastOnce => kafka::at_least_once().await,
        };
        let topic = DeadLetterTopic::of(&format!("{prefix}updates"), ".dlq");
        for name in [&topic.source, &topic.name] {
            let (partitions, max_message_bytes) = (2, 1 << 20);
            let spec = TopicSpec {
                name: name.clone(),
                partitions,
                max_message_bytes,
                ..TopicSpec::default()
            };
            bus.create_topic(spec).await.unwrap();
        }
        Self { bus, topic, _keep }
    }

    /// Letters of these values and reasons, by turns in both partitions, that failed at second 0,
    /// 1, 2 and so on.
    pub(crate) async fn with_letters(self, letters: &[(&str, &str)]) -> Self {
        let letters = letters.iter().enumerate().map(|(index, &(value, reason))| {
            let failure = Failure {
                first_seen_ms: index as u64 * 1_000,
                ..failure(reason)
            };
            dead_letter(
                &self.original(index as u64, value, Vec::new()),
                ".dlq",
                &failure,
            )
        });
        self.write(letters.collect()).await;
        self
    }

    pub(crate) async fn write(&self, records: Vec<NewRecord>) {
        self.bus
            .write(Write {
                records,
                ..Write::default()
            })
            .await
            .unwrap();
    }

    /// The topics as they are, and how far replays have come.
    pub(crate) async fn account(&self) -> (Vec<TopicInfo>, Vec<GroupOffset>) {
        let mut topics = self.bus.topics().await.unwrap();
        topics.retain(|info| [&self.topic.source, &self.topic.name].contains(&&info.spec.name));
        (
            topics,
            self.bus.group_offsets("fedhost-dlq-replay").await.unwrap(),
        )
    }

    /// Everything that lies on a topic.
    pub(crate) async fn read(&self, topic: &str) -> Vec<Record> {
        let mut reader = Reader::browse(&self.bus, topic, &Filter::default())
            .await
            .unwrap();
        let mut records = Vec::new();
        loop {
            let letters = reader.next(3).await.unwrap();
            if letters.is_empty() {
                return records;
            }
            records.extend(letters.into_iter().map(|DeadLetter(record)| record));
        }
    }

    /// Values that were put back on the source, in any order of partitions.
    pub(crate) async fn put_back(&self) -> Vec<String> {
        let text = |record: Record| String::from_utf8(record.value.to_vec()).unwrap();
        let mut values: Vec<String> = self
            .read(&self.topic.source)
            .await
            .into_iter()
            .map(text)
            .collect();
        values.sort();
        values
    }

    /// A record of the source, by turns of both partitions.
    pub(crate) fn original(
        &self,
        number: u64,
        value: &str,
        headers: Vec<(String, Bytes)>,
    ) -> Record {
        let partition = u32::from(number % 2 == 1);
        Record {
            position: Position {
                topic: self.topic.source.as_str().into(),
                partition,
                offset: number / 2,
            },
            timestamp_ms: 5,
            key: None,
            value: value.to_owned().into(),
            headers,
        }
    }

    pub(crate) async fn replay(&self, replay: Replay) -> ReplaySummary {
        replay
            .run(&self.bus, &self.topic, &CancellationToken::new(), |_, _| ())
            .await
            .unwrap()
    }
}

/// What is not kept may show as waiting for ever.
pub(crate) async fn within_a_minute<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), work)
        .await
        .unwrap()
}

fn embedded() -> Case {
    let directory = tempfile::tempdir().unwrap();
    let bus = Arc::new(EmbeddedLog::open(Options::new(directory.path())).unwrap());
    Case {
        bus,
        prefix: String::new(),
        make_first: None,
        delete_topic: None,
        drain: Duration::from_secs(5),
        churn: 0,
        repeats: false,
        _keep: Box::new(directory),
    }
}

pub(crate) fn failure(reason: &str) -> Failure<'_> {
    let (role, stage, detail) = ("aggregator", "decode", "the whole story");
    Failure {
        role,
        stage,
        reason,
        detail,
        component: None,
        attempts: 1,
        first_seen_ms: 0,
    }
}

pub(crate) fn because(reason: &str) -> Filter {
    Filter {
        reason: Some(reason.to_owned()),
        ..Filter::default()
    }
}
