//! The few verbs with which roles reach a log of records, whichever bus is behind them.
//!
//! A name of a particular bus never appears in these types. What every bus promises: a record is
//! readable in the order and under the offset at which it was acknowledged; a group's offsets move
//! only through a [`Write`], and never before the records of that write are safe; a [`Write`]
//! happens as a whole or not at all. A bus that was asked for the weaker promise of at-least-once
//! delivery may repeat a write that was cut off by a crash; it never loses one.

pub mod checkup;
pub mod compare;
pub mod embedded;
pub mod kafka;
pub mod limits;
mod partitioner;
pub mod sizing;
pub mod spool;
mod topic_name;
pub mod trouble;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

/// A record as it lies in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Where it lies.
    pub position: Position,
    /// Milliseconds since the Unix epoch, as the writer gave it.
    pub timestamp_ms: u64,
    /// Decides the partition, when the writer left that open.
    pub key: Option<Bytes>,
    /// The content.
    pub value: Bytes,
    /// In the writer's order; a name may occur more than once.
    pub headers: Vec<(String, Bytes)>,
}

impl Record {
    /// The last header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&Bytes> {
        self.headers
            .iter()
            .rev()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value)
    }
}

/// One place in the log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The topic's name.
    pub topic: Arc<str>,
    /// From 0.
    pub partition: u32,
    /// Rises with every record. A bus may keep marks of its own between two records, so that a
    /// number is left out.
    pub offset: u64,
}

/// A record to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRecord {
    /// The topic's name.
    pub topic: Arc<str>,
    /// `None` lets the key decide, or takes partition 0 without one.
    pub partition: Option<u32>,
    /// Milliseconds since the Unix epoch.
    pub timestamp_ms: u64,
    /// Same key, same partition.
    pub key: Option<Bytes>,
    /// The content.
    pub value: Bytes,
    /// Kept in order.
    pub headers: Vec<(String, Bytes)>,
}

/// What becomes durable together: results, the offsets of the input they came from, and a role's
/// own state.
#[derive(Clone, Debug, Default)]
pub struct Write {
    /// Appended in order.
    pub records: Vec<NewRecord>,
    /// For a consumer group: the next offset to read, by topic and partition.
    pub offsets: Vec<GroupOffset>,
    /// A role's own values, the newest of each name wins; `None` removes it.
    pub state: Vec<(String, Option<Bytes>)>,
}

/// How far a consumer group has come in one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupOffset {
    /// The group's name.
    pub group: String,
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: u32,
    /// The next offset to read.
    pub next: u64,
}

/// How a topic is made and kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicSpec {
    /// Legal characters and length as in Kafka.
    pub name: String,
    /// At least 1.
    pub partitions: u32,
    /// Records older than this may be dropped; `None` keeps them.
    pub retention_ms: Option<u64>,
    /// Oldest records are dropped while a partition is larger than this; `None` keeps them.
    pub retention_bytes: Option<u64>,
    /// A larger key and value together are refused, or travel in chunks; see
    /// [`Admin::record_bytes_max`].
    pub max_message_bytes: u64,
    /// Brokers that hold a copy; `None` leaves it to the bus. A bus on one machine has one copy
    /// whatever is asked.
    pub replication_factor: Option<u16>,
    /// Further settings by the names that Kafka gives them, such as `cleanup.policy`. A bus that
    /// has no such setting leaves them aside.
    pub settings: BTreeMap<String, String>,
}

/// A topic as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicInfo {
    /// As it was created.
    pub spec: TopicSpec,
    /// By partition: the oldest offset still there, and the next one to be written.
    pub offsets: Vec<std::ops::Range<u64>>,
    /// Whether the bus tells the topic's settings. Where it does not, `spec` holds them as they
    /// were asked for, or without limits when nobody asked; its name, partitions and copies are as
    /// they are all the same.
    pub settings_known: bool,
}

/// Where a new consumer group begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the oldest record still there.
    Earliest,
    /// After the newest record.
    Latest,
    /// Nowhere: a group without a stored offset is refused.
    Stored,
}

