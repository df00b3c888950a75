//! Names, layers, promises and secrets. What is refused, in which words:
//! `tests/manifest_cases/kafka_*`.

mod layers;
mod promises;
mod secrets;
mod spelling;

use std::collections::BTreeSet;

use super::*;
use crate::tests::{MINIMAL, load_text, problems_of};
use crate::{Loaded, Problems};

fn load(text: &str) -> Result<Loaded, Problems> {
    load_with(text, &[], &[])
}

fn load_with(text: &str, environment: &[(&str, &str)], sets: &[&str]) -> Result<Loaded, Problems> {
    load_text(
        &format!("[bus]\nkind = \"kafka\"\n{text}\n{MINIMAL}"),
        environment,
        sets,
    )
}

fn manifest(text: &str) -> Manifest {
    load(text)
        .unwrap_or_else(|problems| panic!("{text}\n{problems}"))
        .manifest
}

fn of(manifest: &Manifest, role: ClientRole, side: Side) -> BTreeMap<String, String> {
    let clients = manifest.kafka_clients(role);
    match side {
        Side::Producer => clients.producer,
        Side::Consumer => clients.consumer,
    }
}

fn aggregator(text: &str, side: Side, name: &str) -> Option<String> {
    of(&manifest(text), ClientRole::Aggregator, side).remove(name)
}
