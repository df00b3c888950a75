//! What does not go together in clients that read.

use super::{Clash, is_exactly_once};
use crate::kafka::effective::Effective;
use crate::kafka::{ClientRole, GroupProtocol, Kafka};

pub(super) fn clashes(kafka: &Kafka, role: ClientRole, effective: &Effective) -> Vec<Clash> {
    let common = [isolation, session, heartbeat, drain, fetch_wait, assignor];
    let common = common.iter().filter_map(|rule| rule(kafka, effective));
    common.chain(start(role, effective)).collect()
}

fn isolation(kafka: &Kafka, effective: &Effective) -> Option<Clash> {
    let message = "delivery = \"exactly-once\" needs read_committed: a record of a transaction that failed would count too";
    (is_exactly_once(kafka) && !effective.is("isolation.level", "read_committed")).then(|| {
        Clash::new(
            &["isolation.level"],
            message,
            "leave it out, or choose delivery = \"at-least-once\"",
        )
    })
}

fn session(_: &Kafka, effective: &Effective) -> Option<Clash> {
    let (session, poll) = (
        effective.whole("session.timeout.ms"),
        effective.whole("max.poll.interval.ms"),
    );
    let message =
        || format!("max_poll_interval_ms is {poll}, below the {session} of session_timeout_ms");
    (session > poll).then(|| {
        Clash::new(
            &["max.poll.interval.ms", "session.timeout.ms"],
            message(),
            "raise it, or lower session_timeout_ms",
        )
    })
}

fn heartbeat(_: &Kafka, effective: &Effective) -> Option<Clash> {
    let (heartbeat, session) = (
        effective.whole("heartbeat.interval.ms"),
        effective.whole("session.timeout.ms"),
    );
    let message = || {
        format!(
            "heartbeat_interval_ms is {heartbeat}, over a third of session_timeout_ms = {session}"
        )
    };
    (heartbeat.saturating_mul(3) > session).then(|| {
        let hint =
            "one lost heartbeat must not end a session: lower it, or raise session_timeout_ms";
        Clash::new(
            &["heartbeat.interval.ms", "session.timeout.ms"],
            message(),
            hint,
        )
    })
}

/// Work that is drained for longer than a session is work of a reader that the broker has given up.
fn drain(kafka: &Kafka, effective: &Effective) -> Option<Clash> {
    let session = effective.whole("session.timeout.ms");
    let message = || {
        format!(
            "session_timeout_ms is {session}, not above kafka.drain_ms = {}",
            kafka.drain_ms
        )
    };
    (kafka.drain_ms >= session).then(|| {
        Clash::new(
            &["session.timeout.ms", "kafka.drain_ms"],
            message(),
            "lower kafka.drain_ms",
        )
    })
}

fn fetch_wait(_: &Kafka, effective: &Effective) -> Option<Clash> {
    let (wait, socket) = (
        effective.whole("fetch.wait.max.ms"),
        effective.whole("socket.timeout.ms"),
    );
    let message = || {
        format!(
            "a broker that waits {wait} ms for records is given up after {socket} ms (socket_timeout_ms)"
        )
    };
    (wait + 1000 > socket).then(|| {
        Clash::new(
            &["fetch.wait.max.ms", "socket.timeout.ms"],
            message(),
            "keep a second between the two",
        )
    })
}

fn assignor(kafka: &Kafka, effective: &Effective) -> Option<Clash> {
    const NAME: &str = "group.remote.assignor";
    (kafka.group_protocol == GroupProtocol::Classic && effective.has(NAME)).then(|| {
        let message = "the broker divides partitions only with group_protocol = \"consumer\"";
        Clash::new(
            &[NAME],
            message,
            "leave it out, or set kafka.group_protocol",
        )
    })
}

/// Updates and evaluations are never skipped.
fn start(role: ClientRole, effective: &Effective) -> Option<Clash> {
    const NAME: &str = "auto.offset.reset";
    let is_own = effective
        .key_path(NAME)
        .is_some_and(|path| path.starts_with("kafka.aggregator."));
    let message = "the aggregator always begins at the earliest record: an update that came before it must count";
    (role == ClientRole::Aggregator && is_own && !effective.is(NAME, "earliest")).then(|| {
        Clash::new(
            &[NAME],
            message,
            "leave it out; in [kafka.fog_node.consumer] it says where readings begin",
        )
    })
}
