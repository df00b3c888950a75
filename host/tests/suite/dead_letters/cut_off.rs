//! A bus whose writer is fenced at some write.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use fedhost_bus::{
    Admin, Bus, Error, GroupOffset, Member, Position, Record, Sink, Source, Start, TopicInfo,
    TopicSpec, Write,
};

/// The outcome of the write at which the writer is fenced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It never reached the bus.
    Lost,
    /// It is durable, but the writer gets an error.
    Done,
}

pub(crate) struct CutOff {
    writes: AtomicU32,
    fate: Fate,
    bus: Arc<dyn Bus>,
}

impl CutOff {
    /// This many writes succeed before.
    pub(crate) fn after(writes: u32, fate: Fate, bus: &Arc<dyn Bus>) -> Self {
        Self {
            writes: AtomicU32::new(writes),
            fate,
            bus: Arc::clone(bus),
        }
    }
}

#[async_trait]
impl Sink for CutOff {
    async fn write(&self, write: Write) -> Result<Vec<Position>, Error> {
        let take_one = |left: u32| left.checked_sub(1);
        if self
            .writes
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take_one)
            .is_ok()
        {
            return self.bus.write(write).await;
        }
        if self.fate == Fate::Done {
            self.bus.write(write).await?;
        }
        Err(Error::Lost {
            what: "writer".to_owned(),
            reason: "the test cuts it off".to_owned(),
        })
    }
}

#[async_trait]
impl Admin for CutOff {
    async fn create_topic(&self, spec: TopicSpec) -> Result<TopicInfo, Error> {
        self.bus.create_topic(spec).await
    }

    async fn topics(&self) -> Result<Vec<TopicInfo>, Error> {
        self.bus.topics().await
    }

    async fn group_offsets(&self, group: &str) -> Result<Vec<GroupOffset>, Error> {
        self.bus.group_offsets(group).await
    }

    async fn newest(&self, topic: &str) -> Result<Vec<Record>, Error> {
        self.bus.newest(topic).await
    }

    async fn first_from(
        &self,
        topic: &str,
        partition: u32,
        offset: u64,
    ) -> Result<Option<Record>, Error> {
        self.bus.first_from(topic, partition, offset).await
    }

    async fn delete_records(&self, topic: &str, partition: u32, before: u64) -> Result<(), Error> {
        self.bus.delete_records(topic, partition, before).await
    }

    async fn state(&self, name: &str) -> Result<Option<Bytes>, Error> {
        self.bus.state(name).await
    }
}

#[async_trait]
impl Bus for CutOff {
    async fn subscribe(
        &self,
        group: &str,
        topics: &[&str],
        start: Start,
    ) -> Result<Box<dyn Source>, Error> {
        self.bus.subscribe(group, topics, start).await
    }

    async fn join(
        &self,
        group: &str,
        topics: &[&str],
        start: Start,
    ) -> Result<Box<dyn Member>, Error> {
        self.bus.join(group, topics, start).await
    }
}
