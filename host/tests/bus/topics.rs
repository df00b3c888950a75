//! What a bus promises about topics.

use fedhost::bus::{Error, NewRecord, Start, TopicInfo, Write};

use super::{Case, info, numbered, record, spec};

pub(crate) async fn what_does_not_exist_is_named(case: &Case) {
    let topic = case.topic("t", 2).await;
    let unknown = case.name("unknown");
    let write = |record| case.bus.write(Write { records: vec![record], ..Write::default() });

    let error = write(record(&unknown, "x")).await.expect_err("no such topic");
    assert!(matches!(&error, Error::UnknownTopic { topic } if **topic == *unknown), "{error}");

    let error = write(NewRecord { partition: Some(2), ..record(&topic, "x") }).await.expect_err("no such partition");
    assert!(matches!(error, Error::UnknownPartition { partition: 2, .. }), "{error}");

    let error = write(record(&topic, vec![0; (4 << 20) + 1])).await.expect_err("too large");
    assert!(matches!(error, Error::TooLarge { bytes: 4_194_305, limit: 4_194_304, .. }), "{error}");

    let subscribed = case.bus.subscribe(&case.name("g"), &[&topic, &unknown], Start::Earliest);
    let error = subscribed.err().expect("no such topic");
    assert!(matches!(error, Error::UnknownTopic { .. }), "{error}");
}

pub(crate) async fn creating_a_topic_again_changes_nothing(case: &Case) {
    let topic = case.topic("t", 2).await;
    case.write(numbered(&topic, 1, 0..3)).await;
    // When it is created again, larger
    let again = case.bus.create_topic(spec(&topic, 5)).await.expect("it exists");
    // Then it is as it was
    assert_eq!(again, TopicInfo { spec: spec(&topic, 2), offsets: vec![0..0, 0..3] });
    let topics = case.bus.topics().await.expect("topics");
    assert_eq!(*info(&topics, &topic), again);
    assert!(topics.is_sorted_by_key(|topic| topic.spec.name.clone()));
}

pub(crate) async fn an_illegal_topic_is_refused(case: &Case) {
    let good = case.name("good").to_string();
    for bad in [spec("a b", 1), spec("..", 1), spec("", 1), spec(&"x".repeat(250), 1), spec(&good, 0)] {
        let error = case.bus.create_topic(bad.clone()).await.expect_err("refused");
        assert!(matches!(&error, Error::BadTopic { topic, .. } if *topic == bad.name), "{error}");
    }
}
