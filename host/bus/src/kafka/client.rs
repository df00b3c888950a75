//! What all clients share: they report problems and metrics, and no caller waits until they have
//! ended.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use fedhost_base::event::{BusEvent, Event};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::client_log;
use super::diagnosis::{self, Diagnosis};
use super::statistics::Reporter;
use fedhost_base::clock::Stopwatch;
use fedhost_base::metric::Count;
use fedhost_base::observer::Observer;

/// Ends a client on its own thread: this can take as long as its brokers are unreachable.
pub(super) fn leave_behind<T: Send + 'static>(client: T) {
    // If no thread can be started, it ends on this one.
    thread::Builder::new()
        .name("kafka-close".to_owned())
        .spawn(move || drop(client))
        .ok();
}

/// Receives the reports of one client.
pub(super) struct Listener {
    /// For example `writer of fog-node-1`; see [`Observer::condition`].
    part: String,
    observer: Arc<dyn Observer>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    trouble: Option<Diagnosis>,
    /// Since when the client has a problem.
    since: Option<Stopwatch>,
    /// The error of the last broken connection. It is no problem while other brokers answer.
    connection: Option<String>,
    /// The client was replaced; its reports are ignored.
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

    /// Reports the metrics of one client.
    pub(super) fn reporter(&self) -> Reporter {
        Reporter::new(&self.part, &self.observer)
    }

    /// Counts an event of a client.
    pub(super) fn count(&self, metric: Count, by: u64) {
        self.observer.count(metric, &[("client", &self.part)], by);
    }

    /// The newest problem since the last [`Listener::is_well`].
    pub(super) fn trouble(&self) -> Option<Diagnosis> {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .trouble
            .clone()
    }

    /// Reports a problem that prevents the client from working.
    pub(super) fn is_in_trouble(&self, diagnosis: Diagnosis) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.retired {
            self.observer.condition(&self.part, Some(&diagnosis.reason));
        }
        if state.since.is_none() && !state.retired {
            state.since = Some(Stopwatch::start());
            let (part, Diagnosis { reason, hint, .. }) = (self.part.clone(), diagnosis.clone());
            self.observer
                .announce(Event::Bus(BusEvent::ConnectionLost { part, reason, hint }));
        }
        state.trouble = Some(diagnosis);
    }

    /// Reports that the client works: it did something that requires a healthy connection.
    pub(super) fn is_well(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.connection, state.trouble) = (None, None);
        let Some(since) = state.since.take().filter(|_| !state.retired) else {
            return;
        };
        self.observer.condition(&self.part, None);
        let after_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.observer
            .announce(Event::Bus(BusEvent::ConnectionRestored {
                part: self.part.clone(),
                after_ms,
            }));
    }

    /// Another client may have replaced this one; its problems are no longer reported.
    pub(super) fn retire(&self) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retired = true;
    }

    /// The message for a client that has no connection left.
    fn no_broker(&self, reason: &str) -> String {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.connection.as_ref().map_or_else(
            || reason.to_owned(),
            |last| format!("no broker can be reached: {last}"),
        )
    }
}

impl ClientContext for Listener {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        client_log::emit(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        match error.rdkafka_error_code() {
            // One broker is unreachable, or an idle connection was closed: the client continues
            // with the other brokers, or reconnects.
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
