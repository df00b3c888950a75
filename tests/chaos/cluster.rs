//! The cluster that a case runs on.

use fedhost_e2e::broker::{Broker, BrokerOptions};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::RDKafkaApiKey;

use crate::manifest::Delivery;

/// Which cluster a case is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum On {
    /// librdkafka's mock cluster of three brokers: every request can be made to fail. It has no
    /// transactions.
    Mock,
    /// A real Apache Kafka.
    Kafka,
}

impl On {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Mock => "mock",
            Self::Kafka => "kafka",
        }
    }

    pub(crate) fn deliveries(self) -> &'static [Delivery] {
        match self {
            Self::Mock => &[Delivery::AtLeastOnce],
            Self::Kafka => &[Delivery::ExactlyOnce, Delivery::AtLeastOnce],
        }
    }
}

/// Brokers of a mock cluster, from 1.
pub(crate) const MOCK_BROKERS: i32 = 3;

pub(crate) enum Cluster {
    Mock(MockCluster<'static, DefaultProducerContext>),
    Kafka(Box<Broker>),
}

fn mock() -> MockCluster<'static, DefaultProducerContext> {
    let mock = MockCluster::new(MOCK_BROKERS).unwrap();
    // With newer versions of these requests librdkafka 2.12.1's mock returns the leader to a client
    // that asked another broker, and crashes when there is none.
    mock.apiversion(RDKafkaApiKey::Produce, Some(0), Some(9))
        .unwrap();
    mock.apiversion(RDKafkaApiKey::Fetch, Some(0), Some(11))
        .unwrap();
    mock
}

impl Cluster {
    pub(crate) fn start(on: On) -> Self {
        match on {
            On::Mock => Self::Mock(mock()),
            On::Kafka => Self::Kafka(Box::new(Broker::start(BrokerOptions::default()))),
        }
    }

    pub(crate) fn bootstrap(&self) -> String {
        match self {
            Self::Mock(mock) => mock.bootstrap_servers(),
            Self::Kafka(broker) => broker.address("plaintext"),
        }
    }

    /// A broker keeps every case's topics apart by their names; what a mock keeps in memory is
    /// better thrown away.
    pub(crate) fn outlives_a_case(&self) -> bool {
        matches!(self, Self::Kafka(_))
    }

    pub(crate) fn serves(&self, on: On) -> bool {
        matches!(
            (self, on),
            (Self::Mock(_), On::Mock) | (Self::Kafka(_), On::Kafka)
        )
    }

    pub(crate) fn mock(&self) -> &MockCluster<'static, DefaultProducerContext> {
        let Self::Mock(mock) = self else {
            panic!("only a mock cluster can be made to do that")
        };
        mock
    }

    pub(crate) fn broker(&mut self) -> &mut Broker {
        let Self::Kafka(broker) = self else {
            panic!("only a real broker is a process")
        };
        broker
    }
}
