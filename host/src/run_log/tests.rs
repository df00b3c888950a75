use std::fs;
use std::path::Path;

use fedhost_base::event::{Event, RunEvent, Stamped};
use fedhost_base::hint::explain;
use fedhost_domain::event::{Durations, FederationEvent, RoundClosed};
use fedhost_domain::model::Sha256Hex;
use proptest::prelude::*;

use super::{BadLine, Capacity, LineFault, RunLog, last_round};

/// All events and bad lines of a log.
fn read(path: &Path) -> Result<(Vec<Stamped>, Vec<BadLine>), super::Error> {
    let mut events = Vec::new();
    let mut bad = Vec::new();
    super::read(path, |line| match line {
        Ok(event) => events.push(event),
        Err(line) => bad.push(line),
    })?;
    Ok((events, bad))
}

fn opened(round: u64) -> Stamped {
    Stamped {
        time_ms: 1_000 + round,
        event: Event::Federation(FederationEvent::RoundOpened { round }),
    }
}

fn closed(round: u64) -> Stamped {
    let closed = RoundClosed {
        round,
        participants: vec![],
        missing: vec![],
        rejected: 0,
        closed_by: "complete".into(),
        samples: 0,
        loss: 0.5,
        weights_sha256: Sha256Hex::of(b"weights"),
        norm: 1.0,
        durations: Durations::default(),
    };
    Stamped {
        time_ms: 2_000 + round,
        event: Event::Federation(FederationEvent::RoundClosed(closed)),
    }
}

#[test]
fn events_are_read_back_in_order_after_several_openings() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("runs/one/aggregation_log.jsonl");
    let events = [opened(1), closed(1), opened(2)];
    for event in &events {
        RunLog::open(&path).unwrap().append(event).unwrap();
    }
    assert_eq!(read(&path).unwrap(), (events.to_vec(), vec![]));
}

#[test]
fn a_line_torn_by_a_crash_affects_no_other_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.jsonl");
    RunLog::open(&path).unwrap().append(&opened(1)).unwrap();
    let whole = fs::read(&path).unwrap();
    fs::write(&path, [&whole[..], &whole[..whole.len() / 2]].concat()).unwrap();

    RunLog::open(&path).unwrap().append(&opened(2)).unwrap();

    let (events, bad) = read(&path).unwrap();
    assert_eq!(events, [opened(1), opened(2)]);
    assert_eq!(
        bad.iter()
            .map(|bad| (bad.line, &bad.fault))
            .collect::<Vec<_>>(),
        [(2, &LineFault::NotJson)]
    );
}

#[test]
fn a_bad_line_is_returned_with_its_reason() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.jsonl");
    let long = "x".repeat(1_000);
    let lines = [
        r#"{"time_ms": 1, "event": "round_opened", "round": 1}"#.to_owned(),
        "\u{0}\u{1}garbage".to_owned(),
        r#"{"time_ms": 1, "event": "moon_landed", "crew": 3}"#.to_owned(),
        r#"{"time_ms": 1, "event": "round_opened", "round": -1}"#.to_owned(),
        String::new(),
        "[1, 2]".to_owned(),
        format!(r#"{{"time_ms": 1, "event": "{long}"}}"#),
        r#"{"time_ms": 1, "event": "round_opened", "round": 2, "later": "addition"}"#.to_owned(),
    ];
    fs::write(&path, lines.join("\n")).unwrap();

    let (events, bad) = read(&path).unwrap();

    assert_eq!(events.len(), 2);
    assert_eq!(
        bad.iter().map(|bad| bad.line).collect::<Vec<_>>(),
        [2, 3, 4, 6, 7]
    );
    assert_eq!(bad[0].fault, LineFault::NotJson);
    assert_eq!(
        bad[1].fault,
        LineFault::UnknownEvent {
            event: "moon_landed".into()
        }
    );
    assert!(
        matches!(&bad[2].fault, LineFault::BadFields { event, .. } if event == "round_opened"),
        "{:?}",
        bad[2]
    );
    assert_eq!(bad[3].fault, LineFault::NotAnEvent);
    assert!(bad[4].fault.to_string().len() < 300);
}

