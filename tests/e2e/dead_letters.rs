//! Dead-letter records, from the failure of a record to its replay.

use std::fs;
use std::path::Path;

use fedhost_bus::embedded::{EmbeddedLog, Options};
use fedhost_bus::{Admin as _, NewRecord, Record, Sink as _, TopicSpec, Write};
use fedhost_e2e::{Scene, read_topic, simulated};

const TOPIC: &str = "sensor-data-node-1";
const KEY: &[u8] = b"pump\xff3";
const VALUE: &[u8] = b"{\"sensor\": \xfe\x00\x1b[2J";
const HEADER: &[u8] = b"\x80\x81";

/// A record that no fog node can read.
fn hostile() -> NewRecord {
    NewRecord {
        topic: TOPIC.into(),
        partition: None,
        timestamp_ms: 1_640_995_200_000,
        key: Some(KEY.into()),
        value: VALUE.into(),
        headers: vec![
            ("line".to_owned(), "3".into()),
            ("raw".to_owned(), HEADER.into()),
        ],
    }
}

fn write(directory: &Path, records: Vec<NewRecord>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let log = EmbeddedLog::open(Options::new(directory)).unwrap();
        // As a run writes it: a dead-letter record has additional headers.
        for (name, max_message_bytes) in [
            (TOPIC.to_owned(), 1 << 20),
            (format!("{TOPIC}.dlq"), (1 << 20) + (64 << 10)),
        ] {
            let partitions = 1;
            let spec = TopicSpec {
                name,
                partitions,
                max_message_bytes,
                ..TopicSpec::default()
            };
            log.create_topic(spec).await.unwrap();
        }
        log.write(Write {
            records,
            ..Write::default()
        })
        .await
        .unwrap();
    });
}

/// A run in which a fog node met a hostile record.
fn after_a_run() -> Scene {
    let scene = Scene::new();
    scene.write("run.toml", simulated(600, 2));
    write(&scene.path("data"), vec![hostile()]);
    scene.fedhost(&["run", "run.toml", "-q"]).expect_code(0);
    scene
}

/// Writes dead-letter records without a run, numbered from 0 in their values. The reason of every
/// third is `trap`.
fn with_dead_letters(count: usize) -> Scene {
    let scene = Scene::new();
    scene.write("run.toml", simulated(600, 2));
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned().into());
    let dead_letter = |number: usize| NewRecord {
        topic: format!("{TOPIC}.dlq").into(),
        value: number.to_string().into(),
        headers: vec![
            header("__connect.errors.topic", TOPIC),
            header("__connect.errors.partition", "0"),
            header(
                "__fedhost.reason",
                if number.is_multiple_of(3) {
                    "trap"
                } else {
                    "not_json"
                },
            ),
        ],
        ..hostile()
    };
    write(&scene.path("data"), (0..count).map(dead_letter).collect());
    scene
}

fn is_hostile(record: &Record) -> bool {
    record.value == VALUE
}

/// Numbers that were put back, in order.
fn put_back(scene: &Scene) -> Vec<usize> {
    let number = |record: Record| str::from_utf8(&record.value).unwrap().parse().unwrap();
    read_topic(&scene.path("data"), TOPIC)
        .into_iter()
        .map(number)
        .collect()
}

#[test]
fn a_record_that_failed_is_counted_and_shown_whole() {
    let scene = after_a_run();
    let listed = scene.fedhost(&["dlq", "list", "run.toml"]).expect_code(0);
    let line = listed
        .stdout
        .lines()
        .find(|line| line.starts_with("sensor-data-node-1.dlq"))
        .unwrap();
    assert!(
        line.contains(" 1 ") && line.ends_with("undecodable 1"),
        "{}",
        listed.stdout
    );
    let listed = scene
        .fedhost(&["dlq", "list", "run.toml", "--json"])
        .expect_code(0)
        .json();
    let row = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["topic"] == "sensor-data-node-1.dlq")
        .unwrap();
    assert_eq!(
        (&row["records"], &row["reasons"]["undecodable"]),
        (&1.into(), &1.into())
    );

    let shown = scene
        .fedhost(&["dlq", "show", "run.toml", TOPIC])
        .expect_code(0);
    for part in [
        "dead-letter record 0:0 of sensor-data-node-1.dlq",
        "0x70756d70ff33",
        "line = 3",
        "raw = 0x8081",
        "__connect.errors.connector.name = fog-node-1",
        "__connect.errors.stage = decode",
        "__fedhost.attempts = 1",
        "00000000  7b 22 73 65 6e 73 6f 72  22 3a 20 fe 00 1b 5b 32  |{\"sensor\": ...[2|",
    ] {
        assert!(shown.stdout.contains(part), "{part} in {}", shown.stdout);
    }
    assert!(
        !shown.stdout.contains('\u{1b}'),
        "nothing reaches the terminal that would command it"
    );
    let shown = scene
        .fedhost(&["dlq", "show", "run.toml", TOPIC, "--json"])
        .expect_code(0)
        .json();
    assert_eq!(shown["key"]["base64"], "cHVtcP8z");

    scene
        .shell("$FEDHOST dlq show run.toml sensor-data-node-1.dlq --offset 0:0 --raw >value")
        .expect_code(0);
    assert_eq!(fs::read(scene.path("value")).unwrap(), VALUE);
}

