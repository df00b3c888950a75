//! Carries the writes to the bus behind the spool, in order, each once; the only part that moves
//! [`Status::drained`].

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use fedhost_base::event::{Event, RunEvent};
use tokio::sync::watch;

use super::batch::{Batch, Taken};
use super::current_topics::CurrentTopics;
use super::drain_checkpoint::DrainCheckpoint;
use super::entry::{Move, Stamp};
use super::local::{Local, Reader};
use super::status::{Contact, End, Level, Status, end, until};
use super::superseded;
use super::{Name, TOGETHER, aside};
use crate::trouble::Trouble;
use crate::{Bus, Error, Write};
use fedhost_base::hint::explain;
use fedhost_base::metric;
use fedhost_base::observer::Observer;

pub(super) struct Drain {
    pub(super) name: Arc<Name>,
    pub(super) local: Arc<Local>,
    pub(super) reader: Reader,
    pub(super) remote: Arc<dyn Bus>,
    pub(super) status: Arc<watch::Sender<Status>>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) trouble: Trouble,
    /// No other process does the work of its role.
    pub(super) alone: bool,
    /// Identity of the log.
    pub(super) home: u128,
    /// What the other side has kept of this spool, as far as known.
    pub(super) checkpoint: Option<DrainCheckpoint>,
    /// Writes below this offset go alone: together they were refused, and it is not known for which
    /// of them.
    pub(super) suspect: u64,
    /// What has arrived could not be deleted here, which was reported.
    pub(super) kept: bool,
    /// The topics as they are on the other side.
    pub(super) topics: Arc<CurrentTopics>,
    /// How far the groups are on the other side, asked for once after every trouble.
    pub(super) stored: BTreeMap<String, BTreeMap<(Arc<str>, u32), u64>>,
}

impl Drain {
    /// Ends with the spool, or when it is closing and nothing is to go out.
    pub(super) async fn run(mut self) {
        let status = Arc::clone(&self.status);
        let over = |status: &Status| {
            status.end.is_some() || status.closing && (status.is_empty() || !status.in_use)
        };
        tokio::select! {
            biased;
            _ = until(&status, over) => {}
            () = self.serve() => {}
        }
    }

    async fn serve(&mut self) {
        until(&self.status, |status| status.in_use).await;
        loop {
            let Err(error) = self.until_trouble().await;
            match error {
                Error::Lost { what, reason } => {
                    return end(&self.status, End::Lost { what, reason });
                }
                Error::Closed => return end(&self.status, End::Closed),
                // Which of them it is shows when each goes alone.
                Error::TooLarge { .. } | Error::Fenced { .. }
                    if self.suspect < self.reader.next() =>
                {
                    self.suspect = self.reader.next()
                }
                error => {
                    if !matches!(error, Error::Unreachable { .. }) {
                        self.suspect = self.reader.next();
                    }
                    self.status
                        .send_modify(|status| status.contact = Contact::Trouble);
                    self.tell();
                    self.trouble.met(&error).await;
                }
            }
        }
    }

    async fn until_trouble(&mut self) -> Result<Infallible, Error> {
        self.settle().await?;
        self.status
            .send_modify(|status| status.contact = Contact::Well);
        if self.status.borrow().is_empty() {
            self.trouble.over();
        }
        loop {
            let taken = self.take().await?;
            self.deliver(taken).await?;
            if self.reader.next() >= self.suspect {
                self.trouble.over();
            }
        }
    }

    /// Waits for writes that their writer knows to be accepted.
    async fn take(&mut self) -> Result<Vec<Taken>, Error> {
        let next = self.reader.next();
        let waiting = until(&self.status, |status| status.accepted.offset > next)
            .await
            .accepted
            .offset
            .saturating_sub(next);
        let max = if next < self.suspect { 1 } else { TOGETHER };
        let records = self
            .reader
            .read(usize::try_from(waiting).unwrap_or(max).min(max))
            .await?;
        let mut writes = Vec::with_capacity(records.len());
        for record in records {
            let mut taken = Taken::read(&self.name.directory, record)?;
            let moves = &mut taken.entry.moves;
            moves.retain(|step| !self.topics.is_outdated(step));
            writes.push(taken);
        }
        Ok(writes)
    }

