//! Bytes that change on the disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use fedhost_base::event::Damage;
use fedhost_bus::embedded::{EmbeddedLog, Options};
use fedhost_bus::{Admin, Error, Record, Sink, Write};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::support::{files, offsets, options, read_all, record, spec, write};

const PARTITIONS: u32 = 2;

/// What a record holds: it follows from its place.
fn content(partition: u32, offset: u64) -> Vec<u8> {
    let length = 20 + (offset * 37 % 300) as usize;
    format!("{partition}/{offset}/")
        .into_bytes()
        .into_iter()
        .cycle()
        .take(length)
        .collect()
}

/// Appends batches of several sizes, one a write, each with the state `s` that counts them.
async fn append(log: &EmbeddedLog, batches: u64, written: &mut Written) {
    for batch in 0..batches {
        for partition in 0..PARTITIONS {
            let next = &mut written.next[partition as usize];
            let offsets = *next..*next + 1 + batch % 9;
            *next = offsets.end;
            written.writes += 1;
            let records = offsets
                .map(|offset| record("t", partition, content(partition, offset)))
                .collect();
            let state = vec![("s".to_owned(), Some(written.writes.to_string().into()))];
            log.write(Write {
                records,
                state,
                ..Write::default()
            })
            .await
            .expect("written");
        }
    }
}

/// What a log holds.
#[derive(Default)]
struct Written {
    /// The next offset of each partition.
    next: [u64; PARTITIONS as usize],
    writes: u64,
}

async fn empty_log(directory: &Path, segment_bytes: u64) -> EmbeddedLog {
    let log = EmbeddedLog::open(Options {
        segment_bytes,
        ..options(directory).0
    })
    .expect("the log opens");
    log.create_topic(spec("t", PARTITIONS))
        .await
        .expect("a topic");
    log
}

/// A closed log whose records are all in one segment.
async fn log_in_one_segment(directory: &Path) -> Written {
    let mut written = Written::default();
    let log = empty_log(directory, 16 << 20).await;
    append(&log, 40, &mut written).await;
    written
}

/// A closed log with records in several segments.
async fn log_in_segments(directory: &Path) -> Written {
    let mut written = Written::default();
    let log = empty_log(directory, 32 << 10).await;
    while segments(directory).len() < 7 {
        append(&log, 5, &mut written).await;
    }
    written
}

/// The segments, oldest first.
fn segments(directory: &Path) -> Vec<PathBuf> {
    let mut found = files(directory);
    found.retain(|file| is_segment(file));
    found
}

/// A directory's files, to be put back after each trial.
struct Pristine(BTreeMap<PathBuf, Vec<u8>>);

impl Pristine {
    fn of(directory: &Path) -> Self {
        Self(
            files(directory)
                .into_iter()
                .map(|file| (file.clone(), fs::read(file).unwrap()))
                .collect(),
        )
    }

    fn restore(&self, directory: &Path) {
        for file in files(directory) {
            if !self.0.contains_key(&file) {
                fs::remove_file(file).unwrap();
            }
        }
        for (file, content) in &self.0 {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
    }
}

/// What opening and reading a damaged log gave.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// Nothing missing.
    Whole,
    /// Something is missing, and exactly that was announced.
    Partial,
    /// The newest write is missing, and that a write is missing was announced.
    Shortened,
    /// Refused as a whole.
    Unreadable,
}

async fn outcome(directory: &Path, written: &Written) -> Outcome {
    let (options, announced) = options(directory);
    let log = match EmbeddedLog::open(options) {
        Ok(log) => log,
        Err(Error::Unreadable { hint, .. }) if !hint.is_empty() => return Outcome::Unreadable,
        Err(other) => panic!("{other}"),
    };
    // As every program does when it starts: a lost write may be the one that created the topic.
    log.create_topic(spec("t", PARTITIONS))
        .await
        .expect("a topic");
    let ends = offsets(&log, "t").await;
    let records = read_all(&log, "t").await;
    let announced = announced.lock().unwrap().clone();
    let mut missing = 0;
    for partition in 0..PARTITIONS {
        let end = ends[partition as usize].end;
        let mine = |record: &&Record| record.position.partition == partition;
        let mut found = records.iter().filter(mine).peekable();
        for offset in 0..end {
            if let Some(record) = found.next_if(|record| record.position.offset == offset) {
                // Never anything else than what was written
                assert_eq!(
                    record.value,
                    content(partition, offset),
                    "partition {partition}, offset {offset}"
                );
            } else {
                missing += 1;
                let told = |damage: &&Damage| {
                    damage.topic == "t"
                        && damage.partition == partition
                        && (damage.from..damage.to).contains(&offset)
                };
                assert_eq!(
                    announced.iter().filter(told).count(),
                    1,
                    "partition {partition}, {offset}: {announced:?}"
                );
            }
        }
        assert!(found.next().is_none());
    }
    // Nothing was called damaged that is there
    let told: u64 = announced
        .iter()
        .filter(|damage| damage.topic == "t")
        .map(|damage| damage.to - damage.from)
        .sum();
    assert_eq!(told, missing, "{announced:?}");
    // State is the newest that is left
    let state = log
        .state("s")
        .await
        .expect("state")
        .map(|state| str::from_utf8(&state).unwrap().parse::<u64>().unwrap());
    let stale = state != Some(written.writes);
    assert!(state <= Some(written.writes));
    // And the log takes new records
    write(&log, vec![record("t", 0, "new")]).await;
    let shortened =
        (0..PARTITIONS as usize).any(|partition| ends[partition].end < written.next[partition]);
    assert!(
        !(shortened || stale) || announced.iter().any(|damage| damage.topic.is_empty()),
        "lost without a word: {ends:?}"
    );
    match (shortened, missing) {
        (true, _) => Outcome::Shortened,
        (false, 0) => Outcome::Whole,
        (false, _) => Outcome::Partial,
    }
}

