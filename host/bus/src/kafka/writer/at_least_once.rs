//! A writer that has many writes in progress and answers them in order.
//!
//! The client is idempotent unless it is configured otherwise, and never drops a record by itself.
//! When it fails permanently, a new client gets all unacknowledged records, in order. State is sent
//! after the records that it describes, and offsets after both.

use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

use super::super::diagnosis;
use super::mailbox::{End, Need, Post};
use super::offsets::{self, Share};
use super::pending::{Entry, Failure, Pending};
use super::producer::Producer;
use super::shell::{LIMIT, Shell};
use super::verdict::{self, Commit, Fault};
use crate::GroupOffset;

pub(super) struct AtLeastOnce {
    shell: Shell,
    producer: Producer,
    pending: Pending,
}

impl AtLeastOnce {
    pub(super) fn start(shell: Shell) -> KafkaResult<Self> {
        Ok(Self {
            producer: shell.producer()?,
            shell,
            pending: Pending::with_state_last(),
        })
    }

    /// Runs until the writer is closed.
    pub(super) fn run(mut self) -> End {
        loop {
            let post = self.receive();
            let closing = post.closing;
            let failure = self.take_in(post).or_else(|| self.hand_over_state());
            let late = self
                .pending
                .reopen_late(self.shell.options.delivery_timeout());
            let failure = failure.or(late);
            self.finish();
            if let Some(failure) = failure {
                self.hand_over_again(failure);
            }
            if self.shell.mailbox.is_over() || closing && self.pending.is_empty() {
                self.pending
                    .take_all()
                    .into_iter()
                    .for_each(|entry| entry.job.answer(Err(End::Closed.error())));
                return End::Closed;
            }
        }
    }

    fn receive(&mut self) -> Post {
        if self.pending.is_empty() {
            return self.shell.idle(&self.producer);
        }
        let reports = Some(self.pending.missing_of_oldest());
        self.shell.mailbox.receive(Need {
            jobs: Some(LIMIT),
            reports,
            until: None,
        })
    }

    /// Applies the client's reports and sends new writes; returns the record that was not written,
    /// if any.
    fn take_in(&mut self, post: Post) -> Option<Failure> {
        let mut failure = None;
        for report in post.reports {
            failure = failure.or(self.pending.settle(report));
        }
        for job in post.jobs {
            if let Err(error) = self.shell.check(&job.content) {
                job.answer(Err(error));
                continue;
            }
            self.pending.push(job);
            if failure.is_none() {
                failure = self.hand_over_newest();
            }
        }
        failure
    }

    fn hand_over_newest(&self) -> Option<Failure> {
        let sent = self.pending.newest().try_for_each(|(number, record)| {
            self.producer
                .send(number, record)
                .map_err(|error| failure(number, &error))
        });
        sent.err()
    }

    fn hand_over_state(&mut self) -> Option<Failure> {
        let released = self.pending.release_state();
        let sent = released.iter().try_for_each(|(number, record)| {
            self.producer
                .send(*number, record)
                .map_err(|error| failure(*number, &error))
        });
        sent.err()
    }

    /// Stores the offsets of completed writes and answers them.
    fn finish(&mut self) {
        let mut done = self.pending.take_done();
        if done.is_empty() {
            return;
        }
        self.shell.is_well();
        let merged = offsets::merge(done.iter().flat_map(|entry| &entry.job.content.offsets));
        for share in offsets::shares(&self.shell.groups, merged) {
            done = self.store(share, done);
        }
        self.shell.answer(done);
    }

    /// Stores the offsets of one reader and answers the writes that may no longer move them;
    /// returns the other writes.
    fn store(&mut self, mut share: Share, mut done: Vec<Entry>) -> Vec<Entry> {
        while let Err(reason) = self.commit(&share) {
            let is_fenced = |entry: &Entry| self.shell.check(&entry.job.content).is_err();
            let (fenced, left): (Vec<_>, _) = done.into_iter().partition(is_fenced);
            if fenced.is_empty() || !share.is_shared() {
                let all = fenced.into_iter().chain(left).collect();
                return refuse_those_with(&share, all, &reason);
            }
            // A member lost some of its partitions; writes for its other partitions are not
            // affected.
            for entry in fenced {
                let refusal = self.shell.check(&entry.job.content).err();
                let error = refusal.unwrap_or_else(|| share.refusal(reason.clone()));
                entry.job.answer(Err(error));
            }
            done = left;
            let offsets = done.iter().flat_map(|entry| &entry.job.content.offsets);
            share.offsets = offsets::merge(offsets.filter(|offset| share.holds(offset)));
            if share.offsets.is_empty() {
                break;
            }
        }
        done
    }

