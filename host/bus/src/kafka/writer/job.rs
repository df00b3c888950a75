//! A write that was checked and is ready for the client.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use uuid::Uuid;

use super::super::catalogue::Catalogue;
use super::super::chunks::{self, Layout, Limits, Origin, RECORD_OVERHEAD};
use super::super::options::Options;
use super::producer;
use crate::{Error, GroupOffset, NewRecord, Position, TopicSpec, Write, partitioner};
use fedhost_base::clock;

/// librdkafka's default of `message.max.bytes`.
const RECORD_BYTES_MAX: u64 = 1_000_000;
/// Room that an empty write takes.
const JOB_OVERHEAD: usize = 256;

/// Receives the result of a write.
pub(super) type Reply = oneshot::Sender<Result<Vec<Position>, Error>>;

/// A record with a chosen partition.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outgoing {
    pub(super) topic: Arc<str>,
    pub(super) partition: u32,
    pub(super) timestamp_ms: u64,
    pub(super) key: Option<Bytes>,
    /// `None` removes the key from a compacted topic.
    pub(super) value: Option<Bytes>,
    pub(super) headers: Vec<(String, Bytes)>,
    /// A further chunk of the previous record.
    pub(super) follows: bool,
}

impl Outgoing {
    /// A value of a role's state; `None` removes it.
    pub(super) fn state(topic: &TopicSpec, name: String, value: Option<Bytes>) -> Self {
        let (topic, key, timestamp_ms) = (
            topic.name.as_str().into(),
            Some(Bytes::from(name)),
            clock::now_ms(),
        );
        Self {
            topic,
            partition: 0,
            timestamp_ms,
            key,
            value,
            headers: Vec::new(),
            follows: false,
        }
    }

    /// The record before its partition was chosen. No byte of its value is copied.
    fn whole(&self) -> NewRecord {
        let Self {
            topic,
            partition,
            timestamp_ms,
            key,
            value,
            headers,
            ..
        } = self.clone();
        let value = value.unwrap_or_default();
        NewRecord {
            topic,
            partition: Some(partition),
            timestamp_ms,
            key,
            value,
            headers,
        }
    }

    /// Bytes of key, value and headers.
    pub(super) fn bytes(&self) -> usize {
        self.content() + chunks::header_bytes(&self.headers)
    }

    /// Bytes of key and value.
    fn content(&self) -> usize {
        self.key.as_ref().map_or(0, Bytes::len) + self.value.as_ref().map_or(0, Bytes::len)
    }
}

/// What a write makes durable.
#[derive(Debug, Default)]
pub(in crate::kafka) struct Content {
    /// The records of the write, then those of its state; large ones in chunks.
    pub(super) records: Vec<Outgoing>,
    /// How many of them belong to the write itself, not to its state.
    pub(super) told: usize,
    pub(super) offsets: Vec<GroupOffset>,
}

impl Content {
    pub(super) fn bytes(&self) -> usize {
        self.records
            .iter()
            .map(|record| record.bytes() + RECORD_OVERHEAD)
            .sum::<usize>()
            + JOB_OVERHEAD
    }

    /// The number of records from the caller's view: chunks of one record count once.
    pub(super) fn count(&self) -> usize {
        self.records
            .iter()
            .take(self.told)
            .filter(|record| !record.follows)
            .count()
    }

    pub(super) fn has_chunks(&self) -> bool {
        self.records.iter().any(|record| record.follows)
    }
}

/// A write in progress.
pub(super) struct Job {
    pub(super) content: Content,
    pub(super) reply: Reply,
    /// The room that it takes until it is answered; see [`super::mailbox::Mailbox`].
    pub(super) _room: Option<OwnedSemaphorePermit>,
}

impl Job {
    /// If the caller no longer waits, the answer is dropped; the write is done all the same.
    pub(super) fn answer(self, answer: Result<Vec<Position>, Error>) {
        drop(self.reply.send(answer));
    }
}

