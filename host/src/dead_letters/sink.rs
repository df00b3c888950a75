//! Writes that may hold dead-letter records: counts those that were stored, and stores one that its
//! topic can never take without its value. One oversized record must neither stop a role permanently
//! nor hold up the dead-letter records written with it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use fedhost_base::event::RunEvent;

use super::format::{first_added, headers, text};
use fedhost_base::announce::Announcer;
use fedhost_base::hint::with_hint;
use fedhost_base::metric;
use fedhost_base::observer::Observer;
use fedhost_bus::{self as bus, NewRecord, Sink, Write};

/// The reason code of a dead-letter record stored without its value.
const TOO_LARGE: &str = "too_large";
/// The original's key and headers are dropped with the value when they are larger than this.
const KEPT_BYTES_MAX: usize = 16 << 10;

/// Writes records of a role, of which some may be dead-letter records.
pub struct DeadLetterSink<'a> {
    /// Where the records go.
    pub sink: &'a dyn Sink,
    /// The role that writes, such as `fog-node-1`.
    pub role: &'a str,
    /// Where a dropped value is reported.
    pub announcer: &'a Announcer,
    /// Where dead-letter records are counted.
    pub observer: &'a dyn Observer,
}

impl DeadLetterSink<'_> {
    /// Writes everything at once. Dead-letter records over the limit of their topic lose their
    /// values, and each loss is announced.
    ///
    /// # Errors
    /// As [`Sink::write`]; [`bus::Error::TooLarge`] only for other records.
    pub async fn write(&self, mut write: Write) -> Result<(), bus::Error> {
        if !write.records.iter().any(is_dead_letter) {
            return self.sink.write(write).await.map(|_| ());
        }
        // A bus refuses what is too large before it takes anything of the write.
        while let Err(refused) = self.sink.write(write.clone()).await {
            let warnings = drop_oversized_values(&mut write.records, &refused);
            if warnings.is_empty() {
                return Err(refused);
            }
            for detail in warnings {
                self.announcer.announce(RunEvent::Warned {
                    part: self.role.to_owned(),
                    detail,
                });
            }
        }
        // Counted as stored, so with the reason `too_large` where the value was dropped.
        for ((topic, reason), records) in counts(&write.records) {
            let labels = [("topic", &*topic), ("reason", &*reason)];
            self.observer.count(metric::DEAD_LETTERS, &labels, records);
        }
        Ok(())
    }
}

/// How many dead-letter records there are, by topic and reason.
fn counts(records: &[NewRecord]) -> BTreeMap<(Arc<str>, String), u64> {
    let mut counts = BTreeMap::new();
    for record in records {
        if header(record, headers::REASON).is_some() {
            let key = (Arc::clone(&record.topic), stated(record, headers::REASON));
            *counts.entry(key).or_default() += 1;
        }
    }
    counts
}

fn is_dead_letter(record: &NewRecord) -> bool {
    header(record, headers::TOPIC).is_some()
}

/// Drops the values of all dead-letter records over the limit of their topic. When none is over it
/// by key and value alone, drops the largest value, since headers count too. Returns a warning for
/// each.
fn drop_oversized_values(records: &mut [NewRecord], refused: &bus::Error) -> Vec<String> {
    let bus::Error::TooLarge { topic, limit, .. } = refused else {
        return Vec::new();
    };
    let mut whole: Vec<&mut NewRecord> = records
        .iter_mut()
        .filter(|record| {
            *record.topic == **topic
                && is_dead_letter(record)
                && header(record, headers::VALUE_BYTES).is_none()
        })
        .collect();
    whole.sort_by_key(|record| Reverse(content_bytes(record) + header_bytes(&record.headers)));
    let over_limit = whole
        .iter()
        .filter(|record| content_bytes(record) as u64 > *limit)
        .count();
    if over_limit == 0 {
        whole.truncate(1);
    } else {
        whole.retain(|record| content_bytes(record) as u64 > *limit);
    }
    whole
        .into_iter()
        .map(|record| drop_value(record, &refused.to_string()))
        .collect()
}

/// Keeps the added headers, and key and headers of the original where they are small. Returns a
/// warning.
fn drop_value(record: &mut NewRecord, why: &str) -> String {
    let reason = stated(record, headers::REASON);
    let trace = stated(record, headers::STACK_TRACE);
    let [topic, partition, offset] =
        [headers::TOPIC, headers::PARTITION, headers::OFFSET].map(|name| stated(record, name));
    let mut added = record.headers.split_off(first_added(&record.headers));
    let key_bytes = record.key.as_ref().map_or(0, Bytes::len);
    if key_bytes + header_bytes(&record.headers) > KEPT_BYTES_MAX {
        record.headers.clear();
        record.key = None;
    }
    let message = format!("{why}; the original could not be used because of {reason}");
    let cause = format!("{TOO_LARGE}: {why}\nCaused by: {trace}");
    for (name, value) in &mut added {
        match name.as_str() {
            headers::REASON | headers::EXCEPTION => *value = text(TOO_LARGE),
            headers::MESSAGE => *value = text(&message),
            headers::STACK_TRACE => *value = text(&cause),
            _ => {}
        }
    }
    let value_bytes = text(&record.value.len().to_string());
    added.push((headers::VALUE_BYTES.to_owned(), value_bytes));
    record.headers.extend(added);
    record.value = Bytes::new();
    with_hint(
        format_args!(
            "record {partition}:{offset} of {topic} could not be used ({reason}), and is kept as a dead-letter record without its value: {why}"
        ),
        Some(&format!(
            "the value lies in {topic} for as long as its retention lasts; raise max_message_bytes of {topic} before more of them come"
        )),
    )
}

