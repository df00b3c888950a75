//! The consumer groups: whether we may use them, and whether they keep up.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};

use super::acl::{self, Thing};
use super::client_error_log::ClientErrorLog;
use super::cluster::{Cluster, patiently};
use super::{Needs, ReadNeed};
use crate::checkup::{Finding, Tell};
use crate::kafka::diagnosis::{Diagnosis, Kind};

/// Between two looks at how far a group has come.
const INTERVAL: Duration = Duration::from_secs(1);
/// A group stores its offset with its results: an aggregator once a round, a fog node once a batch.
/// This number of records, or what comes in this number of intervals, may be under way.
const UNDER_WAY_RECORDS: u64 = 1_000;
const UNDER_WAY_INTERVALS: u64 = 10;

/// A group that has been looked at once.
struct Seen<'a> {
    group: &'a str,
    topics: Vec<&'a str>,
    reader: BaseConsumer<ClientErrorLog>,
    place: Option<Place>,
}

/// Where a group is, summed up over its partitions.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Records that it has yet to read.
    lag: u64,
    /// One past the newest record.
    end: u64,
}

/// Looks at the lag of every group twice, about a second apart.
pub(super) fn examine(cluster: &Cluster<'_>, needs: &Needs, tell: &mut Tell<'_>) {
    let mut topics: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let there =
        |reading: &&ReadNeed| reading.stores_offsets && cluster.topics.contains_key(&reading.topic);
    for reading in needs.reads.iter().filter(there) {
        topics
            .entry(&reading.group)
            .or_default()
            .push(&reading.topic);
    }
    let mut seen = Vec::new();
    for (group, topics) in topics {
        match look(cluster, group, topics) {
            Ok(group) => seen.push(group),
            Err(trouble) => tell(refusal(cluster, group, trouble)),
        }
    }
    if seen.iter().any(|group| group.place.is_some()) {
        // Not a wait for something: this is the time over which the lag is compared.
        std::thread::sleep(INTERVAL);
    }
    for group in seen {
        let subject = format!("group {:?}", group.group);
        tell(match place(cluster, &group.reader, &group.topics) {
            Ok(now) => judge(subject, group.place, now),
            Err(trouble) => Finding::failed(subject, trouble.reason, trouble.hint),
        });
    }
}

fn look<'a>(
    cluster: &Cluster<'_>,
    group: &'a str,
    topics: Vec<&'a str>,
) -> Result<Seen<'a>, Diagnosis> {
    let reader = cluster.reader(group)?;
    let place = place(cluster, &reader, &topics)?;
    Ok(Seen {
        group,
        topics,
        reader,
        place,
    })
}

/// Where the group is; `None` when it has never stored an offset.
fn place(
    cluster: &Cluster<'_>,
    reader: &BaseConsumer<ClientErrorLog>,
    topics: &[&str],
) -> Result<Option<Place>, Diagnosis> {
    let mut asked = TopicPartitionList::new();
    for topic in topics {
        let partitions = cluster
            .topics
            .get(*topic)
            .map_or(0, |topic| topic.partitions);
        (0..i32::try_from(partitions).unwrap_or(i32::MAX)).for_each(|partition| {
            asked.add_partition(topic, partition);
        });
    }
    let patience = cluster.options.request;
    let stored = patiently(reader, patience, |step| {
        reader.committed_offsets(asked.clone(), step)
    })?;
    let mut sum: Option<Place> = None;
    for offset in stored.elements() {
        if let Offset::Offset(next) = offset.offset() {
            let (topic, partition) = (offset.topic(), offset.partition());
            let (_, end) = patiently(reader, patience, |step| {
                reader.fetch_watermarks(topic, partition, step)
            })?;
            let so_far = sum.get_or_insert_default();
            so_far.lag += u64::try_from(end - next).unwrap_or_default();
            so_far.end += u64::try_from(end).unwrap_or_default();
        }
    }
    Ok(sum)
}

fn judge(subject: String, before: Option<Place>, now: Option<Place>) -> Finding {
    let (Some(now), before) = (now, before.unwrap_or_default()) else {
        return Finding::ok(subject, "has stored no offset yet");
    };
    if now.lag == 0 {
        return Finding::ok(subject, "has read everything");
    }
    let under_way = now
        .end
        .saturating_sub(before.end)
        .saturating_mul(UNDER_WAY_INTERVALS)
        .max(UNDER_WAY_RECORDS);
    if before.lag == 0 || now.lag <= before.lag || now.lag <= under_way {
        return Finding::ok(subject, format!("{} records wait for it", now.lag));
    }
    Finding::warning(
        subject,
        format!(
            "falls behind: {} records wait for it, {} more than a second ago",
            now.lag,
            now.lag - before.lag
        ),
        "see that its role runs; if it does, it is too slow for what comes in: give it less, or a faster machine",
    )
}

fn refusal(cluster: &Cluster<'_>, group: &str, trouble: Diagnosis) -> Finding {
    let subject = format!("group {group:?}");
    match trouble.kind {
        Kind::Refused => {
            let detail = format!("no right to use consumer group {group:?}");
            Finding::failed(
                subject,
                detail,
                acl::hint(cluster, "Read", Thing::Group, group),
            )
        }
        _ => Finding::failed(subject, trouble.reason, trouble.hint),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkup::Outcome;

    fn judged(before: Place, now: Place) -> Outcome {
        judge("group".to_owned(), Some(before), Some(now)).outcome
    }

    #[test]
    fn a_lag_that_grows_beyond_what_is_under_way_is_a_warning() {
        let before = Place {
            lag: 5_000,
            end: 100_000,
        };
        assert_eq!(
            judged(
                before,
                Place {
                    lag: 5_400,
                    end: 100_400
                }
            ),
            Outcome::Warning
        );
    }

    #[test]
    fn a_lag_that_shrinks_or_is_under_way_is_none() {
        let before = Place {
            lag: 5_000,
            end: 100_000,
        };
        assert_eq!(
            judged(
                before,
                Place {
                    lag: 4_900,
                    end: 100_400
                }
            ),
            Outcome::Ok,
            "it catches up"
        );
        assert_eq!(
            judged(
                before,
                Place {
                    lag: 5_400,
                    end: 101_000
                }
            ),
            Outcome::Ok,
            "what comes in ten seconds"
        );
        let (few, more) = (Place { lag: 20, end: 100 }, Place { lag: 57, end: 137 });
        assert_eq!(judged(few, more), Outcome::Ok, "a batch in hand");
    }

    #[test]
    fn a_group_that_never_stored_an_offset_is_not_behind() {
        assert_eq!(
            judge("group".to_owned(), None, None).detail,
            "has stored no offset yet"
        );
    }
}