/// A checked write whose large records are not split yet.
#[derive(Debug)]
pub(in crate::kafka) struct Draft {
    records: Vec<Piece>,
    /// How many of them belong to the write itself, not to its state.
    own: usize,
    offsets: Vec<GroupOffset>,
}

#[derive(Debug)]
struct Piece {
    record: Outgoing,
    /// How it is split, if it is over a limit.
    layout: Option<Layout>,
    /// The message id, if it is split.
    message: Uuid,
}

impl Draft {
    /// To split and hash them takes time.
    pub(super) fn has_large_records(&self) -> bool {
        self.records.iter().any(|piece| piece.layout.is_some())
    }
}

/// Checks a whole write before any part of it is sent.
pub(in crate::kafka) struct Checker {
    pub(super) topics: Arc<Catalogue>,
    /// The topic of the state.
    pub(super) state_topic: TopicSpec,
    /// The producer's own limit for a record, in bytes.
    pub(super) record_bytes_max: u64,
    /// The writer's name in the cluster.
    pub(super) writer: String,
    /// Longest time for all chunks of a record.
    pub(super) within: Duration,
}

impl Checker {
    /// The checker of the role's writer.
    pub(in crate::kafka) fn new(role: &str, options: &Options, topics: &Arc<Catalogue>) -> Self {
        Self {
            topics: Arc::clone(topics),
            state_topic: options.state_topic.clone(),
            record_bytes_max: options
                .producer
                .number("message.max.bytes")
                .unwrap_or(RECORD_BYTES_MAX),
            writer: producer::transactional_id(options, role),
            within: options.delivery_timeout(),
        }
    }

    /// Reads only names and lengths.
    pub(in crate::kafka) fn check(&self, write: Write) -> Result<Draft, Error> {
        for offset in &write.offsets {
            let spec = self.spec(&offset.topic)?;
            check_partition(&spec, offset.partition)?;
        }
        let own = write.records.len();
        let mut records = Vec::with_capacity(own + write.state.len());
        let mut last: Option<TopicSpec> = None;
        for record in write.records {
            // Most writes go to one topic.
            let spec = match last.take() {
                Some(spec) if *spec.name == *record.topic => spec,
                _ => self.spec(&record.topic)?,
            };
            records.push(self.fit(place(record, &spec)?, &spec)?);
            last = Some(spec);
        }
        for (name, value) in write.state {
            records.push(self.fit(
                Outgoing::state(&self.state_topic, name, value),
                &self.state_topic,
            )?);
        }
        Ok(Draft {
            records,
            own,
            offsets: write.offsets,
        })
    }

    /// Splits the records that are too large.
    pub(super) fn finish(&self, draft: Draft) -> Content {
        let Draft {
            records: pieces,
            own,
            offsets,
        } = draft;
        let mut content = Content {
            records: Vec::with_capacity(pieces.len()),
            told: 0,
            offsets,
        };
        for (index, piece) in pieces.into_iter().enumerate() {
            match piece.layout {
                None => content.records.push(piece.record),
                Some(layout) => {
                    content
                        .records
                        .extend(self.cut(piece.record, layout, piece.message))
                }
            }
            if index < own {
                content.told = content.records.len();
            }
        }
        content
    }

    fn spec(&self, topic: &str) -> Result<TopicSpec, Error> {
        self.topics.spec(topic).ok_or_else(|| Error::UnknownTopic {
            topic: topic.to_owned(),
        })
    }

    fn fit(&self, record: Outgoing, spec: &TopicSpec) -> Result<Piece, Error> {
        let (content, all) = (
            record.content() as u64,
            (record.bytes() + RECORD_OVERHEAD) as u64,
        );
        let limits = Limits {
            content: spec.max_message_bytes,
            all: self.record_bytes_max,
        };
        let (mut layout, mut message) = (None, Uuid::nil());
        if content > limits.content || all > limits.all {
            message = Uuid::new_v4();
            let wide = chunks::is_wide_enough(limits.content);
            layout = Layout::of(&record.whole(), limits, self.origin(message)).filter(|_| wide);
            if layout.is_none() {
                let max = chunks::record_bytes_max(limits.content);
                let (bytes, limit) = if content > max {
                    (content, max)
                } else {
                    (all, limits.all)
                };
                return Err(Error::TooLarge {
                    topic: spec.name.clone(),
                    bytes,
                    limit,
                });
            }
        }
        Ok(Piece {
            record,
            layout,
            message,
        })
    }

