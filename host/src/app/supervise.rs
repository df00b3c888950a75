//! Keeps a role going: one that the bus cut off, or does not let in any more, begins again from
//! what it has stored.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fedhost_domain::event::Event;
use tokio_util::sync::CancellationToken;

use super::buses::{Buses, Spooling};
use super::closing::Closing;
use crate::role::{Began, Context, Error};
use fedhost_base::announce::Announcer;
use fedhost_base::backoff::Backoff;
use fedhost_base::clock::Stopwatch;
use fedhost_base::observer::Observer;
use fedhost_bus as bus;

/// Pauses before a role begins again.
pub(super) const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(100),
    longest: Duration::from_secs(10),
};
/// A role that worked for so long has recovered from what ended it.
const WELL_AFTER: Duration = Duration::from_secs(60);

/// Whether a role that was cut off stands in line again for its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// It waits until it is its turn.
    InLine,
    /// Nobody decides whose turn it is, so two of them would cut each other off for ever.
    Never,
}

/// A role to be kept going.
pub(super) struct Supervised {
    /// Such as `fog-node-1`; also the name of its view of the bus.
    pub(super) name: String,
    pub(super) again: Again,
    pub(super) spooling: Spooling,
    pub(super) buses: Buses,
    pub(super) announcer: Announcer,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) stop: CancellationToken,
    pub(super) closing: Closing,
    pub(super) backoff: Backoff,
}

impl Supervised {
    /// Runs the role that `start` makes until it ends for another reason than the bus. What only a
    /// person can mend ends it as long as it has never begun its work; later that is waited for,
    /// and the process is not ready meanwhile.
    ///
    /// # Errors
    /// The role's own.
    pub(super) async fn run<F: Future<Output = Result<(), Error>>>(
        self,
        start: impl Fn(Context) -> F,
    ) -> Result<(), Error> {
        let (mut attempt, mut has_begun, mut told) = (0, false, None);
        loop {
            let (worked, began) = (Stopwatch::start(), Arc::new(AtomicBool::new(false)));
            let ended = self.run_once(&start, self.listen(&began)).await;
            let Err(Error::Bus { error, .. }) = &ended else {
                return ended;
            };
            if self.stop.is_cancelled() && concerns_the_bus(error) {
                self.warn(format!("{error}; what it has not written is done again"));
                return Ok(());
            }
            if began.load(Ordering::Relaxed) {
                (has_begun, told) = (true, None);
            }
            if !self.may_begin_again(error, has_begun) {
                return ended;
            }
            self.tell(error.to_string(), &mut told);
            attempt = if worked.elapsed() >= WELL_AFTER {
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

    /// A role that has begun is well again.
    fn listen(&self, began: &Arc<AtomicBool>) -> Began {
        let (began, observer, name) = (
            Arc::clone(began),
            Arc::clone(&self.observer),
            self.name.clone(),
        );
        Began::new(move || {
            began.store(true, Ordering::Relaxed);
            observer.condition(&name, None);
        })
    }

    fn may_begin_again(&self, error: &bus::Error, has_begun: bool) -> bool {
        match error {
            bus::Error::Lost { .. } => self.again == Again::InLine,
            // A broker that is away comes back; a client that could not be ended in time lets go of
            // its readers later.
            bus::Error::Unreachable { .. } | bus::Error::GroupBusy { .. } => true,
            error => has_begun && concerns_the_bus(error),
        }
    }

    /// That it begins again, and why; a reason that stays the same is announced once.
    fn tell(&self, reason: String, told: &mut Option<String>) {
        self.observer.condition(&self.name, reason.lines().next());
        if told.as_ref() != Some(&reason) {
            self.announcer.announce(Event::RoleRestarted {
                role: self.name.clone(),
                reason: reason.clone(),
            });
            *told = Some(reason);
        }
    }

    fn warn(&self, detail: String) {
        self.announcer.announce(Event::Warned {
            part: self.name.clone(),
            detail,
        });
    }

    async fn run_once<F: Future<Output = Result<(), Error>>>(
        &self,
        start: impl Fn(Context) -> F,
        began: Began,
    ) -> Result<(), Error> {
        let view = tokio::select! {
            () = self.stop.cancelled() => return Ok(()),
            view = self.buses.of_role(&self.name, self.spooling) => view.map_err(crate::role::on_bus(&self.name))?,
        };
        let (bus, announcer, stop) = (view.bus(), self.announcer.clone(), self.stop.clone());
        let observer = Arc::clone(&self.observer);
        let ended = tokio::select! {
            ended = start(Context { bus, announcer, observer, stop, began }) => ended,
            () = self.overdue() => {
                self.warn("it could not finish in time; what it has not written is done again".to_owned());
                Ok(())
            }
        };
        if ended.is_ok() {
            // Others wait for what it has written: only who is told to stop leaves anything for the
            // next start.
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = view.arrived() => {}
            }
        }
        view.close(&self.closing).await;
        ended
    }

    /// A role that is told to stop finishes what it has in hand, but a bus that does not answer
    /// must not keep it for ever.
    async fn overdue(&self) {
        self.stop.cancelled().await;
        tokio::time::sleep(self.closing.left_for_work()).await;
    }
}

/// Whether it says something about the cluster, and not about this machine or program: it may be
/// mended without them.
fn concerns_the_bus(error: &bus::Error) -> bool {
    use bus::Error as E;
    match error {
        E::Lost { .. }
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
