//! Takes writes in, one after the other; the only part that moves [`Status::accepted`].

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fedhost_base::event::{Event, RunEvent};
use tokio::sync::{mpsc, oneshot, watch};

use super::Name;
use super::entry::{Stamp, Standing, Sums, encode, size};
use super::local::Local;
use super::status::{Level, Status, until};
use crate::trouble::Trouble;
use crate::{Error, GroupOffset, TopicId, Write};
use fedhost_base::clock;
use fedhost_base::metric;
use fedhost_base::observer::Observer;

/// A spool without room for this time is reported as full.
const FULL_AFTER: Duration = Duration::from_secs(1);

/// Of a write.
type State = [(String, Option<Bytes>)];

pub(super) enum Request {
    /// A write, and where to answer once it is safe. Left without an answer when the spool ends.
    Write(Write, oneshot::Sender<Result<(), Error>>),
    /// A reader begins there, in topics of these ids.
    Begin(Vec<(GroupOffset, Option<TopicId>)>),
}

pub(super) struct Intake {
    pub(super) name: Arc<Name>,
    pub(super) requests: mpsc::Receiver<Request>,
    pub(super) local: Arc<Local>,
    pub(super) status: Arc<watch::Sender<Status>>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) trouble: Trouble,
    pub(super) generation: u128,
    /// The state of its role is kept here as well.
    pub(super) alone: bool,
    pub(super) max_bytes: u64,
    /// Where each group stands, as far as its writer knows.
    pub(super) positions: BTreeMap<(String, Arc<str>, u32), Standing>,
}

impl Intake {
    /// Ends with the spool; when that is only closing, after the write that is under way.
    pub(super) async fn run(mut self) {
        let status = Arc::clone(&self.status);
        tokio::select! {
            biased;
            _ = until(&status, |status| status.end.is_some()) => {}
            () = self.serve() => {}
        }
    }

    async fn serve(&mut self) {
        let status = Arc::clone(&self.status);
        loop {
            let request = tokio::select! {
                biased;
                _ = until(&status, |status| status.closing) => return,
                request = self.requests.recv() => request,
            };
            match request {
                Some(Request::Begin(offsets)) => self.begin(offsets),
                Some(Request::Write(write, reply)) => {
                    if let Some(answer) = self.accept(write).await {
                        // If the writer has gone, the answer is dropped.
                        drop(reply.send(answer));
                    }
                }
                None => return,
            }
        }
    }

    fn begin(&mut self, offsets: Vec<(GroupOffset, Option<TopicId>)>) {
        for (offset, topic_id) in offsets {
            let place = (offset.group, offset.topic, offset.partition);
            let next = offset.next;
            self.positions.insert(place, Standing { next, topic_id });
        }
    }

    fn advance(&mut self, offsets: Vec<GroupOffset>) {
        for offset in offsets {
            let place = (offset.group, offset.topic, offset.partition);
            self.positions.entry(place).or_default().next = offset.next;
        }
    }

    /// `None` when the spool closed before the write was taken in.
    async fn accept(&mut self, write: Write) -> Option<Result<(), Error>> {
        // Nothing is known of a group without a reader so far: this write is treated as if it did
        // not move the group.
        let from = |offset: &GroupOffset| {
            let place = (
                offset.group.clone(),
                Arc::clone(&offset.topic),
                offset.partition,
            );
            let standing = self.positions.get(&place).cloned();
            standing.unwrap_or(Standing {
                next: offset.next,
                topic_id: None,
            })
        };
        let value = Bytes::from(encode(&write, from));
        let bytes = size(&value);
        if !self.room_for(bytes).await {
            return None;
        }
        let records = write.records.len() as u64;
        let before = self.status.borrow().accepted.sums;
        let sums = Sums {
            records: before.records + records,
            bytes: before.bytes + bytes,
        };
        let now_ms = clock::now_ms();
        let stamp = Stamp {
            generation: self.generation,
            sums,
        };
        let state = if self.alone { &*write.state } else { &[] };
        let offset = match self.append(stamp, value, state, now_ms).await {
            Ok(offset) => offset,
            Err(error) => return Some(Err(error)),
        };
        self.advance(write.offsets);
        self.status.send_modify(|status| {
            if status.is_empty() {
                status.oldest_ms = now_ms;
            }
            status.accepted = Level {
                offset: offset + 1,
                sums,
            };
        });
        self.observer
            .count(metric::SPOOL_WRITTEN, &self.name.labels(), records);
        self.status
            .borrow()
            .tell(&*self.observer, &self.name.labels());
        Some(Ok(()))
    }

    /// Waits until `bytes` fit, or nothing else waits; `false` when the spool closes meanwhile.
    async fn room_for(&self, bytes: u64) -> bool {
        let fits = |status: &Status| status.is_empty() || status.bytes() + bytes <= self.max_bytes;
        let mut room = pin!(until(&self.status, |status| status.closing || fits(status)));
        let status = tokio::select! {
            biased;
            status = room.as_mut() => status,
            // A bus that is only slow makes room all the time.
            () = tokio::time::sleep(FULL_AFTER) => {
                let detail = format!("{} is full: writers wait until the bus takes something", self.name.directory);
                self.observer.announce(Event::Run(RunEvent::Warned { part: self.name.part.clone(), detail }));
                room.await
            }
        };
        !status.closing
    }

    /// Waits for a full or failing disk to get better: the log takes nothing more until it is
    /// opened again, and then it shows whether the write is there.
    async fn append(
        &mut self,
        stamp: Stamp,
        value: Bytes,
        state: &State,
        now_ms: u64,
    ) -> Result<u64, Error> {
        let error = match self.local.append(&stamp, &value, state, now_ms).await {
            Err(error @ (Error::Storage { .. } | Error::Closed)) => error,
            other => return other,
        };
        self.trouble.met(&error).await;
        loop {
            match self.append_again(stamp, &value, state, now_ms).await {
                Ok(offset) => {
                    self.trouble.over();
                    return Ok(offset);
                }
                Err(error) => self.trouble.met(&error).await,
            }
        }
    }

    async fn append_again(
        &self,
        stamp: Stamp,
        value: &Bytes,
        state: &State,
        now_ms: u64,
    ) -> Result<u64, Error> {
        self.local.reopen().await?;
        if let Some(newest) = self.local.newest().await?
            && Stamp::decode(&newest).is_ok_and(|newest| newest == stamp)
        {
            return Ok(newest.position.offset);
        }
        self.local.append(&stamp, value, state, now_ms).await
    }
}