    fn cut(&self, record: Outgoing, layout: Layout, message: Uuid) -> Vec<Outgoing> {
        let chunks = chunks::split(&record.whole(), layout, self.origin(message))
            .into_iter()
            .enumerate();
        chunks
            .map(|(index, chunk)| Outgoing {
                follows: index > 0,
                ..outgoing(chunk, record.partition)
            })
            .collect()
    }

    fn origin(&self, message: Uuid) -> Origin<'_> {
        Origin {
            writer: &self.writer,
            message,
            within: self.within,
        }
    }
}

fn place(record: NewRecord, spec: &TopicSpec) -> Result<Outgoing, Error> {
    let by_key = || {
        record
            .key
            .as_ref()
            .map_or(0, |key| partitioner::partition(key, spec.partitions.max(1)))
    };
    let partition = record.partition.unwrap_or_else(by_key);
    check_partition(spec, partition)?;
    Ok(outgoing(record, partition))
}

fn outgoing(record: NewRecord, partition: u32) -> Outgoing {
    let NewRecord {
        topic,
        timestamp_ms,
        key,
        value,
        headers,
        ..
    } = record;
    Outgoing {
        topic,
        partition,
        timestamp_ms,
        key,
        value: Some(value),
        headers,
        follows: false,
    }
}