fn header<'a>(record: &'a NewRecord, name: &str) -> Option<&'a Bytes> {
    record
        .headers
        .iter()
        .rev()
        .find(|(header, _)| header == name)
        .map(|(_, value)| value)
}

fn stated(record: &NewRecord, name: &str) -> String {
    String::from_utf8_lossy(header(record, name).map_or(&[], |value| value)).into_owned()
}

/// Bytes of key and value.
fn content_bytes(record: &NewRecord) -> usize {
    record.key.as_ref().map_or(0, Bytes::len) + record.value.len()
}

fn header_bytes(headers: &[(String, Bytes)]) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dead_letters::{DeadLetter, Failure, dead_letter};
    use fedhost_bus::{Position, Record};

    fn dead_letter_at(offset: u64, value: usize, headers: usize) -> NewRecord {
        let record = Record {
            position: Position {
                topic: "t".into(),
                partition: 2,
                offset,
            },
            timestamp_ms: 5,
            key: Some("k".into()),
            value: vec![7; value].into(),
            headers: vec![("own".to_owned(), vec![b'h'; headers].into())],
        };
        let (role, stage, reason, detail) = ("fog-node-1", "decode", "not_json", "at column 1");
        let failure = Failure {
            role,
            stage,
            reason,
            detail,
            component: None,
            attempts: 1,
            first_seen_ms: 0,
        };
        dead_letter(&record, ".dlq", &failure)
    }

    fn refused(limit: u64) -> bus::Error {
        bus::Error::TooLarge {
            topic: "t.dlq".to_owned(),
            bytes: limit + 1,
            limit,
        }
    }

    fn lengths(records: &[NewRecord]) -> Vec<usize> {
        records.iter().map(|record| record.value.len()).collect()
    }

    #[test]
    fn records_over_the_limit_lose_their_values_and_no_others_do() {
        let other_topic = NewRecord {
            topic: "u.dlq".into(),
            ..dead_letter_at(3, 500, 0)
        };
        let mut records = vec![
            dead_letter_at(0, 100, 0),
            dead_letter_at(1, 500, 0),
            dead_letter_at(2, 400, 0),
            other_topic,
        ];
        assert_eq!(drop_oversized_values(&mut records, &refused(300)).len(), 2);
        assert_eq!(lengths(&records), [100, 0, 0, 500]);
        assert_eq!(
            drop_oversized_values(&mut records, &refused(300)).len(),
            1,
            "headers alone may be over the limit"
        );
        assert_eq!(lengths(&records), [0, 0, 0, 500]);
        assert_eq!(
            drop_oversized_values(&mut records, &refused(300)),
            [""; 0],
            "no value is left"
        );
    }

    #[test]
    fn a_record_without_its_value_keeps_its_place_and_both_reasons() {
        let mut records = vec![dead_letter_at(3, 500, 10)];
        let warning = drop_oversized_values(&mut records, &refused(300)).remove(0);
        assert!(
            warning.contains("record 2:3 of t could not be used (not_json)")
                && warning.contains("hint: "),
            "{warning}"
        );
        let NewRecord {
            topic,
            key,
            value,
            headers,
            ..
        } = records.remove(0);
        let position = Position {
            topic,
            partition: 2,
            offset: 0,
        };
        let stored = DeadLetter(Record {
            position,
            timestamp_ms: 0,
            key,
            value,
            headers,
        });
        assert_eq!(
            (&*stored.reason(), stored.source_topic()),
            ("too_large", Some("t"))
        );
        assert!(stored.lacks_its_value());
        for (name, words) in [
            ("own", "hhhhhhhhhh"),
            ("__connect.errors.partition", "2"),
            ("__connect.errors.offset", "3"),
            ("__fedhost.value_bytes", "500"),
            ("__connect.errors.exception.class.name", "too_large"),
            (
                "__connect.errors.exception.message",
                "over the limit of 300 of topic \"t.dlq\"",
            ),
            (
                "__connect.errors.exception.stacktrace",
                "Caused by: not_json: at column 1",
            ),
        ] {
            let found = str::from_utf8(stored.0.header(name).unwrap()).unwrap();
            assert!(found.contains(words), "{name} is {found}");
        }
    }

    #[test]
    fn large_headers_of_the_original_go_with_its_value() {
        let mut records = vec![dead_letter_at(0, 500, 20_000)];
        drop_oversized_values(&mut records, &refused(300));
        assert_eq!(
            (records[0].key.as_ref(), records[0].headers[0].0.as_str()),
            (None, headers::TOPIC)
        );
    }
}
