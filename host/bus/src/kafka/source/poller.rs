//! The thread of a reader: replaces a failed client until the reader ends.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;

use super::context::{Client, Context};
use super::failure::{Failure, persist};
use super::fetch_buffer::Phase;
use super::member::Slot;
use super::metrics::Metrics;
use super::offsets;
use super::plan::{Plan, Sharing};
use super::session::Session;
use super::shared::Shared;
use crate::Error;
use crate::kafka::client::Listener;
use crate::kafka::diagnosis::{self, Diagnosis, Kind};

pub(super) struct Poller {
    pub(super) plan: Arc<Plan>,
    pub(super) shared: Arc<Shared>,
    pub(super) slot: Arc<Slot>,
    pub(super) listener: Arc<Listener>,
}

impl Poller {
    /// Runs until the reader is closed or has ended.
    pub(super) fn run(self) {
        let mut attempt = 0;
        while let Err(failure) = self.serve(&mut attempt) {
            let diagnosis = self.explain(&failure);
            if !matches!(failure, Failure::UnknownTopic(_)) {
                self.listener.is_in_trouble(diagnosis.clone());
            }
            if !self.may_go_on(&failure) {
                self.end(failure, diagnosis);
                break;
            }
            self.clear();
            attempt += 1;
            self.shared
                .wait_until(self.plan.options.backoff.pause(attempt), |_| false);
            if self.shared.is_closing() {
                break;
            }
        }
        self.clear();
    }

    /// Works with one client until the reader ends.
    fn serve(&self, attempt: &mut u32) -> Result<(), Failure> {
        let client = Arc::new(self.client()?);
        let outcome = self.join(&client).and_then(|()| {
            self.slot.put(Some(Arc::clone(&client)));
            if self.plan.sharing == Sharing::Shared {
                // The wait for a partition may be long.
                self.shared.enter(Phase::Reading);
            }
            let mut session = Session::new(&client, *attempt > 0);
            let outcome = session.run();
            *attempt = if session.is_settled() { 0 } else { *attempt };
            outcome
        });
        self.slot.put(None);
        match outcome {
            Ok(()) => leave(client),
            Err(_) => retire(client),
        }
        outcome
    }

    fn client(&self) -> Result<Client, Failure> {
        let context = Context::new(&self.plan, &self.shared, &self.listener);
        let refused = |error: KafkaError| Diagnosis {
            kind: Kind::Request,
            ..diagnosis::of(&error)
        };
        let mut client: Client = self
            .plan
            .client_config()
            .create_with_context(context)
            .map_err(refused)?;
        let signal = Arc::clone(&self.shared.signal);
        client.set_nonempty_callback(move || signal.raise());
        Ok(client)
    }

    fn join(&self, client: &Client) -> Result<(), Failure> {
        persist(&self.shared, self.plan.options.request, |timeout| {
            // Callbacks run inside a poll: without it, refused credentials would not be reported.
            drop(client.poll(Duration::ZERO));
            offsets::partitions(client, &self.plan.topics, timeout)
        })?;
        let topics: Vec<&str> = self.plan.topics.iter().map(|topic| &**topic).collect();
        Ok(client.subscribe(&topics)?)
    }

    /// The cause of a failure: an error that the client reported in the meantime says more than a
    /// request without an answer.
    fn explain(&self, failure: &Failure) -> Diagnosis {
        let diagnosis = failure.diagnosis();
        let refused = self
            .listener
            .trouble()
            .filter(|trouble| trouble.kind == Kind::Refused);
        refused
            .filter(|_| diagnosis.kind == Kind::Unreachable)
            .unwrap_or(diagnosis)
    }

    /// Whether a new client may continue. A reader that shares gets its partitions again. A reader
    /// that reads alone, and its owner, have to begin again from the stored offsets. If the reader
    /// never worked, its caller decides.
    fn may_go_on(&self, failure: &Failure) -> bool {
        let joining = matches!(self.shared.buffer().phase(), Phase::Joining);
        self.plan.sharing == Sharing::Shared
            && !joining
            && !matches!(failure, Failure::NoOffset(_))
            && !self.shared.is_closing()
    }

    fn end(&self, failure: Failure, diagnosis: Diagnosis) {
        let joining = matches!(self.shared.buffer().phase(), Phase::Joining);
        let error = match failure {
            Failure::UnknownTopic(topic) if joining => Error::UnknownTopic { topic },
            Failure::NoOffset((topic, partition))
                if joining || self.plan.sharing == Sharing::Shared =>
            {
                Error::NoOffset {
                    group: self.plan.group.clone(),
                    topic: topic.to_string(),
                    partition,
                }
            }
            _ if joining => {
                diagnosis.into_error(&self.plan.options.bus_name(), &self.plan.action())
            }
            _ => self.plan.lost(diagnosis.reason),
        };
        self.shared.end(error);
    }

    /// Releases all partitions.
    fn clear(&self) {
        let places: Vec<_> = {
            let buffer = self.shared.buffer();
            let partitions = buffer.partitions().iter();
            partitions.map(|partition| partition.place()).collect()
        };
        let gone = self.shared.remove(&places);
        let metrics = Metrics {
            group: &self.plan.group,
            observer: &*self.plan.options.observer,
        };
        gone.into_iter()
            .for_each(|partition| metrics.forget(partition));
    }
}

impl Drop for Poller {
    /// The reader must not wait for a thread that has ended, for any reason.
    fn drop(&mut self) {
        if !self.shared.is_closing() {
            self.shared.end(self.plan.lost("its thread ended"));
        }
    }
}

/// Leaves the group, so that the next member gets the partitions at once; blocks until the
/// coordinator has answered.
fn leave(client: Arc<Client>) {
    client.context().retire();
    client.unsubscribe();
    drop(client);
}

/// A failed client may take long to end, so it ends on its own thread.
fn retire(client: Arc<Client>) {
    client.context().retire();
    drop(
        thread::Builder::new()
            .name("kafka-leaving".to_owned())
            .spawn(move || leave(client)),
    );
}
