//! The first, last and stored offsets of partitions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use fedhost_base::event::{Event, RunEvent};

use super::context::Client;
use super::failure::Failure;
use super::partition::Place;
use super::plan::Plan;
use crate::kafka::diagnosis::Kind;
use crate::kafka::offset_note::Note;
use crate::kafka::topic_ids::topic_ids;
use crate::{Beginning, Start, StoredOffset, TopicId};

/// Time limit for the end of a transaction that is about to change the group's offsets.
const SETTLING: Duration = Duration::from_secs(10);

/// Where reading of a partition begins.
pub(super) struct Begin {
    pub(super) place: Place,
    pub(super) beginning: Beginning,
    /// The group's stored offset, if it has one, whichever topic it belongs to.
    pub(super) stored: Option<u64>,
}

/// An offset that the group has stored.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stored {
    next: u64,
    note: Note,
}

/// All partitions of `topics`.
pub(super) fn partitions(
    client: &Client,
    topics: &[Arc<str>],
    timeout: Duration,
) -> Result<Vec<Place>, Failure> {
    let mut places = Vec::new();
    for topic in topics {
        let metadata = client.fetch_metadata(Some(topic), timeout)?;
        let found = metadata
            .topics()
            .iter()
            .find(|found| found.name() == &**topic);
        let error = found
            .and_then(|found| found.error())
            .map(RDKafkaErrorCode::from);
        let count = found.map_or(0, |found| found.partitions().len());
        match error {
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::InvalidTopic) => {
                return Err(Failure::UnknownTopic(topic.to_string()));
            }
            Some(code) => return Err(rdkafka::error::KafkaError::MetadataFetch(code).into()),
            None if count == 0 => return Err(Failure::UnknownTopic(topic.to_string())),
            None => places.extend(
                (0_u32..)
                    .take(count)
                    .map(|index| (Arc::clone(topic), index)),
            ),
        }
    }
    Ok(places)
}

/// The ids of `topics`, by name; empty where the cluster has none or does not show them.
///
/// # Errors
/// No answer.
pub(super) fn ids(
    client: &Client,
    topics: &[Arc<str>],
    timeout: Duration,
) -> Result<BTreeMap<String, TopicId>, Failure> {
    let names: Vec<&str> = topics.iter().map(|topic| &**topic).collect();
    match topic_ids(client.client(), &names, timeout) {
        Err(error) => {
            let failure = Failure::from(error);
            match &failure {
                Failure::Client(diagnosis) if diagnosis.kind != Kind::Unreachable => {
                    Ok(BTreeMap::new())
                }
                _ => Err(failure),
            }
        }
        found => Ok(found?),
    }
}

/// Where each of `places` begins: at the group's stored offset, else at `start`; never below the
/// oldest record. An offset of an earlier topic does not count: all records of the topic that has
/// replaced it are new.
///
/// # Errors
/// The broker refused, or a place has no stored offset and [`Start::Stored`] requires one.
pub(super) fn begins(
    client: &Client,
    places: &[Place],
    start: Start,
    timeout: Duration,
) -> Result<Vec<Begin>, Failure> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let mut topics: Vec<Arc<str>> = places.iter().map(|place| Arc::clone(&place.0)).collect();
    topics.dedup();
    let ids = ids(client, &topics, timeout)?;
    let stored = stored(client, places, timeout)?;
    if let (Start::Stored, Some(place)) = (
        start,
        places.iter().find(|place| !stored.contains_key(place)),
    ) {
        return Err(Failure::NoOffset(place.clone()));
    }
    let oldest = ask(client, places, Offset::Beginning, timeout)?;
    let newest = match start {
        Start::Latest if stored.len() < places.len() => ask(client, places, Offset::End, timeout)?,
        _ => BTreeMap::new(),
    };
    let begin = |place: &Place| {
        let oldest = oldest.get(place).copied().unwrap_or_default();
        let topic_id = ids.get(&*place.0);
        let found = stored.get(place);
        let (next, kind) = match found {
            None => (newest.get(place).copied(), StoredOffset::Missing),
            Some(found) if found.note.is_outdated(topic_id) => (None, StoredOffset::Outdated),
            Some(found) if found.note == Note::Foreign => (Some(found.next), StoredOffset::Foreign),
            Some(found) => (Some(found.next), StoredOffset::Own),
        };
        Begin {
            place: place.clone(),
            beginning: Beginning {
                next: next.unwrap_or(oldest).max(oldest),
                topic_id: topic_id.cloned(),
                stored: kind,
            },
            stored: found.map(|found| found.next),
        }
    };
    Ok(places.iter().map(begin).collect())
}

