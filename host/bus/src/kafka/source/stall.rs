//! Detects partitions that have records and deliver none. Pure: the time is an argument.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::partition::Place;

/// Observes the partitions of one client.
pub(super) struct Watch {
    after: Duration,
    seen: BTreeMap<Place, Seen>,
}

struct Seen {
    reached: u64,
    since: Instant,
    /// Whether a stall was already detected.
    stalled: bool,
}

/// What to do about a partition that makes no progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// There is nothing to read.
    AtTheEnd,
    /// There are records: make the client seek.
    Stalled,
    /// The seek did not help: replace the client.
    Hopeless,
}

impl Watch {
    pub(super) fn new(after: Duration) -> Self {
        Self {
            after,
            seen: BTreeMap::new(),
        }
    }

    /// Takes the partitions that could deliver and their progress, and returns those without
    /// progress for too long. Whether they are stalled depends on the end of the log, see
    /// [`Watch::judge`].
    pub(super) fn standing(&mut self, idle: &BTreeMap<Place, u64>, now: Instant) -> Vec<Place> {
        self.seen
            .retain(|place, seen| idle.get(place) == Some(&seen.reached));
        let new = |reached| Seen {
            reached,
            since: now,
            stalled: false,
        };
        for (place, &reached) in idle {
            self.seen
                .entry(place.clone())
                .or_insert_with(|| new(reached));
        }
        let standing = self
            .seen
            .iter()
            .filter(|(_, seen)| now.duration_since(seen.since) >= self.after);
        standing.map(|(place, _)| place.clone()).collect()
    }

    /// Judges a partition without progress whose log ends at `end`.
    pub(super) fn judge(&mut self, place: &Place, end: u64, now: Instant) -> Verdict {
        let Some(seen) = self.seen.get_mut(place) else {
            return Verdict::AtTheEnd;
        };
        let verdict = match (end > seen.reached, seen.stalled) {
            (false, _) => Verdict::AtTheEnd,
            (true, false) => Verdict::Stalled,
            (true, true) => Verdict::Hopeless,
        };
        (seen.since, seen.stalled) = (now, verdict != Verdict::AtTheEnd);
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: Duration = Duration::from_secs(10);

    fn place() -> Place {
        ("readings".into(), 0)
    }

    fn idle(reached: u64) -> BTreeMap<Place, u64> {
        BTreeMap::from([(place(), reached)])
    }

    #[test]
    fn a_partition_at_its_end_is_never_stalled() {
        let (mut watch, start) = (Watch::new(AFTER), fedhost_base::clock::now());
        assert_eq!(watch.standing(&idle(5), start), []);
        for step in 1..5 {
            let now = start + AFTER * step;
            assert_eq!(watch.standing(&idle(5), now), [place()]);
            assert_eq!(watch.judge(&place(), 5, now), Verdict::AtTheEnd);
        }
    }

    #[test]
    fn a_partition_that_moves_is_not_judged() {
        let (mut watch, start) = (Watch::new(AFTER), fedhost_base::clock::now());
        for step in 0..5_u32 {
            assert_eq!(watch.standing(&idle(step.into()), start + AFTER * step), []);
        }
    }

    #[test]
    fn a_stalled_partition_gets_one_push_before_its_client_is_given_up() {
        let (mut watch, start) = (Watch::new(AFTER), fedhost_base::clock::now());
        watch.standing(&idle(5), start);
        assert_eq!(watch.judge(&place(), 9, start + AFTER), Verdict::Stalled);
        // When the same time has passed again
        assert_eq!(watch.standing(&idle(5), start + AFTER), []);
        assert_eq!(watch.standing(&idle(5), start + AFTER * 2), [place()]);
        assert_eq!(
            watch.judge(&place(), 9, start + AFTER * 2),
            Verdict::Hopeless
        );
    }

    #[test]
    fn a_push_that_helped_is_forgotten() {
        let (mut watch, start) = (Watch::new(AFTER), fedhost_base::clock::now());
        watch.standing(&idle(5), start);
        assert_eq!(watch.judge(&place(), 9, start + AFTER), Verdict::Stalled);
        watch.standing(&idle(7), start + AFTER);
        watch.standing(&idle(7), start + AFTER * 2);
        assert_eq!(
            watch.judge(&place(), 9, start + AFTER * 2),
            Verdict::Stalled
        );
    }
}
