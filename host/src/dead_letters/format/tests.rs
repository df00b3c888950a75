use std::sync::Arc;

use fedhost_domain::model::Sha256Hex;

use super::*;

fn record(headers: &[(&str, &'static [u8])]) -> Record {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Bytes::from_static(value)))
        .collect();
    Record {
        position: Position {
            topic: "sensor-data-node-1".into(),
            partition: 2,
            offset: 3,
        },
        timestamp_ms: 5,
        key: Some(Bytes::from_static(b"\xfe")),
        value: Bytes::from_static(b"\xff\x00"),
        headers,
    }
}

fn failure(detail: &str) -> Failure<'_> {
    let (role, stage, reason) = ("fog-node-1", "decode", "not_json");
    Failure {
        role,
        stage,
        reason,
        detail,
        component: None,
        attempts: 1,
        first_seen_ms: 1_640_995_200_250,
    }
}

/// As it comes back from the bus.
fn read_back(new: NewRecord) -> DeadLetter {
    let NewRecord {
        topic,
        partition,
        timestamp_ms,
        key,
        value,
        headers,
    } = new;
    let position = Position {
        topic,
        partition: partition.unwrap_or(0),
        offset: 0,
    };
    DeadLetter(Record {
        position,
        timestamp_ms,
        key,
        value,
        headers,
    })
}

fn fail(record: &Record) -> DeadLetter {
    read_back(dead_letter(record, ".dlq", &failure("no")))
}

#[test]
fn a_dead_letter_keeps_the_record_byte_for_byte() {
    let record = record(&[("traceparent", b"00-1"), ("raw", b"\xff\xfe")]);
    let stored = dead_letter(&record, ".dlq", &failure("not a JSON object"));
    assert_eq!(
        (&*stored.topic, stored.partition),
        ("sensor-data-node-1.dlq", Some(2))
    );
    assert_eq!((stored.key, stored.value), (record.key, record.value));
    assert_eq!(stored.headers[..2], record.headers[..]);
}

#[test]
fn a_dead_letter_says_where_it_comes_from_and_why_it_is_here() {
    let component = PluginId {
        name: "pca".into(),
        version: "0.1.0".into(),
        sha256: Sha256Hex::of(b""),
    };
    let failure = Failure {
        component: Some(&component),
        ..failure("row 3")
    };
    let stored = read_back(dead_letter(&record(&[]), ".dlq", &failure));
    for (name, value) in [
        ("__connect.errors.topic", "sensor-data-node-1"),
        ("__connect.errors.partition", "2"),
        ("__connect.errors.offset", "3"),
        ("__connect.errors.connector.name", "fog-node-1"),
        ("__connect.errors.task.id", "0"),
        ("__connect.errors.stage", "decode"),
        ("__connect.errors.class.name", "pca@0.1.0"),
        ("__connect.errors.exception.class.name", "not_json"),
        ("__connect.errors.exception.message", "row 3"),
        ("__fedhost.reason", "not_json"),
        ("__fedhost.component", component.sha256.as_str()),
        ("__fedhost.attempts", "1"),
        ("__fedhost.first_seen", "2022-01-01T00:00:00.250Z"),
    ] {
        assert_eq!(stored.0.header(name).unwrap(), value, "{name}");
    }
    assert_eq!(stored.failed_ms(), 1_640_995_200_250);
    assert_eq!(
        (stored.source_topic(), stored.source_partition()),
        (Some("sensor-data-node-1"), Some(2))
    );
    assert_eq!(
        (
            stored.0.header(headers::OFFSET).map(|offset| &offset[..]),
            &*stored.reason()
        ),
        (Some(b"3".as_slice()), "not_json")
    );
}

#[test]
fn a_long_story_is_cut_where_a_character_ends_and_the_value_never() {
    let mut record = record(&[]);
    record.value = vec![7; 1 << 20].into();
    let stored = dead_letter(&record, ".dlq", &failure(&"ä".repeat(4_000)));
    let detail = &stored
        .headers
        .iter()
        .find(|(name, _)| name == headers::MESSAGE)
        .unwrap()
        .1;
    assert!((4_090..=4_096).contains(&detail.len()), "{}", detail.len());
    assert!(str::from_utf8(detail).unwrap().ends_with("ä…"));
    assert_eq!(stored.value, record.value);
}

#[test]
fn the_original_comes_back_byte_for_byte_and_counts_its_replays() {
    let record = record(&[("raw", b"\xff"), ("raw", b"again")]);
    let topic: Arc<str> = "sensor-data-node-1".into();
    let once = fail(&record).original(&topic, 3);
    assert_eq!(
        (&once.key, &once.value, once.timestamp_ms),
        (&record.key, &record.value, 5)
    );
    assert_eq!((once.partition, &once.topic), (Some(2), &topic));
    assert_eq!(once.headers[..2], record.headers[..]);
    let stays = |replays: &'static str| {
        [
            ("__fedhost.first_seen", "2022-01-01T00:00:00.250Z"),
            ("__fedhost.replay.count", replays),
        ]
        .map(|(name, value)| (name.to_owned(), Bytes::from(value)))
    };
    assert_eq!(once.headers[2..], stays("1"));

    let later = Failure {
        first_seen_ms: 1_700_000_000_000,
        ..failure("no")
    };
    let again = read_back(dead_letter(&read_back(once).0, ".dlq", &later));
    assert_eq!(
        (again.replays(), again.failed_ms()),
        (1, 1_640_995_200_250),
        "the first failure is not forgotten"
    );
    let twice = again.original(&topic, 3);
    assert_eq!(twice.headers[..2], record.headers[..]);
    assert_eq!(twice.headers[2..], stays("2"));
}

