//! How the process is doing: whether it is ready, and figures about its work.
//!
//! Everyone tells [`Observed`]; probes, metrics and commands ask it for a [`Snapshot`]. It only
//! remembers: what to do about trouble is for others to decide.

mod events;
mod exposition;
mod process;
mod snapshot;
mod store;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fedhost_domain::event::{Event, Stamped};

pub use exposition::Format;
use fedhost_base::announce::{Announcer, Listener};
use fedhost_base::clock;
use fedhost_base::figure::{Count, Gauge};
use fedhost_base::observer::{Labels, Observer};
pub use snapshot::{Figure, Kind, Phase, Process, Series, Snapshot, Trouble};
use store::Store;

/// What is known about this process. Cheap to clone; all clones share it.
///
/// Made before the [`Announcer`], to be one of its listeners; the bus is then given a clone that
/// announces there, from [`Observed::announcing`].
#[derive(Clone)]
pub struct Observed {
    started_ms: u64,
    announcer: Announcer,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    phase: Phase,
    /// By part.
    troubles: BTreeMap<String, String>,
    store: Store,
}

impl Default for Observed {
    fn default() -> Self {
        Self::new()
    }
}

impl Observed {
    /// A process that is starting. What it announces is heard by nobody.
    #[must_use]
    pub fn new() -> Self {
        Self {
            started_ms: clock::now_ms(),
            announcer: Announcer::default(),
            state: Arc::default(),
        }
    }

    /// The same process, whose facts go to this announcer.
    #[must_use]
    pub fn announcing(&self, announcer: Announcer) -> Self {
        Self {
            announcer,
            ..self.clone()
        }
    }

    /// Whether the process is starting, at work or stopping; ready it is only at work.
    pub fn enter(&self, phase: Phase) {
        self.state().phase = phase;
    }

    /// Why the process is not ready; empty when it is.
    #[must_use]
    pub fn troubles(&self) -> Vec<Trouble> {
        let state = self.state();
        let phase = state.phase.trouble();
        let parts = state.troubles.iter();
        phase
            .into_iter()
            .chain(parts.map(|(part, reason)| Trouble::new(part, reason)))
            .collect()
    }

    /// Everything that is known now. Reads `/proc/self`.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let troubles = self.troubles();
        let state = self.state();
        Snapshot {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_ms: self.started_ms,
            phase: state.phase,
            ready: troubles.is_empty(),
            troubles,
            figures: state.store.figures(),
            figures_left_out: state.store.left_out(),
            process: process::read(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Observed {
    fn condition(&self, part: &str, trouble: Option<&str>) {
        let troubles = &mut self.state().troubles;
        match trouble {
            Some(reason) => drop(troubles.insert(part.to_owned(), reason.to_owned())),
            None => drop(troubles.remove(part)),
        }
    }

    fn gauge(&self, figure: Gauge, labels: Labels<'_>, value: f64) {
        self.state().store.set(figure, labels, value);
    }

    fn count(&self, figure: Count, labels: Labels<'_>, by: u64) {
        self.state().store.add(figure, labels, by);
    }

    fn forget(&self, labels: Labels<'_>) {
        self.state().store.forget(labels);
    }

    fn announce(&self, event: Event) {
        self.announcer.announce(event);
    }
}

impl Listener for Observed {
    fn heard(&self, event: &Stamped) {
        let mut state = self.state();
        events::count(&event.event, &mut state.store);
        events::judge(&event.event, &mut state.troubles);
    }
}

#[cfg(test)]
mod tests;
