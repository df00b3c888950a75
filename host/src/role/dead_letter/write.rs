//! Writes with dead letters among their records. A letter that its topic can never take goes there
//! without its value: one record must not stop a role for good, nor the letters that are written
//! with it.

use bytes::Bytes;
use fedhost_domain::event::Event;

use super::{first_added, headers, text};
use crate::role::{Context, Error, on_bus};
use fedhost_bus::{self as bus, NewRecord, Write};

/// The reason of a letter without its value.
const TOO_LARGE: &str = "too_large";
/// A key and headers of the original that are larger than this go with the value.
const KEPT_BYTES_MAX: usize = 16 << 10;

/// Writes; letters that are too large are cut down to their story, which is announced.
///
/// # Errors
/// The bus refused.
pub(crate) async fn write(context: &Context, role: &str, mut write: Write) -> Result<(), Error> {
    while write.records.iter().any(is_letter) {
        // A bus refuses what is too large before it takes anything of the write.
        let refused = match context.write(write.clone()).await {
            Err(bus::Error::TooLarge {
                topic,
                bytes,
                limit,
            }) => bus::Error::TooLarge {
                topic,
                bytes,
                limit,
            },
            other => return other.map(drop).map_err(on_bus(role)),
        };
        let stories = cut_down(&mut write.records, &refused);
        if stories.is_empty() {
            return Err(on_bus(role)(refused));
        }
        for detail in stories {
            context.announcer.announce(Event::Warned {
                part: role.to_owned(),
                detail,
            });
        }
    }
    context.write(write).await.map(drop).map_err(on_bus(role))
}

fn is_letter(record: &NewRecord) -> bool {
    record
        .headers
        .iter()
        .any(|(name, _)| name == headers::TOPIC)
}

/// Takes the values from all letters that are over the limit of their topic; from the largest of
/// them when none is by its value alone, since headers count too. Says for each what has become of
/// it.
fn cut_down(records: &mut [NewRecord], refused: &bus::Error) -> Vec<String> {
    let bus::Error::TooLarge {
        topic: name, limit, ..
    } = refused
    else {
        return Vec::new();
    };
    let mut whole: Vec<&mut NewRecord> = records
        .iter_mut()
        .filter(|record| {
            *record.topic == **name
                && is_letter(record)
                && header(record, headers::VALUE_BYTES).is_none()
        })
        .collect();
    whole.sort_by_key(|letter| std::cmp::Reverse(content(letter) + sum(&letter.headers)));
    let is_over = |letter: &NewRecord| content(letter) as u64 > *limit;
    let all_fit = !whole.iter().any(|letter| is_over(letter));
    let too_large = whole.into_iter().enumerate();
    let too_large = too_large.filter(|(index, letter)| is_over(letter) || (all_fit && *index == 0));
    too_large
        .map(|(_, letter)| take_value(letter, &refused.to_string()))
        .collect()
}

/// Leaves the letter with its story, and what is small of the original. Returns the story.
fn take_value(letter: &mut NewRecord, why: &str) -> String {
    let (reason, trace) = (
        stated(letter, headers::REASON),
        stated(letter, headers::STACK_TRACE),
    );
    let place =
        [headers::TOPIC, headers::PARTITION, headers::OFFSET].map(|name| stated(letter, name));
    let mut added = letter.headers.split_off(first_added(&letter.headers));
    if letter.key.as_ref().map_or(0, Bytes::len) + sum(&letter.headers) > KEPT_BYTES_MAX {
        letter.headers.clear();
        letter.key = None;
    }
    let message = format!("{why}; the original was put aside because of {reason}");
    let cause = format!("{TOO_LARGE}: {why}\nCaused by: {trace}");
    for (name, value) in &mut added {
        match name.as_str() {
            headers::REASON | headers::EXCEPTION => *value = text(TOO_LARGE),
            headers::MESSAGE => *value = text(&message),
            headers::STACK_TRACE => *value = text(&cause),
            _ => {}
        }
    }
    added.push((
        headers::VALUE_BYTES.to_owned(),
        text(&letter.value.len().to_string()),
    ));
    letter.headers.extend(added);
    letter.value = Bytes::new();
    let [topic, partition, offset] = place;
    format!(
        "record {partition}:{offset} of {topic} could not be used ({reason}), and is kept as a dead letter without its value: {why}\n\
         hint: the value lies in {topic} for as long as its retention lasts; raise max_message_bytes of {topic} before more of them come"
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
fn content(record: &NewRecord) -> usize {
    record.key.as_ref().map_or(0, Bytes::len) + record.value.len()
}

fn sum(headers: &[(String, Bytes)]) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::dead_letter::{Failure, Letter, dead_letter};
    use fedhost_bus::{Position, Record};

    fn letter(offset: u64, value: usize, headers: usize) -> NewRecord {
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
    fn letters_over_the_limit_lose_their_values_and_no_others_do() {
        let elsewhere = NewRecord {
            topic: "u.dlq".into(),
            ..letter(3, 500, 0)
        };
        let mut records = vec![
            letter(0, 100, 0),
            letter(1, 500, 0),
            letter(2, 400, 0),
            elsewhere,
        ];
        assert_eq!(cut_down(&mut records, &refused(300)).len(), 2);
        assert_eq!(lengths(&records), [100, 0, 0, 500]);
        assert_eq!(
            cut_down(&mut records, &refused(300)).len(),
            1,
            "headers may be what is too much"
        );
        assert_eq!(lengths(&records), [0, 0, 0, 500]);
        assert_eq!(
            cut_down(&mut records, &refused(300)),
            [""; 0],
            "there is nothing left to be taken"
        );
    }

    #[test]
    fn a_letter_without_its_value_tells_the_whole_story() {
        let mut records = vec![letter(3, 500, 10)];
        let told = cut_down(&mut records, &refused(300)).remove(0);
        assert!(
            told.contains("record 2:3 of t could not be used (not_json)")
                && told.contains("hint: "),
            "{told}"
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
        let letter = Letter(Record {
            position,
            timestamp_ms: 0,
            key,
            value,
            headers,
        });
        let place = (
            letter.source_topic(),
            letter.source_partition(),
            letter.source_offset(),
        );
        assert_eq!(
            (&*letter.reason(), place),
            ("too_large", (Some("t"), Some(2), Some(3)))
        );
        assert!(letter.lacks_its_value());
        for (name, words) in [
            ("own", "hhhhhhhhhh"),
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
            let found = str::from_utf8(letter.0.header(name).unwrap()).unwrap();
            assert!(found.contains(words), "{name} is {found}");
        }
    }

    #[test]
    fn large_headers_of_the_original_go_with_its_value() {
        let mut records = vec![letter(0, 500, 20_000)];
        cut_down(&mut records, &refused(300));
        assert_eq!(
            (records[0].key.as_ref(), records[0].headers[0].0.as_str()),
            (None, headers::TOPIC)
        );
    }
}
