//! Which settings do not go together: what librdkafka refuses when a client is made, and what it
//! takes without a word though nothing good comes of it. Found before anything is connected.

mod consumer;
mod producer;
mod security;
mod sizes;

use std::collections::BTreeSet;

use super::effective::{BACKOFFS, Effective};
use super::property::{Side, key_of};
use super::table;
use super::{ClientRole, Delivery, Kafka};
use crate::Manifest;
use crate::origins::Origins;
use crate::problem::{Problem, Problems};
use crate::topics::wire_bytes;

/// Settings that do not go together.
struct Clash {
    /// Those concerned, the first to be blamed in front; a key of `[kafka]` itself with its path.
    names: Vec<&'static str>,
    message: String,
    hint: String,
}

impl Clash {
    fn new(names: &[&'static str], message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            names: names.to_vec(),
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// Where it was written: at the first of the settings that the user gave.
    fn key_path(&self, effective: &Effective) -> String {
        let given = |name: &&'static str| {
            if name.starts_with("kafka.") {
                Some(*name)
            } else {
                effective.key_path(name)
            }
        };
        let given = self.names.iter().find_map(given).map(str::to_owned);
        let first = || {
            self.names.first().map_or_else(
                || "kafka".to_owned(),
                |name| format!("kafka.{}", key_of(name)),
            )
        };
        given.unwrap_or_else(first)
    }
}

/// Adds what does not go together in the clients of any role to `problems`, each once.
pub(crate) fn check(manifest: &Manifest, origins: &Origins, problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (role, side) in clients() {
        let effective = Effective::of(manifest, role, side);
        for clash in clashes(manifest, role, side, &effective) {
            let key_path = clash.key_path(&effective);
            if seen.insert((key_path.clone(), clash.message.clone()))
                && problems.spare(&[&key_path])
            {
                let origin = origins.nearest(&key_path);
                found.push(Problem {
                    key_path,
                    origin,
                    message: clash.message,
                    hint: Some(clash.hint),
                });
            }
        }
    }
    found.into_iter().for_each(|problem| problems.add(problem));
    too_large(manifest, origins, problems);
}

/// No client has a setting for records larger than this.
fn too_large(manifest: &Manifest, origins: &Origins, problems: &mut Problems) {
    let limit = LARGEST_RECORD - wire_bytes(0);
    for (key, topic) in manifest.topics.by_key(&BTreeSet::from([0])) {
        let key_path = format!("topics.{key}.max_message_bytes");
        if topic.max_message_bytes > limit && problems.spare(&[&key_path]) {
            let origin = origins.nearest(&key_path);
            let message = format!(
                "{} is more than clients of Kafka take",
                topic.max_message_bytes
            );
            problems.add(Problem {
                key_path,
                origin,
                message,
                hint: Some(format!("{limit} at the most")),
            });
        }
    }
}

/// Bytes, librdkafka's end of the range of `message.max.bytes`.
const LARGEST_RECORD: u64 = 1_000_000_000;

/// The kinds of clients there are: a sensor reads nothing.
pub(super) fn clients() -> impl Iterator<Item = (ClientRole, Side)> {
    let all = ClientRole::ALL
        .into_iter()
        .flat_map(|role| [(role, Side::Producer), (role, Side::Consumer)]);
    all.filter(|client| *client != (ClientRole::Sensor, Side::Consumer))
}

const SERVERS: &str = "bootstrap.servers";

fn clashes(manifest: &Manifest, role: ClientRole, side: Side, effective: &Effective) -> Vec<Clash> {
    let kafka = &manifest.kafka;
    let own = match side {
        Side::Producer => producer::clashes(kafka, effective),
        Side::Consumer => consumer::clashes(kafka, role, effective),
    };
    let all = fixed(effective)
        .chain(backoffs(effective))
        .chain(one_cluster(manifest, effective))
        .chain(own);
    all.chain(security::clashes(kafka, effective))
        .chain(sizes::clashes(manifest, role, side, effective))
        .collect()
}

/// All clients of a run reach the same cluster: what one role would write elsewhere, no other would
/// find.
fn one_cluster(manifest: &Manifest, effective: &Effective) -> Option<Clash> {
    let of_run = Effective::of(manifest, ClientRole::Admin, Side::Producer);
    let (own, common) = (effective.text(SERVERS), of_run.text(SERVERS));
    (own != common).then(|| {
        Clash::new(
            &[SERVERS],
            format!(
                "some clients would reach {own} and others {common}, and a run has one cluster"
            ),
            "give bootstrap_servers once, in [kafka]",
        )
    })
}

/// Settings that have only one value with which the host keeps its promises.
fn fixed(effective: &Effective) -> impl Iterator<Item = Clash> {
    effective.iter().filter_map(|(name, setting)| {
        let (value, reason) = table::named(name)?.fixed?;
        let message = || format!("it must be {value}: {reason}");
        (setting.value != value).then(|| Clash::new(&[name], message(), "leave it out"))
    })
}

fn backoffs(effective: &Effective) -> impl Iterator<Item = Clash> {
    BACKOFFS.into_iter().filter_map(|(first, longest)| {
        let (ms, most) = (effective.whole(first), effective.whole(longest));
        (ms > most).then(|| {
            let message = format!(
                "{} is {most}, below the {ms} of {}",
                key_of(longest),
                key_of(first)
            );
            Clash::new(
                &[longest, first],
                message,
                "the longest pause must not be shorter than the first",
            )
        })
    })
}

fn is_exactly_once(kafka: &Kafka) -> bool {
    kafka.delivery == Delivery::ExactlyOnce
}