#[test]
fn without_a_log_there_are_no_dead_letters_and_no_log_is_made() {
    let scene = Scene::new();
    scene.write("run.toml", simulated(600, 2));
    let listed = scene.fedhost(&["dlq", "list", "run.toml"]).expect_code(0);
    assert!(
        listed.stdout.contains("there is no such topic yet"),
        "{}",
        listed.stdout
    );
    for command in ["show", "replay", "purge"] {
        let refused = scene
            .fedhost(&["dlq", command, "run.toml", TOPIC])
            .expect_code(2);
        assert!(
            refused.stderr.contains("sensor-data-node-1.dlq"),
            "{}",
            refused.stderr
        );
    }
    scene
        .fedhost(&["dlq", "acknowledge", "run.toml"])
        .expect_code(0);
    assert!(!scene.path("data/store").exists());
}

#[test]
fn a_record_is_replayed_byte_for_byte_until_it_has_failed_too_often() {
    let scene = after_a_run();
    let replay = |arguments: &[&str]| {
        let arguments = [&["dlq", "replay", "run.toml", TOPIC, "--json"], arguments].concat();
        scene.fedhost(&arguments).expect_code(0).json()["account"].clone()
    };
    let first = read_topic(&scene.path("data"), "sensor-data-node-1.dlq").remove(0);
    let failed_first = first.header("__fedhost.first_seen").unwrap().clone();
    for round in 1..=3_u32 {
        assert_eq!(replay(&[])["replayed"], 1, "round {round}");
        let records = read_topic(&scene.path("data"), TOPIC);
        let back = records.last().unwrap();
        assert!(is_hostile(back));
        assert_eq!(
            (back.key.as_deref(), back.timestamp_ms),
            (Some(KEY), hostile().timestamp_ms)
        );
        assert_eq!(back.headers[..2], hostile().headers[..]);
        let (first_seen, replays) = (&back.headers[2], &back.headers[3..]);
        assert_eq!(
            replays,
            [(
                "__fedhost.replay.count".to_owned(),
                round.to_string().into()
            )]
        );
        assert_eq!(
            (first_seen.0.as_str(), &first_seen.1),
            ("__fedhost.first_seen", &failed_first)
        );
        // The fog node takes it, and fails again.
        scene.fedhost(&[
            "run",
            "run.toml",
            "-q",
            "--rounds",
            &(2 + round).to_string(),
        ]);
    }
    assert_eq!(replay(&[])["refused"]["replayed_too_often"], 1);
    assert_eq!(
        read_topic(&scene.path("data"), TOPIC)
            .iter()
            .filter(|record| is_hostile(record))
            .count(),
        4
    );
    assert_eq!(replay(&["--force"])["replayed"], 1);
}

#[test]
fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    let scene = with_dead_letters(9);
    let dry = scene
        .fedhost(&[
            "dlq",
            "replay",
            "run.toml",
            TOPIC,
            "--reason",
            "trap",
            "--dry-run",
        ])
        .expect_code(0);
    assert!(
        dry.stdout
            .contains("3 records would be replayed onto sensor-data-node-1: trap 3"),
        "{}",
        dry.stdout
    );
    assert!(put_back(&scene).is_empty());
    let done = scene
        .fedhost(&["dlq", "replay", "run.toml", TOPIC, "--reason", "trap"])
        .expect_code(0);
    assert!(
        done.stdout
            .contains("3 records were replayed onto sensor-data-node-1: trap 3"),
        "{}",
        done.stdout
    );
    assert_eq!(put_back(&scene), [0, 3, 6]);
    scene.fedhost(&[
        "dlq",
        "replay",
        "run.toml",
        TOPIC,
        "--where",
        "__fedhost.reason=not_json",
        "--limit",
        "2",
    ]);
    scene
        .fedhost(&["dlq", "replay", "run.toml", TOPIC])
        .expect_code(0);
    assert_eq!(put_back(&scene), [0, 3, 6, 1, 2, 4, 5, 7, 8]);
    scene
        .fedhost(&["dlq", "replay", "run.toml", TOPIC, "--again", "--to", "2"])
        .expect_code(0);
    assert_eq!(put_back(&scene)[9..], [0, 1]);
}

