//! Errors and their meaning, in the order in which they are tried.
//!
//! In texts, `{place}` is the broker's address, `{name}` the thing in question when it is known,
//! `{offered}` what a broker offers, `{detail}` librdkafka's own account.

use rdkafka::error::RDKafkaErrorCode::{self, self as Code};

use super::Kind;

const WITHOUT_TLS: &str =
    "{place} ended the connection while TLS was set up: it seems to be a listener without TLS";
const WITHOUT_TLS_HINT: &str =
    "take the port of a TLS listener, or set security_protocol to PLAINTEXT or SASL_PLAINTEXT";

pub(super) struct Rule {
    pub(super) when: When,
    pub(super) kind: Kind,
    pub(super) reason: &'static str,
    pub(super) hint: &'static str,
}

#[derive(Clone, Copy)]
pub(super) enum When {
    /// librdkafka's account holds one of these.
    Says(&'static [&'static str]),
    /// librdkafka's account holds all of these.
    SaysAll(&'static [&'static str]),
    /// The code is one of these.
    Is(&'static [RDKafkaErrorCode]),
}

const fn says(
    texts: &'static [&'static str],
    kind: Kind,
    reason: &'static str,
    hint: &'static str,
) -> Rule {
    Rule {
        when: When::Says(texts),
        kind,
        reason,
        hint,
    }
}

const fn is(
    codes: &'static [RDKafkaErrorCode],
    kind: Kind,
    reason: &'static str,
    hint: &'static str,
) -> Rule {
    Rule {
        when: When::Is(codes),
        kind,
        reason,
        hint,
    }
}

