//! `kill -9` at any moment: the run resumes where it stopped, and ends in the same model.

use fedhost_e2e::{Scene, predictions, simulated};
use serde_json::Value;

const ROWS: u64 = 3_000;
const ROUNDS: u64 = 10;

/// A fixed sequence that spreads kills over start, rounds, and everything between (Knuth's
/// multiplicative hash).
fn events_before_kill(kill: u64) -> u64 {
    (kill.wrapping_mul(2_654_435_761) >> 7) % 23
}

fn undisturbed() -> Value {
    let scene = Scene::new();
    scene.write("run.toml", simulated(ROWS, ROUNDS));
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
    scene.events_named("run_finished")[0]["weights_sha256"].clone()
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_in_the_same_model() {
    let expected = undisturbed();
    let scene = Scene::new();
    scene.write("run.toml", simulated(ROWS, ROUNDS));
    let mut kills = 0;
    let sha256 = loop {
        let mut run = scene.start(&["run", "run.toml", "--json", "--verbose"]);
        // Later attempts live longer, so that the run gets to its end.
        let patience = events_before_kill(kills) + kills / 2;
        let mut seen = 0;
        let finished = loop {
            match run.next_event() {
                Some(event) if event["event"] == "run_finished" => break Some(event),
                Some(_) if seen >= patience => break None,
                Some(_) => seen += 1,
                None => break None,
            }
        };
        match finished {
            Some(event) => {
                assert_eq!(run.wait(), Some(0), "killed {kills} times before: {event}");
                break event["weights_sha256"].clone();
            }
            None => run.kill(),
        }
        kills += 1;
        assert!(kills < 200, "no end in sight");
    };
    assert!(kills >= 10, "killed only {kills} times");
    assert_eq!(sha256, expected, "after {kills} kills");

    let rounds: Vec<u64> = scene
        .events_named("round_closed")
        .iter()
        .map(|round| round["round"].as_u64().unwrap())
        .collect();
    assert_eq!(
        rounds,
        (1..=ROUNDS).collect::<Vec<_>>(),
        "each round is in the run log once"
    );

    let predictions = predictions(&scene.path("data"));
    let ids: std::collections::HashSet<&str> = predictions
        .iter()
        .map(|message| message["message_id"].as_str().unwrap())
        .collect();
    assert_eq!(
        ids.len(),
        predictions.len(),
        "no row's score is published twice"
    );
    for node in 1..=2_u32 {
        let offsets = predictions
            .iter()
            .filter(|message| message["data"]["node"] == node)
            .map(|message| message["metadata"]["input"]["offset"].as_u64().unwrap());
        assert!(
            offsets
                .enumerate()
                .all(|(index, offset)| index as u64 == offset),
            "no row of node {node} is left out"
        );
    }
}
