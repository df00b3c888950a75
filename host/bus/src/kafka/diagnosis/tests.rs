use rdkafka::error::RDKafkaErrorCode as Code;

use super::*;

/// What librdkafka 2.12.1 says against listeners of Apache Kafka 4.3.1, and the words that must
/// come of it.
const CAPTURED: [(Code, &str, Kind, &str); 20] = [
    (
        Code::BrokerTransportFailure,
        "localhost:9/bootstrap: Connect to ipv4#127.0.0.1:9 failed: Connection refused (after 0ms in state CONNECT)",
        Kind::Unreachable,
        "nothing listens at localhost:9",
    ),
    (
        Code::Resolve,
        "no-such-host.invalid:9092/bootstrap: Failed to resolve 'no-such-host.invalid:9092': Name or service not known (after 1ms in state CONNECT)",
        Kind::Unreachable,
        "the name of no-such-host.invalid:9092 cannot be resolved",
    ),
    (
        Code::BrokerTransportFailure,
        "192.0.2.1:9092/bootstrap: Connection setup timed out in state CONNECT (after 30004ms in state CONNECT)",
        Kind::Unreachable,
        "192.0.2.1:9092 does not answer",
    ),
    (
        Code::BrokerTransportFailure,
        "ssl://localhost:9093/bootstrap: SSL handshake failed: Disconnected: SSL connection closed by peer: connecting to a PLAINTEXT broker listener? (after 5ms in state SSL_HANDSHAKE)",
        Kind::Unreachable,
        "localhost:9093 ended the connection while TLS was set up: it seems to be a listener without TLS",
    ),
    (
        Code::BrokerTransportFailure,
        "ssl://localhost:9093/bootstrap: Disconnected: SSL connection closed by peer (after 0ms in state SSL_HANDSHAKE)",
        Kind::Unreachable,
        "it seems to be a listener without TLS",
    ),
    (
        Code::BrokerTransportFailure,
        "localhost:9093/bootstrap: Disconnected: requesting ApiVersion: might be caused by incorrect security.protocol configuration (connecting to a SSL listener?) or broker version is < 0.10 (see api.version.request) (after 2ms in state APIVERSION_QUERY)",
        Kind::Unreachable,
        "it seems to be a listener with TLS",
    ),
    (
        Code::BrokerTransportFailure,
        "localhost:9094/bootstrap: Disconnected: verify that security.protocol is correctly configured, broker might require SASL authentication (after 12ms in state UP)",
        Kind::Unreachable,
        "it seems to ask for a login",
    ),
    (
        Code::BrokerTransportFailure,
        "ssl://localhost:9095/bootstrap: Receive failed: error:0A000412:SSL routines::sslv3 alert bad certificate: SSL alert number 42 (after 1ms in state APIVERSION_QUERY)",
        Kind::Refused,
        "localhost:9095 asks for a client certificate, and got none that it takes",
    ),
    (
        Code::SSL,
        "ssl://localhost:9093/bootstrap: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker certificate could not be verified, verify that ssl.ca.location is correctly configured or root CA certificates are installed (install ca-certificates package) (after 7ms in state SSL_HANDSHAKE)",
        Kind::Refused,
        "the certificate of localhost:9093 cannot be verified",
    ),
    (
        Code::Authentication,
        "sasl_plaintext://localhost:9094/bootstrap: SASL authentication error: Authentication failed: Invalid username or password (after 201ms in state AUTH_REQ)",
        Kind::Refused,
        "localhost:9094 refuses the name or the password",
    ),
    (
        Code::Authentication,
        "sasl_ssl://localhost:9096/bootstrap: SASL authentication error: Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512 (after 9ms in state AUTH_REQ)",
        Kind::Refused,
        "localhost:9096 refuses the name or the password",
    ),
    (
        Code::Authentication,
        "sasl_plaintext://localhost:9094/bootstrap: SASL SCRAM-SHA-256 mechanism handshake failed: Broker: Unsupported SASL mechanism: broker's supported mechanisms: PLAIN (after 0ms in state AUTH_HANDSHAKE)",
        Kind::Refused,
        "localhost:9094 does not let clients log in by this mechanism; it offers PLAIN",
    ),
    (
        Code::Authentication,
        "sasl_plaintext://localhost:9092/bootstrap: SASL PLAIN mechanism handshake failed: Broker: Request not valid in current SASL state: broker's supported mechanisms:  (after 1ms in state AUTH_HANDSHAKE)",
        Kind::Refused,
        "localhost:9092 knows no login: it is a listener without SASL",
    ),
    (
        Code::BadMessage,
        "127.0.0.1:80/bootstrap: Receive failed: Invalid response size 1213486160 (0..100000000): increase receive.message.max.bytes (after 0ms in state APIVERSION_QUERY)",
        Kind::Unreachable,
        "what 127.0.0.1:80 answers is no answer of Kafka",
    ),
    (
        Code::AllBrokersDown,
        "1/1 brokers are down",
        Kind::Unreachable,
        "no broker of the cluster can be reached",
    ),
    (
        Code::GroupAuthorizationFailed,
        "FindCoordinator response error: Group authorization failed.",
        Kind::Refused,
        "no right to use consumer group",
    ),
    (
        Code::TransactionalIdAuthorizationFailed,
        "Failed to find transaction coordinator: sasl_plaintext://localhost:9094/1: Broker: Transactional Id authorization failed: Transactional Id authorization failed.",
        Kind::Refused,
        "no right to use transactional id",
    ),
    (
        Code::Fenced,
        "Failed to add partitions to transaction: Local: This instance has been fenced by a newer instance",
        Kind::Fenced,
        "another client has taken over",
    ),
    (
        Code::MessageSizeTooLarge,
        "Broker: Message size too large",
        Kind::Request,
        "larger than topic",
    ),
    (
        Code::MessageTimedOut,
        "Local: Message timed out",
        Kind::Unreachable,
        "no answer in time",
    ),
];