#[test]
fn a_replay_that_was_killed_goes_on_without_repeating() {
    let scene = with_dead_letters(200);
    let killed = "$FEDHOST dlq replay run.toml sensor-data-node-1 --rate 50/s -v 2>said & replay=$!
        until grep -q '^1[05] replayed' said; do kill -0 $replay || exit 9; done
        kill -KILL $replay; wait $replay; exit 0";
    scene.shell(killed).expect_code(0);
    let before = put_back(&scene).len();
    assert!((10..200).contains(&before), "{before}");
    scene
        .fedhost(&["dlq", "replay", "run.toml", TOPIC])
        .expect_code(0);
    assert_eq!(put_back(&scene), (0..200).collect::<Vec<_>>());
}

#[test]
fn a_replay_that_was_interrupted_says_so_and_goes_on_later() {
    let scene = with_dead_letters(200);
    let interrupted =
        "$FEDHOST dlq replay run.toml sensor-data-node-1 --rate 50/s -v 2>said & replay=$!
        until grep -q '^1[05] replayed' said; do kill -0 $replay || exit 9; done
        kill -TERM $replay; wait $replay";
    let ended = scene.shell(interrupted).expect_code(130);
    assert!(
        ended.stdout.contains("records were replayed"),
        "{}",
        ended.stdout
    );
    assert!((10..200).contains(&put_back(&scene).len()));
    scene
        .fedhost(&["dlq", "replay", "run.toml", TOPIC])
        .expect_code(0);
    assert_eq!(put_back(&scene), (0..200).collect::<Vec<_>>());
}

#[test]
fn a_purge_asks_first_and_keeps_what_it_was_not_asked_to_delete() {
    let scene = with_dead_letters(9);
    let refused = scene
        .fedhost(&["dlq", "purge", "run.toml", TOPIC])
        .expect_code(2);
    assert!(
        refused.stderr.contains("nothing was deleted") && refused.stderr.contains("--yes"),
        "{}",
        refused.stderr
    );
    let purged = scene
        .fedhost(&[
            "dlq", "purge", "run.toml", TOPIC, "--before", "0:7", "--yes",
        ])
        .expect_code(0);
    assert!(
        purged.stdout.contains("0 to 6 of partition 0"),
        "{}",
        purged.stdout
    );
    assert_eq!(
        read_topic(&scene.path("data"), "sensor-data-node-1.dlq").len(),
        2
    );
    scene
        .fedhost(&["dlq", "purge", "run.toml", TOPIC, "--yes"])
        .expect_code(0);
    assert!(read_topic(&scene.path("data"), "sensor-data-node-1.dlq").is_empty());
    let nothing = scene
        .fedhost(&["dlq", "purge", "run.toml", TOPIC])
        .expect_code(0);
    assert!(
        nothing.stdout.contains("nothing to delete"),
        "{}",
        nothing.stdout
    );
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_done() {
    let scene = with_dead_letters(1);
    for (arguments, words) in [
        (
            ["show", "run.toml", "no-such-topic", "--limit=1"],
            "\"no-such-topic.dlq\"",
        ),
        (
            ["show", "run.toml", TOPIC, "--offset=4:0"],
            "no partition 4",
        ),
        (
            ["show", "run.toml", TOPIC, "--offset=soon"],
            "2026-03-01T12:00:00Z",
        ),
        (["replay", "run.toml", TOPIC, "--rate=0"], "above 0"),
        (
            ["replay", "run.toml", TOPIC, "--where=line"],
            "name, =, and its value",
        ),
    ] {
        let refused = scene
            .fedhost(&[&["dlq"], &arguments[..]].concat())
            .expect_code(2);
        assert!(
            refused.stderr.contains(words),
            "{words} in {}",
            refused.stderr
        );
    }
    assert!(put_back(&scene).is_empty());
}
