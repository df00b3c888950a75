//! Tests of several readers in one group.

use std::collections::BTreeSet;
use std::time::Duration;

use fedhost_base::event::{BusEvent, Event};
use rdkafka::consumer::{BaseConsumer, Consumer as _};

use super::harness::{Cluster, Process, eventually, numbers, take, within};
use crate::kafka::source::Sharing;
use crate::{Error, Source as _, Start};

fn stands_by(event: &Event) -> bool {
    matches!(event, Event::Bus(BusEvent::StandingBy { .. }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_reader_stands_by_and_takes_over() {
    let cluster = Cluster::real();
    let (topic, other, group) = (
        cluster.topic("a", 3).await,
        cluster.topic("b", 1).await,
        cluster.name("g"),
    );
    (0..3).for_each(|partition| cluster.write(&topic, partition, 0..10));
    cluster.write(&other, 0, 0..10);
    // Given a process that reads all partitions and has stored some offsets
    let (first, second) = (Process::on(&cluster), Process::on(&cluster));
    let mut leader = first.read(&group, &[&topic, &other], Sharing::Whole).await;
    assert_eq!(leader.positions().len(), 4);
    take(&mut leader, 40).await;
    first.store(&group, &topic, 2, 7).await;
    // When another process joins, with the topics in another order
    let waiting = second.join(&group, &[&other, &topic], Sharing::Whole);
    eventually("standing by", || second.observer.heard(stands_by)).await;
    // Then the first continues undisturbed, with the records that it had not stored
    cluster.write(&topic, 1, 10..11);
    assert_eq!(numbers(&take(&mut leader, 1).await), [10]);
    first.store(&group, &topic, 1, 11).await;
    assert!(!waiting.is_finished());
    // And when it closes, the second continues from the stored offsets
    within(leader.close()).await;
    let mut follower = within(waiting)
        .await
        .expect("no panic")
        .expect("subscribed");
    assert_eq!(follower.positions().into_values().sum::<u64>(), 7 + 11);
    assert_eq!(take(&mut follower, 10 + 3 + 10).await.len(), 23);
    assert_eq!(second.observer.events(stands_by).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_lost_its_partitions_is_over_for_good() {
    let cluster = Cluster::real();
    let (topic, group) = (cluster.topic("t", 1).await, cluster.name("g"));
    cluster.write(&topic, 0, 0..10);
    let process = Process::on(&cluster);
    let mut source = process.read(&group, &[&topic], Sharing::Whole).await;
    assert_eq!(take(&mut source, 4).await.len(), 4);
    // When the group gives the first partition to another member
    let mut config = cluster.config();
    config
        .set("group.id", &group)
        .set("client.id", "0")
        .set("partition.assignment.strategy", "range");
    let usurper: BaseConsumer = config.create().expect("a consumer");
    usurper.subscribe(&[&topic]).expect("subscribed");
    let usurping = || {
        drop(usurper.poll(Duration::from_millis(10)));
        usurper.assignment().expect("an assignment").count() == 1
    };
    eventually("the other has it", usurping).await;
    // Then the reader is fenced permanently, and its commits no longer change the group's offset
    for _ in 0..2 {
        let lost = loop {
            match within(source.read(10)).await {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert!(matches!(lost, Error::Lost { .. }), "{lost}");
    }
    assert!(process.fenced(&group, &topic, 0, 4).is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_alone_may_store_what_an_earlier_life_has_done() {
    let cluster = Cluster::real();
    let (topic, group) = (cluster.topic("t", 1).await, cluster.name("g"));
    cluster.write(&topic, 0, 0..5);
    let process = Process::on(&cluster);
    // Given a reader that has returned no record yet
    let source = process.read(&group, &[&topic], Sharing::Whole).await;
    // When offsets are stored for records that remained in a spool, then they are accepted
    process.store(&group, &topic, 0, 4).await;
    drop(source);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_has_one_reader_of_a_topic_in_a_process() {
    let cluster = Cluster::real();
    let (a, b, group) = (
        cluster.topic("a", 1).await,
        cluster.topic("b", 1).await,
        cluster.name("g"),
    );
    cluster.write(&b, 0, 0..3);
    let process = Process::on(&cluster);
    let first = process.read(&group, &[&a, &b], Sharing::Whole).await;
    let busy = process
        .subscribe(&group, &[&b], Start::Earliest, Sharing::Whole)
        .await
        .err()
        .expect("refused");
    assert!(
        matches!(&busy, Error::GroupBusy { topic, .. } if *topic == b),
        "{busy}"
    );
    // When the first is dropped, then the next one is accepted at once
    drop(first);
    let mut second = process.read(&group, &[&b], Sharing::Whole).await;
    assert_eq!(numbers(&take(&mut second, 3).await), [0, 1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_readers_of_one_group_with_topics_of_their_own_do_not_disturb_each_other() {
    let cluster = Cluster::real();
    let (a, b, group) = (
        cluster.topic("a", 1).await,
        cluster.topic("b", 1).await,
        cluster.name("g"),
    );
    cluster.write(&a, 0, 0..5);
    cluster.write(&b, 0, 0..5);
    let process = Process::on(&cluster);
    let mut first = process.read(&group, &[&a], Sharing::Whole).await;
    assert_eq!(numbers(&take(&mut first, 2).await), [0, 1]);
    let mut second = process.read(&group, &[&b], Sharing::Whole).await;
    assert_eq!(numbers(&take(&mut second, 5).await), [0, 1, 2, 3, 4]);
    assert_eq!(numbers(&take(&mut first, 3).await), [2, 3, 4]);
    process.store(&group, &a, 0, 5).await;
}

/// Two processes share a topic; the second joins while the first has records in progress.
async fn partitions_move_when_what_was_handed_out_is_stored(consumer_protocol: bool) {
    let cluster = Cluster::real();
    let (topic, group) = (cluster.topic("t", 4).await, cluster.name("g"));
    (0..4).for_each(|partition| cluster.write(&topic, partition, 0..50));
    let (mut first, mut second) = (Process::on(&cluster), Process::on(&cluster));
    first.options.consumer_protocol = consumer_protocol;
    second.options.consumer_protocol = consumer_protocol;
    // Given a reader that has all partitions and has returned all records without storing offsets
    let mut one = first.read(&group, &[&topic], Sharing::Shared).await;
    eventually("all partitions", || one.positions().len() == 4).await;
    take(&mut one, 200).await;
    // When a second one joins
    let mut other = second.read(&group, &[&topic], Sharing::Shared).await;
    let leaving = || {
        let buffer = one.shared.buffer();
        let safe = buffer
            .partitions()
            .iter()
            .filter(|partition| partition.is_leaving());
        safe.map(|partition| partition.place().1)
            .collect::<Vec<_>>()
    };
    eventually("partitions are to be given back", || !leaving().is_empty()).await;
    let given_back = leaving();
    assert!(given_back.len() < 4, "only some have to go");
    // Then the first keeps its partitions until the returned records are done
    let stale: Vec<_> = given_back
        .iter()
        .map(|partition| first.offset(&group, &topic, *partition, 50))
        .collect();
    for partition in &given_back {
        first.store(&group, &topic, *partition, 50).await;
    }
    assert_eq!(leaving(), given_back);
    assert!(other.positions().is_empty());
    let released: Vec<_> = given_back
        .iter()
        .map(|partition| (topic.as_str().into(), *partition))
        .collect();
    one.release(&released);
    eventually("the second has them", || {
        other.positions().len() == given_back.len()
    })
    .await;
    let moved: BTreeSet<u32> = other
        .positions()
        .into_keys()
        .map(|(_, partition)| partition)
        .collect();
    assert_eq!(moved, given_back.iter().copied().collect());
    // And no record is processed twice, in either process
    (0..4).for_each(|partition| cluster.write(&topic, partition, 50..60));
    let redone = take(&mut other, 10 * moved.len()).await;
    assert!(numbers(&redone).iter().all(|&number| number >= 50));
    let rest = take(&mut one, 10 * (4 - moved.len())).await;
    assert!(numbers(&rest).iter().all(|&number| number >= 50));
    for offset in &stale {
        let fenced = first.groups.check(offset);
        assert!(matches!(fenced, Err(Error::Fenced { .. })), "{fenced:?}");
    }
    for partition in moved {
        assert!(first.fenced(&group, &topic, partition, 50).is_some());
        assert_eq!(
            first
                .observer
                .gauge_of("consumer_lag_records", &topic, partition),
            None
        );
    }
    // And when the second leaves, the first gets all of them
    let gone = other.positions();
    for ((_, partition), next) in gone {
        second.store(&group, &topic, partition, next).await;
    }
    within(other.close()).await;
    eventually("all partitions again", || one.positions().len() == 4).await;
    assert!(
        one.positions().into_values().all(|next| next == 60),
        "{:?}",
        one.positions()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_move_cooperatively() {
    partitions_move_when_what_was_handed_out_is_stored(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_move_by_the_consumer_protocol() {
    partitions_move_when_what_was_handed_out_is_stored(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_is_given_up_when_its_time_is_over() {
    let cluster = Cluster::real();
    let (topic, group) = (cluster.topic("t", 2).await, cluster.name("g"));
    (0..2).for_each(|partition| cluster.write(&topic, partition, 0..10));
    let (mut first, second) = (Process::on(&cluster), Process::on(&cluster));
    first.options.drain = Duration::from_millis(300);
    let mut one = first.read(&group, &[&topic], Sharing::Shared).await;
    take(&mut one, 20).await;
    // When another reader joins, and no offset is ever stored
    let mut other = second.read(&group, &[&topic], Sharing::Shared).await;
    // Then it still gets its share, from the beginning, and the first must not store offsets of its
    // old partitions
    assert_eq!(take(&mut other, 10).await.len(), 10);
    let ((_, moved), _) = other.positions().pop_first().expect("a partition");
    assert!(first.fenced(&group, &topic, moved, 10).is_some());
    assert_eq!(first.fenced(&group, &topic, 1 - moved, 10), None);
}
