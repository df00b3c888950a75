//! All input of a writer's thread: writes from tasks, reports from the client, and the request to
//! close.
//!
//! Writes are limited by the room that they take until they are answered; reports are limited by
//! the records in progress.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::error::RDKafkaErrorCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::job::{Content, Job};
use crate::{Error, Position};
use fedhost_base::clock;

/// Room is counted in units of this many bytes.
const PIECE: usize = 1 << 10;

/// The result of a record that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Report {
    /// The number that was sent with it; see [`super::pending::Pending`].
    pub(super) number: usize,
    /// Its offset, or why it was not written.
    pub(super) outcome: Result<u64, RDKafkaErrorCode>,
}

/// Resolves to the result of a write.
pub(super) type Answer = oneshot::Receiver<Result<Vec<Position>, Error>>;

/// How many writes to take at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) count: usize,
    /// One write is taken even if it is larger.
    pub(super) bytes: usize,
}

/// What to wait for; the first condition that is met ends the wait.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Need {
    /// Waits for writes and takes at most this many. `None` leaves them in the mailbox.
    pub(super) jobs: Option<Limit>,
    /// Waits for this number of reports, or for one that says that a record was not written.
    pub(super) reports: Option<usize>,
    /// The end of the wait.
    pub(super) until: Option<Instant>,
}

/// What was received.
#[derive(Default)]
pub(super) struct Post {
    pub(super) jobs: Vec<Job>,
    pub(super) reports: Vec<Report>,
    /// No further write will arrive.
    pub(super) closing: bool,
}

/// How a writer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The writer was closed.
    Closed,
    /// Another writer took over.
    Lost {
        /// Name of the writer.
        what: String,
        /// The reason.
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
    /// The client has to be checked.
    nudged: bool,
    /// How many reports the thread waits for.
    awaited: Option<usize>,
    /// After this time, unfinished writes are dropped.
    ends_at: Option<Instant>,
    end: Option<End>,
}

impl Mailbox {
    /// Takes writes of `bytes` in total; further ones have to wait.
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

    /// Adds a write when there is room for it; the thread sends the answer.
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

    /// `None` if the writer is closed.
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

    /// An event of the client that the writer should check when it is idle.
    pub(super) fn nudge(&self) {
        self.lock().nudged = true;
        self.changed.notify_one();
    }

    /// Waits for what is needed. Returns nothing at `until`, after a nudge, when the writer is
    /// closed, and when its time is over.
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

    /// Waits until the client has reported something, or `at_most`.
    pub(super) fn await_reports(&self, more: usize, at_most: Duration) {
        let mut state = self.lock();
        let awaited = state.reports.len() + more;
        state.awaited = Some(awaited);
        let waiting = |state: &mut State| state.reports.len() < awaited && !state.failed;
        let waited = self.changed.wait_timeout_while(state, at_most, waiting);
        waited.unwrap_or_else(PoisonError::into_inner).0.awaited = None;
    }

    /// Waits for `pause`, but not beyond the end of the writer's time.
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

    /// Accepts no further write; accepted ones have until `ends_at`. Only the first call counts.
    pub(super) fn close(&self, ends_at: Instant) {
        self.room.close();
        self.lock().ends_at.get_or_insert(ends_at);
        self.changed.notify_one();
    }

    /// Whether the writer's time is over.
    pub(super) fn is_over(&self) -> bool {
        self.lock()
            .ends_at
            .is_some_and(|ends_at| ends_at <= clock::now())
    }

    /// The thread has ended: all pending and later writes are answered with `end`. Only the first
    /// call counts.
    pub(super) fn end(&self, end: End) {
        self.room.close();
        let mut state = self.lock();
        let error = state.end.get_or_insert(end).clone();
        let jobs = std::mem::take(&mut state.jobs);
        drop(state);
        jobs.into_iter()
            .for_each(|job| job.answer(Err(error.error())));
    }

    /// Why writes are no longer answered.
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
