use fedhost::dead_letters::{Bound, Error, Filter, Reader, dead_letter, survey};

use super::scene::{On, Scene, failure, within_a_minute};

pub(crate) async fn letters_are_counted_by_reason(on: On) {
    let scene = Scene::new(on)
        .await
        .with_letters(&[("a", "stale"), ("b", "trap"), ("c", "stale")])
        .await;
    let mut seen = Vec::new();
    let found = survey(&scene.bus, &scene.topic.name, |progress| {
        seen.push(progress)
    })
    .await
    .unwrap();
    assert_eq!((found.records, found.newest_ms), (3, Some(2_000)));
    assert_eq!(
        found.reasons,
        [("stale".to_owned(), 2), ("trap".to_owned(), 1)].into()
    );
    let last = seen.last().unwrap();
    assert_eq!((last.records, last.of), (3, 3));
}

pub(crate) async fn a_topic_without_letters_has_none(on: On) {
    let scene = Scene::new(on).await;
    assert_eq!(
        survey(&scene.bus, &scene.topic.name, |_| ())
            .await
            .unwrap()
            .records,
        0
    );
}

pub(crate) async fn a_topic_that_is_not_there_is_named(on: On) {
    let scene = Scene::new(on).await;
    let error = survey(&scene.bus, "other.dlq", |_| ()).await.unwrap_err();
    assert!(
        matches!(&error, Error::NoTopic { topic } if topic == "other.dlq"),
        "{error}"
    );
    let from = Some(Bound::Offset {
        partition: Some(2),
        offset: 0,
    });
    let filter = Filter {
        from,
        ..Filter::default()
    };
    let error = Reader::browse(&scene.bus, &scene.topic.name, &filter)
        .await
        .err()
        .unwrap();
    assert!(
        matches!(
            error,
            Error::NoPartition {
                partition: 2,
                partitions: 2,
                ..
            }
        ),
        "{error}"
    );
}

pub(crate) async fn letters_that_arrive_meanwhile_are_left_for_later(on: On) {
    let scene = Scene::new(on)
        .await
        .with_letters(&[("a", "stale"), ("b", "stale"), ("c", "stale")])
        .await;
    let mut reader = Reader::browse(&scene.bus, &scene.topic.name, &Filter::default())
        .await
        .unwrap();
    assert_eq!(reader.next(1).await.unwrap().len(), 1);
    scene
        .write(vec![dead_letter(
            &scene.original(4, "late", Vec::new()),
            ".dlq",
            &failure("stale"),
        )])
        .await;
    let mut rest = 0;
    loop {
        match reader.next(10).await.unwrap().len() {
            0 => break,
            read => rest += read,
        }
    }
    assert_eq!(rest, 2);
}

pub(crate) async fn letters_that_are_purged_meanwhile_are_not_waited_for(on: On) {
    let scene = Scene::new(on)
        .await
        .with_letters(&[("a", "stale"), ("b", "stale"), ("c", "stale")])
        .await;
    let mut reader = Reader::browse(&scene.bus, &scene.topic.name, &Filter::default())
        .await
        .unwrap();
    for partition in 0..2 {
        scene
            .bus
            .delete_records(&scene.topic.name, partition, 2 - u64::from(partition))
            .await
            .unwrap();
    }
    // A reader may have fetched them before.
    let mut rest = Vec::new();
    loop {
        let letters = within_a_minute(reader.next(10)).await.unwrap();
        if letters.is_empty() {
            break;
        }
        rest.extend(letters);
    }
    assert!(rest.len() <= 3, "{rest:?}");
}

pub(crate) async fn only_what_offsets_admit_is_read(on: On) {
    let letters = [
        ("a", "r"),
        ("b", "r"),
        ("c", "r"),
        ("d", "r"),
        ("e", "r"),
        ("f", "r"),
    ];
    let scene = Scene::new(on).await.with_letters(&letters).await;
    let place = |partition, offset| Some(Bound::Offset { partition, offset });
    for (from, to, expected) in [
        (place(None, 1), None, "cdef"),
        (None, place(None, 1), "ab"),
        (place(Some(1), 1), None, "df"),
        (place(Some(1), 1), place(None, 2), "d"),
        (place(None, 9), None, ""),
        (place(Some(0), 0), place(Some(1), 9), ""),
    ] {
        let filter = Filter {
            from,
            to,
            ..Filter::default()
        };
        let mut reader = Reader::browse(&scene.bus, &scene.topic.name, &filter)
            .await
            .unwrap();
        let of = reader.seen().of;
        let mut read = String::new();
        loop {
            let letters = reader.next(10).await.unwrap();
            if letters.is_empty() {
                break;
            }
            read.extend(letters.iter().map(|letter| char::from(letter.0.value[0])));
        }
        let mut sorted: Vec<char> = read.chars().collect();
        sorted.sort_unstable();
        assert_eq!(sorted.iter().collect::<String>(), expected, "{filter:?}");
        assert_eq!(of, expected.len() as u64, "{filter:?}");
    }
}