fn check_partition(spec: &TopicSpec, partition: u32) -> Result<(), Error> {
    if partition < spec.partitions {
        return Ok(());
    }
    Err(Error::UnknownPartition {
        topic: spec.name.clone(),
        partition,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checker() -> Checker {
        let topics = Arc::new(Catalogue::default());
        let spec = |name: &str, partitions| TopicSpec {
            name: name.to_owned(),
            partitions,
            max_message_bytes: 100,
            ..TopicSpec::default()
        };
        topics.learn(spec("t", 7));
        Checker {
            topics,
            state_topic: spec("state", 1),
            record_bytes_max: 150,
            writer: "w".to_owned(),
            within: Duration::from_secs(1),
        }
    }

    fn record(value: &str) -> NewRecord {
        let (topic, value) = ("t".into(), Bytes::copy_from_slice(value.as_bytes()));
        NewRecord {
            topic,
            partition: None,
            timestamp_ms: 1,
            key: None,
            value,
            headers: Vec::new(),
        }
    }

    fn check(records: Vec<NewRecord>) -> Result<Content, Error> {
        checker()
            .check(Write {
                records,
                ..Write::default()
            })
            .map(|draft| checker().finish(draft))
    }

    #[test]
    fn the_writer_s_word_goes_before_the_key_and_the_key_before_partition_0() {
        // Given a key whose murmur2 is known from Kafka's own tests
        let keyed = NewRecord {
            key: Some(Bytes::from_static(b"21")),
            ..record("x")
        };
        let chosen = NewRecord {
            partition: Some(6),
            ..keyed.clone()
        };
        // When they are checked, then each has its partition
        let content = check(vec![record("x"), keyed, chosen]).unwrap();
        let by_key = (-973_932_308_i32 & 0x7fff_ffff) % 7;
        let partitions: Vec<_> = content
            .records
            .iter()
            .map(|record| record.partition)
            .collect();
        assert_eq!(partitions, [0, by_key.cast_unsigned(), 6]);
    }

    #[test]
    fn one_bad_record_refuses_the_whole_write_with_its_name() {
        let unknown = NewRecord {
            topic: "other".into(),
            ..record("x")
        };
        let nowhere = NewRecord {
            partition: Some(7),
            ..record("x")
        };
        let too_large = record(&"x".repeat(101));
        // The client also counts headers
        let headers = vec![("h".to_owned(), Bytes::from(vec![0; 60]))];
        let too_large_in_all = NewRecord {
            headers,
            ..record(&"x".repeat(100))
        };
        for (bad, words) in [
            (unknown, "topic \"other\" does not exist"),
            (nowhere, "topic \"t\" has no partition 7"),
            (
                too_large,
                "a record of 101 bytes is over the limit of 100 of topic \"t\"",
            ),
            (
                too_large_in_all,
                "a record of 207 bytes is over the limit of 150 of topic \"t\"",
            ),
        ] {
            let story = check(vec![record("good"), bad]).unwrap_err().to_string();
            assert_eq!(story.lines().next(), Some(words));
        }
    }

    #[test]
    fn a_record_over_the_limit_is_cut_and_is_one_all_the_same() {
        let mut checker = checker();
        checker.record_bytes_max = 2_000;
        let spec = TopicSpec {
            name: "w".into(),
            partitions: 2,
            max_message_bytes: 1_100,
            ..TopicSpec::default()
        };
        checker.topics.learn(spec.clone());
        checker.state_topic = spec;
        // Given a write of a large record between small ones, and large state
        let to = |partition, bytes| NewRecord {
            topic: "w".into(),
            partition: Some(partition),
            ..record(&"x".repeat(bytes))
        };
        let records = vec![to(0, 1), to(1, 3_000), to(0, 1)];
        let state = vec![("s".to_owned(), Some(Bytes::from(vec![1; 1_500])))];
        let draft = checker
            .check(Write {
                records,
                state,
                ..Write::default()
            })
            .unwrap();
        assert!(draft.has_large_records());
        // When it is split, then the caller still sees three records
        let content = checker.finish(draft);
        let follows: Vec<_> = content
            .records
            .iter()
            .map(|record| record.follows)
            .collect();
        assert_eq!(follows, [false, false, true, true, false, false, true]);
        let partitions: Vec<_> = content
            .records
            .iter()
            .map(|record| record.partition)
            .collect();
        assert_eq!(partitions, [0, 1, 1, 1, 0, 0, 0]);
        assert_eq!(
            (content.told, content.count(), content.has_chunks()),
            (5, 3, true)
        );
    }

    #[test]
    fn an_offset_of_a_topic_that_is_not_there_is_refused() {
        let offset = |topic: &str, partition| GroupOffset {
            group: "g".into(),
            topic: topic.into(),
            partition,
            next: 1,
            epoch: None,
        };
        for (bad, words) in [
            (offset("other", 0), "topic \"other\" does not exist"),
            (offset("t", 7), "topic \"t\" has no partition 7"),
        ] {
            let write = Write {
                offsets: vec![offset("t", 0), bad],
                ..Write::default()
            };
            assert_eq!(checker().check(write).unwrap_err().to_string(), words);
        }
    }

    #[test]
    fn state_that_is_too_large_is_refused_like_a_record() {
        let state = vec![("name".to_owned(), Some(Bytes::from(vec![0; 97])))];
        let refused = checker().check(Write {
            state,
            ..Write::default()
        });
        assert!(
            matches!(refused, Err(Error::TooLarge { topic, bytes: 101, limit: 100 }) if topic == "state")
        );
    }

    #[test]
    fn state_becomes_records_that_nobody_is_told_of() {
        let state = vec![("a".to_owned(), Some(Bytes::new())), ("b".to_owned(), None)];
        let draft = checker()
            .check(Write {
                records: vec![record("x")],
                state,
                ..Write::default()
            })
            .unwrap();
        let content = checker().finish(draft);
        assert_eq!((content.told, content.records.len()), (1, 3));
        let values: Vec<_> = content
            .records
            .iter()
            .map(|record| record.value.clone())
            .collect();
        assert_eq!(
            values,
            [Some(Bytes::from_static(b"x")), Some(Bytes::new()), None]
        );
    }
}