/// Why a verb could not be carried out.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum Error {
    /// Nobody created it.
    #[error("topic {topic:?} does not exist")]
    UnknownTopic {
        /// The name asked for.
        topic: String,
    },
    /// The topic has fewer partitions.
    #[error("topic {topic:?} has no partition {partition}")]
    UnknownPartition {
        /// The topic.
        topic: String,
        /// The partition asked for.
        partition: u32,
    },
    /// A topic cannot be made like that.
    #[error("topic {topic:?} cannot be created: {reason}")]
    BadTopic {
        /// The name asked for.
        topic: String,
        /// Why not.
        reason: String,
        /// What to do about it.
        #[help]
        hint: Option<String>,
    },
    /// Larger than the bus carries for the topic.
    #[error("a record of {bytes} bytes is over the limit of {limit} of topic {topic:?}")]
    #[diagnostic(help(
        "raise its max_message_bytes in the manifest and on the bus (on Kafka, with it the producer's max_request_size), or write less at a time"
    ))]
    TooLarge {
        /// The topic.
        topic: String,
        /// Size of key and value.
        bytes: u64,
        /// The topic's limit.
        limit: u64,
    },
    /// Another process has the directory open.
    #[error("the log in {directory} is in use by another process")]
    #[diagnostic(help("stop the other `fedhost run`, or give this one its own `bus.directory`"))]
    InUse {
        /// The log's directory.
        directory: String,
    },
    /// The directory holds something that this version cannot read.
    #[error("the log in {directory} cannot be opened: {reason}")]
    Unreadable {
        /// The log's directory.
        directory: String,
        /// What was found.
        reason: String,
        /// What to do about it.
        #[help]
        hint: String,
    },
    /// The medium refused.
    #[error("the log in {directory} cannot {action}: {reason}")]
    #[diagnostic(help(
        "look for a full or failing disk, then start again: what was acknowledged is safe"
    ))]
    Storage {
        /// The log's directory.
        directory: String,
        /// What was tried, for example `write 3 records to "model_updates"`.
        action: String,
        /// What came back.
        reason: String,
    },
    /// The bus cannot be reached, or does not answer. Whoever asks again may have more luck.
    #[error("{bus} cannot {action}: {reason}")]
    Unreachable {
        /// Which bus, for example `kafka at localhost:9092`.
        bus: String,
        /// What was tried, for example `list topics`.
        action: String,
        /// What came back.
        reason: String,
        /// What to do about it.
        #[help]
        hint: String,
    },
    /// The bus refused for good: credentials, rights, or a promise that it cannot keep.
    #[error("{bus} refuses to {action}: {reason}")]
    Refused {
        /// Which bus.
        bus: String,
        /// What was tried.
        action: String,
        /// What came back.
        reason: String,
        /// What to do about it.
        #[help]
        hint: String,
    },
    /// A reader or writer is cut off: another one has taken over, or its client had to be given up.
    /// Whatever it has not written is read again by whoever goes on; to go on, begin again from
    /// what is stored.
    #[error("{what} is cut off: {reason}")]
    Lost {
        /// Which reader or writer, for example `group "aggregator"`.
        what: String,
        /// Why.
        reason: String,
    },
    /// Another reader of the group is at work: two would each take every record.
    #[error("group {group:?} has a reader of {topic:?} already")]
    #[diagnostic(help("give this reader a group of its own, or end the other"))]
    GroupBusy {
        /// The group.
        group: String,
        /// The topic.
        topic: String,
    },
    /// A group that may only go on has nowhere to go on from.
    #[error("group {group:?} has no stored offset in partition {partition} of topic {topic:?}")]
    #[diagnostic(help(
        "let new groups begin at the earliest or the latest record, or store an offset for this one"
    ))]
    NoOffset {
        /// The group.
        group: String,
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
    },
    /// The bus was closed while the verb was under way.
    #[error("the bus is closed")]
    Closed,
}

/// Writes to the log. Cheap to clone behind an `Arc`, shared by many tasks.
#[async_trait]
pub trait Sink: Send + Sync {
    /// Makes everything in `write` durable at once, and says where each record lies, in order. The
    /// answer is empty where a write is durable before it has its place in the log.
    ///
    /// # Errors
    /// Nothing was written; but after [`Error::Storage`] it is settled only when the log is opened
    /// again whether the write is there as a whole or not at all.
    async fn write(&self, write: Write) -> Result<Vec<Position>, Error>;

