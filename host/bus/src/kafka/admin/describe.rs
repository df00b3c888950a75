//! What there is: topics, their settings and offsets, groups, brokers.

use std::collections::BTreeMap;
use std::ops::Range;

use rdkafka::admin::{ConfigResource, ConfigResourceResult, ResourceSpecifier};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::metadata::MetadataTopic;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList, TopicPartitionListElem};

use super::connection::Connection;
use super::{Broker, Cluster, settings};
use crate::kafka::offset_note::Note;
use crate::{Error, GroupOffset, TopicInfo};

/// Kafka's own topics begin with this.
const INTERNAL: &str = "__";

/// Settings by topic; `None` where the cluster does not show them.
type Settings = BTreeMap<String, Option<BTreeMap<String, String>>>;
/// Offsets by topic and partition.
type Offsets = BTreeMap<(String, i32), Range<u64>>;

/// How a topic is spread over the cluster.
struct Layout {
    name: String,
    partitions: u32,
    replication_factor: Option<u16>,
}

impl Layout {
    fn of(topic: &MetadataTopic) -> Self {
        let copies = topic
            .partitions()
            .iter()
            .map(|partition| partition.replicas().len())
            .max();
        Self {
            name: topic.name().to_owned(),
            partitions: u32::try_from(topic.partitions().len()).unwrap_or(u32::MAX),
            replication_factor: copies.and_then(|copies| u16::try_from(copies).ok()),
        }
    }

    fn indices(&self) -> impl Iterator<Item = i32> {
        0..i32::try_from(self.partitions).unwrap_or(i32::MAX)
    }
}

/// All topics but Kafka's own, by name.
pub(super) fn all(connection: &Connection) -> Result<Vec<TopicInfo>, Error> {
    loop {
        let layouts = layouts(connection)?;
        match infos(connection, &layouts) {
            // One was deleted meanwhile, and the client does not say which.
            Err(Error::UnknownTopic { .. }) if !connection.remaining().is_zero() => {
                connection.listen()
            }
            known => return known,
        }
    }
}

/// One topic.
pub(super) fn one(connection: &Connection, name: &str) -> Result<TopicInfo, Error> {
    let layout = layout(connection, name)?;
    let infos = infos(connection, &[layout])?;
    infos.into_iter().next().ok_or_else(|| unknown(name))
}

/// Whether the cluster will not even say if the topic exists.
pub(super) fn is_hidden(connection: &Connection, name: &str) -> Result<bool, Error> {
    let metadata = connection.metadata(Some(name))?;
    let error = metadata.topics().first().and_then(MetadataTopic::error);
    Ok(error.is_some_and(|error| {
        RDKafkaErrorCode::from(error) == RDKafkaErrorCode::TopicAuthorizationFailed
    }))
}

/// Whether the cluster answers questions about settings and makes topics at all; others are silent
/// about it.
pub(super) fn is_administered(connection: &Connection) -> Result<bool, Error> {
    let Some(broker) = connection.any_broker() else {
        return Ok(true);
    };
    match describe_broker(connection, broker) {
        Err(error) if is_unsupported(&error) => Ok(false),
        asked => asked
            .map(|_| true)
            .map_err(|error| connection.failed(&error)),
    }
}

/// The settings of any broker, for all of a cluster are set up alike; none where the cluster does
/// not show them.
pub(super) fn broker_settings(connection: &Connection) -> Result<BTreeMap<String, String>, Error> {
    connection.metadata(None)?;
    let Some(broker) = connection.any_broker() else {
        return Ok(BTreeMap::new());
    };
    let answers = match describe_broker(connection, broker) {
        Err(error) if is_unsupported(&error) => return Ok(BTreeMap::new()),
        asked => asked.map_err(|error| connection.failed(&error))?,
    };
    let entries = answers
        .into_iter()
        .filter_map(Result::ok)
        .flat_map(|resource| resource.entries);
    Ok(entries
        .filter_map(|entry| Some((entry.name, entry.value?)))
        .collect())
}

fn describe_broker(connection: &Connection, broker: i32) -> KafkaResult<Vec<ConfigResourceResult>> {
    let itself = [ResourceSpecifier::Broker(broker)];
    connection
        .administer(|client, options| client.describe_configs(&itself, &options.broker_id(broker)))
}