#[test]
fn the_last_round_is_that_of_the_last_whole_round_closed_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.jsonl");
    assert_eq!(last_round(&path).unwrap(), None, "no log yet");

    let mut log = RunLog::open(&path).unwrap();
    assert_eq!(last_round(&path).unwrap(), None, "an empty log");
    for event in [opened(1), closed(1), opened(2), closed(2), opened(3)] {
        log.append(&event).unwrap();
    }
    assert_eq!(last_round(&path).unwrap(), Some(2));

    let torn = serde_json::to_string(&closed(3)).unwrap();
    fs::write(
        &path,
        [
            fs::read(&path).unwrap(),
            torn.as_bytes()[..torn.len() - 1].to_vec(),
        ]
        .concat(),
    )
    .unwrap();
    assert_eq!(last_round(&path).unwrap(), Some(2));
}

/// A log whose parts hold one event each, with three older parts.
const TINY: Capacity = Capacity {
    part_bytes: 60,
    older_parts: 3,
};

#[test]
fn a_full_file_becomes_an_older_part_and_all_parts_are_read_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.jsonl");
    let events = [closed(1), opened(2), opened(3), opened(4)];
    let mut log = RunLog::with_capacity(&path, TINY).unwrap();
    for event in &events {
        log.append(event).unwrap();
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3);
    assert_eq!(read(&path).unwrap(), (events.to_vec(), vec![]));
    assert_eq!(last_round(&path).unwrap(), Some(1), "in the oldest part");
}

#[test]
fn a_log_of_any_number_of_events_stays_within_its_capacity_and_counts_what_it_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.jsonl");
    let mut log = RunLog::with_capacity(&path, TINY).unwrap();
    for round in 1..=100 {
        log.append(&opened(round)).unwrap();
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 4);
    let (events, bad) = read(&path).unwrap();
    assert!(
        bad.is_empty() && events.last() == Some(&opened(100)),
        "{events:?}"
    );
    let is_warned = events.iter().any(|stamped| {
        matches!(&stamped.event, Event::Run(RunEvent::Warned { part, detail })
            if part == "run log" && detail.contains("lines, was deleted"))
    });
    assert!(is_warned, "{events:?}");
}

#[test]
fn processes_that_share_a_log_rename_it_once_and_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.jsonl");
    let capacity = Capacity {
        part_bytes: 1_000,
        older_parts: 100,
    };
    let mut logs = [(); 2].map(|()| RunLog::with_capacity(&path, capacity).unwrap());
    for round in 1..=200 {
        logs[usize::try_from(round % 2).unwrap()]
            .append(&opened(round))
            .unwrap();
    }
    let (events, bad) = read(&path).unwrap();
    assert!(bad.is_empty());
    assert_eq!(events, (1..=200).map(opened).collect::<Vec<_>>());
}

#[test]
fn the_error_of_a_missing_log_names_it_and_has_a_hint() {
    let error = explain(&read("nowhere/log.jsonl".as_ref()).unwrap_err());
    assert!(
        error.contains("nowhere/log.jsonl") && error.contains("\nhint: "),
        "{error}"
    );
}

proptest! {
    #[test]
    fn bytes_before_an_opening_do_not_affect_later_lines(junk in proptest::collection::vec(any::<u8>(), 0..200)) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log.jsonl");
        fs::write(&path, &junk).unwrap();
        let mut log = RunLog::open(&path).unwrap();
        log.append(&opened(7)).unwrap();
        log.append(&closed(7)).unwrap();

        let (events, _) = read(&path).unwrap();
        prop_assert_eq!(events, [opened(7), closed(7)]);
        prop_assert_eq!(last_round(&path).unwrap(), Some(7));
    }
}
