//! Roles whose work no other process does: they begin while the bus is away.

use std::sync::Arc;

use bytes::Bytes;
use fedhost_base::event::{Event, RunEvent};
use fedhost_bus::spool::{self, Spooled};
use fedhost_bus::{Bus, Error, Sink, Write};

use super::support::{Bench, Mood, NAME, close, numbered, texts, within_a_minute, write};

async fn open(bench: &Bench, away: bool) -> Spooled {
    let options = spool::Options {
        alone: true,
        away,
        ..bench.options(1 << 20)
    };
    Spooled::open(options, Arc::clone(&bench.remote) as Arc<dyn Bus>, NAME)
        .await
        .expect("the spool opens")
}

/// The work of a role that counts what it has done.
fn step(number: u64) -> Write {
    let state = vec![(
        "count".to_owned(),
        Some(Bytes::from((number + 1).to_string())),
    )];
    Write {
        state,
        ..numbered(number)
    }
}

async fn count(bus: &dyn Bus) -> u64 {
    let count = bus.state("count").await.expect("an answer");
    count.map_or(0, |count| str::from_utf8(&count).unwrap().parse().unwrap())
}

#[tokio::test]
async fn a_role_begins_and_goes_on_while_the_bus_is_away_and_everything_arrives_once() {
    within_a_minute(async {
        // Given a bus that is away
        let bench = Bench::new().await;
        bench.remote.is(Mood::Away);
        // When a role begins, and begins again after a crash
        for begin in [0, 3, 6] {
            let spool = open(&bench, true).await;
            assert_eq!(count(&spool).await, begin, "it continues where it was");
            for number in begin..begin + 3 {
                write(&spool, step(number)).await;
            }
        }
        // And the bus comes
        bench.remote.is(Mood::Well);
        let spool = open(&bench, false).await;
        assert_eq!(count(&spool).await, 9);
        close(&spool).await;
        // Then everything is there once
        assert_eq!(bench.remote.arrived().await, texts(0..9));
        // And also without anything waiting it is known here how far it has come
        bench.remote.is(Mood::Away);
        assert_eq!(count(&open(&bench, true).await).await, 9);
    })
    .await;
}

#[tokio::test]
async fn a_bus_that_does_not_answer_after_all_is_not_waited_for() {
    within_a_minute(async {
        let bench = Bench::new().await;
        bench.remote.is(Mood::Away);
        assert_eq!(count(&open(&bench, false).await).await, 0);
    })
    .await;
}

#[tokio::test]
async fn what_another_machine_has_gone_on_from_is_not_overwritten() {
    within_a_minute(async {
        // Given a role that worked here, and then on another machine
        let (here, there) = (Bench::new().await, Bench::new().await);
        let spool = open(&here, false).await;
        write(&spool, step(0)).await;
        close(&spool).await;
        let options = spool::Options {
            alone: true,
            ..there.options(1 << 20)
        };
        let spool = Spooled::open(options, Arc::clone(&here.remote) as Arc<dyn Bus>, NAME)
            .await
            .expect("it opens");
        assert_eq!(count(&spool).await, 1);
        write(&spool, step(1)).await;
        write(&spool, step(2)).await;
        close(&spool).await;
        // When it begins here again without the bus, from what it knows
        here.remote.is(Mood::Away);
        let spool = open(&here, true).await;
        assert_eq!(count(&spool).await, 1);
        write(&spool, step(1)).await;
        here.remote.is(Mood::Well);
        // Then it is cut off as soon as that shows
        here.recorder
            .until(|recorder| {
                recorder.count(|event| matches!(event, Event::Run(RunEvent::Warned { .. }))) == 1
            })
            .await;
        let error = loop {
            if let Err(error) = spool.write(numbered("more")).await {
                break error;
            }
        };
        assert!(matches!(error, Error::Lost { .. }), "{error}");
        drop(spool);
        // And nothing came twice, nor is what it did lost
        assert_eq!(here.remote.arrived().await, texts(0..3));
        let folder = std::fs::read_dir(here.directory.path().join(NAME).join("set-aside"))
            .expect("a folder");
        assert!(folder.count() >= 1);
        // And with the bus it continues from what is true
        let spool = open(&here, false).await;
        assert_eq!(count(&spool).await, 3);
        write(&spool, step(3)).await;
        close(&spool).await;
        assert_eq!(here.remote.arrived().await, texts(0..4));
    })
    .await;
}

#[tokio::test]
async fn work_that_goes_on_from_another_machine_s_is_kept_through_outages_and_restarts() {
    within_a_minute(async {
        // Given a role that worked on another machine
        let (here, there) = (Bench::new().await, Bench::new().await);
        let options = spool::Options {
            alone: true,
            ..there.options(1 << 20)
        };
        let spool = Spooled::open(options, Arc::clone(&here.remote) as Arc<dyn Bus>, NAME)
            .await
            .expect("it opens");
        write(&spool, step(0)).await;
        close(&spool).await;
        // When it begins here, and again while the bus is away, before it has written anything
        drop(open(&here, false).await);
        let spool = open(&here, false).await;
        assert_eq!(count(&spool).await, 1);
        drop(spool);
        here.remote.is(Mood::Away);
        let spool = open(&here, true).await;
        assert_eq!(count(&spool).await, 1);
        write(&spool, step(1)).await;
        drop(spool);
        let spool = open(&here, true).await;
        assert_eq!(count(&spool).await, 2);
        write(&spool, step(2)).await;
        here.remote.is(Mood::Well);
        close(&spool).await;
        // Then all of it arrives
        assert_eq!(here.remote.arrived().await, texts(0..3));
    })
    .await;
}
