//! What a reader shares with its client's thread: the buffer, and three ways to wake each other.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::fetch_buffer::{FetchBuffer, Phase};
use super::partition::{Partition, Place};
use crate::{Error, MemberEvent, Record};

pub(super) struct Shared {
    buffer: Mutex<FetchBuffer>,
    /// Offsets became safe, or the reader is closing.
    settled: Condvar,
    /// Records or a new phase for the reader.
    arrived: Notify,
    /// Work for the client's thread.
    pub(super) signal: Arc<Signal>,
}

impl Shared {
    pub(super) fn new(ahead_bytes: usize) -> Self {
        let buffer = Mutex::new(FetchBuffer::new(ahead_bytes));
        Self {
            buffer,
            settled: Condvar::new(),
            arrived: Notify::new(),
            signal: Arc::default(),
        }
    }

    /// Lock it only briefly: readers take it on async threads.
    pub(super) fn buffer(&self) -> MutexGuard<'_, FetchBuffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters another phase and wakes the reader.
    pub(super) fn enter(&self, phase: Phase) {
        self.buffer().enter(phase);
        self.wake_reader();
    }

    /// Ends the reader.
    pub(super) fn end(&self, error: Error) {
        self.enter(Phase::Ended(error));
        self.settled.notify_all();
    }

    /// The owner has dropped the reader.
    pub(super) fn close(&self) {
        self.buffer().close();
        self.settled.notify_all();
        self.signal.raise();
    }

    /// At most `max` records; `None` if there are none.
    pub(super) fn take(&self, max: usize) -> Result<Option<Vec<Record>>, Error> {
        let mut buffer = self.buffer();
        if let Some(error) = buffer.take_end() {
            return Err(error);
        }
        let records = buffer.take(max);
        let room = buffer.waits_for_room();
        drop(buffer);
        if room {
            self.signal.raise();
        }
        Ok((!records.is_empty()).then_some(records))
    }

    /// A change of the reader's partitions, else at most `max` records; `None` if there is neither.
    pub(super) fn next_event(&self, max: usize) -> Result<Option<MemberEvent>, Error> {
        let change = {
            let mut buffer = self.buffer();
            match buffer.take_end() {
                Some(error) => return Err(error),
                None => buffer.take_change(),
            }
        };
        match change {
            Some(change) => Ok(Some(change)),
            None => Ok(self.take(max)?.map(MemberEvent::Records)),
        }
    }

    /// Releases partitions. A reader that shares gets a report of those that it had not released.
    pub(super) fn remove(&self, places: &[Place]) -> Vec<Partition> {
        let mut buffer = self.buffer();
        let gone: Vec<Partition> = places
            .iter()
            .filter_map(|place| buffer.remove(place))
            .collect();
        let lost: Vec<Place> = gone
            .iter()
            .filter(|partition| !partition.is_released())
            .map(Partition::place)
            .collect();
        if !lost.is_empty() {
            buffer.change(MemberEvent::Lost(lost));
        }
        drop(buffer);
        self.wake_reader();
        gone
    }

    pub(super) fn is_closing(&self) -> bool {
        self.buffer().is_closing()
    }

    pub(super) fn wake_reader(&self) {
        self.arrived.notify_one();
    }

    pub(super) async fn arrival(&self) {
        self.arrived.notified().await;
    }

    /// Offsets became safe.
    pub(super) fn settle(&self) {
        self.settled.notify_all();
    }

    /// Blocks until `done` is true, the reader closes, or the time is over.
    pub(super) fn wait_until(&self, longest: Duration, mut done: impl FnMut(&FetchBuffer) -> bool) {
        let waiting = |buffer: &mut FetchBuffer| !buffer.is_closing() && !done(buffer);
        drop(
            self.settled
                .wait_timeout_while(self.buffer(), longest, waiting),
        );
    }
}

/// Wakes one thread. If it is raised before the wait, the wait returns at once.
#[derive(Default)]
pub(super) struct Signal {
    raised: Mutex<bool>,
    changed: Condvar,
}

impl Signal {
    pub(super) fn raise(&self) {
        *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }

    /// Blocks until it is raised or the time is over.
    pub(super) fn wait(&self, longest: Duration) {
        let raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .changed
            .wait_timeout_while(raised, longest, |raised| !*raised);
        let (mut raised, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *raised = false;
    }
}
