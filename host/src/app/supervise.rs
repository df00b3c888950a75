//! Keeps a role running: when the bus disconnects or refuses it, it restarts from its stored state.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fedhost_base::event::RunEvent;
use tokio_util::sync::CancellationToken;

use super::buses::Buses;
use super::deadline::ShutdownDeadline;
use crate::role::{Context, Error, StartedSignal};
use fedhost_base::announce::Announcer;
use fedhost_base::backoff::Backoff;
use fedhost_base::clock::Stopwatch;
use fedhost_base::hint::explain;
use fedhost_base::observer::Observer;
use fedhost_bus as bus;
use fedhost_manifest::{RestartPolicy, RoleSpec};

/// Pauses before a role restarts.
pub(super) const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(100),
    longest: Duration::from_secs(10),
};
/// A role that worked this long has recovered from its last failure.
const RECOVERED_AFTER: Duration = Duration::from_secs(60);

/// A role to keep running.
pub(super) struct Supervised {
    pub(super) spec: RoleSpec,
    pub(super) buses: Buses,
    pub(super) announcer: Announcer,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) stop: CancellationToken,
    pub(super) deadline: ShutdownDeadline,
    pub(super) backoff: Backoff,
}

impl Supervised {
    /// Runs the role that `start` makes until it ends for another reason than the bus. A failure
    /// that only an operator can fix ends a role that has never started its work; later the role
    /// waits for the fix, and the process is not ready meanwhile.
    ///
    /// # Errors
    /// The role's own.
    pub(super) async fn run<F: Future<Output = Result<(), Error>>>(
        self,
        start: impl Fn(Context) -> F,
    ) -> Result<(), Error> {
        let mut attempt = 0;
        let mut has_started = false;
        let mut announced = None;
        loop {
            let worked = Stopwatch::start();
            let started = Arc::new(AtomicBool::new(false));
            let ended = self.run_once(&start, self.signal(&started)).await;
            let Err(Error::Bus { error, .. }) = &ended else {
                return ended;
            };
            if self.stop.is_cancelled() && concerns_the_bus(error) {
                self.warn(format!("{error}; what it has not written is done again"));
                return Ok(());
            }
            if started.load(Ordering::Relaxed) {
                has_started = true;
                announced = None;
            }
            if !self.may_restart(error, has_started) {
                return ended;
            }
            self.report(error, &mut announced);
            attempt = if worked.elapsed() >= RECOVERED_AFTER {
                1
            } else {
                attempt + 1
            };
            tokio::select! {
                () = self.stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(self.backoff.pause(attempt)) => {}
            }
        }
    }

    /// Sets `started`, and clears the condition of the role.
    fn signal(&self, started: &Arc<AtomicBool>) -> StartedSignal {
        let started = Arc::clone(started);
        let observer = Arc::clone(&self.observer);
        let name = self.spec.name.clone();
        StartedSignal::new(move || {
            started.store(true, Ordering::Relaxed);
            observer.condition(&name, None);
        })
    }

    fn may_restart(&self, error: &bus::Error, has_started: bool) -> bool {
        match error {
            bus::Error::Lost { .. } | bus::Error::Fenced { .. } => {
                self.spec.restart == RestartPolicy::Rejoin
            }
            // A broker that is away comes back; a client that could not be ended in time lets go of
            // its readers later.
            bus::Error::Unreachable { .. } | bus::Error::GroupBusy { .. } => true,
            error => has_started && concerns_the_bus(error),
        }
    }

    /// Reports a restart and its reason; the same reason is announced once.
    fn report(&self, error: &bus::Error, announced: &mut Option<String>) {
        self.observer
            .condition(&self.spec.name, Some(&error.to_string()));
        let reason = explain(error);
        if announced.as_ref() != Some(&reason) {
            self.announcer.announce(RunEvent::RoleRestarted {
                role: self.spec.name.clone(),
                reason: reason.clone(),
            });
            *announced = Some(reason);
        }
    }

    fn warn(&self, detail: String) {
        self.announcer.announce(RunEvent::Warned {
            part: self.spec.name.clone(),
            detail,
        });
    }

    async fn run_once<F: Future<Output = Result<(), Error>>>(
        &self,
        start: impl Fn(Context) -> F,
        started: StartedSignal,
    ) -> Result<(), Error> {
        let role_bus = tokio::select! {
            () = self.stop.cancelled() => return Ok(()),
            found = self.buses.of_role(&self.spec) => found.map_err(crate::role::on_bus(&self.spec.name))?,
        };
        let bus = role_bus.bus();
        let announcer = self.announcer.clone();
        let stop = self.stop.clone();
        let observer = Arc::clone(&self.observer);
        let ended = tokio::select! {
            ended = start(Context { bus, announcer, observer, stop, started }) => ended,
            () = self.overdue() => {
                self.warn("it could not finish in time; what it has not written is done again".to_owned());
                Ok(())
            }
        };
        if ended.is_ok() {
            // Other roles wait for what it has written: only a role that is stopped leaves
            // something in its spool for the next start.
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = role_bus.arrived() => {}
            }
        }
        role_bus.close(&self.deadline).await;
        ended
    }

    /// A stopped role finishes its work in hand, but a bus that does not answer must not keep it
    /// for ever.
    async fn overdue(&self) {
        self.stop.cancelled().await;
        tokio::time::sleep(self.deadline.left_for_work()).await;
    }
}

/// Whether the fault lies in the cluster and not in this machine or program, so that it may be
/// fixed without either.
fn concerns_the_bus(error: &bus::Error) -> bool {
    use bus::Error as E;
    match error {
        E::Lost { .. }
        | E::Fenced { .. }
        | E::Unreachable { .. }
        | E::Refused { .. }
        | E::UnknownTopic { .. }
        | E::UnknownPartition { .. }
        | E::GroupBusy { .. }
        | E::NoOffset { .. } => true,
        E::BadTopic { .. }
        | E::TooLarge { .. }
        | E::InUse { .. }
        | E::Unreadable { .. }
        | E::Storage { .. }
        | E::Closed => false,
    }
}