    /// Stores the offsets of one reader; retries until the reader has lost its place in the group
    /// or the writer's time is over.
    fn commit(&mut self, share: &Share) -> Result<(), String> {
        while let Err(error) = share.commit(&self.shell.options) {
            let over = self.shell.mailbox.is_over();
            match verdict::after_commit(&error) {
                _ if over => return Err(error.to_string()),
                Commit::Again => self.shell.try_later(diagnosis::of(&error)),
                Commit::Lost if self.shell.rides_out(share, &error) => {
                    offsets::check(&self.shell.groups, &share.offsets)
                        .map_err(|refused| refused.to_string())?;
                }
                Commit::Lost => return Err(error.to_string()),
            }
        }
        self.shell.is_well();
        share.stored();
        Ok(())
    }

    /// Sends all unacknowledged records with a new client; retries until a client accepts them.
    fn hand_over_again(&mut self, failure: Failure) {
        let mut next = Some(failure);
        while let Some(failure) = next
            && !self.shell.mailbox.is_over()
        {
            let one_by_one = verdict::fault(failure.code) == Fault::Refused;
            if !one_by_one && !self.refuse(failure) {
                self.shell.try_later(verdict::diagnosis(failure.code));
            }
            match self.shell.producer() {
                // The old client drops its records; its reports no longer count.
                Ok(producer) => self.producer = producer,
                Err(error) => {
                    self.shell.try_later(diagnosis::of(&error));
                    continue;
                }
            }
            self.pending.renumber();
            next = if one_by_one {
                self.hand_over_one_by_one()
            } else {
                self.hand_over_all()
            };
        }
    }

    fn hand_over_all(&self) -> Option<Failure> {
        let sent = self
            .pending
            .unacknowledged()
            .try_for_each(|(number, record)| {
                self.producer
                    .send(number, record)
                    .map_err(|error| failure(number, &error))
            });
        sent.err()
    }

    /// A batch is refused as a whole: the records are sent one by one to find the refused one.
    fn hand_over_one_by_one(&mut self) -> Option<Failure> {
        while let Some((number, record)) = self.pending.first_unacknowledged()
            && !self.shell.mailbox.is_over()
        {
            let failure = match self.producer.send(number, &record) {
                Ok(()) => self.await_report(number),
                Err(error) => Some(failure(number, &error)),
            };
            if let Some(failure) = failure
                && !self.refuse(failure)
            {
                return Some(failure);
            }
        }
        None
    }

    fn await_report(&mut self, number: usize) -> Option<Failure> {
        while !self.pending.is_acknowledged(number) && !self.shell.mailbox.is_over() {
            let post = self.shell.mailbox.receive(Need {
                reports: Some(1),
                ..Need::default()
            });
            let failure = post
                .reports
                .into_iter()
                .filter_map(|report| self.pending.settle(report))
                .next();
            if failure.is_some() {
                return failure;
            }
        }
        None
    }

    /// Ends the write of the refused record; `false` if the record is not the cause.
    fn refuse(&mut self, failure: Failure) -> bool {
        let Some(record) = self.pending.record(failure.number) else {
            return false;
        };
        let Some(error) = self.shell.refusal(&record.topic, failure.code) else {
            return false;
        };
        if let Some(entry) = self.pending.remove(failure.number) {
            entry.job.answer(Err(error));
        }
        true
    }
}

/// The records of those writes exist and will be written again: the next reader reads their input
/// again.
fn refuse_those_with(share: &Share, done: Vec<Entry>, reason: &str) -> Vec<Entry> {
    let holds = |entry: &Entry| {
        entry
            .job
            .content
            .offsets
            .iter()
            .any(|offset: &GroupOffset| share.holds(offset))
    };
    let (refused, left): (Vec<_>, _) = done.into_iter().partition(holds);
    for entry in refused {
        entry.job.answer(Err(share.refusal(reason)));
    }
    left
}

fn failure(number: usize, error: &KafkaError) -> Failure {
    Failure {
        number,
        code: error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail),
    }
}
