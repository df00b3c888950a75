//! Requests that brokers answer with errors of a cluster that is changed, restarted or overloaded,
//! and connections that break.

use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use rdkafka::types::RDKafkaApiKey as Api;
use rdkafka::types::RDKafkaRespErr::{self as Error, *};

use super::{at, rising};
use crate::faults::{Fault, REQUESTS, Step};
use crate::moment::Moment;

const BROKEN: Error = RD_KAFKA_RESP_ERR__TRANSPORT;

pub(super) fn produce(rng: &mut ChaCha8Rng) -> Vec<Step> {
    fail(rng, &[Api::Produce])
}

pub(super) fn fetch(rng: &mut ChaCha8Rng) -> Vec<Step> {
    fail(rng, &[Api::Fetch])
}

pub(super) fn offset_commit(rng: &mut ChaCha8Rng) -> Vec<Step> {
    fail(rng, &[Api::OffsetCommit])
}

pub(super) fn offset_fetch(rng: &mut ChaCha8Rng) -> Vec<Step> {
    fail(rng, &[Api::OffsetFetch])
}

pub(super) fn list_offsets(rng: &mut ChaCha8Rng) -> Vec<Step> {
    fail(rng, &[Api::ListOffsets])
}

pub(super) fn find_coordinator(rng: &mut ChaCha8Rng) -> Vec<Step> {
    fail(rng, &[Api::FindCoordinator])
}

pub(super) fn metadata(rng: &mut ChaCha8Rng) -> Vec<Step> {
    fail(rng, &[Api::Metadata])
}

pub(super) fn group(rng: &mut ChaCha8Rng) -> Vec<Step> {
    fail(rng, &[Api::JoinGroup, Api::SyncGroup, Api::Heartbeat])
}

pub(super) fn producer_id(rng: &mut ChaCha8Rng) -> Vec<Step> {
    fail(rng, &[Api::InitProducerId])
}

pub(super) fn everything(rng: &mut ChaCha8Rng) -> Vec<Step> {
    fail(rng, &REQUESTS)
}

/// From the beginning, and at four points of the run.
fn fail(rng: &mut ChaCha8Rng, requests: &[Api]) -> Vec<Step> {
    let moments = [vec![Moment::NOW], rising(rng, 4)].concat();
    moments
        .into_iter()
        .flat_map(|moment| failures(rng, requests, moment))
        .collect()
}

fn failures(rng: &mut ChaCha8Rng, requests: &[Api], moment: Moment) -> Vec<Step> {
    let mut of = |&request: &Api| {
        let count = rng.random_range(1..=5);
        let errors = (0..count)
            .filter_map(|_| errors(request).choose(rng).copied())
            .collect();
        at(moment.clone(), Fault::Fail(request, errors))
    };
    requests.iter().map(&mut of).collect()
}

/// The retryable errors of a request of that kind.
fn errors(request: Api) -> &'static [Error] {
    match request {
        Api::Produce => &[
            BROKEN,
            RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
            RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
            RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
            RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
        ],
        Api::Fetch => &[
            BROKEN,
            RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR,
        ],
        Api::ListOffsets => &[
            BROKEN,
            RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
        ],
        Api::Metadata | Api::InitProducerId => &[BROKEN, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT],
        Api::Heartbeat => &[
            BROKEN,
            RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
            RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
            RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
        ],
        _ => &[
            BROKEN,
            RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
            RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
            RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
        ],
    }
}
