//! What both kinds of writer share: options, client, retries and metrics.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

use super::super::catalogue::Catalogue;
use super::super::client::Listener;
use super::super::diagnosis::Diagnosis;
use super::super::groups::Groups;
use super::super::options::Options;
use super::job::{Content, Outgoing};
use super::mailbox::{End, Limit, Mailbox, Need, Post};
use super::offsets::{self, Share};
use super::pending::Entry;
use super::producer::Producer;
use super::verdict::{self, Fault};
use crate::Error;
use fedhost_base::clock;
use fedhost_base::metric::{self, Count};

/// Largest amount taken from the mailbox at once.
pub(super) const LIMIT: Limit = Limit {
    count: 1_024,
    bytes: 16 << 20,
};

/// Longest time of a health check of a failing client: writes wait meanwhile.
const PROBE: Duration = Duration::from_secs(1);

pub(super) struct Shell {
    pub(super) role: String,
    pub(super) options: Options,
    pub(super) groups: Arc<Groups>,
    pub(super) topics: Arc<Catalogue>,
    pub(super) listener: Arc<Listener>,
    pub(super) mailbox: Arc<Mailbox>,
    /// Failed attempts since the last success.
    tries: u32,
    /// When a rebalance began to delay the commits of offsets.
    rebalancing: Option<Instant>,
    /// Number of all retries.
    retries: u64,
    /// Topics that the broker did not know, with the number of retries before that.
    unknown: HashMap<Arc<str>, u64>,
}

impl Shell {
    pub(super) fn new(
        role: &str,
        options: Options,
        groups: Arc<Groups>,
        topics: Arc<Catalogue>,
        mailbox: Arc<Mailbox>,
    ) -> Self {
        let listener = Arc::new(Listener::new(
            format!("writer of {role}"),
            &options.observer,
        ));
        let (role, unknown) = (role.to_owned(), HashMap::new());
        Self {
            role,
            options,
            groups,
            topics,
            listener,
            mailbox,
            tries: 0,
            rebalancing: None,
            retries: 0,
            unknown,
        }
    }

    pub(super) fn producer(&self) -> KafkaResult<Producer> {
        Producer::create(
            &self.options,
            &self.role,
            &self.topics,
            &self.listener,
            &self.mailbox,
        )
    }

    /// Reports an error that may be temporary, and waits before the next attempt.
    pub(super) fn try_later(&mut self, diagnosis: Diagnosis) {
        self.count(metric::WRITE_RETRIES, 1);
        self.listener.is_in_trouble(diagnosis);
        self.tries += 1;
        self.retries += 1;
        self.mailbox.pause(self.options.backoff.pause(self.tries));
    }

    /// A call that needs the broker was successful.
    pub(super) fn is_well(&mut self) {
        (self.tries, self.rebalancing) = (0, None);
        self.listener.is_well();
    }

    /// Waits briefly if offsets were refused during a rebalance, after which their reader may
    /// continue; `false` if there is no rebalance, or it takes too long.
    pub(super) fn rides_out(&mut self, share: &Share, refused: &KafkaError) -> bool {
        let since = *self.rebalancing.get_or_insert_with(clock::now);
        let may_pass = share.is_shared()
            || refused
                .rdkafka_error_code()
                .is_some_and(offsets::is_in_rebalance);
        let rides_out =
            may_pass && clock::now().saturating_duration_since(since) < self.options.request;
        if rides_out {
            self.mailbox.pause(self.options.backoff.first);
        }
        rides_out
    }

    /// Waits for writes while none is in progress. A client that failed is checked from time to
    /// time: it would not notice a recovery by itself.
    pub(super) fn idle(&mut self, producer: &Producer) -> Post {
        let until = self
            .listener
            .trouble()
            .map(|_| clock::now() + self.options.backoff.pause(self.tries + 1));
        let post = self.mailbox.receive(Need {
            jobs: Some(LIMIT),
            reports: None,
            until,
        });
        if until.is_some() && post.jobs.is_empty() && !post.closing {
            match producer.probe(&self.options.state_topic.name, PROBE) {
                Ok(()) => self.is_well(),
                Err(_) => self.tries += 1,
            }
        }
        post
    }

    /// Refuses a write if its offsets were fenced in the meantime.
    pub(super) fn check(&self, content: &Content) -> Result<(), Error> {
        offsets::check(&self.groups, &content.offsets)
    }

    /// The error for a write whose record was not written for this reason; `None` if it has to be
    /// retried.
    pub(super) fn refusal(&mut self, topic: &Arc<str>, code: RDKafkaErrorCode) -> Option<Error> {
        match verdict::fault(code) {
            Fault::None => None,
            // A broker that has just started may not know the topic yet.
            Fault::Unknown => {
                let before = *self
                    .unknown
                    .entry(Arc::clone(topic))
                    .or_insert(self.retries);
                (before < self.retries).then(|| Error::UnknownTopic {
                    topic: topic.to_string(),
                })
            }
            Fault::Refused => {
                let diagnosis = verdict::diagnosis(code);
                Some(diagnosis.into_error(
                    &self.options.bus_name(),
                    &format!("write a record to {topic:?}"),
                ))
            }
        }
    }

    /// Answers writes that are done, and counts them.
    pub(super) fn answer(&mut self, done: Vec<Entry>) {
        let written = || done.iter().flat_map(|entry| &entry.job.content.records);
        if !self.unknown.is_empty() {
            self.unknown
                .retain(|topic, _| written().all(|record| record.topic != *topic));
        }
        let records: usize = done.iter().map(|entry| entry.job.content.count()).sum();
        let bytes: usize = written().map(Outgoing::bytes).sum();
        self.count(metric::RECORDS_WRITTEN, records as u64);
        self.count(metric::BYTES_WRITTEN, bytes as u64);
        for entry in done {
            let positions = entry.positions();
            entry.job.answer(Ok(positions));
        }
    }

    pub(super) fn count(&self, metric: Count, by: u64) {
        self.listener.count(metric, by);
    }

    /// The time limit of a request that starts now.
    pub(super) fn deadline(&self) -> Instant {
        clock::now() + self.options.request
    }

    pub(super) fn lost(&self, reason: impl Into<String>) -> End {
        End::Lost {
            what: self.listener.part().to_owned(),
            reason: reason.into(),
        }
    }
}
