//! What a bus promises about the offsets of groups, and about state.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use fedhost_bus::{Start, Write};

use super::{Case, numbered, offset, offsets, read, texts};

pub(crate) async fn a_group_goes_on_at_its_stored_offsets(case: &Case) {
    // Given a group that has stored how far it came, together with its result
    let (input, output) = (case.topic("input", 1).await, case.topic("output", 1).await);
    let places = offsets(&case.write(numbered(&input, 0, 0..10)).await);
    let mut source = case.read_from_start("g", &[&input]).await;
    assert_eq!(texts(&read(&mut *source, 4).await), ["0", "1", "2", "3"]);
    let stored = vec![offset(case, "g", &input, places[4])];
    let result = Write {
        records: numbered(&output, 0, 0..1),
        offsets: stored.clone(),
        ..Write::default()
    };
    case.bus.write(result).await.expect("written");
    assert_eq!(
        case.bus
            .group_offsets(&case.name("g"))
            .await
            .expect("offsets"),
        stored
    );
    // When its reader is replaced
    drop(source);
    let mut source = case
        .bus
        .subscribe(&case.name("g"), &[&input], Start::Latest)
        .await
        .expect("subscribed");
    // Then the new one continues there, and the result is there as well
    assert_eq!(texts(&read(&mut *source, 2).await), ["4", "5"]);
    assert_eq!(
        source.positions(),
        BTreeMap::from([((Arc::clone(&input), 0), places[5] + 1)])
    );
    assert_eq!(
        texts(&read(&mut *case.read_from_start("other", &[&output]).await, 1).await),
        ["0"]
    );
}

pub(crate) async fn a_group_s_offsets_move_only_through_a_write(case: &Case) {
    let topic = case.topic("t", 1).await;
    case.write(numbered(&topic, 0, 0..5)).await;
    // Given a reader that read and went away without a word
    drop(read(&mut *case.read_from_start("g", &[&topic]).await, 5).await);
    // When its group reads again, then it gets the same
    assert_eq!(
        case.bus
            .group_offsets(&case.name("g"))
            .await
            .expect("offsets"),
        []
    );
    assert_eq!(
        texts(&read(&mut *case.read_from_start("g", &[&topic]).await, 5).await),
        ["0", "1", "2", "3", "4"]
    );
}

pub(crate) async fn groups_do_not_disturb_each_other(case: &Case) {
    let topic = case.topic("t", 1).await;
    let places = offsets(&case.write(numbered(&topic, 0, 0..6)).await);
    // Given two groups whose names begin alike, one of them ahead
    let ahead = vec![offset(case, "g", &topic, places[3])];
    case.bus
        .write(Write {
            offsets: ahead,
            ..Write::default()
        })
        .await
        .expect("written");
    // When both read at the same time
    let (mut ahead, mut behind) = (
        case.read_from_start("g", &[&topic]).await,
        case.read_from_start("g-1", &[&topic]).await,
    );
    let (ahead, behind) = tokio::join!(read(&mut *ahead, 3), read(&mut *behind, 6));
    // Then each gets its own
    assert_eq!(
        (texts(&ahead), texts(&behind)),
        (vec!["3", "4", "5"], vec!["0", "1", "2", "3", "4", "5"])
    );
    assert_eq!(
        case.bus
            .group_offsets(&case.name("g-1"))
            .await
            .expect("offsets"),
        []
    );
}

pub(crate) async fn state_keeps_the_newest_value_of_each_name(case: &Case) {
    let (a, b) = (case.name("a").to_string(), case.name("b").to_string());
    let put = |name: &str, value: Option<&'static str>| (name.to_owned(), value.map(Bytes::from));
    let write = |state| {
        case.bus.write(Write {
            state,
            ..Write::default()
        })
    };
    assert_eq!(case.bus.state(&a).await.expect("state"), None);
    // When a name is set twice in one write, and then again, and another removed
    write(vec![
        put(&a, Some("1")),
        put(&b, Some("1")),
        put(&a, Some("2")),
    ])
    .await
    .expect("written");
    assert_eq!(
        case.bus.state(&a).await.expect("state"),
        Some(Bytes::from("2"))
    );
    write(vec![put(&a, Some("")), put(&b, None)])
        .await
        .expect("written");
    // Then the last word counts, and an empty value is a value
    assert_eq!(case.bus.state(&a).await.expect("state"), Some(Bytes::new()));
    assert_eq!(case.bus.state(&b).await.expect("state"), None);
}
