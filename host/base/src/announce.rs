//! Delivers events: every listener receives every event, in the order in which they were announced.

use std::sync::Arc;

use crate::event::{Event, Stamped};

use crate::clock;

/// Receives events. It is called from async tasks and from guest threads, so it must not block for
/// long.
pub trait Listener: Send + Sync {
    /// Handles one event.
    fn on_event(&self, event: &Stamped);
}

impl<L: Listener + ?Sized> Listener for Arc<L> {
    fn on_event(&self, event: &Stamped) {
        self.as_ref().on_event(event);
    }
}

/// Delivers events to all listeners. Cheap to clone.
#[derive(Clone, Default)]
pub struct Announcer {
    listeners: Arc<[Box<dyn Listener>]>,
}

impl Announcer {
    /// Creates an announcer. Its listeners are fixed from the start, so that none misses an event.
    #[must_use]
    pub fn new(listeners: Vec<Box<dyn Listener>>) -> Self {
        Self {
            listeners: listeners.into(),
        }
    }

    /// Stamps the event with the time and passes it to every listener.
    pub fn announce(&self, event: impl Into<Event>) {
        let stamped = Stamped {
            time_ms: clock::now_ms(),
            event: event.into(),
        };
        for listener in self.listeners.iter() {
            listener.on_event(&stamped);
        }
    }

    /// Returns [`announce`](Self::announce) as a plain function, for crates that do not know this
    /// type.
    #[must_use]
    pub fn sink(&self) -> Arc<dyn Fn(Event) + Send + Sync> {
        let announcer = self.clone();
        Arc::new(move |event: Event| announcer.announce(event))
    }
}
