//! What a bus promises to readers.

use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use fedhost_bus::{Error, GroupOffset, NewRecord, Start, Write};

use super::{Case, numbered, offsets, read, record, text, texts};

pub(crate) async fn each_partition_is_read_in_order(case: &Case) {
    // Given batches of several sizes, mixed over three partitions
    let topic = case.topic("t", 3).await;
    let mut expected = BTreeMap::<u32, Vec<(u64, String)>>::new();
    for start in [0, 1, 40, 41] {
        let end = if start % 2 == 0 {
            start + 1
        } else {
            start + 39
        };
        let records: Vec<_> = (0..3)
            .flat_map(|partition| numbered(&topic, partition, start..end))
            .collect();
        for (position, number) in case
            .write(records)
            .await
            .into_iter()
            .zip((start..end).cycle())
        {
            expected
                .entry(position.partition)
                .or_default()
                .push((position.offset, number.to_string()));
        }
    }
    // When they are read in odd pieces
    let mut source = case.read_from_start("g", &[&topic]).await;
    let mut seen = BTreeMap::<u32, Vec<(u64, String)>>::new();
    while seen.values().map(Vec::len).sum::<usize>() < 240 {
        for record in source.read(7).await.expect("readable") {
            let place = seen.entry(record.position.partition).or_default();
            place.push((record.position.offset, text(&record).to_owned()));
        }
    }
    // Then each partition came in order, complete
    assert_eq!(seen, expected);
    assert!(seen.values().all(|records| records.is_sorted()));
}

pub(crate) async fn a_reader_that_waits_is_woken(case: &Case) {
    let topics = [case.topic("a", 1).await, case.topic("b", 2).await];
    let mut source = case.read_from_start("g", &[&topics[0], &topics[1]]).await;
    for (round, (topic, partition)) in [(0, 0), (1, 1), (1, 0), (0, 0)].into_iter().enumerate() {
        // Given a reader with nothing to read
        let mut waiting = pin!(source.read(10));
        assert!(poll_once(&mut waiting).await.is_none());
        // When something is written anywhere it reads
        let value = round.to_string();
        let new = NewRecord {
            partition: Some(partition),
            ..record(&topics[topic], value.clone())
        };
        case.write(vec![new]).await;
        // Then it gets just that
        assert_eq!(texts(&waiting.await.expect("readable")), [value]);
    }
}

pub(crate) async fn a_cancelled_read_loses_nothing(case: &Case) {
    let topic = case.topic("t", 2).await;
    let writer = {
        let (bus, topic) = (Arc::clone(&case.bus), Arc::clone(&topic));
        tokio::spawn(async move {
            for number in 0..200 {
                let records = numbered(&topic, number % 2, number..number + 1);
                bus.write(Write {
                    records,
                    ..Write::default()
                })
                .await
                .expect("written");
            }
        })
    };
    // When reads are given up again and again, after any number of polls
    let mut source = case.read_from_start("g", &[&topic]).await;
    let mut seen = Vec::new();
    for polls in (0..3).cycle() {
        let mut reading = pin!(source.read(3));
        for _ in 0..polls {
            if let Some(records) = poll_once(&mut reading).await {
                seen.extend(records.expect("readable"));
                break;
            }
            tokio::task::yield_now().await;
        }
        if seen.len() >= 200 {
            break;
        }
    }
    writer.await.expect("written");
    // Then everything came, once
    let mut numbers: Vec<u32> = seen
        .iter()
        .map(|record| text(record).parse().expect("a number"))
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..200).collect::<Vec<_>>());
}

/// Polls once.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        Poll::Ready(match Pin::new(&mut *future).poll(context) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

pub(crate) async fn a_read_returns_no_more_than_asked_for(case: &Case) {
    let topic = case.topic("t", 2).await;
    case.write([numbered(&topic, 0, 0..50), numbered(&topic, 1, 0..50)].concat())
        .await;
    let mut source = case.read_from_start("g", &[&topic]).await;
    let mut read = 0;
    for max in [1, 2, 3, 5, 8, 13, 21, 34].into_iter().cycle() {
        let records = source.read(max).await.expect("readable");
        assert!(
            (1..=max).contains(&records.len()),
            "{} records when {max} were asked for",
            records.len()
        );
        read += records.len();
        if read == 100 {
            return;
        }
    }
}