#[test]
fn what_librdkafka_says_is_put_into_words_with_a_remedy() {
    for (code, detail, kind, words) in CAPTURED {
        let diagnosis = of_client(&KafkaError::Global(code), detail);
        assert_eq!(diagnosis.kind, kind, "{detail}");
        assert!(
            diagnosis.reason.contains(words),
            "{words:?} in {:?}",
            diagnosis.reason
        );
        assert!(
            !diagnosis.hint.is_empty()
                && !diagnosis.reason.contains('{')
                && !diagnosis.hint.contains('{')
        );
    }
}

#[test]
fn a_client_that_cannot_be_made_says_which_setting_is_at_fault() {
    let captured = [
        (
            "ssl.ca.location failed: error:05880002:x509 certificate routines::system lib",
            "ssl_ca_location",
        ),
        (
            "ssl.certificate.location failed: error:0A080002:SSL routines::system lib",
            "client certificate",
        ),
        (
            "ssl.key.location failed: error:05800074:x509 certificate routines::key values mismatch",
            "do not belong",
        ),
        (
            "No provider for SASL mechanism GSSAPI: recompile librdkafka with libsasl2 or openssl support. Current build options: PLAIN SASL_SCRAM OAUTHBEARER",
            "cannot log in by that mechanism",
        ),
    ];
    for (detail, words) in captured {
        let diagnosis = of(&KafkaError::ClientCreation(detail.to_owned()));
        assert_eq!(diagnosis.kind, Kind::Refused, "{detail}");
        assert!(
            diagnosis.reason.contains(words),
            "{words:?} in {:?}",
            diagnosis.reason
        );
    }
}

#[test]
fn the_thing_without_rights_is_named() {
    let error = KafkaError::MetadataFetch(Code::TopicAuthorizationFailed);
    assert_eq!(
        of_thing(&error, "readings").reason,
        "no right to use topic \"readings\""
    );
    let error = KafkaError::AdminOp(Code::GroupAuthorizationFailed);
    assert_eq!(
        of_thing(&error, "fog-node-1").reason,
        "no right to use consumer group \"fog-node-1\""
    );
}

#[test]
fn an_error_without_words_of_its_own_is_shown_as_it_came() {
    let diagnosis = of_client(
        &KafkaError::Global(Code::CoordinatorLoadInProgress),
        "the coordinator is loading",
    );
    assert_eq!(
        (diagnosis.kind, diagnosis.reason.as_str()),
        (Kind::Unreachable, "the coordinator is loading")
    );
}

#[test]
fn only_lines_of_a_log_that_tell_of_a_failure_mean_something() {
    assert!(of_log("localhost:9093/bootstrap: Connected to ipv4#127.0.0.1:9093").is_none());
    let line = "[thrd:localhost:9094/bootstrap]: localhost:9094/bootstrap: Disconnected: connection closed by peer: receive 0 after POLLIN (after 4ms in state UP) (_TRANSPORT)";
    let words =
        "localhost:9094 ended the connection at the first request: it seems to ask for a login";
    assert_eq!(
        of_log(line).map(|diagnosis| diagnosis.reason).as_deref(),
        Some(words)
    );
}

#[test]
fn settings_that_no_client_can_have_are_no_outage() {
    let mut config = rdkafka::ClientConfig::new();
    config.set("enable.idempotence", "true").set("acks", "1");
    let refused = config
        .create::<rdkafka::producer::BaseProducer>()
        .err()
        .expect("they do not go together");
    let mut misspelt = rdkafka::ClientConfig::new();
    misspelt
        .set("acks", "77777")
        .set("sasl.password", "hunter2");
    let misspelt = misspelt
        .create::<rdkafka::producer::BaseProducer>()
        .err()
        .expect("there is no such number");
    for (error, words) in [(refused, "acks"), (misspelt, "acks")] {
        let diagnosis = of(&error);
        assert_eq!(diagnosis.kind, Kind::Request, "{diagnosis:?}");
        assert!(
            diagnosis.reason.contains(words) && diagnosis.hint.contains("check MANIFEST --print"),
            "{diagnosis:?}"
        );
        assert!(matches!(
            diagnosis.into_error("kafka", "start"),
            Error::Refused { .. }
        ));
    }
}

#[test]
fn a_clock_that_differs_is_named() {
    let error = KafkaError::MessageProduction(Code::InvalidTimestamp);
    let diagnosis = of_thing(&error, "sensor-data-node-1");
    assert!(
        diagnosis
            .reason
            .contains("\"sensor-data-node-1\": the clocks")
    );
    assert!(diagnosis.hint.contains("NTP"));
    assert_eq!(diagnosis.kind, Kind::Unreachable);
}
