//! Settings that other clients have, and why a manifest may not give them. What stands behind
//! `hint:` is the remedy.

use crate::kafka::property::key_of;

const SERIALIZER: &str =
    "the messages have a format of their own, which no setting changes\nhint: leave it out";
const STORE: &str = "librdkafka reads PEM and PKCS#12, no Java key stores\nhint: give ssl_ca_location a PEM file; `keytool -exportcert -rfc` writes one";
const STORE_TYPE: &str = "librdkafka tells the type by itself\nhint: leave it out; ssl_keystore_location takes PKCS#12, ssl_certificate_location and ssl_key_location take PEM";
const JAAS: &str = "JAAS is the way to sign in from Java\nhint: give sasl_mechanism, sasl_username and sasl_password";
const KERBEROS: &str =
    "Kerberos is not built in\nhint: use sasl_mechanism = \"SCRAM-SHA-512\", or certificates";
const OAUTH: &str = "signing in with tokens is not built in\nhint: use sasl_mechanism = \"SCRAM-SHA-512\", or certificates";
const FOREIGN_CODE: &str = "clients run no code from elsewhere\nhint: leave it out";
const METRICS: &str = "the host has figures of its own\nhint: leave it out; statistics_interval_ms says how often they are taken";
const GROUP: &str = "every role reads in a group of its own name\nhint: leave it out, or put kafka.group_prefix in front of all of them";
const ONE_LIMIT: &str = "librdkafka has one limit for every try to connect, where Java's grows from try to try\nhint: leave it out; socket_connection_setup_timeout_ms is that limit";
const OWN_THREAD: &str = "readers wait for records on threads of their own\nhint: leave it out";
const GROUP_PROTOCOL: &str =
    "all readers use the same group protocol\nhint: set kafka.group_protocol";

static REFUSED: &[(&str, &str)] = &[
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
        "librdkafka has another name for it\nhint: give ssl_ca_pem",
    ),
    ("ssl.keystore.type", STORE_TYPE),
    (
        "ssl.context",
        "a context is an object of Python\nhint: give ssl_ca_location, ssl_certificate_location and ssl_key_location",
    ),
    (
        "ssl.protocol",
        "OpenSSL agrees with the broker on the best they both have\nhint: leave it out",
    ),
    (
        "ssl.enabled.protocols",
        "OpenSSL agrees with the broker on the best they both have\nhint: leave it out",
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
        "every key's partition is found as Java clients find it\nhint: leave it out",
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
        "every writer has a transactional id of its own\nhint: set kafka.transactional_id_prefix, and kafka.delivery = \"exactly-once\"",
    ),
    (
        "auto.commit.interval.ms",
        "offsets are stored with what came of the records, never by the clock\nhint: leave it out",
    ),
    (
        "auto.commit.enable",
        "offsets are stored with what came of the records, never by the clock\nhint: leave it out, or set enable_auto_commit = false",
    ),
    (
        "rebalance.timeout.ms",
        "librdkafka has another name for it\nhint: set max_poll_interval_ms",
    ),
    ("max.poll.timeout.ms", OWN_THREAD),
    ("consumer.timeout.ms", OWN_THREAD),
    ("socket.connection.setup.timeout.max.ms", ONE_LIMIT),
    (
        "exclude.internal.topics",
        "readers ask for topics by name, never by a pattern\nhint: leave it out",
    ),
    (
        "topic.blacklist",
        "readers ask for topics by name, never by a pattern\nhint: leave it out",
    ),
    (
        "api.version",
        "the client agrees with the broker on the protocol\nhint: leave it out",
    ),
    (
        "api.version.request",
        "the client agrees with the broker on the protocol\nhint: leave it out",
    ),
    (
        "api.version.fallback.ms",
        "the client agrees with the broker on the protocol\nhint: leave it out",
    ),
    (
        "broker.version.fallback",
        "the client agrees with the broker on the protocol\nhint: leave it out",
    ),
    (
        "enable.partition.eof",
        "readers know the end of a partition by themselves\nhint: leave it out",
    ),
    (
        "queuing.strategy",
        "records are sent in the order in which they were written\nhint: leave it out",
    ),
    (
        "debug",
        "librdkafka's own log is not shown\nhint: leave it out; `fedhost doctor` says what is wrong with a connection",
    ),
    (
        "log.level",
        "librdkafka's own log is not shown\nhint: leave it out; `fedhost doctor` says what is wrong with a connection",
    ),
    (
        "enable.dead.letter.queue",
        "what cannot be used is always kept, in a topic of its own\nhint: leave it out",
    ),
    (
        "test.mock.num.brokers",
        "the mock cluster loses records without a word\nhint: use bus.kind = \"embedded\" where there is no broker",
    ),
];

/// The refused settings: key of the manifest, reason and remedy.
pub(in crate::kafka) fn refused() -> impl Iterator<Item = (String, &'static str)> {
    REFUSED.iter().map(|(name, reason)| (key_of(name), *reason))
}
