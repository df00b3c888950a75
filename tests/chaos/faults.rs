//! Faults of a federation.

use std::fmt;
use std::time::Duration;

use rdkafka::mocking::MockCoordinator;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use crate::client::Content;
use crate::cluster::MOCK_BROKERS;
use crate::moment::Moment;
use crate::process::Part;
use crate::world::World;

/// One fault, and its moment.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) when: Moment,
    pub(crate) what: Fault,
}

/// A topic of the federation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Topic {
    /// The readings for a node.
    Readings(u32),
    Updates,
    Models,
    Predictions,
    State,
}

impl Topic {
    /// Its name without the prefix of the case.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Readings(node) => format!("sensor-data-node-{node}"),
            Self::Updates => "model_updates".to_owned(),
            Self::Models => "global_model".to_owned(),
            Self::Predictions => "predictions".to_owned(),
            Self::State => "fedhost-state".to_owned(),
        }
    }
}

/// Every kind of request that the federation makes of a cluster without transactions.
pub(crate) const REQUESTS: [RDKafkaApiKey; 12] = [
    RDKafkaApiKey::Produce,
    RDKafkaApiKey::Fetch,
    RDKafkaApiKey::ListOffsets,
    RDKafkaApiKey::Metadata,
    RDKafkaApiKey::OffsetCommit,
    RDKafkaApiKey::OffsetFetch,
    RDKafkaApiKey::FindCoordinator,
    RDKafkaApiKey::JoinGroup,
    RDKafkaApiKey::SyncGroup,
    RDKafkaApiKey::Heartbeat,
    RDKafkaApiKey::LeaveGroup,
    RDKafkaApiKey::InitProducerId,
];

/// Something that is done to the federation, or undone.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// `kill -9`
    Kill(Part),
    Start(Part),
    /// SIGSTOP: it holds its connections, and does nothing.
    Hang(Part),
    /// SIGCONT
    Wake(Part),
    /// `kill -9`
    KillBroker,
    StartBroker,
    HangBroker,
    WakeBroker,
    /// An unusable record is written to a topic.
    Put(Topic, Content),
    /// The next requests of a kind are answered with these errors, one each.
    Fail(RDKafkaApiKey, Vec<RDKafkaRespErr>),
    /// The delay of every answer, in milliseconds.
    Delay(u64),
    /// Brokers of the mock cluster that refuse connections; -1 is all of them.
    Down(i32),
    Up(i32),
    /// Partition 0 moves to another broker, or has none.
    Lead(Topic, Option<i32>),
    /// A group is coordinated by another broker.
    Coordinate(&'static str, i32),
}

impl Fault {
    /// Does it, and says so.
    pub(crate) fn happen(&self, world: &mut World, when: &Moment) {
        world.timeline.done(&format!("{when}: {self}"));
        match self {
            Self::Kill(part) => assert!(
                world.part(*part).kill(),
                "{part} had ended before it could be killed"
            ),
            Self::Start(part) => world.part(*part).start(),
            Self::Hang(part) => world.part(*part).signal("STOP"),
            Self::Wake(part) => world.part(*part).signal("CONT"),
            Self::KillBroker => world.cluster().broker().kill(),
            Self::StartBroker => world.cluster().broker().restart(),
            Self::HangBroker => world.cluster().broker().pause(),
            Self::WakeBroker => world.cluster().broker().resume(),
            Self::Put(topic, content) => world.put(*topic, content.clone()),
            _ => self.happen_to_the_mock(world),
        }
    }

    fn happen_to_the_mock(&self, world: &mut World) {
        let names = |topic: Topic| world.topic(&topic.name());
        let (groups, mock) = (world.group_prefix(), world.mock());
        match self {
            Self::Fail(api, errors) => mock.request_errors(*api, errors),
            Self::Delay(ms) => {
                for broker in 1..=MOCK_BROKERS {
                    mock.broker_round_trip_time(broker, Duration::from_millis(*ms))
                        .unwrap();
                }
            }
            Self::Down(broker) => mock.broker_down(*broker).unwrap(),
            Self::Up(broker) => mock.broker_up(*broker).unwrap(),
            Self::Lead(topic, leader) => mock.partition_leader(&names(*topic), 0, *leader).unwrap(),
            Self::Coordinate(group, broker) => {
                mock.coordinator(MockCoordinator::Group(format!("{groups}{group}")), *broker)
                    .unwrap();
            }
            other => panic!("{other} is nothing that a mock cluster can do"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(part) => write!(f, "{part} is killed"),
            Self::Start(part) => write!(f, "{part} is started"),
            Self::Hang(part) => write!(f, "{part} is stopped where it is"),
            Self::Wake(part) => write!(f, "{part} continues"),
            Self::KillBroker => write!(f, "the broker is killed"),
            Self::StartBroker => write!(f, "the broker is started"),
            Self::HangBroker => write!(f, "the broker is stopped where it is"),
            Self::WakeBroker => write!(f, "the broker continues"),
            Self::Put(topic, content) => {
                let text = String::from_utf8_lossy(&content.value);
                write!(
                    f,
                    "{} gets {:?}",
                    topic.name(),
                    text.chars().take(40).collect::<String>()
                )
            }
            Self::Fail(api, errors) => {
                let names: Vec<String> = errors.iter().map(|error| short(*error)).collect();
                write!(f, "the next {api:?} requests fail: {}", names.join(", "))
            }
            Self::Delay(ms) => write!(f, "answers take {ms} ms"),
            Self::Down(-1) => write!(f, "all brokers are down"),
            Self::Up(-1) => write!(f, "all brokers are up"),
            Self::Down(broker) => write!(f, "broker {broker} is down"),
            Self::Up(broker) => write!(f, "broker {broker} is up"),
            Self::Lead(topic, None) => write!(f, "{}/0 has no leader", topic.name()),
            Self::Lead(topic, Some(broker)) => {
                write!(f, "broker {broker} leads {}/0", topic.name())
            }
            Self::Coordinate(group, broker) => write!(f, "broker {broker} coordinates {group}"),
        }
    }
}

/// The error's name without what all of them have in front.
fn short(error: RDKafkaRespErr) -> String {
    format!("{error:?}")
        .replace("RD_KAFKA_RESP_ERR_", "")
        .trim_start_matches('_')
        .to_lowercase()
}
