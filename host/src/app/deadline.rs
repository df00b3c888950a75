//! The one deadline by which everything of a run has ended, once it is stopped.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use fedhost_base::clock;

/// Cheap to clone; all clones share the deadline.
#[derive(Clone, Debug)]
pub(super) struct ShutdownDeadline {
    within: Duration,
    until: Arc<OnceLock<Instant>>,
}

impl ShutdownDeadline {
    /// Ends `within` after [`ShutdownDeadline::begin`].
    pub(super) fn new(within: Duration) -> Self {
        Self {
            within,
            until: Arc::default(),
        }
    }

    /// Starts the time; a second call changes nothing.
    pub(super) fn begin(&self) {
        self.until.get_or_init(|| clock::now() + self.within);
    }

    /// For everything together; all of it as long as it has not begun.
    pub(super) fn left(&self) -> Duration {
        self.until.get().map_or(self.within, |until| {
            until.saturating_duration_since(clock::now())
        })
    }

    /// For work in hand: the last quarter is for clients to close.
    pub(super) fn left_for_work(&self) -> Duration {
        self.left().saturating_sub(self.within / 4)
    }

    /// For roles that feed others: their work is short, and the others wait for them.
    pub(super) fn left_for_feeders(&self) -> Duration {
        self.left().saturating_sub(self.within / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_deadline_however_often_it_is_begun() {
        let closing = ShutdownDeadline::new(Duration::from_secs(3_600));
        assert_eq!(
            closing.left(),
            Duration::from_secs(3_600),
            "it has not begun"
        );
        let other = closing.clone();
        closing.begin();
        let first = other.until.get().copied();
        other.begin();
        assert_eq!(closing.until.get().copied(), first);
        assert!(
            closing.left_for_feeders() < closing.left_for_work()
                && closing.left_for_work() < closing.left()
        );
    }

    #[test]
    fn no_time_is_left_when_it_is_over() {
        let closing = ShutdownDeadline::new(Duration::ZERO);
        closing.begin();
        assert_eq!(
            [
                closing.left(),
                closing.left_for_work(),
                closing.left_for_feeders()
            ],
            [Duration::ZERO; 3]
        );
    }
}
