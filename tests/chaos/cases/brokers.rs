//! Brokers that are slow, down, or moved.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::{at, later, now, readings, rising};
use crate::cluster::MOCK_BROKERS;
use crate::faults::{Fault, Step, Topic};
use crate::moment::Moment;
use crate::process::Part;

const ALL: i32 = -1;

/// Topics whose writers and readers notice at once when a partition is in trouble.
const BUSY: [Topic; 6] = [
    Topic::Readings(1),
    Topic::Readings(2),
    Topic::Updates,
    Topic::Models,
    Topic::Predictions,
    Topic::State,
];

pub(super) fn latency(rng: &mut ChaCha8Rng) -> Vec<Step> {
    vec![at(readings(rng), Fault::Delay(200))]
}

pub(super) fn all_down(rng: &mut ChaCha8Rng) -> Vec<Step> {
    vec![
        at(readings(rng), Fault::Down(ALL)),
        later(2_000, Fault::Up(ALL)),
    ]
}

pub(super) fn one_down(rng: &mut ChaCha8Rng) -> Vec<Step> {
    let down_and_up = |moment| {
        let broker = broker(rng);
        [
            at(moment, Fault::Down(broker)),
            later(2_000, Fault::Up(broker)),
        ]
    };
    [Moment::Readings(400), Moment::Readings(1_200)]
        .into_iter()
        .flat_map(down_and_up)
        .collect()
}

pub(super) fn leader_moves(rng: &mut ChaCha8Rng) -> Vec<Step> {
    rising(rng, 3)
        .into_iter()
        .flat_map(|moment| {
            BUSY.map(|topic| at(moment.clone(), Fault::Lead(topic, Some(broker(rng)))))
        })
        .collect()
}

pub(super) fn leaderless(rng: &mut ChaCha8Rng) -> Vec<Step> {
    let moment = readings(rng);
    let gone = BUSY.map(|topic| at(moment.clone(), Fault::Lead(topic, None)));
    let back = BUSY.map(|topic| now(Fault::Lead(topic, Some(broker(rng)))));
    let mut steps: Vec<Step> = gone.into_iter().chain(back).collect();
    if let Some(first_back) = steps.get_mut(BUSY.len()) {
        first_back.when = Moment::Later(2_000);
    }
    steps
}

pub(super) fn coordinator_moves(rng: &mut ChaCha8Rng) -> Vec<Step> {
    let groups = [
        "aggregator",
        "fog-node-1",
        "fog-node-2",
        "fog-node-1.models",
    ];
    let moments = rising(rng, 2);
    let mut moved = |moment: &Moment| {
        groups.map(|group| at(moment.clone(), Fault::Coordinate(group, broker(rng))))
    };
    moments.iter().flat_map(&mut moved).collect()
}

pub(super) fn killed(rng: &mut ChaCha8Rng) -> Vec<Step> {
    vec![
        at(readings(rng), Fault::KillBroker),
        now(Fault::StartBroker),
    ]
}

pub(super) fn hangs(rng: &mut ChaCha8Rng) -> Vec<Step> {
    vec![
        at(readings(rng), Fault::HangBroker),
        later(5_000, Fault::WakeBroker),
    ]
}

pub(super) fn outage(rng: &mut ChaCha8Rng) -> Vec<Step> {
    let early = Moment::Readings(rng.random_range(200..1_000));
    vec![
        at(early, Fault::KillBroker),
        later(8_000, Fault::StartBroker),
    ]
}

pub(super) fn until_a_spool_is_full(rng: &mut ChaCha8Rng) -> Vec<Step> {
    let early = Moment::Readings(rng.random_range(200..1_000));
    let full = Moment::Logged {
        part: Part::Sensor(1),
        text: "is full",
    };
    vec![at(early, Fault::KillBroker), at(full, Fault::StartBroker)]
}

fn broker(rng: &mut ChaCha8Rng) -> i32 {
    rng.random_range(1..=MOCK_BROKERS)
}