/// The partition's number as the client has it.
pub(super) fn partition(
    connection: &Connection,
    topic: &str,
    partition: u32,
) -> Result<i32, Error> {
    let layout = layout(connection, topic)?;
    let index = i32::try_from(partition)
        .ok()
        .filter(|_| partition < layout.partitions);
    index.ok_or_else(|| Error::UnknownPartition {
        topic: topic.to_owned(),
        partition,
    })
}

/// The offsets of one topic by partition, as readers of committed records see them.
pub(super) fn offsets_of(
    connection: &Connection,
    topic: &str,
) -> Result<BTreeMap<i32, Range<u64>>, Error> {
    let offsets = offsets(connection, &[layout(connection, topic)?])?;
    Ok(offsets
        .into_iter()
        .map(|((_, partition), range)| (partition, range))
        .collect())
}

/// What the group that the connection was opened for has stored. Leaves out offsets of earlier topics
/// of the same names.
pub(super) fn group_offsets(
    connection: &Connection,
    group: &str,
) -> Result<Vec<GroupOffset>, Error> {
    let layouts = layouts(connection)?;
    if layouts.is_empty() {
        return Ok(Vec::new());
    }
    let stored = connection.patiently(|| {
        connection
            .consumer
            .committed_offsets(partitions_of(&layouts), connection.remaining())
    })?;
    let ids = connection.topic_ids(layouts.iter().map(|layout| &*layout.name))?;
    let mut offsets = Vec::new();
    for element in stored.elements() {
        // A topic that was deleted meanwhile, or that this group may not read, has no offset of it.
        let (Ok(()), Offset::Offset(next)) = (element.error(), element.offset()) else {
            continue;
        };
        let (Ok(partition), Ok(next)) = (u32::try_from(element.partition()), u64::try_from(next))
        else {
            continue;
        };
        if Note::read(element.metadata()).is_outdated(ids.get(element.topic())) {
            continue;
        }
        offsets.push(GroupOffset {
            group: group.to_owned(),
            topic: element.topic().into(),
            partition,
            next,
            epoch: None,
        });
    }
    offsets.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
    Ok(offsets)
}

/// Who answers.
pub(super) fn cluster(connection: &Connection) -> Result<Cluster, Error> {
    let metadata = connection.metadata(None)?;
    let broker = |broker: &rdkafka::metadata::MetadataBroker| Broker {
        id: broker.id(),
        host: broker.host().to_owned(),
        port: broker.port(),
    };
    let mut brokers: Vec<Broker> = metadata.brokers().iter().map(broker).collect();
    brokers.sort_by_key(|broker| broker.id);
    Ok(Cluster {
        id: connection
            .consumer
            .client()
            .fetch_cluster_id(connection.remaining()),
        brokers,
    })
}

fn unknown(topic: &str) -> Error {
    Error::UnknownTopic {
        topic: topic.to_owned(),
    }
}

fn is_unknown(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    // The client's own "unknown partition" is one whose leader it could not ask.
    matches!(code, Code::UnknownTopicOrPartition | Code::UnknownTopic)
}

fn layout(connection: &Connection, name: &str) -> Result<Layout, Error> {
    let metadata = connection.metadata(Some(name))?;
    let topic = metadata
        .topics()
        .iter()
        .find(|topic| topic.name() == name)
        .ok_or_else(|| unknown(name))?;
    match topic.error().map(RDKafkaErrorCode::from) {
        None if !topic.partitions().is_empty() => Ok(Layout::of(topic)),
        // Its partitions are there, though one has no leader just now.
        Some(RDKafkaErrorCode::LeaderNotAvailable) if !topic.partitions().is_empty() => {
            Ok(Layout::of(topic))
        }
        None => Err(unknown(name)),
        Some(code) if is_unknown(code) || code == RDKafkaErrorCode::InvalidTopic => {
            Err(unknown(name))
        }
        Some(code) => Err(connection.refused(code)),
    }
}

fn layouts(connection: &Connection) -> Result<Vec<Layout>, Error> {
    let metadata = connection.metadata(None)?;
    let topics = metadata.topics().iter();
    let ours = topics
        .filter(|topic| !topic.name().starts_with(INTERNAL) && !topic.partitions().is_empty());
    let mut layouts: Vec<Layout> = ours.map(Layout::of).collect();
    layouts.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(layouts)
}

