//! Closing, ends without warning, and who continues.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use fedhost_base::event::{BusEvent, Damage, Event};
use fedhost_bus::spool::Spooled;
use fedhost_bus::{Admin, Bus, Error, Sink, Start};

use super::support::{Bench, Mood, NAME, TOPIC, close, numbered, texts, within_a_minute, write};

#[tokio::test]
async fn what_waits_survives_an_end_without_warning_and_arrives_first() {
    within_a_minute(async {
        // Given spools that ended without a word, one after the other, while the bus was away
        let bench = Bench::new().await;
        bench.remote.is(Mood::Away);
        for round in 0..5 {
            let spool = bench.open().await;
            assert_eq!(bench.recorder.metric("spool_records"), (round * 10) as f64);
            for number in 0..10 {
                write(&spool, numbered(round * 10 + number)).await;
            }
            drop(spool);
        }
        // When the next one finds the bus back
        let spool = bench.open().await;
        bench.remote.is(Mood::Well);
        write(&spool, numbered(50)).await;
        spool.state("any").await.expect("it is back");
        // Then everything has arrived in the order in which it was written
        assert_eq!(bench.remote.arrived().await, texts(0..51));
        close(&spool).await;
    })
    .await;
}

#[tokio::test]
async fn an_end_between_arriving_and_forgetting_repeats_nothing() {
    within_a_minute(async {
        let bench = Bench::new().await;
        let mut arrived = 0;
        for _ in 0..5 {
            // Given a bus that takes writes that it never confirms to the spool
            bench.remote.is(Mood::Silent);
            let spool = bench.open().await;
            for _ in 0..3 {
                write(&spool, numbered(arrived)).await;
                arrived += 1;
            }
            bench.remote.arrives(arrived - 2).await;
            // When the spool ends like that, then the next one writes only what has not arrived
            drop(spool);
            bench.remote.is(Mood::Well);
            let spool = bench.open().await;
            spool.state("any").await.expect("state");
            assert_eq!(bench.remote.arrived().await, texts(0..arrived));
            close(&spool).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_new_spool_does_not_take_an_earlier_one_s_ticket_for_its_own() {
    let bench = Bench::new().await;
    let spool = bench.open().await;
    for number in 0..10 {
        write(&spool, numbered(number)).await;
    }
    close(&spool).await;
    // Given a disk that has forgotten the spool, so that its counting begins again
    fs::remove_dir_all(bench.directory.path().join(NAME)).unwrap();
    // When a spool is made there again, and ends before it has reached the bus
    bench.remote.is(Mood::Away);
    let spool = bench.open().await;
    write(&spool, numbered(10)).await;
    drop(spool);
    // Then its writes arrive
    bench.remote.is(Mood::Well);
    let spool = bench.open().await;
    close(&spool).await;
    assert_eq!(bench.remote.arrived().await, texts(0..11));
}

#[tokio::test]
async fn a_process_that_stands_by_leaves_what_waits_alone() {
    within_a_minute(async {
        // Given writes that wait from an earlier process
        let bench = Bench::new().await;
        bench.remote.is(Mood::Away);
        let spool = bench.open().await;
        for number in 0..3 {
            write(&spool, numbered(number)).await;
        }
        drop(spool);
        bench.remote.is(Mood::Well);
        // When a process only opens the spool, and is stopped before it is its turn
        let left = bench.open().await.close(Duration::from_secs(60)).await;
        // Then it ends at once, and has carried nothing over
        assert_eq!(left, 3);
        assert!(bench.remote.arrived().await.is_empty());
        close(&bench.open().await).await;
        assert_eq!(bench.remote.arrived().await, texts(0..3));
    })
    .await;
}

#[tokio::test]
async fn closing_waits_no_longer_than_it_may_and_leaves_the_rest() {
    within_a_minute(async {
        let bench = Bench::new().await;
        let spool = bench.open().await;
        let mut source = spool
            .subscribe("g", &[TOPIC], Start::Earliest)
            .await
            .expect("subscribed");
        bench.remote.is(Mood::Away);
        for number in 0..3 {
            write(&spool, numbered(number)).await;
        }
        // When a spool is closed whose bus is away
        let left = spool.close(Duration::from_millis(50)).await;
        // Then it says how much is left, and takes nothing more
        assert_eq!(left, 3);
        assert!(matches!(spool.write(numbered(3)).await, Err(Error::Closed)));
        assert!(matches!(spool.state("s").await, Err(Error::Closed)));
        assert!(matches!(source.read(1).await, Err(Error::Closed)));
        // And the next one carries it over
        bench.remote.is(Mood::Well);
        let next = bench.open().await;
        close(&next).await;
        assert_eq!(bench.remote.arrived().await, texts(0..3));
    })
    .await;
}

#[tokio::test]
async fn a_spool_has_one_owner() {
    let bench = Bench::new().await;
    let spool = bench.open().await;
    let remote = Arc::clone(&bench.remote) as Arc<dyn Bus>;
    let error = Spooled::open(bench.options(1), remote, NAME)
        .await
        .err()
        .expect("refused");
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    close(&spool).await;
}

#[tokio::test]
async fn a_spool_whose_writer_was_replaced_ends_for_good() {
    within_a_minute(async {
        let bench = Bench::new().await;
        let spool = bench.open().await;
        let mut source = spool.subscribe("g", &[TOPIC], Start::Earliest).await.expect("subscribed");
        // When the bus says that another writer has taken over
        bench.remote.is(Mood::Fenced);
        write(&spool, numbered(0)).await;
        // Then every verb says so
        let lost = |error: &Error| matches!(error, Error::Lost { reason, .. } if reason == "another took over");
        assert!(lost(&source.read(1).await.expect_err("lost")));
        assert!(lost(&spool.write(numbered(1)).await.expect_err("lost")));
        assert!(lost(&spool.state("s").await.expect_err("lost")));
        assert!(lost(&spool.subscribe("h", &[TOPIC], Start::Earliest).await.err().expect("lost")));
        // And what was accepted stays for the next one
        assert_eq!(spool.close(Duration::from_secs(60)).await, 1);
        bench.remote.is(Mood::Well);
        close(&bench.open().await).await;
        assert_eq!(bench.remote.arrived().await, texts(0..1));
    })
    .await;
}

#[tokio::test]
async fn what_a_disk_has_damaged_is_told_and_the_rest_arrives() {
    within_a_minute(async {
        // Given a spool on a disk that has changed a byte in the middle
        let bench = Bench::new().await;
        bench.remote.is(Mood::Away);
        let spool = bench.open().await;
        for number in 0..20 {
            write(&spool, numbered(format!("number-{number}"))).await;
        }
        drop(spool);
        damage(&bench.directory.path().join(NAME), b"number-7");
        // When it is opened
        bench.remote.is(Mood::Well);
        let spool = bench.open().await;
        close(&spool).await;
        // Then the loss is reported, and nothing else is lost
        let expected: Vec<String> =
            (0..20).filter(|number| *number != 7).map(|number| format!("number-{number}")).collect();
        assert_eq!(bench.remote.arrived().await, expected);
        let told = |event: &Event| {
            matches!(event, Event::Bus(BusEvent::LogDamaged(Damage { topic, from: 7, to: 8, .. })) if topic == "spool of fog-node-1")
        };
        assert_eq!(bench.recorder.count(told), 1);
    })
    .await;
}

/// Changes a byte of the log where it holds `what`.
fn damage(directory: &std::path::Path, what: &[u8]) {
    for entry in directory.join("segments").read_dir().unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_some_and(|extension| extension == "log") {
            let mut content = fs::read(&file).unwrap();
            let at = content
                .windows(what.len())
                .position(|window| window == what)
                .expect("it is there");
            content[at] ^= 1;
            fs::write(&file, content).unwrap();
        }
    }
}
