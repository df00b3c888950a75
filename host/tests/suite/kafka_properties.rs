//! librdkafka takes what the manifest makes, and knows what the schema says.

use std::path::Path;
use std::sync::Arc;

use fedhost::app::buses::kafka_options;
use fedhost_base::observer::{NoObserver, Observer};
use fedhost_bus::kafka::{Properties, reader_properties, writer_properties};
use fedhost_manifest::{ClientRole, Loaded, Manifest, Profile, load, schema};
use rdkafka::ClientConfig;
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaResult;
use rdkafka::producer::BaseProducer;
use serde_json::Value;

/// What the clients of a role are made with in the end, by the bus itself: a writer's, and a
/// reader's.
fn properties(manifest: &Manifest, role: ClientRole) -> [Properties; 2] {
    let deaf: Arc<dyn Observer> = Arc::new(NoObserver);
    let options = kafka_options(manifest, role, &deaf);
    [
        writer_properties(&options, role.word(), None),
        reader_properties(&options, "g"),
    ]
}

fn config(properties: &Properties) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.extend(
        properties
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    config
}

/// What librdkafka says of the clients of a role.
fn make(manifest: &Manifest, role: ClientRole) -> KafkaResult<()> {
    let [writer, reader] = properties(manifest, role);
    config(&writer).create::<BaseProducer>()?;
    config(&reader).create::<BaseConsumer>().map(drop)
}

fn load_text(text: &str) -> Loaded {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.toml");
    let rest = "[bus]\nkind = \"kafka\"\n[model]\nplugin = \"m\"\n[[fog_node]]\nid = 1\n";
    std::fs::write(&path, format!("{text}{rest}")).unwrap();
    load(&path, [], &[]).unwrap_or_else(|problems| panic!("{text}{problems}"))
}

/// Every kind of manifest whose clients differ.
fn manifests() -> Vec<Loaded> {
    let mut all = Vec::new();
    for profile in Profile::ALL {
        for delivery in ["exactly-once", "at-least-once"] {
            all.push(load_text(&format!(
                "[kafka]\nprofile = {:?}\ndelivery = {delivery:?}\n",
                profile.word()
            )));
        }
    }
    all.push(load_text(
        "[kafka]\ngroup_protocol = \"consumer\"\n[kafka.consumer]\ngroup_remote_assignor = \"uniform\"\n",
    ));
    all.push(load_text(WEAK));
    for name in ["kafka.toml", "kafka-topics.toml"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../config")
            .join(name);
        all.push(load(&path, [], &[]).unwrap_or_else(|problems| panic!("{problems}")));
    }
    all
}

/// As guides have it for speed.
const WEAK: &str = "[kafka]\ndelivery = \"at-least-once\"\n[kafka.producer]\nacks = 1\nretries = 0\n\
                    enable_idempotence = false\ndelivery_timeout_ms = 120000\nlinger_ms = 10\n";

#[test]
fn the_clients_of_every_role_can_be_made() {
    for manifest in manifests().iter().map(|loaded| &loaded.manifest) {
        for role in ClientRole::ALL {
            make(manifest, role)
                .unwrap_or_else(|error| panic!("{:?} {role:?}: {error}", manifest.kafka));
        }
    }
}

#[test]
fn every_compression_is_built_in() {
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let manifest =
            load_text(&format!("[kafka.producer]\ncompression_type = {codec:?}\n")).manifest;
        make(&manifest, ClientRole::Sensor).unwrap_or_else(|error| panic!("{codec}: {error}"));
    }
}

#[test]
fn who_chose_no_idempotence_gets_none() {
    let [writer, _] = properties(&load_text(WEAK).manifest, ClientRole::FogNode);
    let given = [
        ("enable.idempotence", "false"),
        ("acks", "1"),
        ("retries", "0"),
        ("delivery.timeout.ms", "0"),
    ];
    given
        .iter()
        .for_each(|(name, value)| assert_eq!(writer.get(name), Some(*value), "{name}"));
}

#[test]
fn a_role_keeps_to_the_hosts_own_settings_as_they_are_for_it() {
    let text = "[kafka.fog_node.consumer]\nmax_poll_records = 7\nqueued_max_messages_kbytes = 128\n\
                [kafka.sensor.producer]\nmax_block_ms = 9\n";
    let manifest = load_text(text).manifest;
    let deaf: Arc<dyn Observer> = Arc::new(NoObserver);
    let of = |role| {
        let options = kafka_options(&manifest, role, &deaf);
        (
            options.max_poll_records,
            options.ahead_bytes,
            options.max_block.as_millis(),
        )
    };
    assert_eq!(of(ClientRole::FogNode), (7, 128 << 10, 60_000));
    assert_eq!(of(ClientRole::Sensor), (500, 64 << 20, 9));
    assert_eq!(of(ClientRole::Aggregator), (10, 64 << 20, 60_000));
}

#[test]
fn a_role_that_died_is_replaced_as_soon_whatever_the_group_protocol() {
    for protocol in ["classic", "consumer"] {
        let manifest = load_text(&format!("[kafka]\ngroup_protocol = {protocol:?}\n")).manifest;
        let [_, reader] = properties(&manifest, ClientRole::FogNode);
        let given = [
            ("group.protocol", "classic"),
            ("session.timeout.ms", "10000"),
            ("heartbeat.interval.ms", "3000"),
        ];
        given.iter().for_each(|(name, value)| {
            assert_eq!(reader.get(name), Some(*value), "{protocol}: {name}")
        });
    }
}

