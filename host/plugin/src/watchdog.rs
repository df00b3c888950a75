//! Ends calls that exceed their deadlines, without polling: one thread sleeps until the earliest
//! deadline of a running call.
//!
//! Without a running call there is no timer: at most one sleep of the last call is left, after
//! which the thread waits without a time limit. A call costs two short locks; the thread is woken
//! only for a deadline that is earlier than the one for which it sleeps.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

/// Handle of the thread; dropping it ends the thread.
pub(super) struct Watchdog(Arc<Shared>);

struct Shared {
    schedule: Mutex<Schedule>,
    changed: Condvar,
}

#[derive(Default)]
struct Schedule {
    deadlines: BTreeSet<(Instant, u64)>,
    next_call: u64,
    sleeping_until: Option<Instant>,
    stopped: bool,
}

impl Watchdog {
    /// Starts the thread. It calls `on_deadline` once at or after each deadline that is still
    /// watched, and then drops the deadline.
    pub(super) fn start(on_deadline: impl Fn() + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            schedule: Mutex::default(),
            changed: Condvar::new(),
        });
        let watched = Arc::clone(&shared);
        thread::Builder::new()
            .name("plugin-watchdog".into())
            .spawn(move || watched.run(on_deadline))?;
        Ok(Self(shared))
    }

    /// Watches a deadline until the returned guard is dropped.
    pub(super) fn watch(&self, deadline: Instant) -> Watch {
        let mut schedule = self.0.lock();
        let call = schedule.next_call;
        schedule.next_call += 1;
        schedule.deadlines.insert((deadline, call));
        if schedule.sleeping_until.is_none_or(|until| deadline < until) {
            schedule.sleeping_until = Some(deadline);
            self.0.changed.notify_one();
        }
        Watch {
            shared: Arc::clone(&self.0),
            entry: (deadline, call),
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.lock().stopped = true;
        self.0.changed.notify_one();
    }
}

/// A deadline that is being watched.
pub(super) struct Watch {
    shared: Arc<Shared>,
    entry: (Instant, u64),
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.lock().deadlines.remove(&self.entry);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, on_deadline: impl Fn()) {
        let mut schedule = self.lock();
        while !schedule.stopped {
            let now = fedhost_base::clock::now();
            if schedule.expire(now) {
                on_deadline();
            }
            schedule.sleeping_until = schedule.deadlines.first().map(|(deadline, _)| *deadline);
            schedule = match schedule.sleeping_until {
                None => self
                    .changed
                    .wait(schedule)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let pause = until.saturating_duration_since(now);
                    self.changed
                        .wait_timeout(schedule, pause)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }
}

impl Schedule {
    /// Removes the deadlines that have passed; returns whether there were any.
    fn expire(&mut self, now: Instant) -> bool {
        let before = self.deadlines.len();
        self.deadlines.retain(|(deadline, _)| *deadline > now);
        self.deadlines.len() < before
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    fn watchdog() -> (Watchdog, mpsc::Receiver<Instant>) {
        let (sender, expired) = mpsc::sync_channel(16);
        let watchdog =
            Watchdog::start(move || sender.send(fedhost_base::clock::now()).unwrap()).unwrap();
        (watchdog, expired)
    }

    #[test]
    fn an_earlier_deadline_that_is_set_later_expires_first() {
        let (watchdog, expired) = watchdog();
        let start = fedhost_base::clock::now();
        let _late = watchdog.watch(start + Duration::from_secs(3600));
        let _soon = watchdog.watch(start + Duration::from_millis(20));
        let at = expired.recv_timeout(Duration::from_secs(30)).unwrap();
        assert!(
            at >= start + Duration::from_millis(20),
            "expired {:?} after the start",
            at - start
        );
    }

    #[test]
    fn a_finished_call_does_not_expire() {
        let (watchdog, expired) = watchdog();
        let start = fedhost_base::clock::now();
        drop(watchdog.watch(start + Duration::from_millis(150)));
        let _other = watchdog.watch(start + Duration::from_millis(200));
        let first = expired.recv_timeout(Duration::from_secs(30)).unwrap();
        assert!(
            first >= start + Duration::from_millis(200),
            "expired {:?} after the start",
            first - start
        );
        assert!(expired.try_recv().is_err());
    }

    #[test]
    fn no_timer_runs_while_no_call_is_running() {
        let (watchdog, expired) = watchdog();
        let _call = watchdog.watch(fedhost_base::clock::now());
        expired.recv_timeout(Duration::from_secs(30)).unwrap();
        // The thread held the lock during the callback, so by now it sleeps again.
        assert_eq!(watchdog.0.lock().sleeping_until, None);
    }

    #[test]
    fn the_thread_ends_with_its_handle() {
        let (watchdog, expired) = watchdog();
        drop(watchdog);
        assert_eq!(
            expired.recv_timeout(Duration::from_secs(30)),
            Err(mpsc::RecvTimeoutError::Disconnected)
        );
    }
}
