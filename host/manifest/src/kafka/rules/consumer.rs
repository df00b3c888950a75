//! Rules between the client settings of consumers.

use super::{Clash, is_exactly_once};
use crate::kafka::effective::Effective;
use crate::kafka::{ClientRole, GroupProtocol, Kafka};

/// Returns all settings of a role's consumers that contradict each other.
pub(super) fn clashes(kafka: &Kafka, role: ClientRole, effective: &Effective) -> Vec<Clash> {
    let rules = [isolation, session, heartbeat, drain, fetch_wait, assignor];
    rules
        .iter()
        .filter_map(|rule| rule(kafka, effective))
        .chain(start(role, effective))
        .collect()
}

fn isolation(kafka: &Kafka, effective: &Effective) -> Option<Clash> {
    if !is_exactly_once(kafka) || effective.is("isolation.level", "read_committed") {
        return None;
    }
    Some(Clash::new(
        &["isolation.level"],
        "delivery = \"exactly-once\" needs read_committed: records of aborted transactions would count too",
        "leave it out, or choose delivery = \"at-least-once\"",
    ))
}

fn session(_: &Kafka, effective: &Effective) -> Option<Clash> {
    let session_ms = effective.whole("session.timeout.ms");
    let poll_ms = effective.whole("max.poll.interval.ms");
    if session_ms <= poll_ms {
        return None;
    }
    Some(Clash::new(
        &["max.poll.interval.ms", "session.timeout.ms"],
        format!("max_poll_interval_ms is {poll_ms}, below the {session_ms} of session_timeout_ms"),
        "raise it, or lower session_timeout_ms",
    ))
}

fn heartbeat(_: &Kafka, effective: &Effective) -> Option<Clash> {
    let heartbeat_ms = effective.whole("heartbeat.interval.ms");
    let session_ms = effective.whole("session.timeout.ms");
    if heartbeat_ms.saturating_mul(3) <= session_ms {
        return None;
    }
    Some(Clash::new(
        &["heartbeat.interval.ms", "session.timeout.ms"],
        format!(
            "heartbeat_interval_ms is {heartbeat_ms}, over a third of session_timeout_ms = {session_ms}"
        ),
        "one lost heartbeat must not end a session: lower it, or raise session_timeout_ms",
    ))
}

/// A drain that is longer than a session would finish work after the broker has removed the reader
/// from its group.
fn drain(kafka: &Kafka, effective: &Effective) -> Option<Clash> {
    let session_ms = effective.whole("session.timeout.ms");
    let drain_ms = kafka.drain_ms;
    if drain_ms < session_ms {
        return None;
    }
    Some(Clash::new(
        &["session.timeout.ms", "kafka.drain_ms"],
        format!("session_timeout_ms is {session_ms}, not above kafka.drain_ms = {drain_ms}"),
        "lower kafka.drain_ms",
    ))
}

fn fetch_wait(_: &Kafka, effective: &Effective) -> Option<Clash> {
    let wait_ms = effective.whole("fetch.wait.max.ms");
    let socket_ms = effective.whole("socket.timeout.ms");
    if wait_ms + 1000 <= socket_ms {
        return None;
    }
    Some(Clash::new(
        &["fetch.wait.max.ms", "socket.timeout.ms"],
        format!(
            "a broker that waits {wait_ms} ms for records is given up after {socket_ms} ms (socket_timeout_ms)"
        ),
        "keep at least a second between the two",
    ))
}

fn assignor(kafka: &Kafka, effective: &Effective) -> Option<Clash> {
    const NAME: &str = "group.remote.assignor";
    if kafka.group_protocol != GroupProtocol::Classic || !effective.has(NAME) {
        return None;
    }
    Some(Clash::new(
        &[NAME],
        "the broker assigns partitions only with group_protocol = \"consumer\"",
        "leave it out, or set kafka.group_protocol",
    ))
}

/// The aggregator must not skip updates and evaluations.
fn start(role: ClientRole, effective: &Effective) -> Option<Clash> {
    const NAME: &str = "auto.offset.reset";
    let is_own = effective
        .key_path(NAME)
        .is_some_and(|path| path.starts_with("kafka.aggregator."));
    if role != ClientRole::Aggregator || !is_own || effective.is(NAME, "earliest") {
        return None;
    }
    Some(Clash::new(
        &[NAME],
        "the aggregator always begins at the earliest record: an earlier update must count",
        "leave it out; in [kafka.fog_node.consumer] it sets where readings begin",
    ))
}
