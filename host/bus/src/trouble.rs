//! Trouble that a part of the host waits out: reported once when it begins, and once when it ends.

use std::mem::{Discriminant, discriminant};
use std::sync::Arc;
use std::time::Duration;

use fedhost_base::event::{BusEvent, Event};

use crate::Error;
use fedhost_base::backoff::Backoff;
use fedhost_base::clock::Stopwatch;
use fedhost_base::hint::hint;
use fedhost_base::observer::Observer;

/// Pauses while a bus cannot be reached.
const PASSING: Backoff = Backoff {
    first: Duration::from_millis(100),
    longest: Duration::from_secs(5),
};
/// Pauses while a person has to correct it.
const LASTING: Backoff = Backoff {
    first: Duration::from_millis(500),
    longest: Duration::from_secs(60),
};

/// Of one part; see [`Observer::condition`].
pub struct Trouble {
    part: String,
    observer: Arc<dyn Observer>,
    now: Option<Now>,
}

struct Now {
    since: Stopwatch,
    /// With the same kind of error.
    attempts: u32,
    /// The kind of error that was announced.
    announced: Option<Discriminant<Error>>,
}

impl Trouble {
    /// Of the part of that name; see [`Observer::condition`].
    #[must_use]
    pub fn new(part: &str, observer: &Arc<dyn Observer>) -> Self {
        Self {
            part: part.to_owned(),
            observer: Arc::clone(observer),
            now: None,
        }
    }

    /// Reports it, unless it was reported, and waits before the next try.
    pub async fn met(&mut self, error: &Error) {
        let now = self.now.get_or_insert_with(|| Now {
            since: Stopwatch::start(),
            attempts: 0,
            announced: None,
        });
        let is_new = now.announced.replace(discriminant(error)) != Some(discriminant(error));
        now.attempts = if is_new {
            1
        } else {
            now.attempts.saturating_add(1)
        };
        let pause = if matches!(error, Error::Unreachable { .. }) {
            PASSING
        } else {
            LASTING
        }
        .pause(now.attempts);
        let reason = error.to_string();
        self.observer.condition(&self.part, Some(&reason));
        if is_new {
            self.observer.announce(Event::Bus(BusEvent::ConnectionLost {
                part: self.part.clone(),
                reason,
                hint: hint(error).unwrap_or_default(),
            }));
        }
        tokio::time::sleep(pause).await;
    }

    /// What was tried has worked.
    pub fn over(&mut self) {
        if let Some(Now { since, .. }) = self.now.take() {
            self.observer.condition(&self.part, None);
            let after_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.observer
                .announce(Event::Bus(BusEvent::ConnectionRestored {
                    part: self.part.clone(),
                    after_ms,
                }));
        }
    }
}

impl Drop for Trouble {
    /// A part that has gone away is in no trouble.
    fn drop(&mut self) {
        if self.now.is_some() {
            self.observer.condition(&self.part, None);
        }
    }
}
