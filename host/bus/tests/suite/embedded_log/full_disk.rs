//! A disk that is full, which is played by a limit on the size of files.

use std::path::Path;

use fedhost_base::hint::hint;
use fedhost_bus::embedded::{EmbeddedLog, Options};
use fedhost_bus::{Admin, Bus, Error, GroupOffset, Record, Sink, Start, Write};

use super::support::{
    CHILD_DIRECTORY, child, offsets, open, options, read_all, record, spec, text, write,
};

/// No file may grow beyond `blocks` of 512 bytes; writing there fails instead of ending the
/// process.
fn limited(blocks: u32) -> String {
    format!(r#"trap "" XFSZ; ulimit -f {blocks}; exec "$@""#)
}

fn numbered_write(number: u64) -> Write {
    let records = (0..10)
        .map(|part| record("t", 0, format!("{number} {part} {}", "x".repeat(500))))
        .collect();
    let offset = GroupOffset {
        group: "g".into(),
        topic: "t".into(),
        partition: 0,
        next: number,
        epoch: None,
    };
    Write {
        records,
        offsets: vec![offset],
        state: Vec::new(),
    }
}

/// Whether these are the records of the first writes, none torn.
fn are_whole(records: &[Record]) -> bool {
    let begins = |at: usize| format!("{} {} ", at / 10, at % 10);
    records
        .iter()
        .enumerate()
        .all(|(at, record)| text(record).starts_with(&begins(at)))
}

/// Not a promise of its own: in a process of its own, it writes until the disk is full and says
/// what happened.
#[tokio::test]
async fn a_process_that_writes_until_the_disk_is_full() {
    let Some(directory) = std::env::var_os(CHILD_DIRECTORY) else {
        return;
    };
    let log = EmbeddedLog::open(Options::new(directory)).expect("the log opens");
    let error = write_until_error(&log).await;
    if let Error::Storage { action, reason, .. } = &error {
        println!("\nrefused: {action}: {reason}");
    }
    // What was acknowledged stays readable, and no later write gets through to disturb it
    let number = log.group_offsets("g").await.expect("offsets")[0].next;
    assert!(matches!(
        log.write(numbered_write(number + 1)).await,
        Err(Error::Storage { .. })
    ));
    let mut source = log
        .subscribe("r", &["t"], Start::Earliest)
        .await
        .expect("subscribed");
    let mut read = Vec::new();
    while (read.len() as u64) < (number + 1) * 10 {
        read.extend(source.read(1_000).await.expect("readable"));
    }
    assert!(are_whole(&read));
    println!("\nacknowledged: {number}");
}

async fn write_until_error(log: &EmbeddedLog) -> Error {
    for number in 0.. {
        if let Err(error) = log.write(numbered_write(number)).await {
            return error;
        }
    }
    panic!("numbers do not end")
}

#[tokio::test]
async fn a_full_disk_is_named_and_costs_nothing_that_was_acknowledged() {
    // Given a log on a disk with little room
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.create_topic(spec("t", 1)).await.expect("a topic");
    drop(log);
    // When a process writes until it is full
    let name = "embedded_log::full_disk::a_process_that_writes_until_the_disk_is_full";
    let output = child(name, directory.path(), &limited(1_000))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    // Then the error says what failed, why, and what to do
    assert!(output.status.success(), "{said}");
    let said = |what: &str| {
        said.lines()
            .find_map(|line| line.strip_prefix(what))
            .map(str::to_owned)
    };
    let refused = said("refused: ").expect("it was told");
    assert!(
        refused.starts_with(r#"write 10 records, the first to "t": File too large"#),
        "{refused}"
    );
    // And once there is room, all that was acknowledged is there, nothing is torn, and writing goes
    // on
    let acknowledged: u64 = said("acknowledged: ")
        .expect("it was told")
        .parse()
        .unwrap();
    assert!(acknowledged > 10);
    let log = open(directory.path());
    let next = log.group_offsets("g").await.expect("offsets")[0].next;
    let records = read_all(&log, "t").await;
    assert!(
        next >= acknowledged && records.len() as u64 == (next + 1) * 10,
        "{} records of {next}",
        records.len()
    );
    assert!(are_whole(&records));
    write(&log, numbered_write(next + 1).records).await;
}

/// Not a promise of its own: in a process of its own, it says what opening gave.
#[test]
fn a_process_that_opens_a_log_on_a_full_disk() {
    let Some(directory) = std::env::var_os(CHILD_DIRECTORY) else {
        return;
    };
    let answer = EmbeddedLog::open(options(Path::new(&directory)).0);
    println!(
        "\nanswer: {}",
        answer.map_or_else(|error| error.to_string(), |_| "open".to_owned())
    );
}

#[test]
fn a_log_that_cannot_be_created_can_be_once_there_is_room() {
    let directory = tempfile::tempdir().unwrap();
    let name = "embedded_log::full_disk::a_process_that_opens_a_log_on_a_full_disk";
    let output = child(name, directory.path(), &limited(0)).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("cannot be created: File too large"), "{said}");
    open(directory.path());
}

#[tokio::test]
async fn a_disk_that_takes_no_new_file_stops_writing_and_loses_nothing() {
    // Given a log whose next segment cannot be made
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.create_topic(spec("t", 1)).await.expect("a topic");
    let next = directory.path().join(format!("segments/{:020}.log", 3));
    std::fs::create_dir(&next).unwrap();
    // When it is written to, faster than anybody can notice
    let error = write_until_error(&log).await;
    // Then writing ends with an error, and reading does not
    assert!(
        matches!(&error, Error::Storage { .. }) && hint(&error).is_some(),
        "{error}"
    );
    let acknowledged = offsets(&log, "t").await[0].end;
    let mut source = log
        .subscribe("r", &["t"], Start::Earliest)
        .await
        .expect("subscribed");
    for _ in 0..acknowledged {
        source.read(1).await.expect("readable");
    }
    drop((source, log));
    // And with the disk back, everything is there
    std::fs::remove_dir(&next).unwrap();
    let log = open(directory.path());
    assert_eq!(read_all(&log, "t").await.len() as u64, acknowledged);
}
