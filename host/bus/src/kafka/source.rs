//! Reads a consumer group's partitions from Kafka.
//!
//! Each reader has a thread that polls a client and puts the records on a buffer; the reader takes
//! them from there. The thread never does slow work. A partition whose queue is full is paused. The
//! thread also handles rebalances of the group.
//!
//! A reader that shares finishes the records that it returned before it releases a partition, so
//! that no other member repeats that work. A reader that reads alone does not wait in a rebalance:
//! the broker starts one whenever a member joins or leaves, and nearly always the same reader
//! continues, with its work in progress. Another reader may become the leader: a member that joins
//! with an older name, or a reader that was assumed dead. Then the earlier reader has ended before
//! it gets another record. Its writes are refused: here by [`Reader::fenced`], and at the broker by
//! the generation of its offsets; a refused write includes its records and state. So no record in
//! progress is lost, and each is applied once: the next reader begins at the stored offsets. Such
//! records are processed twice; to avoid that, every rebalance would have to wait.

mod assignment;
mod context;
mod failure;
mod fetch_buffer;
mod hanging;
mod intake;
mod member;
mod metrics;
mod offsets;
mod partition;
mod plan;
mod poller;
pub(super) mod record;
mod session;
mod shared;
mod stall;
mod statistics;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::oneshot;

use self::fetch_buffer::Phase;
use self::member::{Membership, Slot};
use self::plan::Plan;
pub(super) use self::plan::Sharing;
pub use self::plan::reader_properties;
use self::poller::Poller;
use self::shared::Shared;
use super::client::Listener;
use super::groups::{Groups, Reader};
use super::options::Options;
use crate::{Beginning, Error, Member, MemberEvent, Record, Source, Start};

/// A reader of one consumer group. When dropped, it leaves the group in the background.
pub(super) struct KafkaSource {
    plan: Arc<Plan>,
    shared: Arc<Shared>,
    part: String,
    /// Registered with [`Groups`] for the lifetime of this value.
    _reader: Arc<dyn Reader>,
    /// Resolves when the thread has ended.
    ended: Option<oneshot::Receiver<()>>,
}

impl KafkaSource {
    /// Joins the group. A reader of all partitions waits until it owns them; it waits without limit
    /// while another process reads them. When it becomes the leader, it runs `turn` before it asks
    /// for the offsets to begin at. A reader that shares runs `turn` first and does not wait for
    /// partitions.
    ///
    /// # Errors
    /// A topic does not exist, this process already has a reader of it for the group, or the
    /// cluster refused or did not answer within [`Options::request`]; also the errors of `turn`.
    pub(super) async fn subscribe(
        options: &Options,
        groups: &Arc<Groups>,
        group: &str,
        topics: &[&str],
        start: Start,
        sharing: Sharing,
        turn: impl Future<Output = Result<(), Error>> + Send,
    ) -> Result<Self, Error> {
        let plan = Arc::new(Plan::new(group, topics, start, sharing, options));
        if plan.topics.is_empty() {
            return Err(Error::UnknownTopic {
                topic: String::new(),
            });
        }
        let shared = Arc::new(Shared::new(options.ahead_bytes));
        let slot = Arc::new(Slot::default());
        let reader: Arc<dyn Reader> = Arc::new(Membership {
            sharing,
            shared: Arc::clone(&shared),
            slot: Arc::clone(&slot),
        });
        groups.join(group, &plan.topics, &reader)?;
        let mut turn = Some(turn);
        if let Some(turn) = turn.take_if(|_| sharing == Sharing::Shared) {
            turn.await?;
        }
        let (part, (running, ended)) = (plan.part(), oneshot::channel());
        let listener = Arc::new(Listener::new(part.clone(), &options.observer));
        let poller = Poller {
            plan: Arc::clone(&plan),
            shared: Arc::clone(&shared),
            slot,
            listener,
        };
        let waits = "it waits until its group gives it the partitions";
        options.observer.condition(&part, Some(waits));
        spawn(poller, running).map_err(|error| plan.lost(error.to_string()))?;

        let source = Self {
            plan,
            shared,
            part,
            _reader: reader,
            ended: Some(ended),
        };
        let joined = source.joined(turn).await;
        // Other failures keep the process not ready: the cluster or the group is at fault.
        if let Ok(()) | Err(Error::UnknownTopic { .. } | Error::NoOffset { .. }) = &joined {
            options.observer.condition(&source.part, None);
        }
        joined?;
        Ok(source)
    }

