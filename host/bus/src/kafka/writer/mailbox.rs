//! Everything that reaches a writer's thread: writes from tasks, reports from the client, and the
//! wish to end.
//!
//! Writes are bounded by the room they take until they are answered; reports are bounded by what is
//! under way.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::error::RDKafkaErrorCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::job::{Content, Job};
use crate::{Error, Position};
use fedhost_base::clock;

/// Room is counted in pieces of this many bytes.
const PIECE: usize = 1 << 10;

/// What became of a record that was handed to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Report {
    /// As it was handed over; see [`super::pending::Pending`].
    pub(super) number: usize,
    /// Its offset, or why it was not written.
    pub(super) outcome: Result<u64, RDKafkaErrorCode>,
}

/// What came of a write, once it is settled.
pub(super) type Answer = oneshot::Receiver<Result<Vec<Position>, Error>>;

/// How many writes to take at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) count: usize,
    /// One write is taken whatever its size.
    pub(super) bytes: usize,
}

/// What to wait for: whichever comes first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Need {
    /// Writes, so many at a time. They stay where they are without.
    pub(super) jobs: Option<Limit>,
    /// So many reports, or one that says that a record was not written.
    pub(super) reports: Option<usize>,
    /// No longer than this.
    pub(super) until: Option<Instant>,
}

/// What there was.
#[derive(Default)]
pub(super) struct Post {
    pub(super) jobs: Vec<Job>,
    pub(super) reports: Vec<Report>,
    /// No further write will come.
    pub(super) closing: bool,
}

/// How a writer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It was closed.
    Closed,
    /// Another one took over.
    Lost {
        /// Which writer.
        what: String,
        /// Why.
        reason: String,
    },
}

impl End {
    pub(super) fn error(&self) -> Error {
        match self.clone() {
            Self::Closed => Error::Closed,
            Self::Lost { what, reason } => Error::Lost { what, reason },
        }
    }
}

pub(super) struct Mailbox {
    state: Mutex<State>,
    changed: Condvar,
    room: Arc<Semaphore>,
    pieces: usize,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    reports: Vec<Report>,
    /// A report says that a record was not written.
    failed: bool,
    /// Something happened to the client.
    nudged: bool,
    /// How many reports somebody waits for.
    awaited: Option<usize>,
    /// After this, whatever is not done is given up.
    ends_at: Option<Instant>,
    end: Option<End>,
}