    fn tell(&self) {
        self.status
            .borrow()
            .tell(&*self.observer, &self.name.labels());
    }

    /// Finds out how far an earlier process, or a try that was cut off, has come, and begins behind
    /// that.
    async fn settle(&mut self) -> Result<(), Error> {
        self.stored.clear();
        let checkpoint = self
            .remote
            .state(&self.name.state)
            .await?
            .as_deref()
            .and_then(DrainCheckpoint::decode);
        let begin = self.status.borrow().drained.offset;
        self.reader.seek(begin);
        if let Some(checkpoint) = checkpoint.filter(|_| checkpoint != self.checkpoint)
            && let Some((offset, stamp)) = self.arrived(begin, checkpoint).await?
        {
            self.forget(offset, stamp).await;
        }
        let is_another_s =
            self.alone && checkpoint.is_some_and(|checkpoint| checkpoint.home != self.home);
        if is_another_s && checkpoint != self.local.base().await? {
            self.give_way().await?;
        }
        self.checkpoint = checkpoint;
        self.reader.seek(self.status.borrow().drained.offset);
        Ok(())
    }

    /// Another log has brought the work of this role further: what waits here began from what is no
    /// longer true.
    async fn give_way(&mut self) -> Result<(), Error> {
        let reason = "another process has gone on with the work of this role";
        self.reader.seek(self.status.borrow().drained.offset);
        // What comes in meanwhile is for the next start.
        let end = self.status.borrow().accepted.offset;
        while self.status.borrow().drained.offset < end {
            let taken = self.take().await?;
            self.set_aside(&taken, reason).await?;
            if let Some(last) = taken.last() {
                self.forget(last.offset, last.stamp).await;
            }
        }
        if self.status.borrow().assumed {
            return Err(Error::Lost {
                what: self.name.part.clone(),
                reason: reason.to_owned(),
            });
        }
        Ok(())
    }

    async fn set_aside(&mut self, taken: &[Taken], reason: &str) -> Result<(), Error> {
        let file = aside::keep(&self.name.directory, taken, reason).await?;
        let records: usize = taken.iter().map(|taken| taken.entry.records.len()).sum();
        let (writes, file) = (taken.len(), file.display());
        let detail =
            format!("{writes} writes with {records} records are set aside in {file}: {reason}");
        self.observer.announce(Event::Run(RunEvent::Warned {
            part: self.name.part.clone(),
            detail,
        }));
        Ok(())
    }

    /// The last write that `checkpoint` says has arrived. Those before it have too, whichever their
    /// generation.
    async fn arrived(
        &mut self,
        begin: u64,
        checkpoint: DrainCheckpoint,
    ) -> Result<Option<(u64, Stamp)>, Error> {
        let end = self.status.borrow().accepted.offset.min(checkpoint.next);
        let (mut at, mut last) = (begin, None);
        while at < end {
            for record in self.reader.read(TOGETHER).await? {
                let taken = Taken::read(&self.name.directory, record)?;
                at = taken.offset + 1;
                if at <= end && taken.stamp.generation == checkpoint.generation {
                    last = Some((taken.offset, taken.stamp));
                }
            }
        }
        Ok(last)
    }

