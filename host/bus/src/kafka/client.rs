//! What all clients have in common: they tell of their troubles and their metrics, and nobody waits
//! for their end.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use fedhost_domain::event::Event;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::diagnosis::{self, Diagnosis};
use super::statistics::Reporter;
use fedhost_base::clock::Stopwatch;
use fedhost_base::metric::Count;
use fedhost_base::observer::Observer;

/// Ends a client on a thread of its own: it may take as long as its brokers are away.
pub(super) fn leave_behind<T: Send + 'static>(client: T) {
    // Without a thread it ends here.
    thread::Builder::new()
        .name("kafka-close".to_owned())
        .spawn(move || drop(client))
        .ok();
}

/// Listens to one client.
pub(super) struct Listener {
    /// For example `writer of fog-node-1`; see [`Observer::condition`].
    part: String,
    observer: Arc<dyn Observer>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    trouble: Option<Diagnosis>,
    /// Since when the client is in trouble.
    since: Option<Stopwatch>,
    /// What the last broken connection said: it is no trouble while other brokers answer.
    connection: Option<String>,
    /// Nobody wants to hear of it any more.
    retired: bool,
}

impl Listener {
    pub(super) fn new(part: impl Into<String>, observer: &Arc<dyn Observer>) -> Self {
        Self {
            part: part.into(),
            observer: Arc::clone(observer),
            state: Mutex::default(),
        }
    }

    pub(super) fn part(&self) -> &str {
        &self.part
    }

    /// Passes on the metrics of one client.
    pub(super) fn reporter(&self) -> Reporter {
        Reporter::new(&self.part, &self.observer)
    }

    /// Counts something that happened to a client.
    pub(super) fn count(&self, metric: Count, by: u64) {
        self.observer.count(metric, &[("client", &self.part)], by);
    }

    /// The newest trouble since [`Listener::is_well`].
    pub(super) fn trouble(&self) -> Option<Diagnosis> {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .trouble
            .clone()
    }

    /// Something went wrong that keeps the client from its work.
    pub(super) fn is_in_trouble(&self, diagnosis: Diagnosis) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.retired {
            self.observer.condition(&self.part, Some(&diagnosis.reason));
        }
        if state.since.is_none() && !state.retired {
            state.since = Some(Stopwatch::start());
            let (part, Diagnosis { reason, hint, .. }) = (self.part.clone(), diagnosis.clone());
            self.observer
                .announce(Event::ConnectionLost { part, reason, hint });
        }
        state.trouble = Some(diagnosis);
    }

    /// The client did something that it can do only when all is well.
    pub(super) fn is_well(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.connection, state.trouble) = (None, None);
        let Some(since) = state.since.take().filter(|_| !state.retired) else {
            return;
        };
        self.observer.condition(&self.part, None);
        let after_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.observer.announce(Event::ConnectionRestored {
            part: self.part.clone(),
            after_ms,
        });
    }

    /// Another one may be at work in its place: what becomes of this one is told no more.
    pub(super) fn retire(&self) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retired = true;
    }

    /// What to say of a client that has no connection left.
    fn no_broker(&self, reason: &str) -> String {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.connection.as_ref().map_or_else(
            || reason.to_owned(),
            |last| format!("no broker can be reached: {last}"),
        )
    }
}

impl ClientContext for Listener {
    // What librdkafka logs it also reports as an error, where it matters.
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            // One broker went away, or an idle connection was closed: the client goes on with the
            // others, or reconnects.
            Some(RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::Resolve) => {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.connection = Some(reason.to_owned());
            }
            Some(RDKafkaErrorCode::AllBrokersDown) => {
                self.is_in_trouble(diagnosis::of_client(&error, &self.no_broker(reason)));
            }
            _ => self.is_in_trouble(diagnosis::of_client(&error, reason)),
        }
    }
}
