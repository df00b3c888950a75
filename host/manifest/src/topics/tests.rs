//! What topics become on a broker.

use std::collections::BTreeMap;

use crate::Topics;
use crate::tests::{MINIMAL, load_text};

fn topics(text: &str) -> Topics {
    load_text(&format!("{text}{MINIMAL}"), &[], &[])
        .unwrap_or_else(|problems| panic!("{problems}"))
        .manifest
        .topics
}

fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn a_topic_carries_its_settings_by_the_names_of_kafka() {
    let topics = topics(
        "[topics]\nmin_insync_replicas = 2\n[topics.events]\nname = \"analytics-events\"\npartitions = 6\nreplication_factor = 3\n\
         retention_ms = 2592000000\nretention_bytes = 1073741824000\ncompression = \"lz4\"\n[topics.events.settings]\n\
         \"segment.ms\" = \"86400000\"\nunclean.leader.election.enable = false\n",
    );
    let events = topics.further("events").unwrap();
    assert_eq!((events.partitions, events.replication_factor), (6, Some(3)));
    let expected = [
        ("cleanup.policy", "delete"),
        ("retention.ms", "2592000000"),
        ("retention.bytes", "1073741824000"),
        ("segment.ms", "86400000"),
        ("compression.type", "lz4"),
        ("min.insync.replicas", "2"),
        ("unclean.leader.election.enable", "false"),
        ("max.message.bytes", "1048576"),
    ];
    assert_eq!(events.settings(), settings(&expected));
}

#[test]
fn the_newest_model_and_the_state_never_expire_and_no_dead_letter_goes_for_a_newer_one() {
    let topics = topics("");
    let policy = |topic: &crate::Topic| topic.settings().remove("cleanup.policy");
    assert_eq!(policy(&topics.global_model()).as_deref(), Some("compact"));
    assert_eq!(policy(&topics.state()).as_deref(), Some("compact"));
    assert_eq!(policy(&topics.model_updates()).as_deref(), Some("delete"));
    let dead_letters = topics.dead_letter_of(&topics.global_model());
    assert_eq!(policy(&dead_letters).as_deref(), Some("delete"));
    assert_eq!(dead_letters.retention_ms, Some(14 * 24 * 3_600_000));
    assert_eq!(
        dead_letters.max_message_bytes,
        topics.global_model().max_message_bytes + (64 << 10)
    );
}

#[test]
fn a_prefix_stands_in_front_of_every_name() {
    let text = "[topics]\nprefix = \"prod-\"\nreplication_factor = 3\nraw_data = \"raw\"\nother = [\"a\", { name = \"b\", partitions = 1 }]\n";
    let topics = topics(text);
    let mut all: Vec<String> = topics
        .all(&[1, 2].into())
        .into_iter()
        .map(|topic| topic.name)
        .collect();
    all.sort();
    let expected = [
        "prod-a",
        "prod-b",
        "prod-global_model",
        "prod-model-evaluations",
        "prod-model_updates",
        "prod-predictions",
        "prod-raw",
        "prod-sensor-data-node-1",
        "prod-sensor-data-node-2",
    ];
    assert_eq!(all, expected);
    assert_eq!(topics.state().name, "prod-fedhost-state");
    assert_eq!(
        topics
            .dead_letter_of(&topics.further("raw_data").unwrap())
            .name,
        "prod-raw.dlq"
    );
    assert_eq!(topics.sensor_data_of(1).replication_factor, Some(3));
    assert_eq!(topics.further("tasks"), None);
}

#[test]
fn an_override_finds_a_topic_in_whatever_form_it_is_written() {
    let text = format!(
        "[topics]\nraw_data = \"raw\"\nother = [\"a\"]\n[topics.events]\nname = \"e\"\nsettings.segment.ms = 1\n{MINIMAL}"
    );
    let environment = [
        ("FEDHOST__TOPICS__TASKS", "tasks"),
        ("FEDHOST__TOPICS__RAW_DATA__PARTITIONS", "5"),
    ];
    let sets = [
        "topics.other[0].partitions=2",
        "topics.events.settings.segment.ms=7",
        "topics.raw_data=rows",
    ];
    let topics = load_text(&text, &environment, &sets)
        .unwrap_or_else(|problems| panic!("{problems}"))
        .manifest
        .topics;
    let raw = topics.further("raw_data").unwrap();
    assert_eq!((raw.name.as_str(), raw.partitions), ("rows", 5));
    assert_eq!(topics.further("tasks").unwrap().name, "tasks");
    assert_eq!(topics.other[0].partitions, 2);
    assert_eq!(
        topics
            .further("events")
            .unwrap()
            .settings()
            .get("segment.ms")
            .map(String::as_str),
        Some("7")
    );
}
