//! Every client's spelling of a setting comes out as librdkafka has it.

use super::*;

/// As written in a table of that side, and what librdkafka is given.
const PRODUCER: &[(&str, &str, &str)] = &[
    ("acks = \"all\"", "acks", "all"),
    ("acks = -1", "acks", "all"),
    ("acks = \"ALL\"", "acks", "all"),
    ("\"request.required.acks\" = -1", "acks", "all"),
    ("retries = 3", "retries", "3"),
    ("retries = inf", "retries", "2147483647"),
    ("retries = \"inf\"", "retries", "2147483647"),
    ("retries = \"None\"", "retries", "2147483647"),
    ("\"message.send.max.retries\" = 3", "retries", "3"),
    ("batch_size = 16384", "batch.size", "16384"),
    ("max_batch_size = 16384", "batch.size", "16384"),
    ("\"batch.size\" = \"16384\"", "batch.size", "16384"),
    ("batch.size = 16384", "batch.size", "16384"),
    ("linger_ms = 0.5", "linger.ms", "0.5"),
    ("linger_ms = 5.0", "linger.ms", "5"),
    ("\"queue.buffering.max.ms\" = 7", "linger.ms", "7"),
    (
        "buffer_memory = 33554432",
        "queue.buffering.max.kbytes",
        "32768",
    ),
    (
        "buffer_memory = 33554433",
        "queue.buffering.max.kbytes",
        "32769",
    ),
    (
        "buffer_memory = \"33554432\"",
        "queue.buffering.max.kbytes",
        "32768",
    ),
    (
        "\"buffer.memory\" = \"${MEMORY:-33554432}\"",
        "queue.buffering.max.kbytes",
        "32768",
    ),
    (
        "\"queue.buffering.max.kbytes\" = 40000",
        "queue.buffering.max.kbytes",
        "40000",
    ),
    ("compression_type = \"gzip\"", "compression.type", "gzip"),
    (
        "compression_type = \"snappy\"",
        "compression.type",
        "snappy",
    ),
    ("compression_type = \"lz4\"", "compression.type", "lz4"),
    ("compression_type = \"zstd\"", "compression.type", "zstd"),
    ("compression_type = \"None\"", "compression.type", "none"),
    ("\"compression.codec\" = \"lz4\"", "compression.type", "lz4"),
    (
        "max_request_size = 20000000",
        "message.max.bytes",
        "20000000",
    ),
    (
        "\"message.max.bytes\" = 20000000",
        "message.max.bytes",
        "20000000",
    ),
    ("request_timeout_ms = 20000", "request.timeout.ms", "20000"),
    ("request_timeout_ms = 20000", "socket.timeout.ms", "20000"),
    ("request_timeout_ms = 5", "socket.timeout.ms", "10"),
    (
        "request_timeout_ms = 20000\nsocket_timeout_ms = 30000",
        "socket.timeout.ms",
        "30000",
    ),
    ("delivery_timeout_ms = 120000", "delivery.timeout.ms", "0"),
    (
        "\"message.timeout.ms\" = 120000",
        "delivery.timeout.ms",
        "0",
    ),
    ("enable_idempotence = true", "enable.idempotence", "true"),
    (
        "enable_idempotence = \"True\"",
        "enable.idempotence",
        "true",
    ),
    (
        "max_in_flight_requests_per_connection = 1",
        "max.in.flight.requests.per.connection",
        "1",
    ),
    (
        "\"max.in.flight\" = 2",
        "max.in.flight.requests.per.connection",
        "2",
    ),
    (
        "partitioner = \"murmur2_random\"",
        "partitioner",
        "murmur2_random",
    ),
    (
        "metadata_max_age_ms = 1000",
        "topic.metadata.refresh.interval.ms",
        "1000",
    ),
    (
        "connections_max_idle_ms = 540000",
        "connections.max.idle.ms",
        "540000",
    ),
    ("retry_backoff_ms = 200", "retry.backoff.ms", "200"),
    ("reconnect_backoff_ms = 50", "reconnect.backoff.ms", "50"),
    (
        "reconnect_backoff_max_ms = 2000",
        "reconnect.backoff.max.ms",
        "2000",
    ),
    (
        "receive_buffer_bytes = 65536",
        "socket.receive.buffer.bytes",
        "65536",
    ),
    (
        "receive_buffer_bytes = -1",
        "socket.receive.buffer.bytes",
        "0",
    ),
    (
        "send_buffer_bytes = \"None\"",
        "socket.send.buffer.bytes",
        "0",
    ),
];

