//! Checks updates and models: every node's update of every model counts once, and the models equal
//! those of a run without faults.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Account, may_repeat};
use crate::baseline::Baseline;
use crate::client::Entry;
use crate::faults::Topic;
use crate::manifest::{NODES, ROUNDS};
use crate::process::Part;
use crate::world::World;

/// Who answered which global model.
type Answer = (String, u64);

/// The updates, as they lie in their topic.
pub(super) struct Updates {
    /// By place, which answer it is; only those that can be read.
    pub(super) answers: BTreeMap<(i32, i64), Answer>,
    /// By answer, rows and weights of each time it is there.
    contents: BTreeMap<Answer, Vec<(u64, String)>>,
}

impl Updates {
    fn of(world: &World) -> Self {
        let (mut answers, mut contents) = (BTreeMap::new(), BTreeMap::<Answer, Vec<_>>::new());
        for entry in world.client().read(&world.topic(&Topic::Updates.name())) {
            let update = entry.content.json();
            let (Some(sender), Some(base)) = (
                update["header"]["sender"].as_str(),
                update["metadata"]["base_round"].as_u64(),
            ) else {
                continue;
            };
            let answer = (sender.to_owned(), base);
            contents
                .entry(answer.clone())
                .or_default()
                .push((samples(&update), payload(&update)));
            answers.insert((entry.partition, entry.offset), answer);
        }
        Self { answers, contents }
    }

    fn repeats(&self) -> usize {
        self.answers.len() - self.contents.len()
    }

    /// Rows behind the model that a round makes of them.
    fn samples(&self, round: u64) -> u64 {
        let of_round = self
            .contents
            .iter()
            .filter(|((_, base), _)| base + 1 == round);
        of_round
            .filter_map(|(_, times)| times.first())
            .map(|(samples, _)| samples)
            .sum()
    }
}

pub(super) fn check(world: &mut World, baseline: &Baseline, account: &mut Account) -> Updates {
    let updates = Updates::of(world);
    let wanted: BTreeSet<Answer> = NODES
        .iter()
        .flat_map(|node| (0..ROUNDS).map(move |base| (format!("fog-node-{node}"), base)))
        .collect();
    let there: BTreeSet<Answer> = updates.contents.keys().cloned().collect();
    let lost: Vec<&Answer> = wanted.difference(&there).collect();
    account.none_of("updates lost", &lost);
    account.none_of(
        "unexpected updates",
        &there.difference(&wanted).collect::<Vec<_>>(),
    );
    let changed: Vec<&Answer> = updates
        .contents
        .iter()
        .filter(|(_, times)| differ(times))
        .map(|(answer, _)| answer)
        .collect();
    account.none_of("repeated updates with other weights", &changed);
    if updates.repeats() > 0 && !may_repeat(world) {
        account.fault(format!("{} updates are there again", updates.repeats()));
    }
    account.count("updates", there.len(), lost.len(), updates.repeats());
    check_models(world, baseline, &updates, account);
    check_run_log(world, baseline, account);
    updates
}

/// The global models themselves.
fn check_models(world: &World, baseline: &Baseline, updates: &Updates, account: &mut Account) {
    let models: Vec<Entry> = world.client().read(&world.topic(&Topic::Models.name()));
    let mut times = BTreeMap::<u64, usize>::new();
    let contents = models.iter().map(|entry| entry.content.json());
    // Answers to refused updates lie on the same topic.
    for model in contents.filter(|model| model["header"]["type"] == "global_model") {
        let round = model["metadata"]["round_number"].as_u64().unwrap_or(0);
        *times.entry(round).or_default() += 1;
        if samples(&model) != updates.samples(round) {
            let (counted, there) = (samples(&model), updates.samples(round));
            account.fault(format!(
                "global model {round} counts {counted} rows, its updates have {there}"
            ));
        }
        if baseline.payloads.get(&round) != Some(&payload(&model)) {
            account.fault(format!(
                "global model {round} differs from that of an undisturbed run"
            ));
        }
    }
    let missing: Vec<u64> = (1..=ROUNDS)
        .filter(|round| !times.contains_key(round))
        .collect();
    account.none_of("global models lost", &missing);
    if !may_repeat(world) {
        let twice: Vec<&u64> = times
            .iter()
            .filter(|(_, times)| **times > 1)
            .map(|(round, _)| round)
            .collect();
        account.none_of("global models published twice", &twice);
    }
    account.count(
        "rounds",
        (1..=ROUNDS).count() - missing.len(),
        missing.len(),
        times.values().map(|times| times - 1).sum(),
    );
}

/// The aggregator's own account, over all its lives.
fn check_run_log(world: &mut World, baseline: &Baseline, account: &mut Account) {
    let closed: Vec<Value> = world
        .part(Part::Aggregator)
        .events()
        .iter()
        .filter(|event| event["event"] == "round_closed")
        .cloned()
        .collect();
    for round in 1..=ROUNDS {
        let reported: Vec<&Value> = closed
            .iter()
            .filter(|event| event["round"] == round)
            .collect();
        let [event] = reported.as_slice() else {
            account.fault(format!(
                "the run log closes round {round} {} times",
                reported.len()
            ));
            continue;
        };
        let expected = baseline.sha256.get(&round).map(String::as_str);
        if !is_complete(event) || event["weights_sha256"].as_str() != expected {
            account.fault(format!(
                "round {round} is not that of an undisturbed run: {event}"
            ));
        }
    }
}

/// Each node is in it once, with an answer to the newest model.
fn is_complete(event: &Value) -> bool {
    let participants = event["participants"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let nodes: BTreeSet<&str> = participants
        .iter()
        .filter_map(|one| one["node"].as_str())
        .collect();
    let newest = participants.iter().all(|one| one["staleness"] == 0);
    event["closed_by"] == "complete"
        && newest
        && participants.len() == NODES.len()
        && nodes.len() == NODES.len()
}

fn differ(times: &[(u64, String)]) -> bool {
    times.windows(2).any(|pair| pair[0] != pair[1])
}

fn samples(model: &Value) -> u64 {
    model["metadata"]["num_samples"].as_u64().unwrap_or(0)
}

fn payload(model: &Value) -> String {
    model["payload"].as_str().unwrap_or_default().to_owned()
}
