//! What no setting weakens, and what is announced when a setting weakens it.

use super::*;

#[test]
fn no_profile_breaks_a_promise_or_a_rule() {
    for profile in Profile::ALL {
        for delivery in ["exactly-once", "at-least-once"] {
            for protocol in ["classic", "consumer"] {
                let text = format!(
                    "[kafka]\nprofile = {:?}\ndelivery = {delivery:?}\ngroup_protocol = {protocol:?}",
                    profile.word()
                );
                let manifest = manifest(&text);
                let warnings = manifest.kafka_warnings();
                assert_eq!(
                    warnings.len(),
                    usize::from(protocol == "consumer"),
                    "{text}: {warnings:?}"
                );
                let clients = manifest.kafka_clients(ClientRole::FogNode);
                let producer = |name: &str| clients.producer.get(name).map(String::as_str);
                assert_eq!(producer("acks"), Some("all"));
                assert_eq!(producer("enable.idempotence"), Some("true"));
                assert_eq!(producer("retries"), Some("2147483647"));
                assert_eq!(producer("partitioner"), Some("murmur2_random"));
                let records: u64 = producer("message.max.bytes").unwrap().parse().unwrap();
                assert!(records > manifest.topics.largest_message_bytes());
                assert_eq!(
                    clients
                        .consumer
                        .get("enable.auto.commit")
                        .map(String::as_str),
                    Some("false")
                );
                // Whatever readers that share partitions do: those of roles are classic.
                assert_eq!(
                    clients
                        .consumer
                        .get("session.timeout.ms")
                        .map(String::as_str),
                    Some("10000")
                );
                assert_eq!(clients.start, NewGroup::Earliest);
            }
        }
    }
}

#[test]
fn a_queue_has_room_for_the_largest_record_unless_told_otherwise() {
    let kib = |text: &str| {
        aggregator(text, Side::Producer, "queue.buffering.max.kbytes")
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    assert_eq!(
        kib("[kafka]\nprofile = \"memory-saving\""),
        16384 + 128,
        "16 MiB, raised to a record of that size"
    );
    assert_eq!(kib("[kafka]\nprofile = \"high-throughput\""), 131_072);
    let small = [
        "global_model",
        "model_updates",
        "sensor_data",
        "predictions",
        "evaluations",
        "state",
    ];
    let small: String = small
        .iter()
        .map(|key| format!("[topics.{key}]\nmax_message_bytes = 500000\n"))
        .collect();
    let text = format!("[kafka]\nprofile = \"memory-saving\"\n{small}");
    let of = |name: &str| aggregator(&text, Side::Producer, name);
    assert_eq!(
        of("message.max.bytes").as_deref(),
        Some("5242880"),
        "the profile's, where the topics need no more"
    );
    let text = format!("[kafka]\n{small}");
    assert_eq!(
        self::of(&manifest(&text), ClientRole::FogNode, Side::Producer)
            .remove("batch.size")
            .as_deref(),
        Some("500000"),
        "a larger batch would be refused whole"
    );
}

#[test]
fn weaker_promises_are_taken_from_whoever_says_so_and_announced() {
    let dictionary = "acks = 1\nretries = 3\nbatch_size = 65536\nlinger_ms = 10\nbuffer_memory = 134217728\n\
                      compression_type = \"lz4\"\nenable_idempotence = false\n";
    let found = problems_of(load(&format!("[kafka.producer]\n{dictionary}")));
    assert_eq!(
        found
            .iter()
            .map(|(path, _)| path.as_str())
            .collect::<Vec<_>>(),
        ["kafka.producer.enable_idempotence"]
    );

    let text = format!(
        "[kafka]\ndelivery = \"at-least-once\"\n[kafka.producer]\n{dictionary}[kafka.consumer]\n\
         isolation_level = \"read_uncommitted\"\nauto_offset_reset = \"latest\"\n"
    );
    let manifest = manifest(&text);
    let producer = manifest.kafka_clients(ClientRole::Sensor).producer;
    let given = [
        ("acks", "1"),
        ("enable.idempotence", "false"),
        ("max.in.flight.requests.per.connection", "1"),
    ];
    given.iter().for_each(|(name, value)| {
        assert_eq!(
            producer.get(*name).map(String::as_str),
            Some(*value),
            "{name}"
        )
    });
    let warnings = manifest.kafka_warnings();
    for word in [
        "acks = 1",
        "enable_idempotence",
        "isolation_level",
        "auto_offset_reset",
    ] {
        assert_eq!(
            warnings
                .iter()
                .filter(|warning| warning.starts_with(word))
                .count(),
            1,
            "{word}: {warnings:?}"
        );
    }
}

#[test]
fn without_idempotence_nothing_overtakes_what_is_sent_again() {
    let text = "[kafka]\ndelivery = \"at-least-once\"\n[kafka.producer]\nenable_idempotence = false\nmax_in_flight = 2\n";
    let found = problems_of(load(text));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0]
            .1
            .starts_with("2 requests under way need idempotence"),
        "{found:?}"
    );
    manifest(&text.replace("max_in_flight = 2", "max_in_flight = 1\nretries = 0"));
}