fn is_segment(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "log")
}

/// Changes one byte of one of the log's files at a time, and counts what came of it.
async fn trials(
    directory: &Path,
    written: &Written,
    trials: impl Fn(&Path) -> usize,
) -> BTreeMap<Outcome, u32> {
    let pristine = Pristine::of(directory);
    assert_eq!(outcome(directory, written).await, Outcome::Whole);
    let seed = 7;
    let mut random = StdRng::seed_from_u64(seed);
    let mut seen = BTreeMap::new();
    for (file, content) in pristine.0.iter().filter(|(_, content)| !content.is_empty()) {
        for trial in 0..trials(file) {
            pristine.restore(directory);
            let at = match trial {
                0 => 0,
                1 => content.len() - 1,
                _ => random.random_range(0..content.len()),
            };
            let mut damaged = content.clone();
            damaged[at] ^= random.random_range(1..=255_u8);
            fs::write(file, damaged).unwrap();
            println!("seed {seed}: byte {at} of {}", file.display());
            *seen.entry(outcome(directory, written).await).or_default() += 1;
        }
    }
    println!("{seen:?}");
    seen
}

#[tokio::test]
async fn a_damaged_newest_segment_loses_the_write_that_was_hit_and_no_other() {
    // Given a log whose records are all in one segment, which is gone through when it opens
    let directory = tempfile::tempdir().unwrap();
    let written = log_in_one_segment(directory.path()).await;
    // When any byte of it changes
    let seen = trials(directory.path(), &written, |file| {
        if is_segment(file) { 60 } else { 0 }
    })
    .await;
    // Then the log opens, what is lost is reported, and nothing wrong is shown
    assert!(
        !seen.contains_key(&Outcome::Unreadable) && seen[&Outcome::Partial] > 30,
        "{seen:?}"
    );
}

#[tokio::test]
async fn damage_anywhere_loses_the_batches_that_were_hit_and_no_others() {
    // Given a log with records in several segments
    let directory = tempfile::tempdir().unwrap();
    let written = log_in_segments(directory.path()).await;
    // When any byte of any file changes
    let seen = trials(directory.path(), &written, |_| 5).await;
    // Then what is lost is reported, nothing wrong is shown, and nothing is refused
    assert!(
        seen[&Outcome::Partial] > 5 && !seen.contains_key(&Outcome::Unreadable),
        "{seen:?}"
    );
}

#[tokio::test]
async fn files_cut_short_or_emptied_are_no_worse() {
    let directory = tempfile::tempdir().unwrap();
    let written = log_in_segments(directory.path()).await;
    let pristine = Pristine::of(directory.path());
    for (file, content) in pristine.0.iter().filter(|(_, content)| !content.is_empty()) {
        for length in [0, content.len() / 2] {
            pristine.restore(directory.path());
            fs::write(file, &content[..length]).unwrap();
            println!("{} cut to {length} of {}", file.display(), content.len());
            assert_ne!(
                outcome(directory.path(), &written).await,
                Outcome::Unreadable
            );
        }
    }
}

#[tokio::test]
async fn missing_files_are_reported_and_take_nothing_else_with_them() {
    // Given a log in several segments
    let directory = tempfile::tempdir().unwrap();
    let written = log_in_segments(directory.path()).await;
    let pristine = Pristine::of(directory.path());
    let newest = segments(directory.path()).pop().unwrap();
    for file in pristine.0.keys().filter(|file| !file.ends_with("lock")) {
        // When one file is missing
        pristine.restore(directory.path());
        fs::remove_file(file).unwrap();
        // Then what it held is reported; an index is made again from its segment
        let expected = match is_segment(file) {
            true if *file == newest => Outcome::Shortened,
            true => Outcome::Partial,
            false => Outcome::Whole,
        };
        println!("{}", file.display());
        assert_eq!(outcome(directory.path(), &written).await, expected);
    }
}

#[tokio::test]
async fn a_write_of_which_a_part_never_reached_the_disk_is_gone_as_a_whole() {
    // Given a log that was not closed, with two writes to two partitions
    let directory = tempfile::tempdir().unwrap();
    let log = empty_log(directory.path(), 16 << 20).await;
    for number in ["1", "2"] {
        let records = vec![
            record("t", 0, format!("first of {number}")),
            record("t", 1, format!("second of {number}")),
        ];
        let state = vec![("s".to_owned(), Some(number.into()))];
        log.write(Write {
            records,
            state,
            ..Write::default()
        })
        .await
        .expect("written");
    }
    let pristine = Pristine::of(directory.path());
    drop(log);
    pristine.restore(directory.path());
    // When the machine loses power before one of the blocks of the second write is on the disk
    let segment = segments(directory.path()).pop().unwrap();
    let mut content = fs::read(&segment).unwrap();
    let lost = b"second of 2";
    let at = content
        .windows(lost.len())
        .position(|window| window == lost)
        .expect("it is there");
    content[at..at + lost.len()].fill(0);
    fs::write(&segment, content).unwrap();
    // Then nothing of that write is there, and that is reported with the file
    let (options, announced) = options(directory.path());
    let log = EmbeddedLog::open(options).expect("the log opens");
    assert_eq!(offsets(&log, "t").await, [0..1, 0..1]);
    assert_eq!(log.state("s").await.expect("state"), Some("1".into()));
    let announced = announced.lock().unwrap();
    assert!(
        announced.len() == 1 && announced[0].detail.contains(segment.to_str().unwrap()),
        "{announced:?}"
    );
}
