//! Settings that other clients have, and why a manifest may not give them.

use std::borrow::Cow;

use serde::Serialize;

use crate::kafka::property::key_of;

/// Why a manifest may not give a setting.
#[derive(Clone, Debug, Serialize)]
pub(in crate::kafka) struct Refusal {
    pub(in crate::kafka) reason: Cow<'static, str>,
    /// What to do instead.
    pub(in crate::kafka) hint: Cow<'static, str>,
}

impl Refusal {
    const fn new(reason: &'static str, hint: &'static str) -> Self {
        Self {
            reason: Cow::Borrowed(reason),
            hint: Cow::Borrowed(hint),
        }
    }
}

const SERIALIZER: Refusal = Refusal::new(
    "the messages have a format of their own, which no setting changes",
    "leave it out",
);
const STORE: Refusal = Refusal::new(
    "librdkafka reads PEM and PKCS#12, no Java key stores",
    "give ssl_ca_location a PEM file; `keytool -exportcert -rfc` writes one",
);
const STORE_TYPE: Refusal = Refusal::new(
    "librdkafka tells the type by itself",
    "leave it out; ssl_keystore_location takes PKCS#12, ssl_certificate_location and ssl_key_location take PEM",
);
const JAAS: Refusal = Refusal::new(
    "JAAS is the way to sign in from Java",
    "give sasl_mechanism, sasl_username and sasl_password",
);
const KERBEROS: Refusal = Refusal::new(
    "Kerberos is not built in",
    "use sasl_mechanism = \"SCRAM-SHA-512\", or certificates",
);
const OAUTH: Refusal = Refusal::new(
    "signing in with tokens is not built in",
    "use sasl_mechanism = \"SCRAM-SHA-512\", or certificates",
);
const FOREIGN_CODE: Refusal = Refusal::new("clients run no code from elsewhere", "leave it out");
const METRICS: Refusal = Refusal::new(
    "the host has figures of its own",
    "leave it out; statistics_interval_ms says how often they are taken",
);
const GROUP: Refusal = Refusal::new(
    "every role reads in a group of its own name",
    "leave it out, or put kafka.group_prefix in front of all of them",
);
const ONE_LIMIT: Refusal = Refusal::new(
    "librdkafka has one limit for every try to connect, where Java's grows from try to try",
    "leave it out; socket_connection_setup_timeout_ms is that limit",
);
const OWN_THREAD: Refusal = Refusal::new(
    "readers wait for records on threads of their own",
    "leave it out",
);
const GROUP_PROTOCOL: Refusal = Refusal::new(
    "all readers use the same group protocol",
    "set kafka.group_protocol",
);