impl Mailbox {
    /// Takes writes of `bytes` together before further ones have to wait.
    pub(super) fn new(bytes: usize) -> Self {
        let pieces = bytes.div_ceil(PIECE).clamp(1, u32::MAX as usize);
        let room = Arc::new(Semaphore::new(pieces));
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            room,
            pieces,
        }
    }

    /// Hands in a write, when there is room for it; the answer comes from the thread.
    pub(super) async fn send(&self, content: Content) -> Result<Answer, Error> {
        let room = self.room(content.bytes()).await;
        let (reply, answer) = oneshot::channel();
        let mut state = self.lock();
        if let Some(end) = &state.end {
            return Err(end.error());
        }
        if state.ends_at.is_some() {
            return Err(Error::Closed);
        }
        state.jobs.push_back(Job {
            content,
            reply,
            _room: room,
        });
        drop(state);
        self.changed.notify_one();
        Ok(answer)
    }

    /// `None` when the writer is closed.
    async fn room(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let pieces = bytes.div_ceil(PIECE).min(self.pieces);
        Arc::clone(&self.room)
            .acquire_many_owned(u32::try_from(pieces).unwrap_or(u32::MAX))
            .await
            .ok()
    }

    /// Called by the client's thread.
    pub(super) fn report(&self, report: Report) {
        let mut state = self.lock();
        state.failed |= report.outcome.is_err();
        state.reports.push(report);
        if state
            .awaited
            .is_some_and(|awaited| state.failed || state.reports.len() >= awaited)
        {
            state.awaited = None;
            drop(state);
            self.changed.notify_one();
        }
    }

    /// Something happened to the client that its writer should look at when it has nothing else to
    /// do.
    pub(super) fn nudge(&self) {
        self.lock().nudged = true;
        self.changed.notify_one();
    }

    /// Waits for what is needed. Returns empty-handed at `until`, after a nudge, when the
    /// writer is closed, and when its time is up.
    pub(super) fn receive(&self, need: Need) -> Post {
        let mut state = self.lock();
        let until = |state: &State| match (need.until, state.ends_at) {
            (Some(until), Some(ends_at)) => Some(until.min(ends_at)),
            (until, ends_at) => until.or(ends_at),
        };
        while !state.has(need) {
            state.awaited = need.reports;
            let Some(until) = until(&state) else {
                state = self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = until.saturating_duration_since(clock::now());
            if left.is_zero() {
                break;
            }
            (state, _) = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.awaited = None;
        state.take(need)
    }

    /// Waits until the client has reported something, or has had some time to.
    pub(super) fn await_reports(&self, more: usize, at_most: Duration) {
        let mut state = self.lock();
        let awaited = state.reports.len() + more;
        state.awaited = Some(awaited);
        let waiting = |state: &mut State| state.reports.len() < awaited && !state.failed;
        let waited = self.changed.wait_timeout_while(state, at_most, waiting);
        waited.unwrap_or_else(PoisonError::into_inner).0.awaited = None;
    }

    /// Waits for `pause`, but not beyond the writer's time.
    pub(super) fn pause(&self, pause: Duration) {
        let until = clock::now() + pause;
        let mut state = self.lock();
        loop {
            let until = state.ends_at.map_or(until, |ends_at| ends_at.min(until));
            let left = until.saturating_duration_since(clock::now());
            if left.is_zero() {
                return;
            }
            (state, _) = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets no further write in; what is in has until `ends_at`. The first word counts.
    pub(super) fn close(&self, ends_at: Instant) {
        self.room.close();
        self.lock().ends_at.get_or_insert(ends_at);
        self.changed.notify_one();
    }

    /// Whether the writer's time is up.
    pub(super) fn is_over(&self) -> bool {
        self.lock()
            .ends_at
            .is_some_and(|ends_at| ends_at <= clock::now())
    }

    /// The thread has ended: whatever still waits, and whatever comes, is answered so. The first
    /// word counts.
    pub(super) fn end(&self, end: End) {
        self.room.close();
        let mut state = self.lock();
        let error = state.end.get_or_insert(end).clone();
        let jobs = std::mem::take(&mut state.jobs);
        drop(state);
        jobs.into_iter()
            .for_each(|job| job.answer(Err(error.error())));
    }

    /// Why nobody answers any more.
    pub(super) fn end_error(&self) -> Error {
        self.lock().end.as_ref().map_or(Error::Closed, End::error)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has(&self, need: Need) -> bool {
        let idle = need.reports.is_none() && (self.ends_at.is_some() || self.nudged);
        let jobs = need.jobs.is_some() && (!self.jobs.is_empty() || idle);
        jobs || need
            .reports
            .is_some_and(|reports| self.failed || self.reports.len() >= reports)
    }

    fn take(&mut self, need: Need) -> Post {
        let jobs = need
            .jobs
            .map_or_else(Vec::new, |limit| self.take_jobs(limit));
        let reports = if need.reports.is_some() {
            std::mem::take(&mut self.reports)
        } else {
            Vec::new()
        };
        self.failed &= need.reports.is_none();
        self.nudged = false;
        Post {
            jobs,
            reports,
            closing: self.ends_at.is_some() && self.jobs.is_empty(),
        }
    }

    fn take_jobs(&mut self, limit: Limit) -> Vec<Job> {
        let (mut jobs, mut bytes) = (Vec::new(), 0_usize);
        while jobs.len() < limit.count
            && let Some(next) = self.jobs.front()
        {
            bytes += next.content.bytes();
            if bytes > limit.bytes && !jobs.is_empty() {
                break;
            }
            jobs.extend(self.jobs.pop_front());
        }
        jobs
    }
}
