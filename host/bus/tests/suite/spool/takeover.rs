//! Groups that another process has worked for meanwhile, and readers that begin behind what waited.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use fedhost_base::event::{Event, RunEvent};
use fedhost_bus::{Admin, Bus, NewRecord, Sink, Start, Write};

use super::support::{
    Bench, Mood, TOPIC, close, numbered, offset, record, text, texts, within_a_minute, write,
};

/// Input for the group, in partition 1.
async fn input(bench: &Bench, count: u64) {
    let new = |number: u64| NewRecord {
        partition: Some(1),
        ..record(number.to_string())
    };
    let records = (0..count).map(new).collect();
    bench
        .remote
        .log
        .write(Write {
            records,
            ..Write::default()
        })
        .await
        .expect("written");
}

/// The result of the input up to `next`.
fn result(next: u64) -> Write {
    Write {
        offsets: vec![offset(next)],
        ..numbered(next)
    }
}

fn left_out(event: &Event) -> bool {
    matches!(event, Event::Run(RunEvent::Warned { detail, .. }) if detail.contains("another process has done its work"))
}

#[tokio::test]
async fn work_that_another_process_has_done_meanwhile_is_left_out() {
    within_a_minute(async {
        // Given results that wait, of a group whose reader began at the start
        let bench = Bench::new().await;
        input(&bench, 10).await;
        let spool = bench.open().await;
        let reader = spool
            .subscribe("g", &[TOPIC], Start::Earliest)
            .await
            .expect("subscribed");
        bench.remote.is(Mood::Away);
        for next in [2, 4, 6, 8] {
            write(&spool, result(next)).await;
        }
        write(&spool, numbered("no offsets")).await;
        drop((reader, spool));
        // When another process has worked for that group meanwhile
        let other = Write {
            offsets: vec![offset(6)],
            ..numbered("other's")
        };
        bench.remote.log.write(other).await.expect("written");
        bench.remote.is(Mood::Well);
        let spool = bench.open().await;
        close(&spool).await;
        // Then what it has done is not done again, and what it has not done is; and it is reported
        assert_eq!(bench.remote.arrived().await, ["other's", "8", "no offsets"]);
        assert_eq!(
            bench.remote.log.group_offsets("g").await.expect("offsets"),
            [offset(8)]
        );
        assert_eq!(bench.recorder.count(left_out), 3);
    })
    .await;
}

#[tokio::test]
async fn the_work_of_a_timer_is_not_taken_for_another_s() {
    within_a_minute(async {
        // Given a group whose offsets are where its reader begins
        let bench = Bench::new().await;
        input(&bench, 10).await;
        bench
            .remote
            .log
            .write(Write {
                offsets: vec![offset(5)],
                ..Write::default()
            })
            .await
            .expect("written");
        let spool = bench.open().await;
        let reader = spool
            .subscribe("g", &[TOPIC], Start::Earliest)
            .await
            .expect("subscribed");
        // When results wait that do not move them, also after some that do, also after a restart
        for next in [5, 5, 7, 7] {
            bench.remote.is(Mood::Away);
            write(&spool, result(next)).await;
            bench
                .recorder
                .until(|recorder| recorder.trouble("spool of fog-node-1").is_some())
                .await;
            bench.remote.is(Mood::Well);
            spool.state("any").await.expect("it is back");
        }
        bench.remote.is(Mood::Away);
        write(&spool, result(7)).await;
        drop((reader, spool));
        bench.remote.is(Mood::Well);
        close(&bench.open().await).await;
        // Then all of them arrive
        assert_eq!(bench.remote.arrived().await, ["5", "5", "7", "7", "7"]);
        assert_eq!(bench.recorder.count(left_out), 0);
    })
    .await;
}

#[tokio::test]
async fn a_reader_begins_behind_what_was_waiting() {
    within_a_minute(async {
        // Given results that wait from an earlier process
        let bench = Bench::new().await;
        input(&bench, 10).await;
        bench.remote.is(Mood::Away);
        let spool = bench.open().await;
        write(&spool, result(6)).await;
        drop(spool);
        let spool = bench.open().await;
        // When their group reads again, as soon as the bus is back
        bench.remote.is(Mood::Well);
        let mut source = spool
            .subscribe("g", &[TOPIC], Start::Earliest)
            .await
            .expect("subscribed");
        // Then it continues behind them
        assert_eq!(source.positions()[&(TOPIC.into(), 1)], 6);
        source.seek(TOPIC, 0, 1);
        assert_eq!(text(&source.read(1).await.expect("readable")[0]), "6");
        // And waits for what comes, like any other
        source.seek(TOPIC, 1, 10);
        let mut waiting = pin!(source.read(1));
        assert!(
            std::future::poll_fn(|context| Poll::Ready(
                waiting.as_mut().poll(context).is_pending()
            ))
            .await
        );
        write(&spool, numbered("more")).await;
        assert_eq!(text(&waiting.await.expect("readable")[0]), "more");
        close(&spool).await;
    })
    .await;
}

#[tokio::test]
async fn a_spool_that_waits_for_its_reader_leaves_the_bus_alone_until_then() {
    within_a_minute(async {
        // Given results that wait from an earlier process
        let bench = Bench::new().await;
        input(&bench, 10).await;
        bench.remote.is(Mood::Away);
        let spool = bench.open().await;
        write(&spool, result(6)).await;
        drop(spool);
        bench.remote.is(Mood::Well);
        // When its role never gets a reader, then they stay
        assert_eq!(bench.open().await.close(Duration::from_secs(60)).await, 1);
        assert!(bench.remote.arrived().await.is_empty());
        // When it gets one, then they arrive, and it continues behind them
        let spool = bench.open().await;
        let source = spool
            .subscribe("g", &[TOPIC], Start::Earliest)
            .await
            .expect("subscribed");
        assert_eq!(source.positions()[&(TOPIC.into(), 1)], 6);
        assert_eq!(bench.remote.arrived().await, ["6"]);
        close(&spool).await;
    })
    .await;
}

#[tokio::test]
async fn a_group_s_own_results_are_never_left_out() {
    within_a_minute(async {
        let bench = Bench::new().await;
        input(&bench, 200).await;
        let mut spool = bench.open().await;
        let mut expected = Vec::new();
        for next in 1..=60 {
            // When a group's reader writes its results, through outages and restarts
            match next % 10 {
                3 => bench.remote.is(Mood::Away),
                6 => bench.remote.is(Mood::Well),
                9 => {
                    drop(spool);
                    spool = bench.open().await;
                    drop(
                        spool
                            .subscribe("g", &[TOPIC], Start::Earliest)
                            .await
                            .expect("subscribed"),
                    );
                }
                _ => {}
            }
            write(&spool, result(next)).await;
            expected.push(next.to_string());
        }
        close(&spool).await;
        // Then each arrives, once
        assert_eq!(bench.remote.arrived().await, expected);
        assert_eq!(expected, texts(1..61));
    })
    .await;
}