fn infos(connection: &Connection, layouts: &[Layout]) -> Result<Vec<TopicInfo>, Error> {
    if layouts.is_empty() {
        return Ok(Vec::new());
    }
    let mut settings = settings_of(connection, layouts)?;
    let mut offsets = offsets(connection, layouts)?;
    let info = |layout: &Layout| {
        let Layout {
            name,
            partitions,
            replication_factor,
        } = layout;
        let settings = settings.remove(name).flatten();
        let offsets = layout
            .indices()
            .map(|index| offsets.remove(&(name.clone(), index)).unwrap_or_default());
        let settings_known = settings.is_some();
        let spec = match settings {
            Some(settings) => settings::spec(name, *partitions, *replication_factor, settings),
            None => settings::unknown(name, *partitions, *replication_factor),
        };
        TopicInfo {
            spec,
            offsets: offsets.collect(),
            settings_known,
        }
    };
    Ok(layouts.iter().map(info).collect())
}

fn settings_of(connection: &Connection, layouts: &[Layout]) -> Result<Settings, Error> {
    let topics: Vec<_> = layouts
        .iter()
        .map(|layout| ResourceSpecifier::Topic(&layout.name))
        .collect();
    let asked = connection.administer(|client, options| {
        // Every broker knows all topics. Without a word the client waits for the controller, which
        // may be away.
        client.describe_configs(&topics, &options.broker_id(connection.any_broker()))
    });
    let answers = match asked {
        Err(error) if is_unsupported(&error) => {
            return Ok(layouts
                .iter()
                .map(|layout| (layout.name.clone(), None))
                .collect());
        }
        asked => asked.map_err(|error| connection.failed(&error))?,
    };
    // The answers come in the order of the questions.
    Ok(layouts
        .iter()
        .zip(answers)
        .map(|(layout, answer)| (layout.name.clone(), answer.ok().and_then(told)))
        .collect())
}

/// The client does not pass on that there is no right to see the settings: there are simply none.
fn told(ConfigResource { entries, .. }: ConfigResource) -> Option<BTreeMap<String, String>> {
    let shown = entries.into_iter().filter(|entry| !entry.is_sensitive);
    let settings: BTreeMap<String, String> = shown
        .filter_map(|entry| Some((entry.name, entry.value?)))
        .collect();
    (!settings.is_empty()).then_some(settings)
}

/// The broker does not know such a request.
fn is_unsupported(error: &KafkaError) -> bool {
    let unsupported = [
        RDKafkaErrorCode::UnsupportedFeature,
        RDKafkaErrorCode::UnsupportedVersion,
    ];
    matches!(error, KafkaError::AdminOp(code) if unsupported.contains(code))
}

fn partitions_of(layouts: &[Layout]) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for layout in layouts {
        for index in layout.indices() {
            list.add_partition(&layout.name, index);
        }
    }
    list
}

/// Two requests to each broker, however many partitions there are.
fn offsets(connection: &Connection, layouts: &[Layout]) -> Result<Offsets, Error> {
    let starts = places(connection, layouts, Offset::Beginning)?;
    let mut ends = places(connection, layouts, Offset::End)?;
    let range = |(partition, start)| {
        let end = ends.remove(&partition).unwrap_or(start);
        // Retention may have moved the start between the two questions.
        (partition, start..end.max(start))
    };
    Ok(starts.into_iter().map(range).collect())
}

fn places(
    connection: &Connection,
    layouts: &[Layout],
    place: Offset,
) -> Result<BTreeMap<(String, i32), u64>, Error> {
    let asked = connection.patiently(|| {
        let mut list = partitions_of(layouts);
        list.set_all_offsets(place)?;
        // To the broker, a place at either end is a point in time.
        let found = connection
            .consumer
            .offsets_for_times(list, connection.remaining());
        match found.and_then(|found| found.elements().iter().map(place_of).collect()) {
            Err(error) if error.rdkafka_error_code().is_some_and(is_unknown) => Ok(None),
            told => told.map(Some),
        }
    });
    let names = || {
        layouts
            .iter()
            .map(|layout| layout.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    asked?.ok_or_else(|| unknown(&names()))
}

fn place_of(element: &TopicPartitionListElem<'_>) -> KafkaResult<((String, i32), u64)> {
    element.error()?;
    let offset = element
        .offset()
        .to_raw()
        .and_then(|offset| u64::try_from(offset).ok())
        .unwrap_or(0);
    Ok(((element.topic().to_owned(), element.partition()), offset))
}
