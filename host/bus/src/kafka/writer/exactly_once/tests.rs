//! Tests on a real broker: a transaction with an unknown result is settled.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::super::mailbox::Mailbox;
use super::super::tests::cluster::Cluster;
use super::super::tests::{numbered, texts};
use super::*;
use crate::kafka::Delivery;
use crate::kafka::writer::job::Checker;

async fn start(cluster: &Cluster) -> ExactlyOnce {
    let options = cluster.options(Delivery::ExactlyOnce);
    let (groups, topics) = (Arc::clone(&cluster.groups), Arc::clone(&cluster.topics));
    let shell = Shell::new(
        "role",
        options,
        groups,
        topics,
        Arc::new(Mailbox::new(1 << 20)),
    );
    let started = tokio::task::spawn_blocking(|| ExactlyOnce::start(shell))
        .await
        .expect("no panic");
    started.unwrap_or_else(|diagnosis| panic!("{diagnosis:?}"))
}

fn cycle(cluster: &Cluster, topic: &str, numbers: std::ops::Range<u32>) -> Pending {
    let topics = Arc::clone(&cluster.topics);
    let state_topic = cluster.options(Delivery::ExactlyOnce).state_topic;
    let checker = Checker {
        topics,
        state_topic,
        record_bytes_max: 1 << 20,
        writer: String::new(),
        within: Duration::ZERO,
    };
    let content = checker.finish(checker.check(numbered(topic, numbers)).expect("legal"));
    let mut cycle = Pending::default();
    cycle.push(Job {
        content,
        reply: oneshot::channel().0,
        _room: None,
    });
    cycle
}

/// A timeout without an answer of the broker.
fn no_answer() -> Diagnosis {
    out_of_time("commit")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_was_lost_is_found_to_have_happened() {
    let cluster = Cluster::real().await;
    let topic = cluster.topic("t", 1, 1 << 20).await;
    let mut writer = start(&cluster).await;
    tokio::task::block_in_place(|| {
        // Given a transaction that was committed, and a writer that did not get the answer
        let mut first = cycle(&cluster, &topic, 0..2);
        assert!(writer.attempt(&mut first, None).is_ok());
        // When it asks for the result with a new client, then the transaction was committed
        assert_eq!(writer.renew(no_answer()), Ok(Outcome::Happened));
        // And it continues with that client
        let mut second = cycle(&cluster, &topic, 2..3);
        assert!(writer.attempt(&mut second, None).is_ok());
    });
    assert_eq!(cluster.texts(&topic), texts(0..3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_never_reached_its_end_is_found_not_to_have_happened() {
    let cluster = Cluster::real().await;
    let topic = cluster.topic("t", 1, 1 << 20).await;
    let mut writer = start(&cluster).await;
    tokio::task::block_in_place(|| {
        let mut first = cycle(&cluster, &topic, 0..2);
        assert!(writer.attempt(&mut first, None).is_ok());
        // Given a transaction whose records were all written, but not committed
        let mut second = cycle(&cluster, &topic, 2..4);
        writer.mark = writer.mark.next();
        writer
            .producer
            .as_ref()
            .expect("a client")
            .client()
            .begin_transaction()
            .expect("begun");
        second.push(writer.marking());
        assert!(writer.write(&mut second, None).is_ok());
        writer.since = second.newest_offset();
        drop(second.take_newest());
        // When the result is asked for, then it was not committed, and a retry writes the records
        // once
        assert_eq!(writer.renew(no_answer()), Ok(Outcome::NeverHappened));
        assert!(writer.attempt(&mut second, None).is_ok());
    });
    assert_eq!(cluster.texts(&topic), texts(0..4));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_was_taken_over_from_does_not_disturb_its_successor() {
    let cluster = Cluster::real().await;
    let topic = cluster.topic("t", 1, 1 << 20).await;
    let (mut old, mut new) = (start(&cluster).await, start(&cluster).await);
    tokio::task::block_in_place(|| {
        // When the old writer asks how its transaction ended
        assert!(matches!(old.renew(no_answer()), Err(End::Lost { .. })));
        // Then the new writer can still use its first client
        assert!(
            new.attempt(&mut cycle(&cluster, &topic, 0..1), None)
                .is_ok()
        );
    });
}