    /// Whether the write can be carried out, by what is known at this moment of topics and their
    /// limits; nobody is asked. A bus that knows nothing in advance lets everything pass.
    ///
    /// # Errors
    /// [`Error::UnknownTopic`], [`Error::UnknownPartition`] or [`Error::TooLarge`], as
    /// [`Sink::write`] would answer.
    async fn check(&self, _write: &Write) -> Result<(), Error> {
        Ok(())
    }
}

/// Reads one consumer group's partitions in order. Owned by one task.
#[async_trait]
pub trait Source: Send {
    /// Waits for at least one record, and returns at most `max` of them, each partition in order.
    /// Cancelling loses nothing.
    ///
    /// # Errors
    /// The source can be asked again after any error but [`Error::Closed`] and [`Error::Lost`].
    async fn read(&mut self, max: usize) -> Result<Vec<Record>, Error>;

    /// The next offset to be read, by topic and partition.
    fn positions(&self) -> BTreeMap<(Arc<str>, u32), u64>;

    /// Goes on from `next`, whatever the group's stored offset says; an offset no longer there
    /// moves to the oldest.
    fn seek(&mut self, topic: &str, partition: u32, next: u64);
}

/// Topics, offsets and state, outside the stream of records.
#[async_trait]
pub trait Admin: Send + Sync {
    /// Creates the topic, or leaves it as it is when it exists.
    ///
    /// # Errors
    /// The specification is not legal, or the medium refused.
    async fn create_topic(&self, spec: TopicSpec) -> Result<TopicInfo, Error>;

    /// All topics that may be seen, by name.
    ///
    /// # Errors
    /// The medium refused.
    async fn topics(&self) -> Result<Vec<TopicInfo>, Error>;

    /// Whether there is no right to see if a topic exists, so that it may be there although
    /// [`Admin::topics`] leaves it out. A bus that has no rights hides nothing.
    ///
    /// # Errors
    /// The medium refused.
    async fn hides(&self, _topic: &str) -> Result<bool, Error> {
        Ok(false)
    }

    /// A group's next offset by topic and partition, for those it has stored.
    ///
    /// # Errors
    /// The medium refused.
    async fn group_offsets(&self, group: &str) -> Result<Vec<GroupOffset>, Error>;

    /// The newest record of each partition that has one, in the order of the partitions.
    ///
    /// # Errors
    /// The topic does not exist, or the medium refused.
    async fn newest(&self, topic: &str) -> Result<Vec<Record>, Error>;

    /// The oldest record of a partition at or behind offset `from` that is still there; `None` when
    /// there is none yet.
    ///
    /// # Errors
    /// The partition does not exist, or the medium refused.
    async fn first_from(
        &self,
        topic: &str,
        partition: u32,
        from: u64,
    ) -> Result<Option<Record>, Error>;

    /// Forgets the records of a partition below offset `before`; nothing happens when they are gone
    /// already. Readers that were to read them go on at the oldest that is left.
    ///
    /// # Errors
    /// The partition does not exist; [`Error::Refused`] when it ends before that; or the medium
    /// refused.
    async fn delete_records(&self, topic: &str, partition: u32, before: u64) -> Result<(), Error>;

    /// A value that some [`Write`] stored.
    ///
    /// # Errors
    /// The medium refused.
    async fn state(&self, name: &str) -> Result<Option<Bytes>, Error>;

    /// The largest key and value together that a write takes for a topic, in bytes; a larger one is
    /// [`Error::TooLarge`].
    fn record_bytes_max(&self, topic: &TopicSpec) -> u64 {
        topic.max_message_bytes
    }
}

/// A bus: all verbs together, and a new reader for a group.
#[async_trait]
pub trait Bus: Sink + Admin {
    /// A reader of all partitions of `topics` that begins at the group's stored offsets, or at
    /// `start` where there are none. Between processes a group has one such reader: while another
    /// one is at work, this waits to take over from it.
    ///
    /// # Errors
    /// A topic does not exist, or the group has a reader of it in this process already.
    async fn subscribe(
        &self,
        group: &str,
        topics: &[&str],
        start: Start,
    ) -> Result<Box<dyn Source>, Error>;
}
