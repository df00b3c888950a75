//! A bus that is away, that refuses, or whose answers get lost.

use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use fedhost_base::event::{BusEvent, Event};
use fedhost_bus::{Admin, Error, NewRecord, Sink, Write};

use super::support::{Bench, Mood, close, numbered, offset, record, texts, within_a_minute, write};

#[tokio::test]
async fn an_outage_is_waited_out_and_nothing_is_lost_reordered_or_repeated() {
    within_a_minute(async {
        // Given a spool whose bus goes away
        let bench = Bench::new().await;
        let spool = bench.open().await;
        for number in 0..10 {
            write(&spool, numbered(number)).await;
        }
        bench.remote.is(Mood::Away);
        // When more is written, then it is accepted all the same
        for number in 10..200 {
            write(&spool, numbered(number)).await;
        }
        // And the trouble is reported, with how much waits
        bench
            .recorder
            .until(|recorder| recorder.trouble("spool of fog-node-1").is_some())
            .await;
        bench
            .recorder
            .until(|recorder| recorder.metric("spool_records") >= 190.0)
            .await;
        assert!(bench.recorder.metric("spool_bytes") > 190.0);
        // When the bus is back, then everything has arrived, in order, once
        bench.remote.is(Mood::Well);
        spool.state("any").await.expect("it is back");
        assert_eq!(bench.remote.arrived().await, texts(0..200));
        // And all is well again
        bench
            .recorder
            .until(|recorder| recorder.trouble("spool of fog-node-1").is_none())
            .await;
        let metrics = [
            "spool_records",
            "spool_bytes",
            "spool_oldest_seconds",
            "spool_written",
            "spool_drained",
        ];
        assert_eq!(
            metrics.map(|name| bench.recorder.metric(name)),
            [0.0, 0.0, 0.0, 200.0, 200.0]
        );
        assert_eq!(
            bench
                .recorder
                .count(|event| matches!(event, Event::Bus(BusEvent::ConnectionLost { .. }))),
            1
        );
        assert_eq!(
            bench
                .recorder
                .count(|event| matches!(event, Event::Bus(BusEvent::ConnectionRestored { .. }))),
            1
        );
        close(&spool).await;
    })
    .await;
}

