//! Writes that can never arrive: refused at once, or set aside without holding up the others.

use std::path::PathBuf;

use bytes::Bytes;
use fedhost_base::event::{Event, RunEvent};
use fedhost_base::hint::hint;
use fedhost_bus::{Admin, Error, Sink, Write};
use serde_json::Value;

use super::support::{Bench, Mood, NAME, close, numbered, offset, within_a_minute, write};

/// Files in which writes were set aside.
fn files(bench: &Bench) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(bench.directory.path().join(NAME).join("set-aside"));
    folder.map_or_else(
        |_| Vec::new(),
        |folder| folder.map(|entry| entry.unwrap().path()).collect(),
    )
}

#[tokio::test]
async fn a_write_that_has_become_too_large_is_set_aside_and_holds_up_nobody() {
    within_a_minute(async {
        // Given a write among others that was accepted, and whose topic takes only smaller records
        // by now
        let bench = Bench::new().await;
        bench.remote.is(Mood::Away);
        let spool = bench.open().await;
        for value in ["0", "1"] {
            write(&spool, numbered(value)).await;
        }
        let state = vec![("s".to_owned(), Some(Bytes::from("of the bad one")))];
        write(
            &spool,
            Write {
                state,
                offsets: vec![offset(3)],
                ..numbered("bad")
            },
        )
        .await;
        for value in ["3", "4"] {
            write(&spool, numbered(value)).await;
        }
        // When the bus is there
        bench.remote.is(Mood::Narrow);
        spool
            .state("any")
            .await
            .expect("no call waits for what never arrives");
        // Then the others have arrived, in order
        assert_eq!(bench.remote.arrived().await, ["0", "1", "3", "4"]);
        // And that one lies in a file with all that it held, which is announced by its name
        let [file] = &*files(&bench) else {
            panic!("one file in {:?}", files(&bench))
        };
        let name = file.display().to_string();
        let told =
            |event: &Event| matches!(event, Event::Run(RunEvent::Warned { detail, .. }) if detail.contains(&name));
        assert_eq!(bench.recorder.count(told), 1);
        let kept: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        assert_eq!(
            (&kept["records"][0]["value"], &kept["records"][0]["topic"]),
            (&"YmFk".into(), &"t".into())
        );
        assert_eq!(
            (&kept["state"][0]["name"], &kept["offsets"][0]["next"]),
            (&"s".into(), &3.into())
        );
        close(&spool).await;
    })
    .await;
}

#[tokio::test]
async fn a_write_that_was_set_aside_stays_so_after_a_restart() {
    within_a_minute(async {
        let bench = Bench::new().await;
        bench.remote.is(Mood::Away);
        let spool = bench.open().await;
        for value in ["0", "bad"] {
            write(&spool, numbered(value)).await;
        }
        bench.remote.is(Mood::Narrow);
        spool.state("any").await.expect("drained");
        drop(spool);
        let spool = bench.open().await;
        write(&spool, numbered("2")).await;
        close(&spool).await;
        assert_eq!(bench.remote.arrived().await, ["0", "2"]);
        assert_eq!(files(&bench).len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_the_bus_knows_to_be_too_large_is_not_accepted() {
    let bench = Bench::new().await;
    // Given a bus whose rules are known, before and after it answers
    bench.remote.is(Mood::Narrow);
    let spool = bench.open().await;
    for _ in 0..2 {
        // When a write is against them, then it is refused with a remedy, and nothing waits
        let error = spool.write(numbered("bad")).await.expect_err("refused");
        assert!(
            matches!(error, Error::TooLarge { .. }) && hint(&error).is_some(),
            "{error}"
        );
        spool.state("any").await.expect("nothing waits");
    }
    close(&spool).await;
    assert_eq!(files(&bench).len(), 0);
}
