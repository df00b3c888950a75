//! Which value of several goes before the others, and how that is shown.

use super::*;

#[test]
fn a_role_lies_over_its_side_over_all_clients_over_the_profile() {
    let text = "[kafka]\nprofile = \"high-throughput\"\ndelivery = \"at-least-once\"\nreconnect_backoff_ms = 1\nreceive_buffer_bytes = 1\n\
                [kafka.producer]\nreceive_buffer_bytes = 2\nlinger_ms = 3\n[kafka.aggregator.producer]\nlinger_ms = 4\n\
                [kafka.sensor.producer]\nclient_id = \"probe\"\n";
    let manifest = manifest(text);
    let value = |role, side, name: &str| of(&manifest, role, side).remove(name).unwrap_or_default();
    assert_eq!(
        value(ClientRole::Aggregator, Side::Producer, "linger.ms"),
        "4"
    );
    assert_eq!(value(ClientRole::FogNode, Side::Producer, "linger.ms"), "3");
    assert_eq!(
        value(
            ClientRole::FogNode,
            Side::Producer,
            "socket.receive.buffer.bytes"
        ),
        "2"
    );
    assert_eq!(
        value(
            ClientRole::FogNode,
            Side::Consumer,
            "socket.receive.buffer.bytes"
        ),
        "1",
        "over the profile's"
    );
    assert_eq!(
        value(ClientRole::FogNode, Side::Consumer, "reconnect.backoff.ms"),
        "1"
    );
    assert_eq!(
        value(ClientRole::FogNode, Side::Producer, "batch.size"),
        "65536",
        "the profile's"
    );
    assert_eq!(
        value(ClientRole::FogNode, Side::Producer, "client.id"),
        "fedhost-fog-node"
    );
    assert_eq!(
        value(ClientRole::Sensor, Side::Producer, "client.id"),
        "probe"
    );
}

