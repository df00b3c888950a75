//! Selects dead-letter records.

use super::{Bound, DeadLetter};

/// Selects dead-letter records; the default selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those of this code.
    pub reason: Option<String>,
    /// Only those with each of these headers; of a name that occurs more than once, any value
    /// matches.
    pub headers: Vec<(String, String)>,
    /// Only those at or after it.
    pub from: Option<Bound>,
    /// Only those before it.
    pub to: Option<Bound>,
}

impl Filter {
    /// Whether the dead-letter record is selected.
    #[must_use]
    pub fn admits(&self, dead_letter: &DeadLetter) -> bool {
        let has = |(name, value): &(String, String)| {
            dead_letter
                .0
                .headers
                .iter()
                .any(|(header, found)| header == name && **found == *value.as_bytes())
        };
        self.covers(dead_letter.0.position.partition)
            && self.from.is_none_or(|from| !from.is_after(dead_letter))
            && self.to.is_none_or(|to| to.is_after(dead_letter))
            && self
                .reason
                .as_ref()
                .is_none_or(|reason| *reason == dead_letter.reason())
            && self.headers.iter().all(has)
    }

    /// Whether dead-letter records of the partition can be selected.
    #[must_use]
    pub fn covers(&self, partition: u32) -> bool {
        self.partitions().all(|named| named == partition)
    }

    /// The partitions that its ends name.
    pub(super) fn partitions(&self) -> impl Iterator<Item = u32> {
        self.from
            .into_iter()
            .chain(self.to)
            .filter_map(Bound::partition)
    }

    /// No dead-letter record below this offset is selected.
    pub(super) fn first_offset(&self) -> Option<u64> {
        self.from.and_then(Bound::offset)
    }

    /// No dead-letter record at this offset or above is selected.
    pub(super) fn end_offset(&self) -> Option<u64> {
        self.to.and_then(Bound::offset)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use fedhost_bus::{Position, Record};

    fn dead_letter(partition: u32, offset: u64, headers: &[(&str, &'static [u8])]) -> DeadLetter {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Bytes::from_static(value)))
            .collect();
        let position = Position {
            topic: "t.dlq".into(),
            partition,
            offset,
        };
        DeadLetter(Record {
            position,
            timestamp_ms: 1_000,
            key: None,
            value: Bytes::new(),
            headers,
        })
    }

    #[test]
    fn a_letter_is_meant_when_everything_fits() {
        let filter = Filter {
            reason: Some("stale".into()),
            headers: vec![("line".into(), "3".into())],
            from: Some(Bound::Offset {
                partition: None,
                offset: 5,
            }),
            to: Some(Bound::Offset {
                partition: None,
                offset: 8,
            }),
        };
        let fitting: &[(&str, &'static [u8])] = &[
            ("line", b"2"),
            ("line", b"3"),
            ("__fedhost.reason", b"stale"),
        ];
        assert!(
            filter.admits(&dead_letter(0, 5, fitting))
                && filter.admits(&dead_letter(1, 7, fitting))
        );
        assert!(
            !filter.admits(&dead_letter(0, 4, fitting))
                && !filter.admits(&dead_letter(0, 8, fitting))
        );
        assert!(!filter.admits(&dead_letter(
            0,
            5,
            &[("line", b"3"), ("__fedhost.reason", b"trap")]
        )));
        assert!(!filter.admits(&dead_letter(
            0,
            5,
            &[("line", b"\xff"), ("__fedhost.reason", b"stale")]
        )));
        assert!(Filter::default().admits(&dead_letter(0, 0, &[])));
    }

    #[test]
    fn a_place_leaves_other_partitions_out() {
        let from = Some(Bound::Offset {
            partition: Some(1),
            offset: 5,
        });
        let filter = Filter {
            from,
            ..Filter::default()
        };
        assert!(filter.admits(&dead_letter(1, 5, &[])) && !filter.admits(&dead_letter(0, 5, &[])));
    }

    #[test]
    fn a_time_is_that_of_the_failure() {
        let seen: &[(&str, &'static [u8])] = &[("__fedhost.first_seen", b"1970-01-01T00:01:00Z")];
        let since = |time_ms| Filter {
            from: Some(Bound::Time(time_ms)),
            ..Filter::default()
        };
        assert!(
            since(60_000).admits(&dead_letter(0, 0, seen))
                && !since(60_001).admits(&dead_letter(0, 0, seen))
        );
        assert!(
            since(1_000).admits(&dead_letter(0, 0, &[])),
            "without it, the record's own"
        );
    }
}
