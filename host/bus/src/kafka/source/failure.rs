//! Why a client cannot work for its reader.

use std::time::Duration;

use rdkafka::error::KafkaError;

use super::partition::Place;
use super::shared::Shared;
use crate::kafka::diagnosis::{self, Diagnosis, Kind};
use fedhost_base::clock::Stopwatch;

/// Delay between two attempts of a request that a rebalance waits for.
const PAUSE: Duration = Duration::from_millis(100);
/// Not every broker may know a topic that was just created.
const PROPAGATION: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
pub(super) enum Failure {
    UnknownTopic(String),
    /// The group may only continue, but has no stored offset.
    NoOffset(Place),
    /// The topic was deleted and created again while it was read.
    Recreated(String),
    Client(Diagnosis),
}

impl Failure {
    pub(super) fn diagnosis(&self) -> Diagnosis {
        match self {
            Self::UnknownTopic(topic) => Diagnosis {
                kind: Kind::Request,
                reason: format!("topic {topic:?} does not exist"),
                hint: "`fedhost topics list` shows what there is".to_owned(),
            },
            Self::NoOffset((topic, partition)) => Diagnosis {
                kind: Kind::Request,
                reason: format!("no offset is stored for partition {partition} of topic {topic:?}"),
                hint: "let new groups begin at the earliest or the latest record".to_owned(),
            },
            Self::Recreated(topic) => Diagnosis {
                kind: Kind::Fatal,
                reason: format!("topic {topic:?} was deleted and created again"),
                hint: "its reader begins again, at the oldest record of the new topic".to_owned(),
            },
            Self::Client(diagnosis) => diagnosis.clone(),
        }
    }

    /// Whether the failure may end by itself within `elapsed`.
    fn may_pass(&self, elapsed: Duration) -> bool {
        match self {
            Self::UnknownTopic(_) => elapsed < PROPAGATION,
            Self::NoOffset(_) | Self::Recreated(_) => false,
            Self::Client(diagnosis) => diagnosis.kind == Kind::Unreachable,
        }
    }
}

impl From<KafkaError> for Failure {
    fn from(error: KafkaError) -> Self {
        Self::Client(diagnosis::of(&error))
    }
}

impl From<Diagnosis> for Failure {
    fn from(diagnosis: Diagnosis) -> Self {
        Self::Client(diagnosis)
    }
}

/// Repeats a request for at most `limit`, while the failure may end by itself and the reader is in
/// use. Each attempt gets the time that it may take.
pub(super) fn persist<T>(
    shared: &Shared,
    limit: Duration,
    mut attempt: impl FnMut(Duration) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let time = Stopwatch::start();
    loop {
        let outcome = attempt(limit.saturating_sub(time.elapsed()).max(PAUSE));
        match outcome {
            Err(failure)
                if failure.may_pass(time.elapsed())
                    && time.elapsed() < limit
                    && !shared.is_closing() =>
            {
                shared.wait_until(PAUSE, |_| false);
            }
            _ => return outcome,
        }
    }
}
