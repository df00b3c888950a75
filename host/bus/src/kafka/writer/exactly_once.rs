//! A writer that uses transactions: all waiting writes go into the next transaction.
//!
//! A failed transaction is aborted and tried again as a whole. If the result of a transaction is
//! unknown, a new client settles it: when the new client is initialised, the cluster has committed
//! or aborted the transaction, and its mark shows which.

mod settle;
#[cfg(test)]
#[cfg(feature = "broker-tests")]
mod tests;

use std::time::Instant;

use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::producer::Producer as _;

use super::super::diagnosis::{self, Diagnosis, Kind};
use super::job::Job;
use super::mailbox::{End, Need};
use super::mark::{Mark, Outcome};
use super::offsets::{self, Share};
use super::pending::{Failure, Pending};
use super::producer::Producer;
use super::shell::Shell;
use super::verdict::{self, Fault, Move, Step, Traits};
use crate::Error;
use fedhost_base::clock;
use fedhost_base::metric;

pub(super) struct ExactlyOnce {
    shell: Shell,
    /// `None` while a new client is being created.
    producer: Option<Producer>,
    /// The mark of the newest transaction that was tried.
    mark: Mark,
    /// The offset of the newest mark that may be committed; all later changes are after it.
    since: Option<u64>,
}

/// Why a transaction failed, or may have failed.
enum Setback {
    /// It was aborted: it can be tried again with the same client.
    Aborted(Cause),
    /// The client cannot be used any more, and the transaction may have been committed.
    Open(Diagnosis),
}

/// Why a transaction was aborted.
enum Cause {
    /// Records were not written.
    Records(Vec<Failure>, Diagnosis),
    /// A reader has lost its place in its group. Unless a rebalance gives it a place again, those
    /// writes cannot be carried out.
    Stale(Share, Box<KafkaError>),
    /// Another cause.
    Other(Diagnosis),
}

impl ExactlyOnce {
    /// Takes over the role from an earlier writer, within the time of one request: its open
    /// transaction is ended, and its later transactions are refused.
    pub(super) fn start(shell: Shell) -> Result<Self, Diagnosis> {
        let until = shell.deadline();
        let mut writer = Self {
            shell,
            producer: None,
            mark: Mark::first(),
            since: None,
        };
        writer.initialise(until)?;
        // The first mark shows an earlier writer that the role was taken over.
        let mut claim = Pending::default();
        match writer.attempt(&mut claim, Some(until)) {
            Ok(_) => Ok(writer),
            Err(
                Setback::Aborted(Cause::Records(_, diagnosis) | Cause::Other(diagnosis))
                | Setback::Open(diagnosis),
            ) => Err(diagnosis),
            Err(Setback::Aborted(Cause::Stale(..))) => {
                Err(out_of_time("begin its first transaction"))
            }
        }
    }

    /// Runs until the writer is closed or another one takes over.
    pub(super) fn run(mut self) -> End {
        loop {
            let Some(producer) = &self.producer else {
                return End::Closed;
            };
            let post = self.shell.idle(producer);
            let closing = post.closing;
            if let Err(end) = self.carry_out(post.jobs) {
                return end;
            }
            if closing || self.shell.mailbox.is_over() {
                return End::Closed;
            }
        }
    }

    /// Carries out all writes in one transaction. If one of them cannot be carried out, each gets
    /// its own transaction.
    fn carry_out(&mut self, jobs: Vec<Job>) -> Result<(), End> {
        if jobs.is_empty() {
            return Ok(());
        }
        let mut cycle = Pending::default();
        jobs.into_iter().for_each(|job| cycle.push(job));
        let end = self.until_done(&mut cycle).err();
        for entry in cycle.take_all() {
            entry
                .job
                .answer(Err(end.as_ref().unwrap_or(&End::Closed).error()));
        }
        end.map_or(Ok(()), Err)
    }

    fn until_done(&mut self, cycle: &mut Pending) -> Result<(), End> {
        while !cycle.is_empty() {
            if self.shell.mailbox.is_over() {
                return Err(End::Closed);
            }
            self.refuse_fenced(cycle);
            if cycle.is_empty() {
                break;
            }
            match self.attempt(cycle, None) {
                Ok(shares) => self.answer(cycle, shares),
                Err(Setback::Aborted(cause)) => {
                    self.shell.count(metric::TRANSACTIONS_ABORTED, 1);
                    self.settle_aborted(cycle, cause)?;
                }
                Err(Setback::Open(diagnosis)) => {
                    if self.renew(diagnosis)? == Outcome::Happened {
                        let shares = self.shares(cycle);
                        self.answer(cycle, shares);
                    }
                }
            }
        }
        Ok(())
    }