#[test]
fn error_headers_that_the_original_had_stay_with_it() {
    let record = record(&[
        ("__connect.errors.topic", b"far-away"),
        ("__fedhost.reason", b"old"),
        ("raw", b"\xff"),
    ]);
    let mut stored = fail(&record);
    stored
        .0
        .headers
        .push(("added-by-a-mirror".into(), "1".into()));
    let original = stored.original(&"t".into(), 3);
    assert_eq!(original.headers[..3], record.headers[..]);
    let names: Vec<_> = original.headers[3..]
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "added-by-a-mirror",
            "__fedhost.first_seen",
            "__fedhost.replay.count"
        ]
    );
}

#[test]
fn a_partition_that_is_gone_is_left_to_the_key() {
    assert_eq!(fail(&record(&[])).original(&"t".into(), 2).partition, None);
}

#[test]
fn a_record_that_failed_before_keeps_the_time_of_its_first_failure() {
    let stored = fail(&record(&[(
        "__fedhost.first_seen",
        b"2020-01-01T00:00:00.000Z",
    )]));
    assert_eq!(stored.failed_ms(), 1_577_836_800_000);
}

#[test]
fn the_trace_names_where_it_happened_innermost_first() {
    let stored = fail(&record(&[]));
    let trace = stored
        .0
        .header("__connect.errors.exception.stacktrace")
        .unwrap();
    let expected =
        "not_json: no\n\tat decode(fedhost)\n\tat fog-node-1(try 1)\n\tat sensor-data-node-1(2:3)";
    assert_eq!(trace, expected);
}

#[test]
fn what_is_added_fits_into_the_headroom_of_dead_letter_topics() {
    // Given a record that fails with very long explanations, and states a very long time
    let long = "x".repeat(100_000);
    let time = format!("2020-01-01T00:00:00Z{}", "[UTC]".repeat(2_000));
    let mut record = record(&[]);
    record.headers = vec![("__fedhost.first_seen".to_owned(), time.into())];
    let component = PluginId {
        name: long.clone(),
        version: "0.1.0".into(),
        sha256: Sha256Hex::of(b""),
    };
    let failure = Failure {
        stage: &long,
        reason: &long,
        component: Some(&component),
        ..failure(&long)
    };
    // When it becomes a dead stored, then its topic has room for what was added
    let stored = dead_letter(&record, ".dlq", &failure);
    let added: usize = stored.headers[1..]
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    assert!(
        (added as u64) < fedhost_manifest::DEAD_LETTER_HEADROOM,
        "{added}"
    );
}

#[test]
fn an_untrusted_record_is_read_as_far_as_it_goes() {
    let stored = DeadLetter(record(&[
        ("__connect.errors.partition", b"many"),
        ("__fedhost.first_seen", b"\xff"),
    ]));
    assert_eq!(
        (
            stored.source_topic(),
            stored.source_partition(),
            stored.replays()
        ),
        (None, None, 0)
    );
    assert_eq!((&*stored.reason(), stored.failed_ms()), ("unknown", 5));
}
