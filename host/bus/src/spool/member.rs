//! A member of a group that shares partitions, in front of which lies a spool.
//!
//! A partition is given up only once the writes that were accepted before have arrived, so the next
//! owner begins behind them. Writes that are still here when the time of a partition is over are
//! left out: the next owner does their work.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{mpsc, watch};

use super::intake::Request;
use super::status::Status;
use crate::{Assignment, Error, GroupOffset, Member, MemberEvent, TopicId};

/// Topic and partition.
type Place = (Arc<str>, u32);

pub(super) struct SpooledMember {
    inner: Box<dyn Member>,
    status: watch::Receiver<Status>,
    requests: mpsc::Sender<Request>,
    /// Where partitions begin, for the task that takes writes in.
    begins: Vec<(GroupOffset, Option<TopicId>)>,
    /// For the owner, once the task above knows.
    event: Option<MemberEvent>,
    /// Released by the owner; each waits until the spool has come so far.
    released: VecDeque<(u64, Vec<Place>)>,
}

impl SpooledMember {
    pub(super) fn new(
        inner: Box<dyn Member>,
        status: watch::Receiver<Status>,
        requests: mpsc::Sender<Request>,
    ) -> Self {
        Self {
            inner,
            status,
            requests,
            begins: Vec::new(),
            event: None,
            released: VecDeque::new(),
        }
    }

    fn note(&mut self, event: MemberEvent) {
        if let MemberEvent::Assigned(assigned) = &event {
            let begin = |new: &Assignment| (new.offset(new.next), None);
            self.begins.extend(assigned.iter().map(begin));
        }
        self.event = Some(event);
    }
}

#[async_trait]
impl Member for SpooledMember {
    async fn next(&mut self, max: usize) -> Result<MemberEvent, Error> {
        loop {
            if !self.begins.is_empty() {
                let begins = Request::Begin(self.begins.clone());
                self.requests
                    .send(begins)
                    .await
                    .map_err(|_| Error::Closed)?;
                self.begins.clear();
            }
            if let Some(event) = self.event.take() {
                return Ok(event);
            }
            let wanted = self.released.front().map(|(offset, _)| *offset);
            let changed = |status: &Status| {
                status.end.is_some() || wanted.is_some_and(|offset| status.drained.offset >= offset)
            };
            let event = tokio::select! {
                biased;
                status = self.status.wait_for(changed) => {
                    match status {
                        Ok(status) if status.end.is_none() => None,
                        Ok(status) => return Err(status.refusal().unwrap_or(Error::Closed)),
                        Err(_) => return Err(Error::Closed),
                    }
                }
                event = self.inner.next(max) => Some(event?),
            };
            match event {
                Some(event) => self.note(event),
                // What was released before has arrived.
                None => {
                    if let Some((_, partitions)) = self.released.pop_front() {
                        self.inner.release(&partitions);
                    }
                }
            }
        }
    }

    fn release(&mut self, partitions: &[Place]) {
        let accepted = self.status.borrow().accepted.offset;
        self.released.push_back((accepted, partitions.to_vec()));
    }

    fn positions(&self) -> BTreeMap<Place, u64> {
        self.inner.positions()
    }

    fn seek(&mut self, topic: &str, partition: u32, next: u64) {
        self.inner.seek(topic, partition, next);
    }
}