    fn answer(&mut self, cycle: &mut Pending, shares: Vec<Share>) {
        self.shell.is_well();
        self.shell.count(metric::TRANSACTIONS_COMMITTED, 1);
        // After the answer, the caller may drop its reader and create another: no reference to the
        // first may remain.
        shares.into_iter().for_each(|share| share.stored());
        self.shell.answer(cycle.take_all());
    }

    fn refuse_fenced(&self, cycle: &mut Pending) {
        for entry in cycle.take_where(|content| self.shell.check(content).is_err()) {
            let refused = self.shell.check(&entry.job.content);
            entry
                .job
                .answer(Err(refused.err().unwrap_or(Error::Closed)));
        }
    }

    /// After an aborted transaction: answers the writes that cannot succeed, and waits if a retry
    /// may help.
    fn settle_aborted(&mut self, cycle: &mut Pending, cause: Cause) -> Result<(), End> {
        match cause {
            Cause::Stale(share, refused) if self.shell.rides_out(&share, &refused) => {}
            Cause::Stale(share, refused) => {
                for entry in cycle
                    .take_where(|content| content.offsets.iter().any(|offset| share.holds(offset)))
                {
                    let refusal = share.refusal(refused.to_string());
                    entry.job.answer(Err(refusal));
                }
            }
            Cause::Other(diagnosis) => self.shell.try_later(diagnosis),
            Cause::Records(failures, diagnosis) => {
                return self.mend_records(cycle, failures, diagnosis);
            }
        }
        Ok(())
    }

    fn mend_records(
        &mut self,
        cycle: &mut Pending,
        failures: Vec<Failure>,
        diagnosis: Diagnosis,
    ) -> Result<(), End> {
        let refused = failures
            .iter()
            .any(|failure| verdict::fault(failure.code) == Fault::Refused);
        if refused && cycle.contents().count() > 1 {
            // A batch is refused as a whole: each write is tried alone to find the refused one.
            return cycle
                .take_all()
                .into_iter()
                .try_for_each(|entry| self.carry_out(vec![entry.job]));
        }
        let mut answered = false;
        for failure in failures {
            // Several records of one write may fail; the write is removed with the first.
            let Some(topic) = cycle
                .record(failure.number)
                .map(|record| record.topic.clone())
            else {
                continue;
            };
            if let Some(error) = self.shell.refusal(&topic, failure.code)
                && let Some(entry) = cycle.remove(failure.number)
            {
                entry.job.answer(Err(error));
                answered = true;
            }
        }
        if !answered {
            self.shell.try_later(diagnosis);
        }
        Ok(())
    }

    /// One transaction, from begin to end.
    fn attempt(
        &mut self,
        cycle: &mut Pending,
        until: Option<Instant>,
    ) -> Result<Vec<Share>, Setback> {
        cycle.forget();
        self.mark = self.mark.next();
        let mark = self.marking();
        self.call(Step::Begin, |producer| {
            producer.client().begin_transaction()
        })?;
        cycle.push(mark);
        let written = self.write(cycle, until);
        let offset = cycle.newest_offset();
        drop(cycle.take_newest());
        written?;
        let shares = self.shares(cycle);
        for share in &shares {
            self.add_offsets(share)?;
        }
        self.since = offset.or(self.since);
        let request = self.shell.options.request;
        self.call(Step::Commit, |producer| {
            producer.client().commit_transaction(request)
        })?;
        Ok(shares)
    }