#[tokio::test]
async fn a_write_arrives_as_it_was_given() {
    let bench = Bench::new().await;
    let spool = bench.open().await;
    // Given a write with everything in it
    let headers = vec![
        ("h".to_owned(), Bytes::from("1")),
        ("h".to_owned(), Bytes::from("2")),
    ];
    let full = NewRecord {
        key: Some("key".into()),
        headers,
        timestamp_ms: 99,
        ..record("value")
    };
    let state = vec![("s".to_owned(), Some(Bytes::from("state")))];
    // When it is written, then it has no place yet
    let write = Write {
        records: vec![full.clone()],
        offsets: vec![offset(3)],
        state,
    };
    assert_eq!(spool.write(write).await.expect("accepted"), []);
    // And it arrives as a whole
    assert_eq!(
        spool.state("s").await.expect("state"),
        Some(Bytes::from("state"))
    );
    assert_eq!(
        spool.group_offsets("g").await.expect("offsets"),
        [offset(3)]
    );
    let newest = spool.newest("t").await.expect("readable").remove(0);
    let NewRecord {
        timestamp_ms,
        key,
        value,
        headers,
        ..
    } = full;
    assert_eq!(
        (
            newest.timestamp_ms,
            newest.key,
            newest.value,
            newest.headers
        ),
        (timestamp_ms, key, value, headers)
    );
    close(&spool).await;
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_not_repeated() {
    within_a_minute(async {
        let bench = Bench::new().await;
        let spool = bench.open().await;
        spool.state("any").await.expect("reachable");
        for round in 0..5 {
            // Given a bus that takes a write and cannot say so any more
            bench.remote.is(Mood::CutOff);
            write(&spool, numbered(2 * round)).await;
            bench
                .remote
                .mood
                .subscribe()
                .wait_for(|mood| *mood == Mood::Away)
                .await
                .unwrap();
            write(&spool, numbered(2 * round + 1)).await;
            // When it is back, then the write is there once
            bench.remote.is(Mood::Well);
            spool.state("any").await.expect("it is back");
        }
        assert_eq!(bench.remote.arrived().await, texts(0..10));
        close(&spool).await;
    })
    .await;
}

#[tokio::test]
async fn a_write_that_the_bus_refuses_is_kept_until_it_takes_it() {
    within_a_minute(async {
        // Given a write among others that the bus does not take
        let bench = Bench::new().await;
        bench.remote.is(Mood::Away);
        let spool = bench.open().await;
        for value in ["0", "1", "bad", "3"] {
            write(&spool, numbered(value)).await;
        }
        // When it is there, then what lies before that write arrives, and what is wrong is reported
        bench.remote.is(Mood::Strict);
        bench.recorder.until(|recorder| recorder.trouble("spool of fog-node-1").is_some_and(|why| why.ends_with("it is bad"))).await;
        bench.remote.arrives(2).await;
        let refused = |event: &Event| matches!(event, Event::Bus(BusEvent::ConnectionLost { hint, .. }) if hint == "repair it");
        bench.recorder.until(|recorder| recorder.count(refused) == 1).await;
        // And once the bus takes it, so does the rest
        bench.remote.is(Mood::Well);
        spool.state("any").await.expect("repaired");
        assert_eq!(bench.remote.arrived().await, ["0", "1", "bad", "3"]);
        close(&spool).await;
    })
    .await;
}

#[tokio::test]
async fn what_looks_at_the_bus_waits_for_what_was_accepted() {
    within_a_minute(async {
        let bench = Bench::new().await;
        let spool = bench.open().await;
        spool.state("any").await.expect("reachable");
        // Given a write that waits
        bench.remote.is(Mood::Away);
        let state = vec![("s".to_owned(), Some(Bytes::from("new")))];
        write(
            &spool,
            Write {
                state,
                ..numbered(0)
            },
        )
        .await;
        // When its state is asked for, then there is no answer yet
        let mut asked = pin!(spool.state("s"));
        let polled =
            std::future::poll_fn(|context| Poll::Ready(asked.as_mut().poll(context).is_pending()))
                .await;
        assert!(polled);
        // But once it has arrived
        bench.remote.is(Mood::Well);
        assert_eq!(asked.await.expect("state"), Some(Bytes::from("new")));
        assert_eq!(spool.topics().await.expect("topics")[0].offsets[0], 0..1);
        close(&spool).await;
    })
    .await;
}

#[tokio::test]
async fn what_can_never_arrive_is_refused_at_once() {
    let bench = Bench::new().await;
    let spool = bench.open().await;
    let one = |record| Write {
        records: vec![record],
        ..Write::default()
    };
    let unknown = NewRecord {
        topic: "unknown".into(),
        ..record("x")
    };
    let nowhere = NewRecord {
        partition: Some(2),
        ..record("x")
    };
    let large = record(vec![0; (1 << 20) + 1]);

    let error = spool
        .write(one(unknown.clone()))
        .await
        .expect_err("refused");
    assert!(
        matches!(&error, Error::UnknownTopic { topic } if topic == "unknown"),
        "{error}"
    );
    let error = spool.write(one(nowhere)).await.expect_err("refused");
    assert!(
        matches!(error, Error::UnknownPartition { partition: 2, .. }),
        "{error}"
    );
    let error = spool.write(one(large)).await.expect_err("refused");
    assert!(
        matches!(
            error,
            Error::TooLarge {
                bytes: 1_048_577,
                limit: 1_048_576,
                ..
            }
        ),
        "{error}"
    );
    // And a topic that is made later is known then
    bench
        .remote
        .log
        .create_topic(fedhost_bus::TopicSpec {
            name: "unknown".into(),
            partitions: 1,
            max_message_bytes: 1,
            ..Default::default()
        })
        .await
        .expect("a topic");
    write(&spool, one(unknown)).await;
    close(&spool).await;
    assert_eq!(
        bench
            .remote
            .log
            .newest("unknown")
            .await
            .expect("readable")
            .len(),
        1
    );
}
