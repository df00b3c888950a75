//! What the host decides: settings in which its own way of reading and writing leaves no choice.
//!
//! Unlike a value that would break a promise, another value here would only do nothing: it is
//! taken, for users bring it along in their dictionaries, and announced.

use super::property::Side;
use super::{Delivery, Kafka};

/// One value, and why there is no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) name: &'static str,
    pub(super) value: &'static str,
    pub(super) reason: &'static str,
}

const WRITERS: &[Decision] = &[Decision {
    name: "delivery.timeout.ms",
    value: "0",
    reason: "a writer tries until a record is stored, and never gives one up",
}];

const EXACTLY_ONCE: &[Decision] = &[Decision {
    name: "linger.ms",
    value: "0",
    reason: "with delivery = \"exactly-once\" all of a transaction is handed over at once",
}];

const READERS: &[Decision] = &[
    Decision {
        name: "statistics.interval.ms",
        value: "1000",
        reason: "a reader looks every second at how far it has come",
    },
    Decision {
        name: "partition.assignment.strategy",
        value: "range",
        reason: "of the readers of a role one has all partitions, and the others stand by",
    },
];

/// What is decided for clients of that side.
pub(super) fn of(kafka: &Kafka, side: Side) -> impl Iterator<Item = &'static Decision> {
    let (all, further) = match (side, kafka.delivery) {
        (Side::Producer, Delivery::ExactlyOnce) => (WRITERS, EXACTLY_ONCE),
        (Side::Producer, Delivery::AtLeastOnce) => (WRITERS, [].as_slice()),
        (Side::Consumer, _) => (READERS, [].as_slice()),
    };
    all.iter().chain(further)
}
