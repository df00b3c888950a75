//! The cases: their faults, clusters and moments. A case turns random numbers into steps and does
//! not carry them out.

mod bad_records;
mod brokers;
mod processes;
mod requests;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::cluster::On;
use crate::faults::{Fault, Step};
use crate::manifest::{Delivery, Load};
use crate::moment::Moment;

/// Rows for a little more than six rounds, over about six seconds.
const USUAL: Load = Load {
    rows: 1_600,
    rate_hz: 250,
};
/// The same over sixteen seconds, for a second process to come up meanwhile.
const SLOW: Load = Load {
    rows: 1_600,
    rate_hz: 100,
};
/// More than a spool of the smallest size holds.
const HEAVY: Load = Load {
    rows: 8_000,
    rate_hz: 1_000,
};

const EXACTLY: &[Delivery] = &[Delivery::ExactlyOnce];
const AT_LEAST: &[Delivery] = &[Delivery::AtLeastOnce];
const NEVER: &[Delivery] = &[];

/// A case, to be tried with any seed.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) on: On,
    /// With which promises it belongs to the short proof.
    pub(crate) short: &'static [Delivery],
    pub(crate) load: Load,
    /// Lines at the end of the manifest.
    pub(crate) settings: &'static str,
    plan: fn(&mut ChaCha8Rng) -> Vec<Step>,
}

impl Case {
    /// The same for the same seed; other cases make other numbers of it.
    pub(crate) fn steps(&self, seed: u64) -> Vec<Step> {
        let mut bytes = [0; 32];
        let material = seed.to_le_bytes().into_iter().chain(self.name.bytes());
        bytes
            .iter_mut()
            .zip(material)
            .for_each(|(byte, given)| *byte = given);
        (self.plan)(&mut ChaCha8Rng::from_seed(bytes))
    }

    const fn on_mock(
        name: &'static str,
        about: &'static str,
        short: &'static [Delivery],
        plan: fn(&mut ChaCha8Rng) -> Vec<Step>,
    ) -> Self {
        Self {
            name,
            about,
            on: On::Mock,
            short,
            load: USUAL,
            settings: "",
            plan,
        }
    }

    const fn on_kafka(
        name: &'static str,
        about: &'static str,
        short: &'static [Delivery],
        plan: fn(&mut ChaCha8Rng) -> Vec<Step>,
    ) -> Self {
        Self {
            name,
            about,
            on: On::Kafka,
            short,
            load: USUAL,
            settings: "",
            plan,
        }
    }
}

/// In the order in which they are run.
pub(crate) const CASES: &[Case] = &[
    Case::on_mock(
        "produce-fails",
        "brokers refuse batches",
        AT_LEAST,
        requests::produce,
    ),
    Case::on_mock(
        "fetch-fails",
        "brokers refuse to hand records out",
        NEVER,
        requests::fetch,
    ),
    Case::on_mock(
        "offset-commit-fails",
        "brokers refuse offsets",
        NEVER,
        requests::offset_commit,
    ),
    Case::on_mock(
        "offset-fetch-fails",
        "requests for stored offsets fail",
        NEVER,
        requests::offset_fetch,
    ),
    Case::on_mock(
        "list-offsets-fails",
        "requests for end offsets fail",
        NEVER,
        requests::list_offsets,
    ),
    Case::on_mock(
        "find-coordinator-fails",
        "a group's coordinator is unknown",
        NEVER,
        requests::find_coordinator,
    ),
    Case::on_mock(
        "metadata-fails",
        "requests for metadata fail",
        NEVER,
        requests::metadata,
    ),
    Case::on_mock(
        "group-fails",
        "joining, sharing out and heartbeats fail",
        NEVER,
        requests::group,
    ),
    Case::on_mock(
        "producer-id-fails",
        "brokers give a writer no number",
        NEVER,
        requests::producer_id,
    ),
    Case::on_mock(
        "everything-fails",
        "every kind of request fails now and then",
        NEVER,
        requests::everything,
    ),
    Case::on_mock(
        "latency",
        "every answer takes 200 ms",
        NEVER,
        brokers::latency,
    ),
    Case::on_mock(
        "brokers-down",
        "all brokers are down for 2 s",
        NEVER,
        brokers::all_down,
    ),
    Case::on_mock(
        "broker-down",
        "one broker of three is down for 2 s, then another",
        NEVER,
        brokers::one_down,
    ),
    Case::on_mock(
        "leader-moves",
        "partitions move to other brokers",
        AT_LEAST,
        brokers::leader_moves,
    ),
    Case::on_mock(
        "leaderless",
        "partitions have no leader for 2 s",
        NEVER,
        brokers::leaderless,
    ),
    Case::on_mock(
        "coordinator-moves",
        "groups move to other brokers",
        NEVER,
        brokers::coordinator_moves,
    ),
    Case::on_kafka(
        "broker-killed",
        "the broker is killed and started again",
        AT_LEAST,
        brokers::killed,
    ),
    Case::on_kafka(
        "broker-hangs",
        "the broker answers nothing for 5 s",
        NEVER,
        brokers::hangs,
    ),
    Case::on_kafka(
        "aggregator-killed",
        "the aggregator is killed and started again, twice",
        NEVER,
        processes::aggregator,
    ),
    Case::on_kafka(
        "fog-node-killed",
        "a fog node is killed and started again, twice",
        NEVER,
        processes::fog_node,
    ),
    Case::on_kafka(
        "sensor-killed",
        "a sensor is killed and started again, twice",
        NEVER,
        processes::sensor,
    ),
    Case::on_kafka(
        "all-killed",
        "every process is killed and started again, in turn",
        EXACTLY,
        processes::all,
    ),
    Case {
        load: SLOW,
        ..Case::on_kafka(
            "failover",
            "a fog node is killed while another process of it stands by",
            NEVER,
            processes::failover,
        )
    },
    Case {
        load: SLOW,
        ..Case::on_kafka(
            "zombie",
            "a fog node hangs until another process takes over, then continues",
            NEVER,
            processes::zombie,
        )
    },
    Case::on_kafka(
        "outage",
        "no broker for 8 s while the sensors continue",
        NEVER,
        brokers::outage,
    ),
    Case {
        load: HEAVY,
        settings: "[spool]\nmax_bytes = 1048576\n",
        ..Case::on_kafka(
            "full-spool",
            "no broker until a sensor's spool is full",
            NEVER,
            brokers::until_a_spool_is_full,
        )
    },
    Case::on_kafka(
        "bad-records",
        "unusable records, and a fog node killed",
        EXACTLY,
        bad_records::plan,
    ),
];

/// Readings of both sensors together, in the part of the run where both are at work.
fn readings(rng: &mut ChaCha8Rng) -> Moment {
    Moment::Readings(rng.random_range(200..2_600))
}

/// The same, so often, in rising order.
fn rising(rng: &mut ChaCha8Rng, count: usize) -> Vec<Moment> {
    let mut counts: Vec<u64> = (0..count).map(|_| rng.random_range(200..2_600)).collect();
    counts.sort_unstable();
    counts.into_iter().map(Moment::Readings).collect()
}

fn at(when: Moment, what: Fault) -> Step {
    Step { when, what }
}

fn now(what: Fault) -> Step {
    at(Moment::NOW, what)
}

fn later(ms: u64, what: Fault) -> Step {
    at(Moment::Later(ms), what)
}