static REFUSED: &[(&str, Refusal)] = &[
    ("key.serializer", SERIALIZER),
    ("value.serializer", SERIALIZER),
    ("key.deserializer", SERIALIZER),
    ("value.deserializer", SERIALIZER),
    ("schema.registry.url", SERIALIZER),
    ("ssl.truststore.location", STORE),
    ("ssl.truststore.password", STORE),
    ("ssl.truststore.type", STORE_TYPE),
    (
        "ssl.truststore.certificates",
        Refusal::new("librdkafka has another name for it", "give ssl_ca_pem"),
    ),
    ("ssl.keystore.type", STORE_TYPE),
    (
        "ssl.context",
        Refusal::new(
            "a context is an object of Python",
            "give ssl_ca_location, ssl_certificate_location and ssl_key_location",
        ),
    ),
    (
        "ssl.protocol",
        Refusal::new(
            "OpenSSL agrees with the broker on the best they both have",
            "leave it out",
        ),
    ),
    (
        "ssl.enabled.protocols",
        Refusal::new(
            "OpenSSL agrees with the broker on the best they both have",
            "leave it out",
        ),
    ),
    ("ssl.engine.location", FOREIGN_CODE),
    ("sasl.jaas.config", JAAS),
    ("sasl.client.callback.handler.class", JAAS),
    ("sasl.login.callback.handler.class", JAAS),
    ("sasl.login.class", JAAS),
    ("sasl.kerberos.service.name", KERBEROS),
    ("sasl.kerberos.domain.name", KERBEROS),
    ("sasl.kerberos.principal", KERBEROS),
    ("sasl.kerberos.keytab", KERBEROS),
    ("sasl.kerberos.kinit.cmd", KERBEROS),
    ("sasl.oauth.token.provider", OAUTH),
    ("sasl.oauthbearer.config", OAUTH),
    ("sasl.oauthbearer.method", OAUTH),
    ("sasl.oauthbearer.client.id", OAUTH),
    ("sasl.oauthbearer.client.secret", OAUTH),
    ("sasl.oauthbearer.scope", OAUTH),
    ("sasl.oauthbearer.token.endpoint.url", OAUTH),
    ("enable.sasl.oauthbearer.unsecure.jwt", OAUTH),
    ("interceptor.classes", FOREIGN_CODE),
    ("interceptors", FOREIGN_CODE),
    ("plugin.library.paths", FOREIGN_CODE),
    (
        "partitioner.class",
        Refusal::new(
            "every key's partition is found as Java clients find it",
            "leave it out",
        ),
    ),
    ("metric.reporters", METRICS),
    ("metrics.num.samples", METRICS),
    ("metrics.sample.window.ms", METRICS),
    ("metrics.recording.level", METRICS),
    ("metrics.enabled", METRICS),
    ("group.id", GROUP),
    ("group.instance.id", GROUP),
    ("group.protocol", GROUP_PROTOCOL),
    (
        "transactional.id",
        Refusal::new(
            "every writer has a transactional id of its own",
            "set kafka.transactional_id_prefix, and kafka.delivery = \"exactly-once\"",
        ),
    ),
    (
        "auto.commit.interval.ms",
        Refusal::new(
            "offsets are stored with what came of the records, never by the clock",
            "leave it out",
        ),
    ),
    (
        "auto.commit.enable",
        Refusal::new(
            "offsets are stored with what came of the records, never by the clock",
            "leave it out, or set enable_auto_commit = false",
        ),
    ),
    (
        "rebalance.timeout.ms",
        Refusal::new(
            "librdkafka has another name for it",
            "set max_poll_interval_ms",
        ),
    ),
    ("max.poll.timeout.ms", OWN_THREAD),
    ("consumer.timeout.ms", OWN_THREAD),
    ("socket.connection.setup.timeout.max.ms", ONE_LIMIT),
    (
        "exclude.internal.topics",
        Refusal::new(
            "readers ask for topics by name, never by a pattern",
            "leave it out",
        ),
    ),
    (
        "topic.blacklist",
        Refusal::new(
            "readers ask for topics by name, never by a pattern",
            "leave it out",
        ),
    ),
    (
        "api.version",
        Refusal::new(
            "the client agrees with the broker on the protocol",
            "leave it out",
        ),
    ),
    (
        "api.version.request",
        Refusal::new(
            "the client agrees with the broker on the protocol",
            "leave it out",
        ),
    ),
    (
        "api.version.fallback.ms",
        Refusal::new(
            "the client agrees with the broker on the protocol",
            "leave it out",
        ),
    ),
    (
        "broker.version.fallback",
        Refusal::new(
            "the client agrees with the broker on the protocol",
            "leave it out",
        ),
    ),
    (
        "enable.partition.eof",
        Refusal::new(
            "readers know the end of a partition by themselves",
            "leave it out",
        ),
    ),
    (
        "queuing.strategy",
        Refusal::new(
            "records are sent in the order in which they were written",
            "leave it out",
        ),
    ),
    (
        "debug",
        Refusal::new(
            "fedhost sets what librdkafka logs",
            "leave it out; -v shows librdkafka's log, and `fedhost doctor` says what is wrong with a connection",
        ),
    ),
    (
        "log.level",
        Refusal::new(
            "fedhost sets what librdkafka logs",
            "leave it out; -v shows librdkafka's log, and `fedhost doctor` says what is wrong with a connection",
        ),
    ),
    (
        "enable.dead.letter.queue",
        Refusal::new(
            "what cannot be used is always kept, in a topic of its own",
            "leave it out",
        ),
    ),
    (
        "test.mock.num.brokers",
        Refusal::new(
            "the mock cluster loses records without a word",
            "use bus.kind = \"embedded\" where there is no broker",
        ),
    ),
];

/// The refused settings by their key of the manifest.
pub(in crate::kafka) fn refused() -> impl Iterator<Item = (String, Refusal)> {
    REFUSED
        .iter()
        .map(|(name, refusal)| (key_of(name), refusal.clone()))
}