/// All names that librdkafka has twice, as its table of settings (CONFIGURATION.md) lists them: an
/// alias, what it is of, and a value that neither has by default. Those of signing in with tokens
/// are not there: that is not built in.
const ALIASES: &[(&str, &str, &str)] = &[
    ("bootstrap.servers", "metadata.broker.list", "a:1"),
    (
        "max.in.flight",
        "max.in.flight.requests.per.connection",
        "3",
    ),
    ("sasl.mechanism", "sasl.mechanisms", "PLAIN"),
    (
        "max.partition.fetch.bytes",
        "fetch.message.max.bytes",
        "12345",
    ),
    ("linger.ms", "queue.buffering.max.ms", "77"),
    ("retries", "message.send.max.retries", "77"),
    ("compression.type", "compression.codec", "lz4"),
    ("acks", "request.required.acks", "1"),
    ("delivery.timeout.ms", "message.timeout.ms", "77"),
];

#[test]
fn no_setting_is_given_under_two_names() {
    for (alias, name, value) in ALIASES {
        let alone = ClientConfig::new()
            .set(*alias, *value)
            .create_native_config()
            .unwrap();
        assert_eq!(
            alone.get(name).unwrap(),
            *value,
            "{alias} is no alias of {name} any more"
        );
    }
    for manifest in manifests().iter().map(|loaded| &loaded.manifest) {
        for properties in ClientRole::ALL
            .into_iter()
            .flat_map(|role| properties(manifest, role))
        {
            let twice = ALIASES
                .iter()
                .find(|(alias, name, _)| properties.get(alias).and(properties.get(name)).is_some());
            assert_eq!(twice, None, "{properties:?}");
        }
    }
}

#[test]
fn every_client_keeps_each_setting_that_it_is_given() {
    let same = |kept: &str, given: &str| {
        kept.eq_ignore_ascii_case(given) || (kept, given) == ("-1", "all")
    };
    for manifest in manifests().iter().map(|loaded| &loaded.manifest) {
        for properties in ClientRole::ALL
            .into_iter()
            .flat_map(|role| properties(manifest, role))
        {
            let kept = config(&properties).create_native_config().unwrap();
            for (name, given) in properties.iter() {
                let kept = kept.get(name).unwrap();
                assert!(same(&kept, given), "{name}: {kept}, not {given}");
            }
        }
    }
}

#[test]
fn what_is_printed_is_what_the_clients_are_given() {
    // A role's name, the group and what stands for the host's own keeping.
    let beyond = [
        "client.id",
        "transactional.id",
        "group.id",
        "group.protocol",
        "enable.partition.eof",
        "auto.offset.reset",
    ];
    for manifest in manifests().iter().map(|loaded| &loaded.manifest) {
        for role in ClientRole::ALL {
            let clients = manifest.kafka_clients(role);
            for (given, shown) in properties(manifest, role)
                .iter()
                .zip([&clients.producer, &clients.consumer])
            {
                for (name, value) in given.iter().filter(|(name, _)| !beyond.contains(name)) {
                    assert_eq!(
                        shown.get(name).map(String::as_str),
                        Some(value),
                        "{role:?}: {name}"
                    );
                }
                shown.keys().for_each(|name| {
                    assert!(given.get(name).is_some(), "{role:?}: {name} is not given")
                });
            }
        }
    }
}

/// Every setting that librdkafka takes, with its schema.
fn settings() -> impl Iterator<Item = (&'static str, &'static Value)> {
    let tables = [
        "/properties/kafka/properties/producer/properties",
        "/properties/kafka/properties/consumer/properties",
    ];
    let properties = tables
        .into_iter()
        .flat_map(|table| schema().pointer(table).unwrap().as_object().unwrap());
    let of_host = ["max.poll.records", "max.block.ms"];
    properties
        .map(|(_, property)| (property["x-librdkafka"].as_str().unwrap(), property))
        .filter(move |(name, _)| !of_host.contains(name))
}

fn takes(name: &str, value: &str) -> bool {
    let mut config = ClientConfig::new();
    // Set alone, so no other setting is in its way.
    config.set(name, value).create_native_config().is_ok()
}

#[test]
fn librdkafka_knows_every_setting_and_takes_both_ends_of_its_range() {
    let mut count = 0;
    for (name, property) in settings() {
        count += 1;
        let ends = ["minimum", "maximum"]
            .into_iter()
            .filter_map(|end| property[end].as_i64());
        let ends = ends.map(|end| end.to_string());
        let words = property["enum"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned);
        let flags =
            (property["type"] == "boolean").then_some(["true".to_owned(), "false".to_owned()]);
        let values: Vec<String> = ends
            .chain(words)
            .chain(flags.into_iter().flatten())
            .collect();
        for value in &values {
            assert!(takes(name, value), "{name} = {value}");
        }
        if values.is_empty() {
            assert!(
                takes(name, "") || takes(name, "x") || takes(name, "range"),
                "{name}"
            );
        }
    }
    assert!(count > 80, "{count} settings");
    assert!(!takes("no.such.setting", "1"));
}

#[test]
fn librdkafka_takes_no_whole_number_outside_of_a_range() {
    // Narrower here than there: a request that waits longer than a socket may is no request, an
    // empty queue is no queue.
    let narrower = ["request.timeout.ms", "queue.buffering.max.messages"];
    for (name, property) in settings()
        .filter(|(name, property)| property["type"] == "integer" && !narrower.contains(name))
    {
        let end = |key: &str| property[key].as_i64().unwrap();
        assert!(
            !takes(name, &(end("minimum") - 1).to_string()),
            "{name} goes lower than {}",
            end("minimum")
        );
        assert!(
            !takes(name, &(end("maximum") + 1).to_string()),
            "{name} goes higher than {}",
            end("maximum")
        );
    }
}
