//! The traits that every bus implements.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Beginning, Error, GroupOffset, Member, Position, Record, TopicInfo, TopicSpec, Write};

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

/// Writes to the log. Cheap to clone behind an `Arc`, shared by many tasks.
#[async_trait]
pub trait Sink: Send + Sync {
    /// Makes everything in `write` durable at once, and returns where each record lies, in order.
    /// The answer is empty where a write is durable before it has its place in the log.
    ///
    /// # Errors
    /// Nothing was written. After [`Error::Storage`] the write may be there as a whole; that is
    /// known only once the log is opened again.
    async fn write(&self, write: Write) -> Result<Vec<Position>, Error>;

    /// Whether the write can be carried out, by what is known at this moment of topics and their
    /// limits; sends no request. A bus that knows nothing in advance accepts everything.
    ///
    /// # Errors
    /// [`Error::UnknownTopic`], [`Error::UnknownPartition`] or [`Error::TooLarge`], as
    /// [`Sink::write`] would answer.
    async fn check(&self, _write: &Write) -> Result<(), Error> {
        Ok(())
    }
}

/// Reads all partitions of a consumer group's topics, each in order. Owned by one task.
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

    /// Where reading began, by topic and partition. A reader that cannot say returns nothing.
    fn beginnings(&self) -> BTreeMap<(Arc<str>, u32), Beginning> {
        BTreeMap::new()
    }

    /// Continues from `next`, whatever the group's stored offset says; an offset no longer there
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
    /// already. Readers that were to read them continue at the oldest that is left.
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

/// A bus: all verbs together, and new readers for a group.
#[async_trait]
pub trait Bus: Sink + Admin {
    /// A reader of all partitions of `topics` that begins at the group's stored offsets, or at
    /// `start` where there are none. An offset of an earlier topic of the same name does not count:
    /// a topic that was created again is read from its oldest record. A reader whose topic is
    /// deleted and created again while it reads ends with [`Error::Lost`]. Between processes a group has one such reader: while another
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

    /// A member of a group that shares the partitions of `topics` with its other members, in this
    /// process or, where the bus connects processes, elsewhere. The partitions come as events, see
    /// [`Member`]. Each begins at the group's stored offset, or at `start` where there is none.
    ///
    /// # Errors
    /// A topic does not exist, or the group has a reader of all partitions in this process.
    async fn join(
        &self,
        group: &str,
        topics: &[&str],
        start: Start,
    ) -> Result<Box<dyn Member>, Error>;
}
