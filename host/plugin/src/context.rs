//! The surroundings of an instance: its name, its listener, and its cancellation.

use std::sync::Arc;

use fedhost_base::event::Event;
use tokio_util::sync::CancellationToken;

/// Receives every event of a plug-in. It runs on the guest's thread, so it must not block.
pub type EventSink = Arc<dyn Fn(Event) + Send + Sync>;

/// The surroundings of an instance.
#[derive(Clone)]
pub struct Context {
    /// The name of the instance in its events, for example `fog-node-1`.
    pub instance: String,
    /// Receives what the guest logs and reports.
    pub events: EventSink,
    /// Once cancelled, the guest's next progress report returns `stop`. A guest that reports none
    /// runs until it returns or reaches its deadline.
    pub cancel: CancellationToken,
}

impl Context {
    /// Returns a context that is never cancelled.
    #[must_use]
    pub fn new(instance: impl Into<String>, events: EventSink) -> Self {
        Self {
            instance: instance.into(),
            events,
            cancel: CancellationToken::new(),
        }
    }

    /// Returns the same context, cancelled by `cancel`.
    #[must_use]
    pub fn cancelled_by(self, cancel: CancellationToken) -> Self {
        Self { cancel, ..self }
    }
}
