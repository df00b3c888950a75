//! Numbers that sensors give their records, so that a record that comes twice is applied once.
//!
//! A sensor that was stopped between sending and storing that it sent will send again. A bus with
//! transactions hides that; any other shows the same records twice. A sensor's records of one
//! partition come in order, so the newest number that was seen shows whether a record is a repeat.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::dead_letters::headers::REPLAY_COUNT;
use fedhost_bus::Record;

/// The header's name. Its value is `<sensor>/<number>`, the number counting the sensor's items from
/// 0.
pub const SEQUENCE: &str = "fedhost-sequence";

/// Sensors whose numbers are kept; records of further ones are always new. A name comes from the
/// bus, so without a bound other programs could fill the memory.
const SENSORS_MAX: usize = 10_000;

/// The header of a sensor's item.
#[must_use]
pub fn header(sensor: &str, number: u64) -> (String, Bytes) {
    (SEQUENCE.to_owned(), format!("{sensor}/{number}").into())
}

/// The newest number seen, by sensor and partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen(BTreeMap<String, BTreeMap<u32, u64>>);

impl Seen {
    /// Notes the record; `false` when it was seen before. A record without a number is always new,
    /// and so is one that an operator has replayed from a dead-letter topic.
    pub fn is_new(&mut self, record: &Record) -> bool {
        if record.header(REPLAY_COUNT).is_some() {
            return true;
        }
        let Some((sensor, number)) = number_of(record) else {
            return true;
        };
        // A name is copied only when it is met for the first time.
        if !self.0.contains_key(sensor) {
            if self.0.len() >= SENSORS_MAX {
                return true;
            }
            self.0.insert(sensor.to_owned(), BTreeMap::new());
        }
        let Some(partitions) = self.0.get_mut(sensor) else {
            return true;
        };
        match partitions.get_mut(&record.position.partition) {
            Some(newest) if number <= *newest => false,
            Some(newest) => {
                *newest = number;
                true
            }
            None => partitions
                .insert(record.position.partition, number)
                .is_none(),
        }
    }
}

/// The sensor that sent a record, and the record's number.
pub(crate) fn number_of(record: &Record) -> Option<(&str, u64)> {
    parse(record.header(SEQUENCE)?)
}

fn parse(value: &[u8]) -> Option<(&str, u64)> {
    let (sensor, number) = str::from_utf8(value).ok()?.rsplit_once('/')?;
    Some((sensor, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fedhost_bus::Position;

    fn record(partition: u32, headers: Vec<(String, Bytes)>) -> Record {
        let position = Position {
            topic: "t".into(),
            partition,
            offset: 0,
        };
        Record {
            position,
            timestamp_ms: 0,
            key: None,
            value: Bytes::new(),
            headers,
        }
    }

    #[test]
    fn a_repeated_record_is_known() {
        let mut seen = Seen::default();
        let mut is_new = |sensor: &str, partition, number| {
            seen.is_new(&record(partition, vec![header(sensor, number)]))
        };
        assert!(is_new("a/b", 0, 0) && is_new("a/b", 0, 1) && is_new("a/b", 0, 4));
        assert!(!is_new("a/b", 0, 1) && !is_new("a/b", 0, 4));
        // Another sensor, and another partition, count for themselves
        assert!(is_new("c", 0, 1) && is_new("a/b", 1, 1));
        assert!(is_new("a/b", 0, 5));
    }

    #[test]
    fn a_record_of_another_program_is_always_new() {
        let mut seen = Seen::default();
        let bad = [
            vec![],
            vec![(SEQUENCE.to_owned(), "no number".into())],
            vec![(SEQUENCE.to_owned(), "a/-1".into())],
            vec![header("a", 1), (REPLAY_COUNT.to_owned(), "1".into())],
        ];
        for headers in bad {
            assert!(seen.is_new(&record(0, headers.clone())) && seen.is_new(&record(0, headers)));
        }
    }

    #[test]
    fn the_numbers_of_further_sensors_are_not_kept() {
        let mut seen = Seen::default();
        for sensor in 0..=SENSORS_MAX {
            let record = record(0, vec![header(&sensor.to_string(), 1)]);
            assert!(seen.is_new(&record));
            assert_eq!(seen.is_new(&record), sensor == SENSORS_MAX);
        }
        assert_eq!(seen.0.len(), SENSORS_MAX);
    }
}