const CONSUMER: &[(&str, &str, &str)] = &[
    ("request_timeout_ms = 20000", "socket.timeout.ms", "20000"),
    ("enable_auto_commit = false", "enable.auto.commit", "false"),
    (
        "max_poll_interval_ms = 400000",
        "max.poll.interval.ms",
        "400000",
    ),
    ("session_timeout_ms = 30000", "session.timeout.ms", "30000"),
    (
        "heartbeat_interval_ms = 3000",
        "heartbeat.interval.ms",
        "3000",
    ),
    ("fetch_min_bytes = 2", "fetch.min.bytes", "2"),
    ("fetch_max_wait_ms = 100", "fetch.wait.max.ms", "100"),
    ("\"fetch.max.wait.ms\" = 100", "fetch.wait.max.ms", "100"),
    ("\"fetch.wait.max.ms\" = 100", "fetch.wait.max.ms", "100"),
    (
        "max_partition_fetch_bytes = 1048576",
        "max.partition.fetch.bytes",
        "1048576",
    ),
    (
        "\"fetch.message.max.bytes\" = 1048576",
        "max.partition.fetch.bytes",
        "1048576",
    ),
    ("fetch_max_bytes = 52428800", "fetch.max.bytes", "52428800"),
    (
        "fetch_max_bytes = 104857600",
        "receive.message.max.bytes",
        "104858112",
    ),
    (
        "isolation_level = \"read_committed\"",
        "isolation.level",
        "read_committed",
    ),
    ("check_crcs = false", "check.crcs", "false"),
    (
        "partition_assignment_strategy = \"cooperative-sticky\"",
        "partition.assignment.strategy",
        "range",
    ),
    (
        "partition_assignment_strategy = [\"org.apache.kafka.clients.consumer.RangeAssignor\", \"RoundRobinPartitionAssignor\"]",
        "partition.assignment.strategy",
        "range",
    ),
];

#[test]
fn every_spelling_comes_out_as_librdkafka_has_it() {
    for (side, table) in [(Side::Producer, PRODUCER), (Side::Consumer, CONSUMER)] {
        for (written, name, value) in table {
            let text = format!(
                "[kafka]\ndelivery = \"at-least-once\"\n[kafka.{}]\n{written}",
                side.key()
            );
            assert_eq!(
                aggregator(&text, side, name).as_deref(),
                Some(*value),
                "{written}"
            );
        }
    }
    let text = "[kafka.consumer]\nrequest_timeout_ms = 20000";
    assert_eq!(
        aggregator(text, Side::Consumer, "request.timeout.ms"),
        None,
        "only producers have it"
    );
}