    /// Sends all records and waits until the broker has them.
    fn write(&mut self, cycle: &mut Pending, until: Option<Instant>) -> Result<(), Setback> {
        let Some(producer) = &self.producer else {
            return Err(Setback::Open(out_of_time("write")));
        };
        let mut failures = Vec::new();
        for (number, record) in cycle.unacknowledged() {
            if let Err(error) = producer.send(number, record) {
                failures.push(Failure {
                    number,
                    code: error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail),
                });
                break;
            }
        }
        while failures.is_empty() && cycle.missing() > 0 {
            if self.shell.mailbox.is_over() || until.is_some_and(|until| until <= clock::now()) {
                return Err(Setback::Open(
                    self.shell
                        .listener
                        .trouble()
                        .unwrap_or_else(|| out_of_time("write")),
                ));
            }
            let need = Need {
                jobs: None,
                reports: Some(cycle.missing()),
                until,
            };
            let reports = self.shell.mailbox.receive(need).reports;
            failures.extend(
                reports
                    .into_iter()
                    .filter_map(|report| cycle.settle(report)),
            );
        }
        if failures.is_empty() {
            Ok(())
        } else {
            Err(self.failed(failures))
        }
    }

    /// Ends a transaction in which some records were not written. The reports may show only a
    /// consequence. The client knows the cause, and returns it when it is asked to begin another
    /// transaction, which it cannot do now.
    fn failed(&mut self, failures: Vec<Failure>) -> Setback {
        let cause = match &self.producer {
            Some(producer) => producer.client().begin_transaction().err(),
            None => None,
        };
        let Some(error) = cause else {
            return Setback::Open(out_of_time("write"));
        };
        if verdict::after(Step::Records, Traits::of(&error)) == Move::Renew {
            return Setback::Open(diagnosis::of(&error));
        }
        // The client does not know the cause if it did not accept the record.
        let unaware = error.rdkafka_error_code() == Some(RDKafkaErrorCode::State);
        let own = failures
            .first()
            .filter(|_| unaware)
            .map(|failure| verdict::diagnosis(failure.code));
        let diagnosis = own.unwrap_or_else(|| diagnosis::of(&error));
        match self.abort() {
            Ok(()) => Setback::Aborted(Cause::Records(failures, diagnosis)),
            Err(open) => open,
        }
    }

    fn add_offsets(&mut self, share: &Share) -> Result<(), Setback> {
        let prepared = share
            .list()
            .and_then(|list| Ok((list, share.metadata(&self.shell.options)?)));
        let error = match prepared {
            Ok((list, metadata)) => match self.send_offsets(&list, &metadata) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            },
            Err(error) => error,
        };
        if verdict::after(Step::Offsets, Traits::of(&error)) == Move::Renew {
            return Err(Setback::Open(diagnosis::of(&error)));
        }
        self.abort()?;
        let cause = match error.rdkafka_error_code() {
            Some(code) if offsets::is_stale(code) => Cause::Stale(share.clone(), Box::new(error)),
            _ => Cause::Other(diagnosis::of(&error)),
        };
        Err(Setback::Aborted(cause))
    }

    fn send_offsets(
        &self,
        list: &rdkafka::TopicPartitionList,
        metadata: &ConsumerGroupMetadata,
    ) -> KafkaResult<()> {
        let request = self.shell.options.request;
        self.persist(Step::Offsets, |producer| {
            producer
                .client()
                .send_offsets_to_transaction(list, metadata, request)
        })
    }

    fn abort(&mut self) -> Result<(), Setback> {
        let request = self.shell.options.request;
        self.call(Step::Abort, |producer| {
            producer.client().abort_transaction(request)
        })
    }

    /// A call for which a new client is the only recovery.
    fn call(&self, step: Step, call: impl Fn(&Producer) -> KafkaResult<()>) -> Result<(), Setback> {
        self.persist(step, call)
            .map_err(|error| Setback::Open(diagnosis::of(&error)))
    }

    /// Repeats a call while that is the only recovery needed.
    fn persist(&self, step: Step, call: impl Fn(&Producer) -> KafkaResult<()>) -> KafkaResult<()> {
        let producer = self.producer.as_ref().ok_or(KafkaError::Canceled)?;
        let mut attempt = 0;
        loop {
            match call(producer) {
                Err(error)
                    if verdict::after(step, Traits::of(&error)) == Move::Again
                        && !self.shell.mailbox.is_over() =>
                {
                    attempt += 1;
                    self.shell
                        .mailbox
                        .pause(self.shell.options.backoff.pause(attempt));
                }
                other => return other,
            }
        }
    }

    fn shares(&self, cycle: &Pending) -> Vec<Share> {
        let merged = offsets::merge(cycle.contents().flat_map(|content| &content.offsets));
        offsets::shares(&self.shell.groups, merged)
    }
}

fn out_of_time(action: &str) -> Diagnosis {
    let hint = "`fedhost doctor` examines the connection, the topics and the rights".to_owned();
    Diagnosis {
        kind: Kind::Unreachable,
        reason: format!("no time was left to {action}"),
        hint,
    }
}
