//! What the fog nodes have made of the readings: every row is scored once, whatever was repeated.

use std::collections::{BTreeMap, BTreeSet};

use super::readings::{Kind, Readings};
use super::{Account, may_repeat};
use crate::faults::Topic;
use crate::manifest::ROUNDS;
use crate::world::World;

/// A topic and an offset in it: the record that a score belongs to.
type Input = (String, i64);

/// Rows that the rounds need; a node that stored a lower offset has not done its work.
const NEEDED: i64 = 200 * ROUNDS as i64;

struct Scores {
    /// The ids of all messages about a record.
    ids: BTreeMap<Input, Vec<String>>,
    messages: usize,
}

impl Scores {
    fn of(world: &World) -> Self {
        let messages = world
            .client()
            .read(&world.topic(&Topic::Predictions.name()));
        let mut ids: BTreeMap<Input, Vec<String>> = BTreeMap::new();
        for message in &messages {
            let message = message.content.json();
            let input = &message["metadata"]["input"];
            let place = (
                text(&input["topic"]),
                input["offset"].as_i64().unwrap_or(-1),
            );
            ids.entry(place)
                .or_default()
                .push(text(&message["message_id"]));
        }
        Self {
            ids,
            messages: messages.len(),
        }
    }
}

/// Below the stored offset every row has one score, and nothing else has any. With the strong
/// promise nothing is scored that is not stored.
pub(super) fn check(world: &World, readings: &[Readings], account: &mut Account) {
    let scores = Scores::of(world);
    let (mut missing, mut unasked, mut done) = (Vec::new(), Vec::new(), BTreeSet::new());
    for of_node in readings {
        if of_node.committed < NEEDED {
            account.fault(format!(
                "fog node {} has stored offset {} only",
                of_node.node, of_node.committed
            ));
        }
        for (entry, kind) in of_node
            .entries
            .iter()
            .filter(|(entry, _)| entry.offset < of_node.committed)
        {
            let place = (of_node.topic.clone(), entry.offset);
            match (kind, scores.ids.contains_key(&place)) {
                (Kind::Row, false) => missing.push(place.clone()),
                (Kind::Row, true) | (_, false) => {}
                (_, true) => unasked.push((place.clone(), *kind)),
            }
            done.insert(place);
        }
    }
    account.none_of("rows without a score", &missing);
    account.none_of("scores of what is no new row", &unasked);
    let several: Vec<&Input> = scores
        .ids
        .iter()
        .filter(|(_, ids)| distinct(ids) > 1)
        .map(|(place, _)| place)
        .collect();
    account.none_of("rows scored twice under different ids", &several);
    let ids: BTreeSet<&String> = scores.ids.values().flatten().collect();
    if ids.len() < scores.ids.len() {
        account.fault(format!(
            "{} rows share {} message ids",
            scores.ids.len(),
            ids.len()
        ));
    }
    if !may_repeat(world) {
        let early: Vec<&Input> = scores
            .ids
            .keys()
            .filter(|place| !done.contains(*place))
            .collect();
        account.none_of("scores without a stored offset", &early);
        if scores.messages > ids.len() {
            account.fault(format!(
                "{} messages have {} ids",
                scores.messages,
                ids.len()
            ));
        }
    }
    account.count(
        "scores",
        scores.ids.len(),
        missing.len(),
        scores.messages - ids.len(),
    );
}

fn distinct(ids: &[String]) -> usize {
    ids.iter().collect::<BTreeSet<_>>().len()
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
