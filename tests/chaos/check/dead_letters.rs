//! The dead-letter topics hold exactly the records that cannot be used, unchanged.

use std::collections::BTreeMap;

use super::models::Updates;
use super::readings::Readings;
use super::{Account, may_repeat};
use crate::client::{Content, Entry, by_place};
use crate::faults::Topic;
use crate::world::World;

/// Headers of a dead-letter record, which follow the record's own.
const ORIGIN: [&str; 3] = [
    "__connect.errors.topic",
    "__connect.errors.partition",
    "__connect.errors.offset",
];
const REASON: &str = "__fedhost.reason";

/// A partition and an offset in it.
type Place = (i32, i64);

pub(super) fn check(
    world: &World,
    readings: &[Readings],
    updates: &Updates,
    account: &mut Account,
) {
    let (mut found, mut lost_all, mut repeated) = (0, 0, 0);
    let mut topics: Vec<Topic> = readings
        .iter()
        .map(|readings| Topic::Readings(readings.node))
        .collect();
    topics.push(Topic::Updates);
    for topic in topics {
        let of_topic = world
            .injected
            .iter()
            .filter(|(of, _)| *of == topic)
            .map(|(_, entry)| entry.clone());
        let bad: Vec<Entry> = of_topic
            .filter(|entry| is_done(topic, entry, readings))
            .collect();
        let bad = by_place(&bad);
        let name = world.topic(&topic.name());
        let mut dead_letters = BTreeMap::<Place, usize>::new();
        for dead_letter in world.client().read(&format!("{name}.dlq")) {
            let Some(place) = origin(&dead_letter.content, &name) else {
                account.fault(format!(
                    "a dead-letter record of {name} does not name its origin"
                ));
                continue;
            };
            match bad.get(&place) {
                Some(original) if is_same(&original.content, &dead_letter.content) => {
                    *dead_letters.entry(place).or_default() += 1;
                }
                Some(_) => account.fault(format!(
                    "the dead-letter record of {name} {place:?} was changed"
                )),
                None if may_repeat(world)
                    && is_repeat(&dead_letter.content, updates.answers.contains_key(&place)) => {}
                None => account.fault(format!(
                    "{name} {place:?} is a dead-letter record, and was good"
                )),
            }
        }
        let lost: Vec<&Place> = bad
            .keys()
            .filter(|place| !dead_letters.contains_key(place))
            .collect();
        account.none_of(
            &format!("bad records of {name} without a dead-letter record"),
            &lost,
        );
        lost_all += lost.len();
        found += dead_letters.len();
        repeated += dead_letters.values().map(|times| times - 1).sum::<usize>();
    }
    if repeated > 0 && !may_repeat(world) {
        account.fault(format!("{repeated} dead-letter records are there again"));
    }
    account.count("dead letters", found, lost_all, repeated);
}

/// Whether its reader has stored that it is done with it: what comes after the last round it leaves
/// alone.
fn is_done(topic: Topic, entry: &Entry, readings: &[Readings]) -> bool {
    let of_node = readings
        .iter()
        .find(|readings| topic == Topic::Readings(readings.node));
    of_node.is_none_or(|readings| entry.offset < readings.committed)
}

fn origin(dead_letter: &Content, topic: &str) -> Option<Place> {
    let [of, partition, offset] = ORIGIN.map(|name| dead_letter.header(name));
    (of == Some(topic)).then_some(())?;
    Some((partition?.parse().ok()?, offset?.parse().ok()?))
}

/// Key, value and its own headers, byte for byte.
fn is_same(original: &Content, dead_letter: &Content) -> bool {
    dead_letter.key == original.key
        && dead_letter.value == original.value
        && dead_letter.headers.starts_with(&original.headers)
}

/// An update that a crash has repeated is refused as a duplicate, or as stale once its round is
/// over.
fn is_repeat(dead_letter: &Content, is_update: bool) -> bool {
    is_update && matches!(dead_letter.header(REASON), Some("duplicate" | "stale"))
}
