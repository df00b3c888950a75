//! Health and metrics of the process.
//!
//! All parts report to [`Observed`]; probes, `/metrics` and commands take a [`Snapshot`] from it.
//! It only stores what was reported. It must not decide what to do about a health condition.

mod events;
mod exposition;
mod process;
mod snapshot;
mod store;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fedhost_base::event::{Event, Stamped};

pub use exposition::CONTENT_TYPE;
use fedhost_base::announce::{Announcer, Listener};
use fedhost_base::clock;
use fedhost_base::metric::{Count, Gauge};
use fedhost_base::observer::{Labels, Observer};
pub use snapshot::{MetricFamily, MetricKind, NotReady, Phase, Process, Series, Snapshot};
use store::Store;

/// Health and metrics of this process. Cheap to clone; all clones share their state.
///
/// It is created before the [`Announcer`], because it is one of its listeners. The bus then gets a
/// clone that announces there, from [`Observed::announcing`].
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
    /// Creates the state of a process that is starting. Its events are dropped; see
    /// [`Observed::announcing`].
    #[must_use]
    pub fn new() -> Self {
        Self {
            started_ms: clock::now_ms(),
            announcer: Announcer::default(),
            state: Arc::default(),
        }
    }

    /// Returns a clone that passes the events of the bus to this announcer.
    #[must_use]
    pub fn announcing(&self, announcer: Announcer) -> Self {
        Self {
            announcer,
            ..self.clone()
        }
    }

    /// Sets the phase of the process. It is ready only while it is working.
    pub fn enter(&self, phase: Phase) {
        self.state().phase = phase;
    }

    /// Returns the reasons why the process is not ready; empty when it is ready.
    #[must_use]
    pub fn troubles(&self) -> Vec<NotReady> {
        let state = self.state();
        let phase = state.phase.trouble();
        let parts = state.troubles.iter();
        phase
            .into_iter()
            .chain(parts.map(|(part, reason)| NotReady::new(part, reason)))
            .collect()
    }

    /// Returns the current state. Reads `/proc/self`.
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
            metrics: state.store.metrics(),
            metrics_left_out: state.store.left_out(),
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
        let _previous = match trouble {
            Some(reason) => troubles.insert(part.to_owned(), reason.to_owned()),
            None => troubles.remove(part),
        };
    }

    fn gauge(&self, metric: Gauge, labels: Labels<'_>, value: f64) {
        self.state().store.set(metric, labels, value);
    }

    fn count(&self, metric: Count, labels: Labels<'_>, by: u64) {
        self.state().store.add(metric, labels, by);
    }

    fn forget(&self, labels: Labels<'_>) {
        self.state().store.forget(labels);
    }

    fn announce(&self, event: Event) {
        self.announcer.announce(event);
    }
}

impl Listener for Observed {
    fn on_event(&self, event: &Stamped) {
        let mut state = self.state();
        events::count(&event.event, &mut state.store);
        events::update_troubles(&event.event, &mut state.troubles);
    }
}

#[cfg(test)]
mod tests;
