//! Limits on the size of a record: every place on its way has one of its own.
//!
//! What clients let pass a manifest is checked for by itself, role by role; what the brokers do
//! shows when they are asked, which a run does before it begins, and `fedhost doctor` any time.

use super::TopicSpec;
use super::checkup::Finding;
use super::compare::is_too_small;

/// A fetch answer is this much larger than the records in it.
const ANSWER_OVERHEAD_BYTES: u64 = 512;

/// Limits of a broker that hold for every topic, in bytes; `None` where there are none, or where we
/// have no right to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BrokerLimits {
    /// `replica.fetch.max.bytes`: what brokers copy from each other at a time.
    pub copied: Option<u64>,
    /// `socket.request.max.bytes`: the largest request.
    pub requested: Option<u64>,
}

/// The limits of clients, in bytes; `None` where the library's default holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ClientLimits {
    /// `message.max.bytes` of producers.
    pub(super) sent: Option<u64>,
    /// `fetch.max.bytes` of consumers.
    pub(super) fetched: Option<u64>,
    /// `receive.message.max.bytes` of consumers.
    pub(super) received: Option<u64>,
}

/// librdkafka's defaults.
const SENT: u64 = 1_000_000;
const FETCHED: u64 = 52_428_800;
const RECEIVED: u64 = 100_000_000;

impl ClientLimits {
    /// Bytes of the largest record that producers send in one piece.
    pub(super) fn sent(&self) -> u64 {
        self.sent.unwrap_or(SENT)
    }
}

/// Where brokers would stop a record of the size that the manifest allows, or a piece of it, and
/// where they would only be slow. In pieces or not, the topic carries records of up to `carried`
/// bytes.
#[must_use]
pub fn of_brokers(
    limits: &BrokerLimits,
    asked: &TopicSpec,
    found: &TopicSpec,
    carried: u64,
) -> Vec<Finding> {
    let (subject, bytes) = (subject(asked), asked.max_message_bytes);
    // The topic's own limit is the broker's message.max.bytes when it has none of its own.
    let taken = found.max_message_bytes;
    let too_small = (is_too_small(asked, found) && carried < bytes).then(|| {
        Finding::failed(
            &subject,
            format!("the manifest allows records of {bytes} bytes, and the topic takes {taken}"),
            "raise the topic's max.message.bytes (on Kafka, to 65536 more than that, for headers), or lower max_message_bytes",
        )
    });
    let piece = bytes.min(taken);
    let no_request = limits.requested.filter(|&requested| requested < piece).map(|requested| {
        Finding::failed(
            &subject,
            format!("the broker takes no request above {requested} bytes, and the manifest allows records of {piece}"),
            "raise the broker's socket.request.max.bytes, or lower the topic's max_message_bytes",
        )
    });
    // A single copy is not replicated.
    let copied = limits
        .copied
        .filter(|&copied| found.replication_factor > Some(1) && copied < piece);
    let slow = copied.map(|copied| {
        one_by_one(
            &subject,
            "brokers copy",
            copied,
            piece,
            "raise the broker's replica.fetch.max.bytes",
        )
    });
    too_small
        .into_iter()
        .chain(no_request)
        .chain(slow)
        .collect()
}

/// The largest record of the manifest on that topic, or the largest piece of it, in bytes.
pub(super) fn largest_piece(clients: &ClientLimits, asked: &TopicSpec, found: &TopicSpec) -> u64 {
    asked
        .max_message_bytes
        .min(found.max_message_bytes)
        .min(clients.sent())
}

/// The same for clients, whose records come in pieces of up to `piece` bytes.
pub(super) fn of_clients(limits: &ClientLimits, asked: &TopicSpec, piece: u64) -> Vec<Finding> {
    let subject = subject(asked);
    let (fetched, received) = (
        limits.fetched.unwrap_or(FETCHED),
        limits.received.unwrap_or(RECEIVED),
    );
    let unreceived = (received < piece.saturating_add(ANSWER_OVERHEAD_BYTES)).then(|| {
        Finding::failed(
            &subject,
            format!("a record of {piece} bytes does not fit into the {received} bytes that consumers receive at once"),
            "raise receive_message_max_bytes in [kafka.consumer]",
        )
    });
    let slow = (fetched < piece).then(|| {
        one_by_one(
            &subject,
            "consumers fetch",
            fetched,
            piece,
            "raise fetch_max_bytes in [kafka.consumer]",
        )
    });
    unreceived.into_iter().chain(slow).collect()
}

fn subject(topic: &TopicSpec) -> String {
    format!("sizes of topic {:?}", topic.name)
}

