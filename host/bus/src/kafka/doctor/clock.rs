//! How far the broker's clock is from ours.
//!
//! When a producer takes over a transactional id, the coordinator notes it in a topic of its own,
//! under the broker's own time. That note is read back: it must be dated between our asking and the
//! answer.

use std::ops::Range;
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{Offset, TopicPartitionList};

use super::cluster::Cluster;
use crate::checkup::Finding;
use fedhost_base::clock;

const TOPIC: &str = "__transaction_state";
/// The note is among the newest: a busy cluster adds some for every transaction.
const NEWEST: i64 = 10_000;
const POLL: Duration = Duration::from_millis(100);
const SKEW_MAX_MS: i64 = 5_000;
/// The default of a broker's message.timestamp.after.max.ms, less a minute for the way there.
const RECORDS_AHEAD_MAX_MS: i64 = 59 * 60 * 1_000;
/// Below this it is not worth a word, and another doctor's note may have come in between.
const SKEW_MIN_MS: i64 = 1_000;

/// Compares the time of the note about `id` with the time in which it must have been made, by our
/// clock.
pub(super) fn examine(cluster: &Cluster<'_>, id: &str, made_ms: Range<u64>) -> Finding {
    match noted_at(cluster, id) {
        Ok(noted_ms) => judge(noted_ms, &made_ms),
        Err(why) => Finding::unknown("clock", format!("the broker's time cannot be seen: {why}")),
    }
}

fn judge(noted_ms: i64, made_ms: &Range<u64>) -> Finding {
    let [earliest, latest] =
        [made_ms.start, made_ms.end].map(|bound| i64::try_from(bound).unwrap_or(i64::MAX));
    let skew_ms = noted_ms - noted_ms.clamp(earliest, latest);
    let words = match skew_ms {
        skew_ms if skew_ms.abs() < SKEW_MIN_MS => "the broker's agrees with ours".to_owned(),
        ..0 => format!("the broker's is {:.1} s behind ours", seconds(skew_ms)),
        _ => format!("the broker's is {:.1} s ahead of ours", seconds(skew_ms)),
    };
    if skew_ms < -RECORDS_AHEAD_MAX_MS {
        let hint = "set both clocks by NTP: a broker refuses records that are dated further ahead of its own clock than message.timestamp.after.max.ms, an hour unless it is set";
        return Finding::failed("clock", words, hint);
    }
    if skew_ms.abs() > SKEW_MAX_MS {
        let hint =
            "set both clocks by NTP: ages of updates, windows and retention are reckoned by them";
        return Finding::warning("clock", words, hint);
    }
    Finding::ok("clock", words)
}

fn seconds(ms: i64) -> f64 {
    Duration::from_millis(ms.unsigned_abs()).as_secs_f64()
}

/// The time of the newest note about `id`, in milliseconds since the Unix epoch.
fn noted_at(cluster: &Cluster<'_>, id: &str) -> Result<i64, String> {
    let topic = cluster
        .look_up(TOPIC)
        .ok_or_else(|| format!("no right to see {TOPIC}"))?;
    let partition = partition_of(id, topic.partitions);
    let reader = cluster.reader(id).map_err(|trouble| trouble.reason)?;
    let mut newest = TopicPartitionList::new();
    let assigned = newest
        .add_partition_offset(TOPIC, partition, Offset::OffsetTail(NEWEST))
        .and_then(|()| reader.assign(&newest));
    assigned.map_err(|error| error.to_string())?;
    let (deadline, mut noted) = (cluster.deadline(), None);
    while clock::now() < deadline {
        match reader.poll(POLL) {
            Some(Ok(record)) => noted = time_of_note(&record, id).or(noted),
            Some(Err(KafkaError::PartitionEOF(_))) => break,
            Some(Err(error)) => return Err(error.to_string()),
            None => {}
        }
    }
    noted.ok_or_else(|| format!("{TOPIC} has no note of it"))
}

fn time_of_note(record: &BorrowedMessage<'_>, id: &str) -> Option<i64> {
    let is_about_id = record.key().is_some_and(|key| key.ends_with(id.as_bytes()));
    is_about_id
        .then(|| record.timestamp().to_millis())
        .flatten()
}

/// Where the coordinator keeps an id: by Java's hash code of its text.
fn partition_of(id: &str, partitions: u32) -> i32 {
    let hash = id.encode_utf16().fold(0_i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    });
    let partitions = i32::try_from(partitions).unwrap_or(i32::MAX).max(1);
    hash.checked_abs().unwrap_or(0) % partitions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkup::Outcome;

    #[test]
    fn an_id_is_looked_for_where_its_coordinator_keeps_it() {
        // "polygenelubricants".hashCode() is the least integer in Java, which has no positive
        // counterpart.
        assert_eq!(partition_of("abc", 50), 96_354 % 50);
        assert_eq!(partition_of("polygenelubricants", 50), 0);
        assert_eq!(partition_of("", 50), 0);
    }

    #[test]
    fn a_clock_is_wrong_only_by_what_waiting_does_not_explain() {
        let made_ms = 10_000..12_000;
        assert_eq!(
            judge(11_000, &made_ms).detail,
            "the broker's agrees with ours"
        );
        assert_eq!(
            judge(13_500, &made_ms).detail,
            "the broker's is 1.5 s ahead of ours"
        );
        assert_eq!(judge(13_500, &made_ms).outcome, Outcome::Ok);
        let behind = judge(0, &made_ms);
        assert_eq!(
            (behind.detail.as_str(), behind.outcome),
            ("the broker's is 10.0 s behind ours", Outcome::Warning)
        );
        // A machine that is an hour ahead cannot write
        let refused = judge(0, &(3_600_000..3_601_000));
        assert_eq!(refused.outcome, Outcome::Failed);
        let hint = refused.hint.expect("a remedy");
        assert!(hint.contains("message.timestamp.after.max.ms"), "{hint}");
    }
}