#[test]
fn a_value_that_does_nothing_is_taken_announced_and_not_shown_as_what_a_client_is_given() {
    let text = "[kafka.producer]\ndelivery_timeout_ms = 120000\nlinger_ms = 100\n[kafka.consumer]\n\
                statistics_interval_ms = 60000\npartition_assignment_strategy = \"cooperative-sticky\"\n";
    let loaded = load(text).unwrap();
    let clients = loaded.manifest.kafka_clients(ClientRole::FogNode);
    let printed = loaded.to_toml_with_origins();
    let decided = [
        (&clients.producer, "delivery.timeout.ms", "0"),
        (&clients.producer, "linger.ms", "0"),
        (&clients.consumer, "statistics.interval.ms", "1000"),
        (&clients.consumer, "partition.assignment.strategy", "range"),
    ];
    let warnings = loaded.manifest.kafka_warnings();
    for (properties, name, value) in decided {
        assert_eq!(
            properties.get(name).map(String::as_str),
            Some(value),
            "{name}"
        );
        assert!(
            printed.contains(&format!("#   {name} = {value}  # the host: ")),
            "{name}: {printed}"
        );
        let start = format!("{} = ", name.replace('.', "_"));
        let announced = warnings
            .iter()
            .filter(|one| one.starts_with(&start) && one.contains("does nothing"));
        assert_eq!(announced.count(), 1, "{name}: {warnings:?}");
    }
    assert_eq!(warnings.len(), decided.len(), "{warnings:?}");
    let same = "[kafka.producer]\ndelivery_timeout_ms = 0\nlinger_ms = 0\n[kafka.consumer]\nstatistics_interval_ms = 1000\n";
    assert_eq!(
        manifest(same).kafka_warnings(),
        Vec::<String>::new(),
        "what is so anyway"
    );
}

#[test]
fn a_pause_alone_raises_the_longest_pause_with_it() {
    for (given, longest) in [
        ("retry_backoff_ms", "retry.backoff.max.ms"),
        ("reconnect_backoff_ms", "reconnect.backoff.max.ms"),
    ] {
        let text = format!("[kafka]\n{given} = 2000");
        assert_eq!(
            aggregator(&text, Side::Producer, longest).as_deref(),
            Some("2000"),
            "{given}"
        );
        let text = format!("[kafka]\n{given} = 2000\n{longest:?} = 1500");
        let found = problems_of(load(&text));
        assert!(
            found.len() == 1 && found[0].1.contains("below the 2000"),
            "{given}: {found:?}"
        );
    }
}

#[test]
fn an_unverified_broker_is_announced() {
    let text = "[kafka]\ninsecure = true\nsecurity_protocol = \"SSL\"\nssl_check_hostname = false\n\
                enable_ssl_certificate_verification = false\n";
    let warnings = manifest(text).kafka_warnings();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    let plain = "[kafka]\nsecurity_protocol = \"SASL_PLAINTEXT\"\nsasl_mechanism = \"PLAIN\"\nsasl_username = \"me\"\nsasl_password = \"x\"";
    assert!(manifest(plain).kafka_warnings()[0].contains("SASL_SSL"));
}

