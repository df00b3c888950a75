//! Where events go: every listener sees every event, in the order in which it happened.

use std::sync::Arc;

use fedhost_domain::event::{Event, Stamped};

use crate::clock;

/// Takes an event at once, without blocking for long; called from async tasks and guest threads
/// alike.
pub trait Listener: Send + Sync {
    /// One event.
    fn heard(&self, event: &Stamped);
}

impl<L: Listener + ?Sized> Listener for Arc<L> {
    fn heard(&self, event: &Stamped) {
        self.as_ref().heard(event);
    }
}

/// Announces events to all listeners. Cheap to clone.
#[derive(Clone, Default)]
pub struct Announcer {
    listeners: Arc<[Box<dyn Listener>]>,
}

impl Announcer {
    /// The listeners are fixed from the start, so that none misses an event.
    #[must_use]
    pub fn new(listeners: Vec<Box<dyn Listener>>) -> Self {
        Self {
            listeners: listeners.into(),
        }
    }

    /// Stamps the event with the time, and tells everyone.
    pub fn announce(&self, event: Event) {
        let stamped = Stamped {
            time_ms: clock::now_ms(),
            event,
        };
        for listener in self.listeners.iter() {
            listener.heard(&stamped);
        }
    }

    /// The same as a plain function, for parts that know nothing of this module.
    #[must_use]
    pub fn sink(&self) -> Arc<dyn Fn(Event) + Send + Sync> {
        let announcer = self.clone();
        Arc::new(move |event| announcer.announce(event))
    }
}
