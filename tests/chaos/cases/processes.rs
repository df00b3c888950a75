//! Processes of the federation that are killed, or hang.

use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use super::{at, now, rising};
use crate::faults::{Fault, Step};
use crate::moment::Moment;
use crate::process::Part;

pub(super) fn aggregator(rng: &mut ChaCha8Rng) -> Vec<Step> {
    let rounds = [rng.random_range(0..3), rng.random_range(3..5)];
    rounds
        .into_iter()
        .flat_map(|round| reborn(Moment::Rounds(round), Part::Aggregator))
        .collect()
}

pub(super) fn fog_node(rng: &mut ChaCha8Rng) -> Vec<Step> {
    twice(rng, Part::FogNode(1))
}

pub(super) fn sensor(rng: &mut ChaCha8Rng) -> Vec<Step> {
    twice(rng, Part::Sensor(1))
}

pub(super) fn all(rng: &mut ChaCha8Rng) -> Vec<Step> {
    let mut parts = Part::ALL;
    parts.shuffle(rng);
    rising(rng, parts.len())
        .into_iter()
        .zip(parts)
        .flat_map(|(moment, part)| reborn(moment, part))
        .collect()
}

pub(super) fn failover(rng: &mut ChaCha8Rng) -> Vec<Step> {
    vec![
        second_process(rng),
        at(stands_by(), Fault::Kill(Part::FogNode(1))),
    ]
}

pub(super) fn zombie(rng: &mut ChaCha8Rng) -> Vec<Step> {
    let node = Part::FogNode(1);
    let taken_over = Moment::Said {
        part: standby(),
        event: "node_resumed",
        times: 1,
    };
    vec![
        second_process(rng),
        at(stands_by(), Fault::Hang(node)),
        at(taken_over, Fault::Wake(node)),
    ]
}

fn standby() -> Part {
    Part::Standby(1)
}

fn second_process(rng: &mut ChaCha8Rng) -> Step {
    at(
        Moment::Readings(rng.random_range(100..1_000)),
        Fault::Start(standby()),
    )
}

fn stands_by() -> Moment {
    Moment::Said {
        part: standby(),
        event: "standing_by",
        times: 1,
    }
}

fn twice(rng: &mut ChaCha8Rng, part: Part) -> Vec<Step> {
    rising(rng, 2)
        .into_iter()
        .flat_map(|moment| reborn(moment, part))
        .collect()
}

fn reborn(moment: Moment, part: Part) -> [Step; 2] {
    [at(moment, Fault::Kill(part)), now(Fault::Start(part))]
}
