//! Full spools, and full disks.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use fedhost_base::event::{Event, RunEvent};
use fedhost_base::observer::Observer;
use fedhost_bus::spool::Spooled;
use fedhost_bus::{Bus, Error, Sink, Write};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::support::{
    Bench, CHILD_DIRECTORY, Mood, NAME, Recorder, Remote, child, close, numbered, options, record,
    texts, within_a_minute, write,
};

async fn is_waiting<T>(mut future: std::pin::Pin<&mut impl Future<Output = T>>) -> bool {
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
}

#[tokio::test]
async fn a_full_spool_makes_its_writer_wait_and_drops_nothing() {
    within_a_minute(async {
        // Given a spool with room for about ten writes, whose bus is away
        let bench = Bench::new().await;
        bench.remote.is(Mood::Away);
        let spool = bench.open_with(10_000).await;
        let large = |number: u64| Write { records: vec![record(format!("{number:0>900}"))], ..Write::default() };
        for number in 0..10 {
            write(&spool, large(number)).await;
        }
        bench.recorder.until(|recorder| recorder.trouble("spool of fog-node-1").is_some()).await;
        // When one more is written, then it waits, and that is reported
        let mut waiting = pin!(spool.write(large(10)));
        assert!(is_waiting(waiting.as_mut()).await);
        let full = |event: &Event| matches!(event, Event::Run(RunEvent::Warned { detail, .. }) if detail.contains("is full"));
        bench.recorder.until(|recorder| recorder.count(full) == 1).await;
        assert!(is_waiting(waiting.as_mut()).await);
        assert!(bench.recorder.metric("spool_bytes") <= 10_000.0);
        // And it continues as soon as the bus takes something
        bench.remote.is(Mood::Well);
        waiting.await.expect("accepted");
        close(&spool).await;
        let arrived = bench.remote.arrived().await;
        let numbers: Vec<String> = arrived.iter().map(|value| value.parse::<u64>().unwrap().to_string()).collect();
        assert_eq!(numbers, texts(0..11));
    })
    .await;
}

#[tokio::test]
async fn a_writer_that_waits_for_room_is_told_when_the_spool_ends() {
    within_a_minute(async {
        let bench = Bench::new().await;
        bench.remote.is(Mood::Away);
        let spool = bench.open_with(1).await;
        write(&spool, numbered(0)).await;
        let mut waiting = pin!(spool.write(numbered(1)));
        assert!(is_waiting(waiting.as_mut()).await);
        bench.remote.is(Mood::Fenced);
        assert!(matches!(waiting.await, Err(Error::Lost { .. })));
    })
    .await;
}

#[tokio::test]
async fn a_write_larger_than_the_spool_goes_alone_through_an_empty_one() {
    within_a_minute(async {
        let bench = Bench::new().await;
        let spool = bench.open_with(1_000).await;
        for number in 0..5 {
            let records = vec![record(number.to_string()), record(vec![b'x'; 100_000])];
            write(
                &spool,
                Write {
                    records,
                    ..Write::default()
                },
            )
            .await;
        }
        close(&spool).await;
        let arrived = bench.remote.arrived().await;
        assert_eq!(
            arrived.into_iter().step_by(2).collect::<Vec<_>>(),
            texts(0..5)
        );
    })
    .await;
}

/// Not a promise of its own: in a process of its own, it writes on a disk that is full for a while.
#[tokio::test]
async fn a_process_whose_disk_is_full_for_a_while() {
    let Some(directory) = std::env::var_os(CHILD_DIRECTORY) else {
        return;
    };
    let (directory, recorder) = (Path::new(&directory), Arc::new(Recorder::default()));
    let remote = Arc::new(Remote::at(&directory.join("remote")).await);
    remote.is(Mood::Away);
    let observer = Arc::clone(&recorder) as Arc<dyn Observer>;
    let options = options(directory, 1 << 30, observer);
    let bus = Arc::clone(&remote) as Arc<dyn Bus>;
    let spool = Spooled::open(options, bus, NAME)
        .await
        .expect("the spool opens");
    // Given a file size of half a megabyte at the most
    let all = getrlimit(Resource::Fsize);
    setrlimit(
        Resource::Fsize,
        Rlimit {
            current: Some(512 << 10),
            ..all
        },
    )
    .unwrap();
    // When more is written, then the writer waits, and the process is not ready
    let (writer, heard) = (
        write_much(&spool),
        recorder.until(|recorder| {
            recorder
                .trouble("disk of the spool of fog-node-1")
                .is_some()
        }),
    );
    let mut writer = pin!(writer);
    tokio::select! {
        () = &mut writer => panic!("the disk was never full"),
        () = heard => {}
    }
    // And continues as soon as there is room
    setrlimit(Resource::Fsize, all).unwrap();
    writer.await;
    assert_eq!(recorder.trouble("disk of the spool of fog-node-1"), None);
    remote.is(Mood::Well);
    close(&spool).await;
    let arrived = remote.arrived().await;
    let numbers: Vec<String> = arrived
        .iter()
        .map(|value| value.parse::<u64>().unwrap().to_string())
        .collect();
    assert_eq!(numbers, texts(0..1_000));
    println!("\nall has arrived");
}

async fn write_much(spool: &Spooled) {
    for number in 0..1_000_u64 {
        write(
            spool,
            Write {
                records: vec![record(format!("{number:0>2000}"))],
                ..Write::default()
            },
        )
        .await;
    }
}

#[tokio::test]
async fn a_full_disk_makes_the_writer_wait_and_costs_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let name = "spool::bounds::a_process_whose_disk_is_full_for_a_while";
    let output = child(name, directory.path(), r#"trap "" XFSZ; exec "$@""#)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && said.contains("all has arrived"),
        "{said}"
    );
}