fn one_by_one(subject: &str, who: &str, limit: u64, bytes: u64, hint: &str) -> Finding {
    Finding::warning(
        subject,
        format!("{who} {limit} bytes at a time: records of up to {bytes} go one by one"),
        hint,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkup::Outcome;

    const MIB: u64 = 1 << 20;

    fn topic(max_message_bytes: u64) -> TopicSpec {
        TopicSpec {
            name: "models".to_owned(),
            replication_factor: Some(2),
            max_message_bytes,
            ..TopicSpec::default()
        }
    }

    const BROKERS: BrokerLimits = BrokerLimits {
        copied: Some(16 * MIB),
        requested: Some(100 * MIB),
    };
    const CLIENTS: ClientLimits = ClientLimits {
        sent: Some(16 * MIB),
        fetched: Some(50 * MIB),
        received: Some(100 * MIB),
    };

    fn assert_finding(findings: &[Finding], outcome: Outcome, words: &str) {
        let [finding] = findings else {
            panic!("{words}: {findings:?}")
        };
        assert!(
            finding.outcome == outcome && finding.detail.contains(words),
            "{words}: {finding:?}"
        );
        assert!(finding.hint.is_some());
    }

    #[test]
    fn limits_that_agree_are_not_mentioned() {
        let asked = topic(16 * MIB);
        let findings = (
            of_brokers(&BROKERS, &asked, &asked, 16 * MIB),
            of_clients(&CLIENTS, &asked, 16 * MIB),
        );
        assert_eq!(findings, (vec![], vec![]));
    }

    #[test]
    fn each_limit_of_a_broker_that_is_too_low_is_named_with_its_remedy() {
        let cases = [
            (BROKERS, 512, Outcome::Failed, "the topic takes 512"),
            (
                BrokerLimits {
                    requested: Some(MIB),
                    ..BROKERS
                },
                16 * MIB,
                Outcome::Failed,
                "no request above 1048576",
            ),
            (
                BrokerLimits {
                    copied: Some(MIB),
                    ..BROKERS
                },
                16 * MIB,
                Outcome::Warning,
                "brokers copy 1048576",
            ),
        ];
        for (limits, taken, outcome, words) in cases {
            assert_finding(
                &of_brokers(&limits, &topic(16 * MIB), &topic(taken), taken),
                outcome,
                words,
            );
        }
    }

    #[test]
    fn each_limit_of_a_client_that_is_too_low_is_named_with_its_remedy() {
        let cases = [
            (
                ClientLimits {
                    received: Some(16 * MIB),
                    ..CLIENTS
                },
                Outcome::Failed,
                "that consumers receive at once",
            ),
            (
                ClientLimits {
                    fetched: Some(MIB),
                    ..CLIENTS
                },
                Outcome::Warning,
                "consumers fetch 1048576",
            ),
        ];
        for (limits, outcome, words) in cases {
            assert_finding(
                &of_clients(&limits, &topic(16 * MIB), 16 * MIB),
                outcome,
                words,
            );
        }
    }

    #[test]
    fn what_travels_in_pieces_meets_every_limit_with_the_largest_of_them() {
        let (asked, found) = (topic(16 * MIB), topic(MIB));
        let (brokers, clients) = (
            BrokerLimits {
                copied: Some(MIB),
                requested: Some(MIB),
            },
            ClientLimits {
                fetched: Some(MIB),
                received: Some(2 * MIB),
                ..CLIENTS
            },
        );
        let piece = largest_piece(&clients, &asked, &found);
        assert_eq!(piece, MIB);
        assert_eq!(
            largest_piece(
                &ClientLimits {
                    sent: None,
                    ..clients
                },
                &asked,
                &found
            ),
            SENT
        );
        assert_eq!(
            (
                of_brokers(&brokers, &asked, &found, 64 * MIB),
                of_clients(&clients, &asked, piece)
            ),
            (vec![], vec![])
        );
    }

    #[test]
    fn what_nobody_copies_is_not_slow_to_copy() {
        let found = TopicSpec {
            replication_factor: Some(1),
            ..topic(16 * MIB)
        };
        let limits = BrokerLimits {
            copied: Some(MIB),
            ..BROKERS
        };
        assert_eq!(of_brokers(&limits, &topic(16 * MIB), &found, 16 * MIB), []);
    }

    #[test]
    fn a_limit_that_nobody_told_is_no_trouble() {
        let asked = topic(1_000_000);
        let clients = of_clients(&ClientLimits::default(), &asked, 1_000_000);
        assert_eq!(
            (
                of_brokers(&BrokerLimits::default(), &asked, &asked, 1_000_000),
                clients
            ),
            (vec![], vec![])
        );
    }
}
