//! Reads a consumer group's partitions from Kafka.
//!
//! Each reader has a thread that polls a client and puts what it gets on a shelf, from which the
//! reader takes. The thread does nothing slow; a partition whose queue is full waits at the broker.
//! What the group gives and takes away is settled on that thread as well.
//!
//! A reader that shares finishes what it handed out before it gives a partition back, so that
//! nobody does that work again. One that reads alone does not wait when its group is arranged anew:
//! the broker asks for that whenever a member comes or goes, and nearly always the same reader goes
//! on with its work in hand. Should another one lead after all, which takes a member that joins
//! with an older name, or a reader that was thought dead, then the earlier one has ended before it
//! is told of any record more; its writes are refused, here by [`Reader::fenced`] and at the broker
//! by the generation that its offsets carry, each with its records and state as a whole. So what
//! was in hand is lost to nobody and applied once: the next reader begins at the offsets that are
//! stored. It is only done twice, which waiting would cost every rebalance.

mod assignment;
mod context;
mod failure;
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
mod shelf;
mod stall;
mod statistics;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::oneshot;

use self::member::{Membership, Slot};
use self::plan::Plan;
pub(super) use self::plan::Sharing;
pub use self::plan::reader_properties;
use self::poller::Poller;
use self::shared::Shared;
use self::shelf::Phase;
use super::client::Listener;
use super::groups::{Groups, Reader};
use super::options::Options;
use crate::{Error, Member, MemberEvent, Record, Source, Start};

/// A reader of one consumer group. Dropped, it leaves the group without waiting for that.
pub(super) struct KafkaSource {
    plan: Arc<Plan>,
    shared: Arc<Shared>,
    part: String,
    /// Known to [`Groups`] for as long as this lives.
    _reader: Arc<dyn Reader>,
    /// Resolves when the thread has ended.
    ended: Option<oneshot::Receiver<()>>,
}

impl KafkaSource {
    /// Joins the group. A reader of all partitions waits until it has them: for ever, while another
    /// process reads them. It carries out `turn` as soon as it is its turn, before it knows where
    /// to begin. A reader that shares carries it out first, and does not wait for partitions.
    ///
    /// # Errors
    /// A topic does not exist, this process has a reader of it for the group already, or the
    /// cluster refused or did not answer within [`Options::request`]; those of `turn`.
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
        spawn(poller, running).map_err(|error| plan.lost(error.to_string()))?;

        let source = Self {
            plan,
            shared,
            part,
            _reader: reader,
            ended: Some(ended),
        };
        source.joined(turn).await?;
        options.observer.condition(&source.part, None);
        Ok(source)
    }

    async fn joined(
        &self,
        mut turn: Option<impl Future<Output = Result<(), Error>> + Send>,
    ) -> Result<(), Error> {
        loop {
            if let Some(error) = self.shared.shelf().take_end() {
                return Err(error);
            }
            let called = self.shared.shelf().is_called();
            if let Some(turn) = turn.take_if(|_| called) {
                turn.await?;
                self.shared.shelf().settle();
                continue;
            }
            if matches!(
                self.shared.shelf().phase(),
                Phase::Reading | Phase::Suspended
            ) {
                return Ok(());
            }
            self.shared.arrival().await;
        }
    }

    /// Resolves once this reader has left the group, which it begins to do when it is dropped. Can
    /// be asked for once.
    pub(super) fn departure(&mut self) -> Option<oneshot::Receiver<()>> {
        self.ended.take()
    }

    /// What was handed out of those partitions, which are leaving, is done.
    fn release(&self, partitions: &[(Arc<str>, u32)]) {
        let mut shelf = self.shared.shelf();
        for (topic, index) in partitions {
            if let Some(partition) = shelf.find_mut(topic, *index) {
                partition.release();
            }
        }
        drop(shelf);
        self.shared.settle();
    }

    /// Leaves the group, and waits for that: [`Options::close`] at most.
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
        self.shared.shelf().positions()
    }

    fn seek(&mut self, topic: &str, partition: u32, next: u64) {
        if let Some(partition) = self.shared.shelf().find_mut(topic, partition) {
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
        let over = matches!(self.shared.shelf().phase(), Phase::Ended(_));
        self.shared.close();
        // The trouble of a reader that is cut off goes on until another one works in its place.
        if !over {
            self.plan.options.observer.condition(&self.part, None);
        }
    }
}

#[cfg(test)]
#[cfg(feature = "broker-tests")]
mod tests;