#[test]
fn credentials_have_all_their_spellings() {
    let directory = tempfile::tempdir().unwrap();
    let pem = directory.path().join("x.pem");
    std::fs::write(&pem, "").unwrap();
    let spellings = [
        [
            "sasl_username",
            "sasl_password",
            "ssl_cafile",
            "ssl_certfile",
            "ssl_keyfile",
            "ssl_password",
        ],
        [
            "sasl_plain_username",
            "sasl_plain_password",
            "ssl_ca_location",
            "ssl_cert_location",
            "ssl_key_location",
            "ssl_key_password",
        ],
        [
            "'sasl.username'",
            "'sasl.password'",
            "'ssl.ca.location'",
            "'ssl.certificate.location'",
            "'ssl.key.location'",
            "'ssl.key.password'",
        ],
    ];
    for [user, password, ca, certificate, key, key_password] in spellings {
        let pem = pem.to_str().unwrap();
        let text = format!(
            "[kafka]\nsecurity_protocol = \"sasl_ssl\"\nsasl_mechanism = \"scram-sha-512\"\n{user} = \"me\"\n{password} = \"hunter2\"\n\
             {ca} = {pem:?}\n{certificate} = {pem:?}\n{key} = {pem:?}\n{key_password} = \"hunter3\"\nssl_check_hostname = true\n"
        );
        let properties = of(&manifest(&text), ClientRole::Sensor, Side::Producer);
        let expected = [
            ("security.protocol", "SASL_SSL"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.username", "me"),
            ("sasl.password", "hunter2"),
            ("ssl.ca.location", pem),
            ("ssl.certificate.location", pem),
            ("ssl.key.location", pem),
            ("ssl.key.password", "hunter3"),
            ("ssl.endpoint.identification.algorithm", "https"),
        ];
        for (name, value) in expected {
            assert_eq!(
                properties.get(name).map(String::as_str),
                Some(value),
                "{name}"
            );
        }
    }
}

#[test]
fn brokers_are_a_list_or_a_text() {
    for written in ["[\"a:1\", \"b:2\"]", "\"a:1,b:2\"", "\"a:1, b:2\""] {
        let text = format!("[kafka]\nbootstrap_servers = {written}");
        assert_eq!(
            aggregator(&text, Side::Producer, "bootstrap.servers").as_deref(),
            Some("a:1,b:2")
        );
    }
    assert_eq!(
        aggregator("", Side::Consumer, "bootstrap.servers").as_deref(),
        Some("localhost:9092")
    );
}

#[test]
fn what_the_host_does_itself_is_not_given_to_librdkafka() {
    let text = "[kafka.consumer]\nmax_poll_records = 10\nauto_offset_reset = \"latest\"\n[kafka.producer]\nmax_block_ms = 7";
    let clients = manifest(text).kafka_clients(ClientRole::FogNode);
    assert_eq!(
        (
            clients.max_poll_records,
            clients.max_block_ms,
            clients.start
        ),
        (10, 7, NewGroup::Latest)
    );
    let given: Vec<&String> = clients
        .producer
        .keys()
        .chain(clients.consumer.keys())
        .collect();
    for name in ["max.poll.records", "max.block.ms", "auto.offset.reset"] {
        assert!(!given.iter().any(|given| *given == name), "{name}");
    }
    for (written, start) in [
        ("earliest", NewGroup::Earliest),
        ("smallest", NewGroup::Earliest),
        ("beginning", NewGroup::Earliest),
        ("largest", NewGroup::Latest),
        ("end", NewGroup::Latest),
        ("none", NewGroup::Refuses),
        ("error", NewGroup::Refuses),
    ] {
        let text = format!("[kafka.consumer]\nauto_offset_reset = {written:?}");
        assert_eq!(
            manifest(&text).kafka_clients(ClientRole::FogNode).start,
            start,
            "{written}"
        );
    }
}

#[test]
fn a_key_that_is_given_twice_is_one_problem() {
    let found = problems_of(load("[kafka.producer]\nlinger_ms = 1\n\"linger.ms\" = 2\n"));
    let message = "kafka.producer.linger_ms is the same setting, with another value";
    assert_eq!(
        found,
        [("kafka.producer.linger.ms".to_owned(), message.to_owned())]
    );
    manifest(
        "[kafka.producer]\nlinger_ms = 1\n\"linger.ms\" = \"1\"\nbuffer_memory = 33554432\nqueue_buffering_max_kbytes = 32768\n",
    );
}
