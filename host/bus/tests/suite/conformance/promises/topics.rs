//! What a bus promises about topics.

use fedhost_bus::{Error, NewRecord, Start, StoredOffset, TopicInfo, Write};

use super::{
    Case, info, numbered, offset, offsets, read, record, spec, text, texts, too_large, topics_with,
};

pub(crate) async fn what_does_not_exist_is_named(case: &Case) {
    let topic = case.topic("t", 2).await;
    let unknown = case.name("unknown");
    let write = |record| {
        case.bus.write(Write {
            records: vec![record],
            ..Write::default()
        })
    };

    let error = write(record(&unknown, "x"))
        .await
        .expect_err("no such topic");
    assert!(
        matches!(&error, Error::UnknownTopic { topic } if **topic == *unknown),
        "{error}"
    );

    let error = write(NewRecord {
        partition: Some(2),
        ..record(&topic, "x")
    })
    .await
    .expect_err("no such partition");
    assert!(
        matches!(error, Error::UnknownPartition { partition: 2, .. }),
        "{error}"
    );

    let error = write(record(&topic, too_large(case)))
        .await
        .expect_err("too large");
    assert!(
        matches!(&error, Error::TooLarge { topic: named, .. } if **named == *topic),
        "{error}"
    );

    let group = case.name("g");
    let subscribed = case
        .bus
        .subscribe(&group, &[&topic, &unknown], Start::Earliest)
        .await;
    let error = subscribed.err().expect("no such topic");
    assert!(matches!(error, Error::UnknownTopic { .. }), "{error}");
}

pub(crate) async fn creating_a_topic_again_changes_nothing(case: &Case) {
    let topic = case.topic("t", 2).await;
    let last = case.write(numbered(&topic, 1, 0..3)).await.remove(2);
    // When it is created again, larger
    let again = case
        .bus
        .create_topic(spec(&topic, 5))
        .await
        .expect("it exists");
    // Then it is as it was, in what was asked for
    let topics = topics_with(case, &last).await;
    for TopicInfo {
        spec: found,
        offsets,
        ..
    } in [&again, info(&topics, &topic)]
    {
        let asked = spec(&topic, 2);
        assert_eq!(
            (&found.name, found.partitions),
            (&asked.name, asked.partitions)
        );
        assert_eq!(found.max_message_bytes, asked.max_message_bytes);
        assert!(
            offsets[0].is_empty() && offsets[1].start == 0,
            "{offsets:?}"
        );
    }
    assert!(topics.is_sorted_by_key(|topic| topic.spec.name.clone()));
}

pub(crate) async fn an_illegal_topic_is_refused(case: &Case) {
    let good = case.name("good").to_string();
    for bad in [
        spec("a b", 1),
        spec("..", 1),
        spec("", 1),
        spec(&"x".repeat(250), 1),
        spec(&good, 0),
    ] {
        let error = case
            .bus
            .create_topic(bad.clone())
            .await
            .expect_err("refused");
        assert!(
            matches!(&error, Error::BadTopic { topic, .. } if *topic == bad.name),
            "{error}"
        );
    }
}

pub(crate) async fn the_first_record_from_an_offset_is_the_one_a_reader_would_get(case: &Case) {
    let topic = case.topic("t", 2).await;
    let written = case.write(numbered(&topic, 1, 0..3)).await;
    // When the first record from each place is asked for, then it is the one there
    for (position, number) in written.iter().zip(["0", "1", "2"]) {
        let found = case
            .bus
            .first_from(&topic, 1, position.offset)
            .await
            .expect("readable")
            .expect("a record");
        assert_eq!((&found.position, text(&found)), (position, number));
    }
    // And behind the last, far behind it, or in an empty partition, there is none yet
    let end = written.last().expect("written").offset + 1;
    for (partition, from) in [(1, end), (1, end + 1_000), (0, 0)] {
        assert_eq!(
            case.bus
                .first_from(&topic, partition, from)
                .await
                .expect("readable"),
            None
        );
    }
    let error = case
        .bus
        .first_from(&topic, 2, 0)
        .await
        .expect_err("no such partition");
    assert!(
        matches!(error, Error::UnknownPartition { partition: 2, .. }),
        "{error}"
    );
    let error = case
        .bus
        .first_from(&case.name("unknown"), 0, 0)
        .await
        .expect_err("no such topic");
    assert!(matches!(error, Error::UnknownTopic { .. }), "{error}");
}

pub(crate) async fn a_topic_created_again_is_read_from_its_start(case: &Case) {
    let delete = case.delete_topic.as_ref().expect("topics can be deleted");
    // Given a group that has read ten records of a topic, and stored that
    let topic = case.topic("t", 1).await;
    let places = offsets(&case.write(numbered(&topic, 0, 0..10)).await);
    let mut source = case.read_from_start("g", &[&topic]).await;
    read(&mut *source, 10).await;
    let place = (std::sync::Arc::clone(&topic), 0);
    let first = source.beginnings().remove(&place).expect("it has begun");
    assert_eq!(first.stored, StoredOffset::Missing);
    let stored = vec![offset(case, "g", &topic, places[9] + 1)];
    let write = Write {
        offsets: stored,
        ..Write::default()
    };
    case.bus.write(write).await.expect("written");
    drop(source);
    // When the topic is deleted and created again, and holds more records than before
    delete(&topic);
    case.topic("t", 1).await;
    case.write(numbered(&topic, 0, 100..130)).await;
    // Then the group reads all of them, and the reader says that the topic is another
    let mut source = case.read_from_start("g", &[&topic]).await;
    let records = read(&mut *source, 30).await;
    assert_eq!(texts(&records)[..3], ["100", "101", "102"]);
    let second = source.beginnings().remove(&place).expect("it has begun");
    assert_ne!(second.stored, StoredOffset::Own);
    assert!(first.topic_id.is_some() && second.topic_id.is_some());
    assert_ne!(first.topic_id, second.topic_id);
}
