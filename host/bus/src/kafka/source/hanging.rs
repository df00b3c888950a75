//! Detects transactions of other clients that do not end. Pure: the time is an argument.
//!
//! A reader of committed records gets nothing behind the first open transaction. A client that died
//! without ending its transaction so stops the readers of the partition, while everything looks as
//! if there was nothing to read.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::partition::Place;

/// The open transactions of partitions, as far as they are seen.
pub(super) struct OpenTransactions {
    after: Duration,
    seen: BTreeMap<Place, Seen>,
}

struct Seen {
    stable: u64,
    since: Instant,
    is_announced: bool,
}

/// Records that wait for the end of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hanging {
    /// The first record of the transaction.
    pub(super) from: u64,
    /// One past the newest record.
    pub(super) end: u64,
    pub(super) open_for: Duration,
}

impl OpenTransactions {
    /// A transaction hangs when it has been open for longer than `after`.
    pub(super) fn new(after: Duration) -> Self {
        Self {
            after,
            seen: BTreeMap::new(),
        }
    }

    /// Takes the end of the readable log (the last stable offset) and the end of the log (the high
    /// watermark) of a partition. Returns a hanging transaction once.
    pub(super) fn observe(
        &mut self,
        place: &Place,
        stable: u64,
        end: u64,
        now: Instant,
    ) -> Option<Hanging> {
        if end <= stable {
            self.seen.remove(place);
            return None;
        }
        let seen = self.seen.entry(place.clone()).or_insert(Seen {
            stable,
            since: now,
            is_announced: false,
        });
        if seen.stable != stable {
            (seen.stable, seen.since, seen.is_announced) = (stable, now, false);
        }
        let open_for = now.duration_since(seen.since);
        if seen.is_announced || open_for < self.after {
            return None;
        }
        seen.is_announced = true;
        Some(Hanging {
            from: stable,
            end,
            open_for,
        })
    }
}

/// What happens, and what to do.
pub(super) fn describe((topic, partition): &Place, hanging: Hanging) -> (String, String) {
    let Hanging {
        from,
        end,
        open_for,
    } = hanging;
    let detail = format!(
        "{topic}/{partition} has records from offset {from} to {end} that cannot be read: a transaction of another \
         client has been open there for {} s",
        open_for.as_secs()
    );
    let hint = format!(
        "end that client, or its transaction: kafka-transactions.sh --bootstrap-server SERVER abort --topic {topic} \
         --partition {partition} --start-offset {from}"
    );
    (detail, hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: Duration = Duration::from_secs(30);

    fn place() -> Place {
        ("readings".into(), 0)
    }

    #[test]
    fn a_transaction_that_stays_open_is_announced_once() {
        let (mut open, start) = (OpenTransactions::new(AFTER), fedhost_base::clock::now());
        assert_eq!(open.observe(&place(), 5, 9, start), None);
        let hanging = open.observe(&place(), 5, 20, start + AFTER);
        let expected = Hanging {
            from: 5,
            end: 20,
            open_for: AFTER,
        };
        assert_eq!(hanging, Some(expected));
        assert_eq!(open.observe(&place(), 5, 30, start + AFTER * 2), None);
        let (detail, hint) = describe(&place(), expected);
        assert!(detail.contains("from offset 5 to 20") && hint.contains("--start-offset 5"));
    }

    #[test]
    fn transactions_that_end_are_not_announced() {
        let (mut open, start) = (OpenTransactions::new(AFTER), fedhost_base::clock::now());
        for step in 0..10_u32 {
            let now = start + AFTER * step;
            // One after another is open, whenever it is looked at
            assert_eq!(open.observe(&place(), step.into(), 100, now), None);
        }
        assert_eq!(open.observe(&place(), 100, 100, start + AFTER * 10), None);
        assert_eq!(open.observe(&place(), 100, 110, start + AFTER * 20), None);
    }
}