/// What librdkafka's codes leave open: connections that fail for many reasons share a code.
pub(super) const TEXTS: &[Rule] = &[
    says(
        &["Connection refused"],
        Kind::Unreachable,
        "nothing listens at {place}",
        "start the broker, or correct bootstrap_servers or the broker's advertised.listeners",
    ),
    says(
        &["Failed to resolve"],
        Kind::Unreachable,
        "the name of {place} cannot be resolved",
        "check the spelling in bootstrap_servers, the broker's advertised.listeners, and the name service of this machine",
    ),
    says(
        &["Network is unreachable", "No route to host"],
        Kind::Unreachable,
        "no way leads to {place}",
        "check the network of this machine, and bootstrap_servers",
    ),
    says(
        &[
            "Connection setup timed out",
            "Connection timed out",
            "timed out in state CONNECT",
        ],
        Kind::Unreachable,
        "{place} does not answer",
        "check the port, and whether a firewall is in between",
    ),
    says(
        &[
            "connecting to a PLAINTEXT broker listener?",
            "wrong version number",
            "packet length too long",
        ],
        Kind::Unreachable,
        WITHOUT_TLS,
        WITHOUT_TLS_HINT,
    ),
    // The same in other words, depending on when the broker ends the connection.
    Rule {
        when: When::SaysAll(&["SSL connection closed by peer", "in state SSL_HANDSHAKE"]),
        kind: Kind::Unreachable,
        reason: WITHOUT_TLS,
        hint: WITHOUT_TLS_HINT,
    },
    says(
        &["connecting to a SSL listener?"],
        Kind::Unreachable,
        "{place} ended the connection at the first request: it seems to be a listener with TLS",
        "set security_protocol to SSL or SASL_SSL, or take the port of a plaintext listener",
    ),
    says(
        &["might require SASL authentication"],
        Kind::Unreachable,
        "{place} ended the connection after the first request: it seems to ask for a login",
        "set security_protocol to SASL_PLAINTEXT or SASL_SSL, with sasl_mechanism, sasl_username and sasl_password",
    ),
    says(
        &["might be caused by broker version"],
        Kind::Unreachable,
        "{place} ended the connection at the first request: it does not know a request of today's clients",
        "use Apache Kafka 2.5 or newer, and check that the port is that of a broker",
    ),
    says(
        &[
            "alert bad certificate",
            "alert certificate required",
            "alert handshake failure",
            "unexpected message",
        ],
        Kind::Refused,
        "{place} asks for a client certificate, and got none that it takes",
        "name a certificate that the broker trusts with ssl_certificate_location and ssl_key_location",
    ),
    says(
        &[
            "alert unknown ca",
            "alert certificate unknown",
            "alert certificate expired",
            "alert certificate revoked",
        ],
        Kind::Refused,
        "{place} does not accept the client certificate",
        "check that ssl_certificate_location has not expired and is signed by an authority that the broker trusts",
    ),
    says(
        &["certificate verify failed"],
        Kind::Refused,
        "the certificate of {place} cannot be verified: it has expired, is for another host name, or is signed by an \
         authority that ssl_ca_location does not name",
        "`fedhost doctor` says which of these it is",
    ),
    says(
        &["ssl.ca.location failed", "ssl.ca.pem failed"],
        Kind::Refused,
        "the authorities in ssl_ca_location cannot be read: {detail}",
        "name a readable file of certificates in PEM",
    ),
    says(
        &["key values mismatch"],
        Kind::Refused,
        "ssl_key_location and ssl_certificate_location do not belong together",
        "name the key that the certificate was made for",
    ),
    says(
        &[
            "ssl.certificate.location failed",
            "ssl.key.location failed",
            "ssl.certificate.pem failed",
            "ssl.key.pem failed",
        ],
        Kind::Refused,
        "the client certificate or its key cannot be read: {detail}",
        "name readable files in PEM with ssl_certificate_location and ssl_key_location; a locked key needs ssl_key_password",
    ),
    says(
        &["No provider for SASL mechanism"],
        Kind::Refused,
        "this program cannot log in by that mechanism",
        "set sasl_mechanism to PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512",
    ),
    says(
        &["Unsupported SASL mechanism"],
        Kind::Refused,
        "{place} does not let clients log in by this mechanism; it offers {offered}",
        "set sasl_mechanism to one that it offers, or add this one to the broker's sasl.enabled.mechanisms",
    ),
    says(
        &["Request not valid in current SASL state"],
        Kind::Refused,
        "{place} knows no login: it is a listener without SASL",
        "set security_protocol to PLAINTEXT or SSL, or take the port of a SASL listener",
    ),
    says(
        &["Invalid response size"],
        Kind::Unreachable,
        "what {place} answers is no answer of Kafka",
        "check the port in bootstrap_servers; if it is a broker's, raise receive_message_max_bytes",
    ),
];

/// What a client's log adds about connections that were closed without a word. Brokers that go away
/// do so as well: this is worth saying only of a client that has not got in at all.
pub(super) const LOGGED: &[Rule] = &[says(
    &["connection closed by peer"],
    Kind::Unreachable,
    "{place} ended the connection at the first request: it seems to ask for a login",
    "set security_protocol to SASL_PLAINTEXT or SASL_SSL, with sasl_mechanism, sasl_username and sasl_password",
)];