pub(crate) async fn a_reader_goes_wherever_it_is_sent(case: &Case) {
    let topic = case.topic("t", 1).await;
    let written = [
        case.write(numbered(&topic, 0, 0..10)).await,
        case.write(numbered(&topic, 0, 10..20)).await,
    ];
    let places = offsets(&written.concat());
    let mut source = case.read_from_start("g", &[&topic]).await;
    for number in [15, 3, 10, 9, 0, 19] {
        // When it is sent somewhere
        let next = places[number];
        source.seek(&topic, 0, next);
        // Then it knows so, and reads from there
        assert_eq!(
            source.positions(),
            BTreeMap::from([((Arc::clone(&topic), 0), next)])
        );
        assert_eq!(texts(&read(&mut *source, 1).await), [number.to_string()]);
        assert_eq!(
            source.positions(),
            BTreeMap::from([((Arc::clone(&topic), 0), next + 1)])
        );
    }
    // And at the end it waits for what comes
    source.seek(&topic, 0, places[19] + 1);
    case.write(numbered(&topic, 0, 20..21)).await;
    assert_eq!(texts(&read(&mut *source, 1).await), ["20"]);
}

pub(crate) async fn latest_begins_behind_what_is_there(case: &Case) {
    let topic = case.topic("t", 1).await;
    let last = case.write(numbered(&topic, 0, 0..10)).await.remove(9);
    let mut source = case
        .bus
        .subscribe(&case.name("g"), &[&topic], Start::Latest)
        .await
        .expect("subscribed");
    assert!(source.positions()[&(Arc::clone(&topic), 0)] > last.offset);
    case.write(numbered(&topic, 0, 10..12)).await;
    assert_eq!(texts(&read(&mut *source, 2).await), ["10", "11"]);
}

pub(crate) async fn a_group_that_may_only_go_on_needs_somewhere_to_go_on_from(case: &Case) {
    // Given a group with a stored offset, and one without
    let topic = case.topic("t", 1).await;
    let first = case.write(numbered(&topic, 0, 0..3)).await.remove(0);
    let (known, unknown) = (case.name("known"), case.name("unknown"));
    let offset = GroupOffset {
        group: known.to_string(),
        topic: Arc::clone(&topic),
        partition: 0,
        next: first.offset + 1,
        epoch: None,
    };
    case.bus
        .write(Write {
            offsets: vec![offset],
            ..Write::default()
        })
        .await
        .expect("written");
    // When both may only continue, then one continues there, and the other gets an error
    let mut source = case
        .bus
        .subscribe(&known, &[&topic], Start::Stored)
        .await
        .expect("subscribed");
    assert_eq!(texts(&read(&mut *source, 2).await), ["1", "2"]);
    let refused = case
        .bus
        .subscribe(&unknown, &[&topic], Start::Stored)
        .await
        .err();
    assert!(
        matches!(&refused, Some(Error::NoOffset { topic: named, partition: 0, .. }) if **named == *topic),
        "{refused:?}"
    );
}

pub(crate) async fn no_partition_starves(case: &Case) {
    // Given a partition with a backlog too long to be fetched at once, and others with little
    let (long, short) = (case.topic("long", 2).await, case.topic("short", 1).await);
    let backlog = (0..2_000).map(|_| NewRecord {
        partition: Some(0),
        ..record(&long, vec![0; 2_000])
    });
    case.write(backlog.collect()).await;
    case.write([numbered(&long, 1, 0..5), numbered(&short, 0, 0..5)].concat())
        .await;
    // When they are read together
    let mut source = case.read_from_start("g", &[&long, &short]).await;
    let mut seen = Vec::new();
    while seen.len() < 1_500 {
        seen.extend(source.read(50).await.expect("readable"));
    }
    // Then the short ones have been read long before the long one is through
    let read = |topic: &Arc<str>, partition| {
        seen.iter()
            .filter(|record| {
                record.position.topic == *topic && record.position.partition == partition
            })
            .count()
    };
    assert_eq!((read(&long, 1), read(&short, 0)), (5, 5));
}
