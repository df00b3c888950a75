use std::sync::Arc;

use fedhost::dead_letters::{Bound, Filter, REPLAYS_MAX, Replay, ReplayRefusal, dead_letter};
use fedhost_bus::{Bus, Record};
use tokio_util::sync::CancellationToken;

use super::cut_off::{CutOff, Fate};
use super::scene::{On, Scene, because, failure};

const FOUR: [(&str, &str); 4] = [("a", "stale"), ("b", "trap"), ("c", "trap"), ("d", "stale")];

fn many(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{number:04}")).collect()
}

async fn with_many(on: On, values: &[String]) -> Scene {
    let letters: Vec<(&str, &str)> = values
        .iter()
        .map(|value| (value.as_str(), "stale"))
        .collect();
    Scene::new(on).await.with_letters(&letters).await
}

pub(crate) async fn every_letter_goes_back_to_where_it_came_from_once(on: On) {
    let scene = Scene::new(on).await.with_letters(&FOUR).await;
    let account = scene.replay(Replay::default()).await;
    assert_eq!(
        (account.replayed, account.left_out, account.is_interrupted),
        (4, 0, false)
    );
    assert_eq!(
        account.reasons,
        [("stale".to_owned(), 2), ("trap".to_owned(), 2)].into()
    );
    let place = |record: &Record| (record.position.partition, record.value.clone());
    let mut places: Vec<_> = scene
        .read(&scene.topic.source)
        .await
        .iter()
        .map(place)
        .collect();
    places.sort();
    assert_eq!(
        places,
        [
            (0, "a".into()),
            (0, "c".into()),
            (1, "b".into()),
            (1, "d".into())
        ]
    );

    let again = scene.replay(Replay::default()).await;
    assert_eq!(
        (again.replayed, scene.read(&scene.topic.source).await.len()),
        (0, 4)
    );
    assert_eq!(
        scene.read(&scene.topic.name).await.len(),
        4,
        "the letters stay until they are purged"
    );
}

pub(crate) async fn what_a_filter_left_out_is_replayed_later_and_nothing_twice(on: On) {
    let scene = Scene::new(on).await.with_letters(&FOUR).await;
    let first = scene
        .replay(Replay {
            filter: because("trap"),
            ..Replay::default()
        })
        .await;
    assert_eq!((first.replayed, first.left_out), (2, 2));
    assert_eq!(scene.put_back().await, ["b", "c"]);
    let rest = scene.replay(Replay::default()).await;
    // The first letter of its partition is behind the offset already.
    assert_eq!((rest.replayed, rest.replayed_before), (2, 1));
    assert_eq!(scene.put_back().await, ["a", "b", "c", "d"]);
    assert_eq!(scene.replay(Replay::default()).await.replayed, 0);
}

pub(crate) async fn a_replay_from_the_middle_leaves_the_beginning_for_later(on: On) {
    let scene = Scene::new(on).await.with_letters(&FOUR).await;
    let from = Some(Bound::Offset {
        partition: None,
        offset: 1,
    });
    let late = Replay {
        filter: Filter {
            from,
            ..Filter::default()
        },
        ..Replay::default()
    };
    assert_eq!(scene.replay(late.clone()).await.replayed, 2);
    assert_eq!(scene.put_back().await, ["c", "d"]);
    assert_eq!(scene.replay(late).await.replayed, 0);
    assert_eq!(scene.replay(Replay::default()).await.replayed, 2);
    assert_eq!(scene.put_back().await, ["a", "b", "c", "d"]);
}

pub(crate) async fn a_replay_stops_at_its_limit_and_goes_on_from_there(on: On) {
    let values = many(600);
    let scene = with_many(on, &values).await;
    let some = Replay {
        limit: Some(257),
        ..Replay::default()
    };
    assert_eq!(scene.replay(some.clone()).await.replayed, 257);
    assert_eq!(scene.replay(some.clone()).await.replayed, 257);
    assert_eq!(scene.replay(some).await.replayed, 86);
    assert_eq!(scene.put_back().await, values);
}

pub(crate) async fn a_replay_that_is_stopped_goes_on_without_repeating(on: On) {
    let values = many(45);
    let scene = with_many(on, &values).await;
    let stop = CancellationToken::new();
    let slow = Replay {
        rate: Some(100.0),
        ..Replay::default()
    };
    let first = slow
        .run(&scene.bus, &scene.topic, &stop, |_, _| stop.cancel())
        .await
        .unwrap();
    assert!(first.is_interrupted && first.replayed == 10, "{first:?}");
    assert_eq!(scene.put_back().await.len(), 10);
    assert_eq!(scene.replay(Replay::default()).await.replayed, 35);
    assert_eq!(scene.put_back().await, values);
}