/// The group's stored offsets, once no open transaction is about to change them.
///
/// Such a transaction may never end: after a restart, a broker may fail to report the result of a
/// transaction to the group (seen with Kafka 4.3 and a single broker). If no other process can have
/// a transaction open, the earlier stored offsets count: the records after them are read again, and
/// the next transaction updates the group.
fn stored(
    client: &Client,
    places: &[Place],
    timeout: Duration,
) -> Result<BTreeMap<Place, Stored>, Failure> {
    let within = timeout.min(SETTLING);
    match client.committed_offsets(list(places, Offset::Invalid)?, within) {
        // The client repeats the request by itself while a transaction is open.
        Err(error) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::OperationTimedOut) => {
            let context = client.context();
            if !context.shared.buffer().is_settled() {
                return Err(error.into());
            }
            let before = stored_before(&context.plan, places)?;
            context
                .plan
                .options
                .observer
                .announce(Event::Run(RunEvent::Warned {
                    part: context.plan.part(),
                    detail: forgotten(),
                }));
            Ok(before)
        }
        stored => Ok(noted_offsets(&stored?)?),
    }
}

/// The group's stored offsets, without the changes of open transactions.
fn stored_before(plan: &Plan, places: &[Place]) -> Result<BTreeMap<Place, Stored>, Failure> {
    let outsider: BaseConsumer = plan
        .client_config()
        .set("isolation.level", "read_uncommitted")
        .create()?;
    Ok(noted_offsets(&outsider.committed_offsets(
        list(places, Offset::Invalid)?,
        SETTLING,
    )?)?)
}

fn forgotten() -> String {
    "its offsets wait for the end of a transaction that the brokers have forgotten: it reads on from those before it, and \
     what was read in between is done again"
        .to_owned()
}

/// By partition: the oldest offset that exists, and the end of the readable log.
pub(super) fn bounds(
    client: &Client,
    places: &[Place],
    timeout: Duration,
) -> Result<BTreeMap<Place, (u64, u64)>, Failure> {
    let oldest = ask(client, places, Offset::Beginning, timeout)?;
    let newest = ends(client, places, timeout)?;
    let bounds = oldest.into_iter().filter_map(|(place, oldest)| {
        let newest = newest.get(&place).copied()?;
        Some((place, (oldest, newest)))
    });
    Ok(bounds.collect())
}

/// By partition: the end of the readable log.
pub(super) fn ends(
    client: &Client,
    places: &[Place],
    timeout: Duration,
) -> Result<BTreeMap<Place, u64>, Failure> {
    ask(client, places, Offset::End, timeout)
}

/// One request to each leader. For the time -2 or -1, a broker returns the oldest or the newest
/// offset.
fn ask(
    client: &Client,
    places: &[Place],
    which: Offset,
    timeout: Duration,
) -> Result<BTreeMap<Place, u64>, Failure> {
    if places.is_empty() {
        return Ok(BTreeMap::new());
    }
    Ok(offsets(
        &client.offsets_for_times(list(places, which)?, timeout)?,
    )?)
}

fn offsets(list: &TopicPartitionList) -> KafkaResult<BTreeMap<Place, u64>> {
    let noted = noted_offsets(list)?.into_iter();
    Ok(noted.map(|(place, stored)| (place, stored.next)).collect())
}

fn noted_offsets(list: &TopicPartitionList) -> KafkaResult<BTreeMap<Place, Stored>> {
    let mut offsets = BTreeMap::new();
    for element in list.elements() {
        element.error()?;
        if let (Offset::Offset(offset), Ok(index)) =
            (element.offset(), u32::try_from(element.partition()))
            && let Ok(next) = u64::try_from(offset)
        {
            let note = Note::read(element.metadata());
            offsets.insert((element.topic().into(), index), Stored { next, note });
        }
    }
    Ok(offsets)
}

fn list(places: &[Place], offset: Offset) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(places.len());
    for (topic, index) in places {
        list.add_partition_offset(topic, index.cast_signed(), offset)?;
    }
    Ok(list)
}

/// A list of partitions with offsets, in the client's type.
pub(super) fn at<'a>(
    places: impl IntoIterator<Item = (&'a Place, u64)>,
) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for ((topic, index), offset) in places {
        list.add_partition_offset(
            topic,
            index.cast_signed(),
            Offset::Offset(offset.cast_signed()),
        )?;
    }
    Ok(list)
}

/// A list of partitions without offsets, in the client's type.
pub(super) fn without<'a>(places: impl IntoIterator<Item = &'a Place>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for (topic, index) in places {
        list.add_partition(topic, index.cast_signed());
    }
    list
}

/// The partitions of `list` that belong to `topics`.
pub(super) fn places(list: &TopicPartitionList, topics: &[Arc<str>]) -> Vec<Place> {
    let elements = list.elements();
    let place = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
        let topic = topics.iter().find(|topic| ***topic == *element.topic())?;
        Some((Arc::clone(topic), u32::try_from(element.partition()).ok()?))
    };
    elements.iter().filter_map(place).collect()
}
