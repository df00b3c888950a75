//! What an instance needs to know of the place it works in.

use std::sync::Arc;

use fedhost_domain::event::Event;
use tokio_util::sync::CancellationToken;

/// Takes every event of a plug-in; called on the thread that runs the guest, so it must not block.
pub type EventSink = Arc<dyn Fn(Event) + Send + Sync>;

/// Where an instance works, who hears of it, and how it is told to stop.
#[derive(Clone)]
pub struct Context {
    /// For example `fog-node-1`; names the instance in its events.
    pub instance: String,
    /// Hears what the guest logs and reports.
    pub events: EventSink,
    /// Once cancelled, the guest's next progress report is answered with `stop`. A guest that
    /// reports none goes on until it returns or meets its deadline.
    pub cancel: CancellationToken,
}

impl Context {
    /// An instance that nobody cancels.
    #[must_use]
    pub fn new(instance: impl Into<String>, events: EventSink) -> Self {
        Self {
            instance: instance.into(),
            events,
            cancel: CancellationToken::new(),
        }
    }

    /// The same, stopped by `cancel`.
    #[must_use]
    pub fn cancelled_by(self, cancel: CancellationToken) -> Self {
        Self { cancel, ..self }
    }
}
