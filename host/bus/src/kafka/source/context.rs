//! The callbacks of a client: errors, statistics and rebalances.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;

use super::failure::Failure;
use super::metrics::Metrics;
use super::plan::Plan;
use super::shared::Shared;
use super::statistics::Snapshot;
use crate::kafka::client::Listener;
use crate::kafka::client_log;
use crate::kafka::diagnosis::{self, Diagnosis, Kind};
use crate::kafka::statistics::Reporter;

pub(super) type Client = BaseConsumer<Context>;

/// Belongs to one client. Everything runs on the thread that polls.
pub(super) struct Context {
    pub(super) plan: Arc<Plan>,
    pub(super) shared: Arc<Shared>,
    pub(super) listener: Arc<Listener>,
    reporter: Reporter,
    /// The client was dropped: its reports are ignored.
    retired: AtomicBool,
    mailbox: Mutex<Mailbox>,
}

/// What callbacks pass to the polling loop.
#[derive(Default)]
struct Mailbox {
    failure: Option<Failure>,
    snapshot: Option<Snapshot>,
    newest_error: Option<Diagnosis>,
}

impl Context {
    pub(super) fn new(plan: &Arc<Plan>, shared: &Arc<Shared>, listener: &Arc<Listener>) -> Self {
        let (plan, shared, listener) = (Arc::clone(plan), Arc::clone(shared), Arc::clone(listener));
        let reporter = listener.reporter();
        Self {
            plan,
            shared,
            listener,
            reporter,
            retired: AtomicBool::new(false),
            mailbox: Mutex::default(),
        }
    }

    fn mailbox<T>(&self, open: impl FnOnce(&mut Mailbox) -> T) -> T {
        open(&mut self.mailbox.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn take_failure(&self) -> Option<Failure> {
        self.mailbox(|mailbox| mailbox.failure.take())
    }

    pub(super) fn take_snapshot(&self) -> Option<Snapshot> {
        self.mailbox(|mailbox| mailbox.snapshot.take())
    }

    /// The newest error that the client reported outside of a call.
    pub(super) fn newest_error(&self) -> Option<Diagnosis> {
        self.mailbox(|mailbox| mailbox.newest_error.clone())
    }

    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.retired.load(Ordering::Relaxed) || self.shared.is_closing()
    }

    pub(super) fn metrics(&self) -> Metrics<'_> {
        Metrics {
            group: &self.plan.group,
            observer: &*self.plan.options.observer,
        }
    }

    /// librdkafka signals only that its queue became non-empty. After taking something other than a
    /// record from the queue, the loop has to check the queue again.
    fn look_again(&self) {
        self.shared.signal.raise();
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        client_log::emit(level, facility, line);
        self.look_again();
    }

    fn stats(&self, statistics: Statistics) {
        if !self.is_over() {
            self.reporter.report(&statistics);
        }
        self.mailbox(|mailbox| mailbox.snapshot = Some(statistics.into()));
        self.look_again();
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let diagnosis = diagnosis::of_client(&error, reason);
        // Lost connections are restored by the client; the statistics show whether one is missing.
        if diagnosis.kind == Kind::Refused && !self.is_over() {
            self.listener.is_in_trouble(diagnosis.clone());
        }
        self.mailbox(|mailbox| mailbox.newest_error = Some(diagnosis));
        self.look_again();
    }
}

impl ConsumerContext for Context {
    fn rebalance(&self, client: &Client, code: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let assigned = code == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if assigned && !self.is_over() {
            self.metrics().rebalanced();
        }
        let outcome = if self.is_over() {
            self.decline(client, assigned, list)
        } else {
            self.rearrange(client, assigned, list)
        };
        if let Err(failure) = outcome {
            self.mailbox(|mailbox| mailbox.failure = Some(failure));
        }
        self.look_again();
    }
}