    async fn joined(
        &self,
        mut turn: Option<impl Future<Output = Result<(), Error>> + Send>,
    ) -> Result<(), Error> {
        loop {
            if let Some(error) = self.shared.buffer().take_end() {
                return Err(error);
            }
            let called = self.shared.buffer().is_called();
            if let Some(turn) = turn.take_if(|_| called) {
                turn.await?;
                self.shared.buffer().settle();
                continue;
            }
            if matches!(
                self.shared.buffer().phase(),
                Phase::Reading | Phase::Suspended
            ) {
                return Ok(());
            }
            self.shared.arrival().await;
        }
    }

    /// Resolves when this reader has left the group; it begins to leave when it is dropped. Can be
    /// called once.
    pub(super) fn departure(&mut self) -> Option<oneshot::Receiver<()>> {
        self.ended.take()
    }

    /// The records returned from those partitions, which are being revoked, are done.
    fn release(&self, partitions: &[(Arc<str>, u32)]) {
        let mut buffer = self.shared.buffer();
        for (topic, index) in partitions {
            if let Some(partition) = buffer.find_mut(topic, *index) {
                partition.release();
            }
        }
        drop(buffer);
        self.shared.settle();
    }

    /// Leaves the group and waits for that, [`Options::close`] at most.
    #[cfg(test)]
    #[cfg(feature = "broker-tests")]
    pub(super) async fn close(mut self) {
        self.shared.close();
        if let Some(ended) = self.ended.take() {
            drop(tokio::time::timeout(self.plan.options.close, ended).await);
        }
    }
}

fn spawn(poller: Poller, running: oneshot::Sender<()>) -> std::io::Result<()> {
    let thread = std::thread::Builder::new().name("kafka-reader".to_owned());
    thread.spawn(move || {
        let _running = running;
        poller.run();
    })?;
    Ok(())
}

#[async_trait]
impl Source for KafkaSource {
    async fn read(&mut self, max: usize) -> Result<Vec<Record>, Error> {
        tokio::task::coop::consume_budget().await;
        let max = max.min(self.plan.options.max_poll_records).max(1);
        loop {
            if let Some(records) = self.shared.take(max)? {
                return Ok(records);
            }
            self.shared.arrival().await;
        }
    }

    fn positions(&self) -> BTreeMap<(Arc<str>, u32), u64> {
        self.shared.buffer().positions()
    }

    fn beginnings(&self) -> BTreeMap<(Arc<str>, u32), Beginning> {
        self.shared.buffer().beginnings()
    }

    fn seek(&mut self, topic: &str, partition: u32, next: u64) {
        if let Some(partition) = self.shared.buffer().find_mut(topic, partition) {
            partition.seek(next);
        }
        self.shared.signal.raise();
    }
}

/// A reader that shares the group's partitions with other members.
pub(super) struct KafkaMember(pub(super) KafkaSource);

#[async_trait]
impl Member for KafkaMember {
    async fn next(&mut self, max: usize) -> Result<MemberEvent, Error> {
        let KafkaSource { plan, shared, .. } = &self.0;
        tokio::task::coop::consume_budget().await;
        let max = max.min(plan.options.max_poll_records).max(1);
        loop {
            if let Some(event) = shared.next_event(max)? {
                return Ok(event);
            }
            shared.arrival().await;
        }
    }

    fn release(&mut self, partitions: &[(Arc<str>, u32)]) {
        self.0.release(partitions);
    }

    fn positions(&self) -> BTreeMap<(Arc<str>, u32), u64> {
        self.0.positions()
    }

    fn seek(&mut self, topic: &str, partition: u32, next: u64) {
        self.0.seek(topic, partition, next);
    }
}

impl Drop for KafkaSource {
    fn drop(&mut self) {
        let over = matches!(self.shared.buffer().phase(), Phase::Ended(_));
        self.shared.close();
        // The condition of a fenced reader stays until another reader replaces it.
        if !over {
            self.plan.options.observer.condition(&self.part, None);
        }
    }
}

#[cfg(test)]
#[cfg(feature = "broker-tests")]
mod tests;
