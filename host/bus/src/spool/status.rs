//! What all parts of a spool know of each other: how much waits, and whether it continues.

use tokio::sync::watch;

use super::entry::Sums;
use crate::Error;
use fedhost_base::clock;
use fedhost_base::metric;
use fedhost_base::observer::{Labels, Observer};

/// A place in the spool's log.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Level {
    /// The next offset.
    pub(super) offset: u64,
    /// All that came in before it.
    pub(super) sums: Sums,
}

/// Whether the bus behind the spool answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Contact {
    /// It was not asked yet.
    #[default]
    Unknown,
    Well,
    Trouble,
}

/// Why a spool does not continue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    Closed,
    Lost { what: String, reason: String },
}

#[derive(Clone, Debug, Default)]
pub(super) struct Status {
    /// Where the next write comes to lie.
    pub(super) accepted: Level,
    /// The oldest write that has not arrived.
    pub(super) drained: Level,
    /// When the oldest write was accepted.
    pub(super) oldest_ms: u64,
    pub(super) contact: Contact,
    /// The role has begun from the state that lies here, and not on the bus.
    pub(super) assumed: bool,
    /// It is in use, so what waits may be sent.
    pub(super) in_use: bool,
    /// Nothing more is accepted.
    pub(super) closing: bool,
    pub(super) end: Option<End>,
}

impl Status {
    pub(super) fn is_empty(&self) -> bool {
        self.accepted.offset <= self.drained.offset
    }

    /// Writes that wait.
    pub(super) fn writes(&self) -> u64 {
        self.accepted.offset.saturating_sub(self.drained.offset)
    }

    /// Bytes that wait.
    pub(super) fn bytes(&self) -> u64 {
        self.accepted
            .sums
            .bytes
            .saturating_sub(self.drained.sums.bytes)
    }

    /// Why no more is accepted, if so.
    pub(super) fn refusal(&self) -> Option<Error> {
        match &self.end {
            Some(End::Lost { what, reason }) => Some(Error::Lost {
                what: what.clone(),
                reason: reason.clone(),
            }),
            Some(End::Closed) => Some(Error::Closed),
            None => self.closing.then_some(Error::Closed),
        }
    }

    /// Tells how much waits.
    pub(super) fn tell(&self, observer: &dyn Observer, labels: Labels<'_>) {
        let records = self
            .accepted
            .sums
            .records
            .saturating_sub(self.drained.sums.records);
        let age_ms = if self.is_empty() {
            0
        } else {
            clock::now_ms().saturating_sub(self.oldest_ms)
        };
        #[expect(clippy::cast_precision_loss, reason = "the metric may be rounded")]
        let float = |value: u64| value as f64;
        observer.gauge(metric::SPOOL_RECORDS, labels, float(records));
        observer.gauge(metric::SPOOL_BYTES, labels, float(self.bytes()));
        observer.gauge(metric::SPOOL_OLDEST_SECONDS, labels, float(age_ms) / 1e3);
    }
}

/// Ends the spool; the first reason stays.
pub(super) fn end(status: &watch::Sender<Status>, reason: End) {
    status.send_if_modified(|status| {
        let first = status.end.is_none();
        status.end.get_or_insert(reason);
        first
    });
}

/// Waits until `condition` holds.
pub(super) async fn until(
    status: &watch::Sender<Status>,
    condition: impl FnMut(&Status) -> bool,
) -> Status {
    let mut changes = status.subscribe();
    let found = changes
        .wait_for(condition)
        .await
        .map(|status| status.clone());
    // Only a sender that has gone makes it fail.
    found.unwrap_or_else(|_| status.borrow().clone())
}
