//! Unusable records between valid ones, and a fog node that is killed while it reads them.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::{at, now, rising};
use crate::client::Content;
use crate::faults::{Fault, Step, Topic};
use crate::moment::Moment;
use crate::process::Part;

/// Not JSON, not text, not an object, no sensor, invalid columns and labels.
const HOSTILE: [&[u8]; 8] = [
    b"",
    b"{\"sensor\": \xfe\x00\x1b[2J",
    b"[1, 2, 3]",
    b"{\"timestamp\": 1, \"node\": 1}",
    b"{\"sensor\": \"machine-1\", \"vibration\": \"high\", \"temperature\": 1, \"pressure\": 1}",
    b"{\"sensor\": \"machine-1\", \"vibration\": 1e999, \"temperature\": 1, \"pressure\": 1}",
    b"{\"sensor\": \"machine-1\", \"vibration\": 1, \"temperature\": 1, \"pressure\": 1, \"anomaly\": 7}",
    b"{\"sensor\": \"machine-1\", \"unheard-of\": 1}",
];

pub(super) fn plan(rng: &mut ChaCha8Rng) -> Vec<Step> {
    let mut steps: Vec<Step> = rising(rng, HOSTILE.len())
        .into_iter()
        .zip(HOSTILE)
        .map(|(moment, value)| {
            let topic = Topic::Readings(rng.random_range(1..=2));
            at(moment, Fault::Put(topic, content(rng, value)))
        })
        .collect();
    let victim = rng.random_range(2..6);
    steps.insert(victim, now(Fault::Start(Part::FogNode(1))));
    steps.insert(victim, now(Fault::Kill(Part::FogNode(1))));
    steps.insert(
        1,
        at(
            Moment::Rounds(1),
            Fault::Put(Topic::Updates, content(rng, b"{\"header\": \"torn")),
        ),
    );
    steps
}

/// With a key and headers that are no text either.
fn content(rng: &mut ChaCha8Rng, value: &[u8]) -> Content {
    let noise: [u8; 6] = rng.random();
    let headers = vec![
        ("line".to_owned(), b"3".to_vec()),
        ("raw".to_owned(), noise.to_vec()),
    ];
    Content {
        key: Some(noise.to_vec()),
        value: value.to_vec(),
        headers,
    }
}