#[test]
fn the_dictionaries_of_python_clients_are_taken_or_refused_key_by_key() {
    let server = "acks = \"all\"\nclient_id = \"federated_server\"\nretries = 3\nbatch_size = 16384\nlinger_ms = 100\n\
                  buffer_memory = 33554432\ncompression_type = \"gzip\"\nmax_request_size = 10485760\n\
                  request_timeout_ms = 30000\ndelivery_timeout_ms = 120000\nenable_idempotence = true\n\
                  max_in_flight_requests_per_connection = 1\n";
    let topics = "[topics.global_model]\nmax_message_bytes = 10485760\n[topics.model_updates]\nmax_message_bytes = 10485760\n\
                  [topics.state]\nmax_message_bytes = 10485760\n";
    let warnings = manifest(&format!("[kafka.producer]\n{server}{topics}")).kafka_warnings();
    let said = |words: &str| warnings.iter().any(|warning| warning.contains(words));
    let all = [
        "10616832",
        "linger_ms = 100 does nothing",
        "delivery_timeout_ms = 120000 does nothing",
    ];
    assert!(
        warnings.len() == all.len() && all.into_iter().all(said),
        "{warnings:?}"
    );
    let consumer = "group_id = \"federated_server\"\nclient_id = \"federated_server_consumer\"\nauto_offset_reset = \"latest\"\n\
                    enable_auto_commit = true\nauto_commit_interval_ms = 1000\nmax_poll_records = 10\n\
                    max_poll_interval_ms = 300000\nsession_timeout_ms = 30000\nheartbeat_interval_ms = 3000\n\
                    fetch_min_bytes = 1\nfetch_max_wait_ms = 500\nmax_partition_fetch_bytes = 1048576\n";
    let found = problems_of(load(&format!("[kafka.aggregator.consumer]\n{consumer}")));
    let paths: BTreeSet<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
    let refused = [
        "group_id",
        "auto_commit_interval_ms",
        "enable_auto_commit",
        "auto_offset_reset",
    ];
    assert_eq!(
        paths,
        refused
            .iter()
            .map(|key| format!("kafka.aggregator.consumer.{key}"))
            .collect::<BTreeSet<_>>()
            .iter()
            .map(String::as_str)
            .collect()
    );
    let streaming = "[kafka.producer]\nacks = \"all\"\nretries = 3\nbatch_size = 16384\nlinger_ms = 5\nbuffer_memory = 33554432\n\
                     compression_type = \"gzip\"\nenable_idempotence = true\n[kafka.consumer]\nauto_offset_reset = \"earliest\"\n\
                     enable_auto_commit = false\nmax_poll_records = 500\nsession_timeout_ms = 30000\nheartbeat_interval_ms = 3000\n\
                     fetch_min_bytes = 1024\nfetch_max_wait_ms = 500\n";
    manifest(streaming);
    manifest(
        "[kafka]\nbootstrap_servers = \"localhost:9092\"\nsecurity_protocol = \"PLAINTEXT\"\n[kafka.producer]\nacks = \"all\"\n\
              retries = 3\nbatch_size = 32768\nlinger_ms = 10\ncompression_type = \"snappy\"\n[kafka.consumer]\n\
              auto_offset_reset = \"earliest\"\nmax_poll_records = 1000\nfetch_max_bytes = 52428800\n",
    );
}

#[test]
fn federations_with_different_topics_share_no_group_and_no_transactional_id() {
    let with = |text: &str| {
        let manifest = manifest(text);
        (manifest.group_prefix(), manifest.transactional_id_prefix())
    };
    assert_eq!(with(""), (String::new(), "fedhost".to_owned()));
    let prefixed = with("[topics]\nprefix = \"one-\"\n");
    assert_eq!(prefixed, ("one-".to_owned(), "one-fedhost".to_owned()));
    let given = "[kafka]\ngroup_prefix = \"g.\"\ntransactional_id_prefix = \"t\"\n[topics]\nprefix = \"one-\"\n";
    assert_eq!(with(given), ("g.".to_owned(), "t".to_owned()));
}

#[test]
fn all_clients_of_a_run_reach_the_same_cluster() {
    for table in [
        "sensor.producer",
        "fog_node.consumer",
        "aggregator.producer",
        "consumer",
    ] {
        let elsewhere = format!(
            "[kafka]\nbootstrap_servers = \"one:1\"\n[kafka.{table}]\nbootstrap_servers = \"two:2\"\n"
        );
        let found = problems_of(load(&elsewhere));
        let key_path = format!("kafka.{table}.bootstrap_servers");
        assert!(
            found.iter().any(|(path, _)| *path == key_path),
            "{table}: {found:?}"
        );
        let same = elsewhere.replace("two:2", "one:1");
        assert!(load(&same).is_ok(), "{table}");
    }
}

#[test]
fn a_topic_of_which_every_copy_must_be_there_is_announced() {
    let with = |least: u16| {
        let text = format!("[topics]\nreplication_factor = 3\nmin_insync_replicas = {least}\n");
        manifest(&text).kafka_warnings()
    };
    assert_eq!(with(2), Vec::<String>::new());
    let warnings = with(3);
    let about = |topic: &str| warnings.iter().any(|warning| warning.contains(topic));
    assert!(about("\"global_model\" has 3 copies"), "{warnings:?}");
    assert!(about("\"predictions\" has 3 copies"), "{warnings:?}");
}