/// What librdkafka's codes settle.
pub(super) const CODES: &[Rule] = &[
    is(
        &[Code::Authentication, Code::SaslAuthenticationFailed],
        Kind::Refused,
        "{place} refuses the name or the password",
        "check sasl_username and sasl_password, and that the user was made for this sasl_mechanism",
    ),
    is(
        &[Code::SSL],
        Kind::Refused,
        "no TLS connection: {detail}",
        "check security_protocol and the certificates; `fedhost doctor` says more",
    ),
    is(
        &[Code::TopicAuthorizationFailed],
        Kind::Refused,
        "no right to use topic{name}",
        "have the broker's administrator allow Describe and Read or Write on the topic: kafka-acls.sh --add --topic",
    ),
    is(
        &[Code::GroupAuthorizationFailed],
        Kind::Refused,
        "no right to use consumer group{name}",
        "have the broker's administrator allow Describe and Read on the group: kafka-acls.sh --add --group",
    ),
    is(
        &[Code::TransactionalIdAuthorizationFailed],
        Kind::Refused,
        "no right to use transactional id{name}",
        "have the broker's administrator allow Describe and Write on the id: kafka-acls.sh --add --transactional-id",
    ),
    is(
        &[Code::ClusterAuthorizationFailed],
        Kind::Refused,
        "no right to do that on the cluster",
        "have the broker's administrator allow it: kafka-acls.sh --add --cluster",
    ),
    is(
        &[
            Code::Fenced,
            Code::ProducerFenced,
            Code::FencedInstanceId,
            Code::InvalidProducerEpoch,
        ],
        Kind::Fenced,
        "another client has taken over",
        "end the other process that runs the same role, or give this federation its own transactional_id_prefix",
    ),
    is(
        &[Code::Fatal],
        Kind::Fatal,
        "{detail}",
        "a new client is made; if it comes back, `fedhost doctor` says more",
    ),
    is(
        &[Code::UnknownPartition],
        Kind::Unreachable,
        "the leader of a partition{name} cannot be asked",
        "check that all brokers run; `fedhost doctor` says more",
    ),
    is(
        &[Code::UnknownTopicOrPartition, Code::UnknownTopic],
        Kind::Request,
        "topic{name} does not exist, or has fewer partitions",
        "`fedhost topics create` makes the manifest's topics; `fedhost topics describe` shows them as they are",
    ),
    is(
        &[Code::MessageSizeTooLarge, Code::MessageBatchTooLarge],
        Kind::Request,
        "the record is larger than topic{name} or its broker takes",
        "raise the topic's max_message_bytes and, with it, the broker's message.max.bytes; `fedhost doctor` compares them",
    ),
    is(
        &[Code::InvalidReplicationFactor],
        Kind::Request,
        "topic{name} asks for more copies than there are brokers",
        "lower the topic's replication_factor",
    ),
    is(
        &[Code::InvalidTransactionTimeout],
        Kind::Request,
        "transaction_timeout_ms is above the broker's transaction.max.timeout.ms",
        "lower transaction_timeout_ms, or raise the broker's limit",
    ),
    is(
        &[
            Code::InvalidMessage,
            Code::PolicyViolation,
            Code::InvalidConfig,
            Code::InvalidRecord,
        ],
        Kind::Request,
        "the broker does not take that{name}: {detail}",
        "`fedhost topics describe` shows the topics as they are",
    ),
    is(
        &[Code::InvalidTimestamp],
        Kind::Unreachable,
        "the broker does not take the time of the records for topic{name}: the clocks of this machine and of the broker differ by more than the broker's message.timestamp.after.max.ms or message.timestamp.before.max.ms",
        "set both clocks by NTP; `fedhost doctor` shows the difference",
    ),
    is(
        &[Code::UnsupportedVersion, Code::UnsupportedFeature],
        Kind::Request,
        "the broker does not know that request: {detail}",
        "use Apache Kafka 2.5 or newer, 4.0 or newer for group_protocol = \"consumer\"; and check that the port is not that of a controller",
    ),
    is(
        &[Code::NotEnoughReplicas, Code::NotEnoughReplicasAfterAppend],
        Kind::Unreachable,
        "too few brokers hold a copy of topic{name}",
        "bring the other brokers back, or lower the topic's min_insync_replicas",
    ),
    is(
        &[Code::AllBrokersDown],
        Kind::Unreachable,
        "no broker of the cluster can be reached",
        "check that it runs, bootstrap_servers and security_protocol; `fedhost doctor` says more",
    ),
    is(
        &[
            Code::OperationTimedOut,
            Code::RequestTimedOut,
            Code::MessageTimedOut,
            Code::TimedOutQueue,
        ],
        Kind::Unreachable,
        "no answer in time",
        "check the network and the load of the brokers; `fedhost doctor` says more",
    ),
];