#[test]
fn a_layer_takes_the_place_of_another_spelling_below() {
    let text = "[kafka]\ndelivery = \"at-least-once\"\n\"bootstrap.servers\" = \"file:1\"\n[kafka.producer]\nlinger_ms = 1\nbuffer_memory = 33554432\n";
    let environment = [
        ("KAFKA_BOOTSTRAP_SERVERS", "kafka:1,kafka:2"),
        ("STREAMING_KAFKA__BOOTSTRAP_SERVERS", r#"["streaming:1"]"#),
        (
            "STREAMING_KAFKA__PRODUCER_CONFIG",
            r#"{"acks": "all", "compression_type": "lz4", "receive_buffer_bytes": null}"#,
        ),
        (
            "STREAMING_KAFKA__CONSUMER_CONFIG",
            r#"{"session.timeout.ms": 45000, "auto_offset_reset": "latest"}"#,
        ),
        ("STREAMING_KAFKA__ENABLE_DEAD_LETTER_QUEUE", "true"),
        ("STREAMING_KAFKA__DEAD_LETTER_TOPIC_SUFFIX", ".dead"),
        ("STREAMING_EVENTS_TOPIC", "analytics-events"),
        (
            "FEDHOST__KAFKA__PRODUCER__QUEUE_BUFFERING_MAX_KBYTES",
            "50000",
        ),
        ("KAFKA_SASL_PASSWORD", ""),
    ];
    let loaded = load_with(
        text,
        &environment,
        &["kafka.producer.linger.ms=2", "kafka.producer.batch_size=7"],
    )
    .unwrap();
    let clients = loaded.manifest.kafka_clients(ClientRole::FogNode);
    let producer = |name: &str| clients.producer.get(name).map(String::as_str);
    assert_eq!(producer("bootstrap.servers"), Some("streaming:1"));
    assert_eq!(producer("linger.ms"), Some("2"));
    assert_eq!(producer("batch.size"), Some("7"));
    assert_eq!(producer("compression.type"), Some("lz4"));
    assert_eq!(producer("queue.buffering.max.kbytes"), Some("50000"));
    assert_eq!(
        producer("sasl.password"),
        None,
        "a variable that is set to nothing"
    );
    assert_eq!(
        clients
            .consumer
            .get("session.timeout.ms")
            .map(String::as_str),
        Some("45000")
    );
    assert_eq!(clients.start, NewGroup::Latest);
    assert_eq!(loaded.manifest.topics.dead_letter_suffix, ".dead");
    assert_eq!(
        loaded
            .manifest
            .topics
            .further("events")
            .map(|topic| topic.name),
        Some("analytics-events".to_owned())
    );
    assert_eq!(
        loaded.origins.of("kafka.producer.linger_ms").to_string(),
        "--set"
    );
}

#[test]
fn a_cluster_in_the_environment_does_not_choose_the_bus() {
    let environment = [
        ("KAFKA_BOOTSTRAP_SERVERS", "a:1"),
        ("KAFKA_SECURITY_PROTOCOL", "SASL_SSL"),
    ];
    let loaded = load_text(MINIMAL, &environment, &[]).unwrap();
    assert_eq!(loaded.manifest.bus.kind, crate::BusKind::Embedded);
    assert!(!loaded.to_toml_with_origins().contains("# producers"));
    assert_eq!(loaded.manifest.kafka_warnings(), Vec::<String>::new());
}

#[test]
fn the_listing_says_where_each_value_is_from() {
    let text = "[kafka]\nprofile = \"low-latency\"\n[kafka.producer]\nlinger_ms = 9\nbatch_num_messages = 8\n";
    let printed = load_with(
        text,
        &[("KAFKA_BOOTSTRAP_SERVERS", "a:1")],
        &["kafka.consumer.fetch_max_wait_ms=3"],
    )
    .unwrap()
    .to_toml_with_origins();
    let has = |name: &str, source: &str| {
        let line = printed
            .lines()
            .find(|line| line.starts_with(&format!("#   {name}  #")));
        assert!(
            line.is_some_and(|line| line.contains(source)),
            "{name}: {line:?}, not {source}"
        );
    };
    has("batch.num.messages = 8", "m.toml:7");
    has(
        "linger.ms = 0",
        "# the host: with delivery = \"exactly-once\"",
    );
    has(
        "statistics.interval.ms = 1000",
        "# the host: a reader looks",
    );
    has("batch.size = 1", "# profile low-latency");
    has(
        "bootstrap.servers = a:1",
        "# environment KAFKA_BOOTSTRAP_SERVERS",
    );
    has("fetch.wait.max.ms = 3", "# --set");
    has("acks = all", "# default");
    has(
        "message.max.bytes = 16908288",
        "# topics.*.max_message_bytes",
    );
}

#[test]
fn a_role_has_settings_of_its_own_above_the_profile_of_those_who_chose_none_and_below_the_manifest()
{
    let loaded =
        load("[kafka]\ndelivery = \"at-least-once\"\n[kafka.fog_node.producer]\nlinger_ms = 7\n")
            .unwrap();
    let linger = |role| of(&loaded.manifest, role, Side::Producer).remove("linger.ms");
    assert_eq!(linger(ClientRole::Aggregator).as_deref(), Some("100"));
    assert_eq!(linger(ClientRole::FogNode).as_deref(), Some("7"));
    assert_eq!(
        linger(ClientRole::Sensor).as_deref(),
        Some("5"),
        "the profile's"
    );
    assert_eq!(
        loaded
            .manifest
            .kafka_clients(ClientRole::Aggregator)
            .max_poll_records,
        10
    );
    assert_eq!(
        loaded
            .manifest
            .kafka_clients(ClientRole::FogNode)
            .max_poll_records,
        500
    );
    assert!(
        loaded
            .to_toml_with_origins()
            .contains("linger.ms = 100  # role aggregator")
    );

    let chosen = manifest("[kafka]\nprofile = \"low-latency\"\ndelivery = \"at-least-once\"");
    assert_eq!(
        of(&chosen, ClientRole::Aggregator, Side::Producer)
            .remove("linger.ms")
            .as_deref(),
        Some("0")
    );
}