pub(crate) async fn a_replay_that_is_cut_off_before_or_after_any_write_goes_on_without_repeating(
    on: On,
) {
    let values = many(1_000);
    for (writes, then) in [
        (0, Fate::Lost),
        (0, Fate::Done),
        (1, Fate::Lost),
        (2, Fate::Done),
    ] {
        let scene = with_many(on, &values).await;
        let (stop, mut done) = (CancellationToken::new(), 0);
        let bus: Arc<dyn Bus> = Arc::new(CutOff::after(writes, then, &scene.bus));
        let cut = Replay::default()
            .run(&bus, &scene.topic, &stop, |account, _| {
                done = account.replayed
            })
            .await;
        assert!(cut.is_err());
        assert_eq!(done, u64::from(writes) * 256, "what is reported is done");
        scene.replay(Replay::default()).await;
        assert_eq!(scene.put_back().await, values);
    }
}

pub(crate) async fn a_dry_run_changes_nothing(on: On) {
    let scene = Scene::new(on).await.with_letters(&FOUR).await;
    scene
        .replay(Replay {
            filter: because("stale"),
            ..Replay::default()
        })
        .await;
    let before = scene.account().await;
    for (again, expected) in [(false, 2), (true, 4)] {
        let dry = Replay {
            dry_run: true,
            again,
            ..Replay::default()
        };
        assert_eq!(scene.replay(dry).await.replayed, expected);
        assert_eq!(scene.account().await, before);
    }
    assert_eq!(
        scene.replay(Replay::default()).await.replayed,
        2,
        "what a dry run speaks of is still to be done"
    );
}

pub(crate) async fn again_begins_at_the_oldest_letter(on: On) {
    let scene = Scene::new(on).await.with_letters(&FOUR).await;
    scene
        .replay(Replay {
            filter: because("trap"),
            ..Replay::default()
        })
        .await;
    let again = Replay {
        again: true,
        limit: Some(3),
        ..Replay::default()
    };
    assert_eq!(scene.replay(again).await.replayed, 3);
    assert_eq!(
        scene.replay(Replay::default()).await.replayed,
        1,
        "it resumes where the new beginning stopped"
    );
    assert_eq!(scene.put_back().await, ["a", "b", "b", "c", "c", "d"]);
}

pub(crate) async fn a_record_that_fails_again_and_again_stops_going_round(on: On) {
    let scene = Scene::new(on)
        .await
        .with_letters(&[("a", "trap"), ("b", "trap")])
        .await;
    for round in 1..=REPLAYS_MAX {
        let account = scene.replay(Replay::default()).await;
        assert_eq!(
            (account.replayed, account.refused.len()),
            (2, 0),
            "round {round}"
        );
        // It fails once more.
        let newest = scene.bus.newest(&scene.topic.source).await.unwrap();
        assert_eq!(
            newest[0].header("__fedhost.replay.count").unwrap(),
            &round.to_string()
        );
        scene
            .write(
                newest
                    .iter()
                    .map(|record| dead_letter(record, ".dlq", &failure("trap")))
                    .collect(),
            )
            .await;
    }
    let last = scene.replay(Replay::default()).await;
    assert_eq!(
        (
            last.replayed,
            last.refused[&ReplayRefusal::ReplayedTooOften]
        ),
        (0, 2)
    );
    assert_eq!(
        scene
            .replay(Replay {
                force: true,
                ..Replay::default()
            })
            .await
            .replayed,
        2
    );
}

pub(crate) async fn a_letter_of_another_topic_is_not_put_on_this_one(on: On) {
    let scene = Scene::new(on).await;
    let mut foreign = scene.original(0, "a", Vec::new());
    foreign.position.topic = "global_model".into();
    let mut letter = dead_letter(&foreign, ".dlq", &failure("trap"));
    letter.topic = scene.topic.name.as_str().into();
    scene.write(vec![letter]).await;
    let account = scene
        .replay(Replay {
            force: true,
            ..Replay::default()
        })
        .await;
    assert_eq!(
        (
            account.replayed,
            account.refused[&ReplayRefusal::OfAnotherTopic]
        ),
        (0, 1)
    );
    assert_eq!(scene.put_back().await, [""; 0]);
}

pub(crate) async fn a_replay_keeps_to_its_rate(on: On) {
    let values = many(30);
    let scene = with_many(on, &values).await;
    let watch = fedhost_base::clock::Stopwatch::start();
    scene
        .replay(Replay {
            rate: Some(50.0),
            ..Replay::default()
        })
        .await;
    assert!(
        watch.elapsed().as_secs_f64() >= 25.0 / 50.0,
        "{:?}",
        watch.elapsed()
    );
    assert_eq!(scene.put_back().await, values);
}
