//! What a bus promises about the newest records, and about those that are deleted.

use fedhost_base::hint::hint;
use fedhost_bus::Error;

use super::{Case, info, numbered, offsets, read, record, texts};

pub(crate) async fn the_newest_record_of_each_partition_is_found(case: &Case) {
    // Given three partitions, one of them empty
    let topic = case.topic("t", 3).await;
    assert_eq!(case.bus.newest(&topic).await.expect("readable"), []);
    case.write([numbered(&topic, 2, 0..7), numbered(&topic, 0, 0..1)].concat())
        .await;
    let last = [
        case.write(numbered(&topic, 0, 1..3)).await,
        case.write(numbered(&topic, 2, 7..8)).await,
    ];
    // When the newest are asked for
    let newest = case.bus.newest(&topic).await.expect("readable");
    // Then each partition that has one gives it, in their order, and says where it lies
    assert_eq!(texts(&newest), ["2", "7"]);
    assert_eq!(
        [&newest[0].position, &newest[1].position],
        [&last[0][1], &last[1][0]]
    );
    // And a topic that is not there is named
    let error = case
        .bus
        .newest(&case.name("unknown"))
        .await
        .expect_err("no such topic");
    assert!(matches!(error, Error::UnknownTopic { .. }), "{error}");
}

pub(crate) async fn deleted_records_are_gone_and_the_others_stay(case: &Case) {
    // Given two partitions
    let topic = case.topic("t", 2).await;
    let places = offsets(&case.write(numbered(&topic, 0, 0..6)).await);
    case.write(numbered(&topic, 1, 0..2)).await;
    // When records of one are deleted, and again, and fewer
    for before in [places[4], places[4], places[1]] {
        case.bus
            .delete_records(&topic, 0, before)
            .await
            .expect("deleted");
        // Then they are gone to the offset
        let topics = case.bus.topics().await.expect("topics");
        assert_eq!(info(&topics, &topic).offsets[0].start, places[4]);
    }
    let mut records = read(&mut *case.read_from_start("g", &[&topic]).await, 4).await;
    records.sort_by_key(|record| record.position.partition);
    assert_eq!(texts(&records), ["4", "5", "0", "1"]);
    // And a reader that is sent below them continues at the oldest
    let mut source = case.read_from_start("h", &[&topic]).await;
    read(&mut *source, 4).await;
    source.seek(&topic, 0, places[0]);
    assert_eq!(read(&mut *source, 1).await[0].position.offset, places[4]);
}

pub(crate) async fn more_than_there_is_cannot_be_deleted(case: &Case) {
    let topic = case.topic("t", 1).await;
    let last = case.write(vec![record(&topic, "x")]).await.remove(0);
    // When records are to be deleted that were never written, or of a partition that is not there
    let error = case
        .bus
        .delete_records(&topic, 0, last.offset + 1_000)
        .await
        .expect_err("refused");
    assert!(
        matches!(&error, Error::Refused { .. }) && hint(&error).is_some(),
        "{error}"
    );
    let error = case
        .bus
        .delete_records(&topic, 1, 0)
        .await
        .expect_err("no such partition");
    assert!(
        matches!(error, Error::UnknownPartition { partition: 1, .. }),
        "{error}"
    );
    // Then what is there stays
    assert_eq!(case.bus.newest(&topic).await.expect("readable").len(), 1);
}