    async fn deliver(&mut self, taken: Vec<Taken>) -> Result<(), Error> {
        let (Some(first), Some(last)) = (taken.first(), taken.last()) else {
            return Ok(());
        };
        let (oldest_ms, offset, stamp, checkpoint) = (
            first.accepted_ms,
            last.offset,
            last.stamp,
            last.checkpoint(self.home),
        );
        self.status
            .send_modify(|status| status.oldest_ms = oldest_ms);
        let mut done = Vec::new();
        let mut kept = Vec::new();
        for write in taken {
            if self.is_done(&write.entry.moves).await? {
                done.push(write);
            } else {
                kept.push(write);
            }
        }
        if !kept.is_empty() {
            let mut batch = Batch::default();
            for write in &kept {
                batch.push(write.entry.clone());
            }
            let write = batch.finish(&self.name.state, checkpoint);
            match self.carry_over(write, kept.len() == 1).await? {
                None => self.checkpoint = Some(checkpoint),
                Some(error @ Error::Fenced { .. }) => {
                    for write in &kept {
                        self.leave_out(write, &error.to_string());
                    }
                }
                Some(error) => self.set_aside(&kept, &explain(&error)).await?,
            }
        }
        // Not before: a batch that is refused is tried again, write by write.
        for write in &done {
            self.leave_out(write, "another process has done its work meanwhile");
        }
        self.forget(offset, stamp).await;
        Ok(())
    }

    /// Its input is read again by the process that has the partitions.
    fn leave_out(&self, write: &Taken, reason: &str) {
        let (offset, records) = (write.offset, write.entry.records.len());
        let directory = &self.name.directory;
        let detail =
            format!("write {offset} of {directory} with {records} records was left out: {reason}");
        self.observer.announce(Event::Run(RunEvent::Warned {
            part: self.name.part.clone(),
            detail,
        }));
    }

    /// Why the bus will never take the write, which goes alone; `None` once it has arrived.
    async fn carry_over(&mut self, write: Write, alone: bool) -> Result<Option<Error>, Error> {
        let judged = alone.then(|| write.clone());
        match (self.remote.write(write).await, judged) {
            (Ok(_), _) => Ok(None),
            (Err(error @ (Error::TooLarge { .. } | Error::Fenced { .. })), Some(_)) => {
                Ok(Some(error))
            }
            // It may be larger than the topic takes by now.
            (Err(error @ Error::Refused { .. }), Some(judged)) => {
                self.remote.topics().await?;
                match self.remote.check(&judged).await {
                    Err(too_large @ Error::TooLarge { .. }) => Ok(Some(too_large)),
                    _ => Err(error),
                }
            }
            (Err(error), _) => Err(error),
        }
    }

    async fn is_done(&mut self, moves: &[Move]) -> Result<bool, Error> {
        for step in moves {
            if !self.stored.contains_key(&step.to.group) {
                let stored = self.remote.group_offsets(&step.to.group).await?;
                let stored = stored
                    .into_iter()
                    .map(|offset| ((offset.topic, offset.partition), offset.next));
                self.stored.insert(step.to.group.clone(), stored.collect());
            }
        }
        let stored = |step: &Move| {
            let place = (Arc::clone(&step.to.topic), step.to.partition);
            self.stored.get(&step.to.group)?.get(&place).copied()
        };
        Ok(superseded::done(moves, stored))
    }

    /// Everything up to the write at `offset` has arrived.
    async fn forget(&mut self, offset: u64, stamp: Stamp) {
        let drained = Level {
            offset: offset + 1,
            sums: stamp.sums,
        };
        let before = self.status.borrow().drained.sums.records;
        self.status.send_modify(|status| status.drained = drained);
        let records = drained.sums.records.saturating_sub(before);
        self.observer
            .count(metric::SPOOL_DRAINED, &self.name.labels(), records);
        self.tell();
        let forgotten = self.local.forget(offset + 1).await;
        let failed = matches!(&forgotten, Err(error) if !matches!(error, Error::Closed));
        if let Err(error) = forgotten
            && failed
            && !self.kept
        {
            // Nothing is lost or done twice by it: the checkpoint shows after the next start what has
            // arrived.
            self.observer.announce(Event::Run(RunEvent::Warned {
                part: self.name.part.clone(),
                detail: explain(&error),
            }));
        }
        self.kept = failed;
    }
}
