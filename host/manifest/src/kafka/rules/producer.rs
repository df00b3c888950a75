//! What does not go together in clients that write.

use super::{Clash, is_exactly_once};
use crate::kafka::Kafka;
use crate::kafka::effective::Effective;

pub(super) fn clashes(kafka: &Kafka, effective: &Effective) -> Vec<Clash> {
    let rules = [
        acks,
        idempotence,
        in_flight,
        retries,
        threshold,
        socket,
        gapless,
    ];
    rules
        .iter()
        .filter_map(|rule| rule(kafka, effective))
        .collect()
}

const KEEP: &str = "leave it out; or choose delivery = \"at-least-once\" with enable_idempotence = false, and live with repeats";

fn is_idempotent(effective: &Effective) -> bool {
    effective.is("enable.idempotence", "true")
}

fn acks(_: &Kafka, effective: &Effective) -> Option<Clash> {
    const NAMES: &[&str] = &["acks", "enable.idempotence"];
    let acks = effective.text("acks");
    if acks == "0" {
        let message = "without an answer it is unknown whether a record is stored, and an offset would move past a lost one";
        return Some(Clash::new(
            NAMES,
            message,
            "leave it out; acks = \"all\" keeps a record when its broker fails",
        ));
    }
    let message = || {
        format!(
            "acks = {acks} does not go with idempotence, which needs every copy to know what was stored"
        )
    };
    (is_idempotent(effective) && acks != "all").then(|| Clash::new(NAMES, message(), KEEP))
}

fn idempotence(kafka: &Kafka, effective: &Effective) -> Option<Clash> {
    let message =
        "delivery = \"exactly-once\" needs it: a record that is sent again would be stored twice";
    (is_exactly_once(kafka) && !is_idempotent(effective)).then(|| {
        Clash::new(
            &["enable.idempotence"],
            message,
            "leave it out, or choose delivery = \"at-least-once\"",
        )
    })
}

fn in_flight(_: &Kafka, effective: &Effective) -> Option<Clash> {
    const NAME: &str = "max.in.flight.requests.per.connection";
    let requests = effective.whole(NAME);
    let (most, reason) = match is_idempotent(effective) {
        true => (5, "do not go with idempotence, which orders at most 5"),
        false => (
            1,
            "need idempotence: what is sent again would overtake later records, and old state pass for new",
        ),
    };
    let message = || format!("{requests} requests under way {reason}");
    let hint = || {
        if most == 1 {
            "leave it out: it is 1 then".to_owned()
        } else {
            format!("1 to {most}")
        }
    };
    (requests > most).then(|| Clash::new(&[NAME, "enable.idempotence"], message(), hint()))
}

fn retries(_: &Kafka, effective: &Effective) -> Option<Clash> {
    let message =
        "0 does not go with idempotence: the first hiccup of a broker would be the end of a record";
    (is_idempotent(effective) && effective.is("retries", "0"))
        .then(|| Clash::new(&["retries", "enable.idempotence"], message, KEEP))
}

fn threshold(_: &Kafka, effective: &Effective) -> Option<Clash> {
    const NAME: &str = "queue.buffering.backpressure.threshold";
    (is_idempotent(effective) && effective.whole(NAME) > 1).then(|| {
        Clash::new(
            &[NAME, "enable.idempotence"],
            "it must be 1 with idempotence",
            "leave it out",
        )
    })
}

fn socket(kafka: &Kafka, effective: &Effective) -> Option<Clash> {
    const NAMES: &[&str] = &["transaction.timeout.ms", "socket.timeout.ms"];
    let (socket, transaction) = (
        effective.whole("socket.timeout.ms"),
        effective.whole("transaction.timeout.ms"),
    );
    let message = || {
        format!("transaction_timeout_ms is {transaction}, below the {socket} of socket_timeout_ms")
    };
    (is_exactly_once(kafka) && socket > transaction + 100).then(|| {
        Clash::new(
            NAMES,
            message(),
            "one request must fit in a transaction: raise it, or leave it out",
        )
    })
}

fn gapless(_: &Kafka, effective: &Effective) -> Option<Clash> {
    (effective.is("enable.gapless.guarantee", "true") && !is_idempotent(effective)).then(|| {
        Clash::new(
            &["enable.gapless.guarantee"],
            "it needs idempotence",
            "leave it out",
        )
    })
}
