//! `kill -9` at any instant.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use bytes::Bytes;
use fedhost_base::observer::NoObserver;
use fedhost_bus::spool::Spooled;
use fedhost_bus::{Admin, Bus, Write};
use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::support::{
    CHILD_DIRECTORY, NAME, Remote, child, close, options, record, within_a_minute, write,
};

async fn open(directory: &Path) -> (Arc<Remote>, Spooled) {
    let remote = Arc::new(Remote::at(&directory.join("remote")).await);
    let observer = Arc::new(NoObserver);
    let options = options(directory, 1 << 20, observer);
    let bus = Arc::clone(&remote) as Arc<dyn Bus>;
    (
        remote,
        Spooled::open(options, bus, NAME)
            .await
            .expect("the spool opens"),
    )
}

/// Several records and a state, all with its number.
fn numbered_write(number: u64) -> Write {
    let records = (0..=number % 7)
        .map(|part| record(format!("{number} {part}")))
        .collect();
    Write {
        records,
        state: vec![("s".to_owned(), Some(Bytes::from(number.to_string())))],
        ..Write::default()
    }
}

async fn last(spool: &Spooled) -> Option<u64> {
    spool
        .state("s")
        .await
        .expect("state")
        .map(|number| str::from_utf8(&number).unwrap().parse().unwrap())
}

/// Not a promise of its own: in a process of its own, it writes and says so until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_writes_until_it_is_killed() {
    let Some(directory) = std::env::var_os(CHILD_DIRECTORY) else {
        return;
    };
    let (_remote, spool) = open(Path::new(&directory)).await;
    for number in last(&spool).await.map_or(0, |last| last + 1).. {
        write(&spool, numbered_write(number)).await;
        let mut out = std::io::stdout().lock();
        out.write_all(format!("\naccepted {number}\n").as_bytes())
            .unwrap();
        out.flush().unwrap();
    }
}

/// Lets a process write, kills it after `count` writes, and gives back the last that it had
/// accepted.
fn accepted_before_a_kill(directory: &Path, count: usize) -> u64 {
    let mut child = child(
        "spool::kill::a_process_that_writes_until_it_is_killed",
        directory,
        r#"exec "$@""#,
    );
    let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
    let mut accepted = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        accepted.extend(
            line.unwrap()
                .strip_prefix("accepted ")
                .and_then(|number| number.parse::<u64>().ok()),
        );
        if accepted.len() == count {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(
        accepted.len() >= count,
        "the process ended by itself after {} of {count}",
        accepted.len()
    );
    accepted.into_iter().max().unwrap()
}

#[tokio::test]
async fn a_killed_process_loses_nothing_it_accepted_and_repeats_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let seed = 20_240_602;
    let mut random = StdRng::seed_from_u64(seed);
    for kill in 0..8 {
        // Given a process that was killed at some instant, on what its killed forerunners left
        let accepted = accepted_before_a_kill(directory.path(), random.random_range(1..200));
        // When the spool is opened again
        let (remote, spool) = open(directory.path()).await;
        let last = within_a_minute(last(&spool))
            .await
            .expect("something has arrived");
        close(&spool).await;
        // Then everything accepted has arrived, once, in order and whole
        assert!(
            last >= accepted,
            "seed {seed}, kill {kill}: {last} arrived, {accepted} was accepted"
        );
        let values = (0..=last)
            .flat_map(|number| numbered_write(number).records)
            .map(|record| record.value);
        let expected: Vec<String> = values
            .map(|value| String::from_utf8(value.to_vec()).unwrap())
            .collect();
        assert!(
            remote.arrived().await == expected,
            "seed {seed}, kill {kill}"
        );
    }
}
