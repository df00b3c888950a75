//! Tests of topics that are deleted and created again, and of offsets of other programs.

use super::harness::{Cluster, Process, numbers, take, within};
use crate::kafka::source::Sharing;
use crate::{Error, Source as _, StoredOffset};
use fedhost_base::event::{Event, RunEvent};

fn is_warning(event: &Event) -> bool {
    matches!(event, Event::Run(RunEvent::Warned { detail, .. }) if detail.contains("deleted and created again"))
}

fn stored(source: &crate::kafka::source::KafkaSource) -> StoredOffset {
    let beginnings = source.beginnings();
    beginnings.values().next().expect("a partition").stored
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_offset_of_an_earlier_topic_does_not_count() {
    let cluster = Cluster::real();
    let (topic, group) = (cluster.topic("t", 1).await, cluster.name("g"));
    cluster.write(&topic, 0, 0..10);
    // Given an offset that fedhost has stored for a topic of that name with another id
    cluster.commit(&group, &topic, 7, "fedhost topic=0123");
    // When the group reads, then it gets every record, and that is announced
    let process = Process::on(&cluster);
    let mut source = process.read(&group, &[&topic], Sharing::Whole).await;
    assert_eq!(stored(&source), StoredOffset::Outdated);
    assert_eq!(numbers(&take(&mut source, 10).await)[0], 0);
    assert_eq!(process.observer.events(is_warning).len(), 1);
    // And what it stores is its own
    process.store(&group, &topic, 0, 3).await;
    within(source.close()).await;
    let source = process.read(&group, &[&topic], Sharing::Whole).await;
    assert_eq!(stored(&source), StoredOffset::Own);
    within(source.close()).await;
    // Until another program sets it
    cluster.commit(&group, &topic, 5, "");
    let source = process.read(&group, &[&topic], Sharing::Whole).await;
    assert_eq!(stored(&source), StoredOffset::Foreign);
    assert_eq!(source.positions().into_values().next(), Some(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_whose_topic_is_created_again_ends() {
    let cluster = Cluster::real();
    let (topic, group) = (cluster.topic("t", 1).await, cluster.name("g"));
    cluster.write(&topic, 0, 0..10);
    let process = Process::on(&cluster);
    let mut source = process.read(&group, &[&topic], Sharing::Whole).await;
    take(&mut source, 10).await;
    // When the topic is created again while it is read, with more records than before
    cluster.recreate(&topic).await;
    cluster.write(&topic, 0, 0..30);
    // Then the reader ends, so that its owner begins again
    let ended = loop {
        match within(source.read(100)).await {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(ended, Error::Lost { .. }), "{ended}");
    drop(source);
    let mut source = process.read(&group, &[&topic], Sharing::Whole).await;
    assert_eq!(numbers(&take(&mut source, 30).await)[0], 0);
}
