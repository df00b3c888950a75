//! How a role is taken over, by a new writer or by the same writer with a new client, and how its
//! last transaction ended.

use std::time::Instant;

use rdkafka::producer::Producer as _;
use tokio::sync::oneshot;

use super::super::super::diagnosis::{self, Diagnosis};
use super::super::super::state::Tail;
use super::super::job::{Content, Job, Outgoing};
use super::super::mailbox::End;
use super::super::mark::{Mark, Outcome};
use super::super::verdict::Traits;
use super::ExactlyOnce;
use fedhost_base::clock;

impl ExactlyOnce {
    /// Creates a new client, and returns how the last transaction ended.
    pub(super) fn renew(&mut self, diagnosis: Diagnosis) -> Result<Outcome, End> {
        let mut trouble = diagnosis;
        loop {
            if self.shell.mailbox.is_over() {
                return Err(End::Closed);
            }
            // A writer that has taken over must not be fenced.
            let settled = self.look().and_then(|before| match before {
                Outcome::TakenOver => Ok(before),
                _ => self
                    .initialise(self.shell.deadline())
                    .and_then(|()| self.settle()),
            });
            match settled {
                Ok(Outcome::TakenOver) => {
                    return Err(self
                        .shell
                        .lost("another writer of the same role has taken over"));
                }
                Ok(outcome) => {
                    self.shell.is_well();
                    return Ok(outcome);
                }
                Err(diagnosis) => {
                    self.shell.try_later(trouble);
                    trouble = diagnosis;
                }
            }
        }
    }

    /// Creates a new client; the cluster ends the open transaction of the role's earlier client.
    pub(super) fn initialise(&mut self, until: Instant) -> Result<(), Diagnosis> {
        // The old client must be dropped first: it would only report that it was fenced.
        self.producer = None;
        let producer = self
            .shell
            .producer()
            .map_err(|error| diagnosis::of(&error))?;
        let producer = self.producer.insert(producer);
        loop {
            let left = until.saturating_duration_since(clock::now());
            match producer.client().init_transactions(left) {
                Err(error)
                    if Traits::of(&error).retriable
                        && !left.is_zero()
                        && !self.shell.mailbox.is_over() =>
                {
                    self.shell
                        .mailbox
                        .pause(self.shell.options.backoff.first.min(left));
                }
                other => {
                    return other.map_err(|error| {
                        self.shell
                            .listener
                            .trouble()
                            .unwrap_or(diagnosis::of(&error))
                    });
                }
            }
        }
    }

    /// How the last transaction ended, once it has ended.
    fn settle(&self) -> Result<Outcome, Diagnosis> {
        if let Some(since) = self.since {
            // Its mark may be after the start of another role's transaction.
            Tail::new(&self.shell.options, since).await_commits(self.shell.deadline())?;
        }
        self.look()
    }

    /// Looks for the mark of the last transaction among the committed ones.
    fn look(&self) -> Result<Outcome, Diagnosis> {
        let Some(since) = self.since else {
            return Ok(Outcome::NeverHappened);
        };
        let (name, mut marks) = (Mark::name(&self.shell.role), Vec::new());
        Tail::new(&self.shell.options, since).catch_up(
            self.shell.options.request,
            |key, value| {
                if key == name {
                    marks.push(value.unwrap_or_default().to_vec());
                }
            },
        )?;
        Ok(self.mark.outcome(marks.iter().map(Vec::as_slice)))
    }

    /// The mark as a write of its own, whose answer is not used.
    pub(super) fn marking(&self) -> Job {
        let (topic, name) = (
            &self.shell.options.state_topic,
            Mark::name(&self.shell.role),
        );
        let record = Outgoing::state(topic, name, self.mark.value());
        let content = Content {
            records: vec![record],
            told: 0,
            offsets: Vec::new(),
        };
        Job {
            content,
            reply: oneshot::channel().0,
            _room: None,
        }
    }
}
