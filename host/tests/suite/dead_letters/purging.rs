use fedhost::dead_letters::{Bound, Cut, Error, Replay, delete, plan_purge};
use fedhost_bus::Record;

use super::scene::{On, Scene, because};

const FIVE: [(&str, &str); 5] = [
    ("a", "stale"),
    ("b", "trap"),
    ("c", "trap"),
    ("d", "stale"),
    ("e", "trap"),
];

async fn purge(scene: &Scene, before: Option<Bound>) -> Vec<Cut> {
    let cuts = plan_purge(&scene.bus, &scene.topic.name, before, |_| ())
        .await
        .unwrap();
    delete(scene.bus.as_ref(), &scene.topic.name, &cuts)
        .await
        .unwrap();
    cuts
}

async fn left(scene: &Scene) -> String {
    let mut values: Vec<char> = scene
        .read(&scene.topic.name)
        .await
        .iter()
        .map(|record: &Record| char::from(record.value[0]))
        .collect();
    values.sort_unstable();
    values.into_iter().collect()
}

pub(crate) async fn a_purge_without_a_bound_deletes_everything(on: On) {
    let scene = Scene::new(on).await.with_letters(&FIVE).await;
    let cuts = purge(&scene, None).await;
    // A bus may keep a mark of its own behind the last letter.
    let cut = |partition, letters| {
        move |cut: &Cut| (cut.partition, cut.from) == (partition, 0) && cut.before >= letters
    };
    assert!(
        cuts.len() == 2 && cut(0, 3)(&cuts[0]) && cut(1, 2)(&cuts[1]),
        "{cuts:?}"
    );
    assert_eq!(left(&scene).await, "");
    assert_eq!(purge(&scene, None).await, []);
}

pub(crate) async fn a_purge_stops_at_its_place(on: On) {
    let scene = Scene::new(on).await.with_letters(&FIVE).await;
    purge(
        &scene,
        Some(Bound::Offset {
            partition: Some(0),
            offset: 2,
        }),
    )
    .await;
    assert_eq!(left(&scene).await, "bde");
    purge(
        &scene,
        Some(Bound::Offset {
            partition: None,
            offset: 1,
        }),
    )
    .await;
    assert_eq!(left(&scene).await, "de");
    let nowhere = Some(Bound::Offset {
        partition: Some(7),
        offset: 1,
    });
    let refused = plan_purge(&scene.bus, &scene.topic.name, nowhere, |_| ()).await;
    assert!(matches!(
        refused,
        Err(Error::NoPartition { partition: 7, .. })
    ));
}

pub(crate) async fn a_purge_keeps_what_failed_since_a_time(on: On) {
    let scene = Scene::new(on).await.with_letters(&FIVE).await;
    purge(&scene, Some(Bound::Time(2_500))).await;
    assert_eq!(left(&scene).await, "de");
    purge(&scene, Some(Bound::Time(u64::MAX))).await;
    assert_eq!(left(&scene).await, "");
}

pub(crate) async fn what_a_purge_left_is_replayed_as_before(on: On) {
    let scene = Scene::new(on).await.with_letters(&FIVE).await;
    scene
        .replay(Replay {
            filter: because("trap"),
            ..Replay::default()
        })
        .await;
    purge(
        &scene,
        Some(Bound::Offset {
            partition: None,
            offset: 1,
        }),
    )
    .await;
    assert_eq!(scene.replay(Replay::default()).await.replayed, 1);
    assert_eq!(scene.put_back().await, ["b", "c", "d", "e"]);
}
