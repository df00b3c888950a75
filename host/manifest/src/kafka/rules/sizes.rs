//! Whether what one side sends fits through what the other receives.

use super::Clash;
use crate::kafka::ClientRole;
use crate::kafka::effective::{Effective, FRAMING};
use crate::kafka::property::Side;
use crate::{Manifest, Topic};

pub(super) fn clashes(
    manifest: &Manifest,
    role: ClientRole,
    side: Side,
    effective: &Effective,
) -> Vec<Clash> {
    match side {
        Side::Producer => [written(effective), queue(effective)]
            .into_iter()
            .flatten()
            .collect(),
        Side::Consumer => [fetch(manifest, role, effective), answer(effective)]
            .into_iter()
            .flatten()
            .collect(),
    }
}

/// Bytes in which a chunk of a record fits with its headers.
const SMALLEST_RECORD: u64 = 64 << 10;

/// What is above the limit travels in chunks.
fn written(effective: &Effective) -> Option<Clash> {
    const NAME: &str = "message.max.bytes";
    let limit = effective.whole(NAME);
    let message = || {
        format!(
            "records of {limit} bytes at the most are written, and chunks of larger ones need {SMALLEST_RECORD}"
        )
    };
    (limit < SMALLEST_RECORD).then(|| {
        Clash::new(
            &[NAME],
            message(),
            "leave it out: it follows the topics; or raise it",
        )
    })
}

fn queue(effective: &Effective) -> Option<Clash> {
    const NAME: &str = "queue.buffering.max.kbytes";
    let (queue, record) = (
        effective.whole(NAME).saturating_mul(1024),
        effective.whole("message.max.bytes"),
    );
    let message = || format!("a record of {record} bytes never fits in a queue of {queue}");
    (queue < record).then(|| {
        Clash::new(
            &[NAME, "message.max.bytes"],
            message(),
            "raise it (buffer_memory), or lower the largest max_message_bytes of the topics",
        )
    })
}

fn fetch(manifest: &Manifest, role: ClientRole, effective: &Effective) -> Option<Clash> {
    const NAMES: &[&str] = &["fetch.max.bytes", "message.max.bytes"];
    let (limit, own) = (
        effective.whole("fetch.max.bytes"),
        effective.whole("message.max.bytes"),
    );
    if let Some(larger) = larger(topics_read(manifest, role), limit) {
        let message = format!("answers of {limit} bytes at the most are read, and {larger}");
        return Some(Clash::new(
            NAMES,
            message,
            "leave it out: it follows the topics; or lower their limits",
        ));
    }
    let message = || format!("fetch_max_bytes is {limit}, below max_request_size = {own}");
    (limit < own).then(|| Clash::new(NAMES, message(), "raise fetch_max_bytes, or leave both out"))
}

fn answer(effective: &Effective) -> Option<Clash> {
    let (receive, fetch) = (
        effective.whole("receive.message.max.bytes"),
        effective.whole("fetch.max.bytes"),
    );
    let message = || {
        format!(
            "receive_message_max_bytes is {receive}, below fetch_max_bytes + {FRAMING} = {}",
            fetch + FRAMING
        )
    };
    (receive < fetch + FRAMING).then(|| {
        Clash::new(
            &["receive.message.max.bytes", "fetch.max.bytes"],
            message(),
            "raise it, or lower fetch_max_bytes",
        )
    })
}

type Named = (&'static str, Topic);

/// The topics that take records above `limit`, as text.
fn larger(topics: Vec<Named>, limit: u64) -> Option<String> {
    let larger = topics
        .iter()
        .filter(|(_, topic)| topic.max_message_bytes > limit);
    let words: Vec<String> = larger
        .map(|(key, topic)| format!("topics.{key} takes {}", topic.max_message_bytes))
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// What the roles read with these clients; a topic that exists for each fog node is listed once.
fn topics_read(manifest: &Manifest, clients: ClientRole) -> Vec<Named> {
    let mut topics: Vec<Named> = Vec::new();
    for spec in manifest.roles() {
        if spec.clients != clients || spec.reads.is_empty() {
            continue;
        }
        let state = spec.keeps_state.then(|| ("state", manifest.topics.state()));
        let reads = spec.reads.into_iter().map(|read| (read.key, read.topic));
        for (key, topic) in reads.chain(state) {
            if topics.iter().all(|(known, _)| *known != key) {
                topics.push((key, topic));
            }
        }
    }
    topics
}
