//! Records above the limit of their topic, on a real cluster: several in the log, and one for
//! its writer and its readers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fedhost_bus::kafka::{Delivery, RoleClient};
use fedhost_bus::{
    Admin as _, Bus as _, GroupOffset, NewRecord, Position, Record, Sink as _, Source, Start,
};
use fedhost_bus::{TopicSpec, Write};

use super::kafka::{Swept, prefixed, role_client, servers};

const MIB: usize = 1 << 20;

/// Two roles on one cluster, whose names are theirs alone.
struct Scene {
    prefix: String,
    client: RoleClient,
    other: RoleClient,
    _swept: Swept,
}

impl Scene {
    async fn new(delivery: Delivery) -> Self {
        let servers = servers();
        let (prefix, options) = prefixed(&servers, delivery);
        let (client, other) = (
            role_client(options.clone(), "one").await,
            role_client(options.clone(), "other").await,
        );
        client
            .create_topic(options.state_topic)
            .await
            .expect("a topic for state");
        Self {
            client,
            other,
            _swept: Swept {
                servers,
                names: prefix.clone(),
            },
            prefix,
        }
    }

    /// A topic of one partition that takes 1 MiB.
    async fn topic(&self, policy: &str) -> Arc<str> {
        let spec = TopicSpec {
            name: format!("{}t", self.prefix),
            partitions: 1,
            max_message_bytes: MIB as u64,
            settings: [("cleanup.policy".to_owned(), policy.to_owned())].into(),
            ..TopicSpec::default()
        };
        self.client
            .create_topic(spec.clone())
            .await
            .expect("a legal topic");
        spec.name.into()
    }

    async fn read_from_start(&self, topic: &Arc<str>) -> Box<dyn Source> {
        self.client
            .subscribe(&self.group(), &[topic], Start::Earliest)
            .await
            .expect("subscribed")
    }

    fn group(&self) -> String {
        format!("{}g", self.prefix)
    }

    async fn store(&self, topic: &Arc<str>, next: u64) {
        let offset = GroupOffset {
            group: self.group(),
            topic: Arc::clone(topic),
            partition: 0,
            next,
            epoch: None,
        };
        self.client
            .write(Write {
                offsets: vec![offset],
                ..Write::default()
            })
            .await
            .expect("stored");
    }
}

fn record(topic: &Arc<str>, key: &str, value: impl Into<Bytes>) -> NewRecord {
    NewRecord {
        topic: Arc::clone(topic),
        partition: None,
        timestamp_ms: 1_700_000_000_000,
        key: Some(Bytes::copy_from_slice(key.as_bytes())),
        value: value.into(),
        headers: vec![("traceparent".to_owned(), Bytes::from_static(b"00-1"))],
    }
}

/// Bytes that show at which place they are.
fn content(bytes: usize, seed: usize) -> Vec<u8> {
    (0..bytes)
        .map(|index| (index * 31 + index / 251 + seed) as u8)
        .collect()
}

async fn write(client: &RoleClient, records: Vec<NewRecord>) -> Vec<Position> {
    client
        .write(Write {
            records,
            ..Write::default()
        })
        .await
        .expect("written")
}

async fn read(source: &mut dyn Source, count: usize) -> Vec<Record> {
    let mut records = Vec::new();
    while records.len() < count {
        records.extend(source.read(count - records.len()).await.expect("readable"));
    }
    records
}

/// Whether a record is what was written, at that place.
fn assert_is(found: &Record, written: &NewRecord, position: &Position) {
    assert_eq!(
        (&found.position, found.timestamp_ms),
        (position, written.timestamp_ms)
    );
    assert_eq!(
        (&found.key, &found.headers),
        (&written.key, &written.headers)
    );
    assert!(
        found.value == written.value,
        "{} bytes of {}",
        found.value.len(),
        written.value.len()
    );
}

async fn a_record_of_12_mb_passes_a_topic_of_1_mb_beside_small_ones(delivery: Delivery) {
    // Given a role that writes a large record between two small ones, while another one writes as
    // well
    let scene = Scene::new(delivery).await;
    let topic = scene.topic("delete").await;
    let mine = [
        record(&topic, "a", "first"),
        record(&topic, "a", content(12 * MIB, 1)),
        record(&topic, "a", "last"),
    ];
    let others = async {
        let mut positions = Vec::new();
        for number in 0..40 {
            positions
                .extend(write(&scene.other, vec![record(&topic, "b", number.to_string())]).await);
        }
        positions
    };
    let (positions, others) = tokio::join!(write(&scene.client, mine.to_vec()), others);
    assert_eq!(positions.len(), 3, "a record is one, however it travels");
    // When all of it is read
    let records = read(&mut *scene.read_from_start(&topic).await, 43).await;
    // Then each comes once, as it was written, at the place that its writer got
    assert!(records.is_sorted_by_key(|record| record.position.offset));
    for (written, position) in mine.iter().zip(&positions) {
        assert_is(
            records
                .iter()
                .find(|record| record.position == *position)
                .expect("it came"),
            written,
            position,
        );
    }
    for (number, position) in others.iter().enumerate() {
        let found = records
            .iter()
            .find(|record| record.position == *position)
            .expect("it came");
        assert_eq!(found.value, number.to_string());
    }
}

async fn the_newest_and_the_first_record_are_whole(delivery: Delivery) {
    // Given a compacted topic with two large records of a key, the second one smaller
    let scene = Scene::new(delivery).await;
    let topic = scene.topic("compact").await;
    let old = record(&topic, "model", content(5 * MIB, 1));
    let new = record(&topic, "model", content(3 * MIB, 2));
    let old_at = write(&scene.client, vec![old.clone()]).await.remove(0);
    let new_at = write(&scene.client, vec![new.clone()]).await.remove(0);
    // When the newest is asked for, then it is the second as a whole
    let newest = scene.client.newest(&topic).await.expect("readable");
    assert_eq!(newest.len(), 1);
    assert_is(&newest[0], &new, &new_at);
    // And the first from every offset is the next that begins there or behind
    for from in [
        old_at.offset,
        old_at.offset + 1,
        new_at.offset - 1,
        new_at.offset,
    ] {
        let first = scene
            .client
            .first_from(&topic, 0, from)
            .await
            .expect("readable")
            .expect("there is one");
        let (written, position) = if from <= old_at.offset {
            (&old, &old_at)
        } else {
            (&new, &new_at)
        };
        assert_is(&first, written, position);
    }
    assert_eq!(
        scene
            .client
            .first_from(&topic, 0, new_at.offset + 1)
            .await
            .expect("readable"),
        None
    );
    // And a small one takes its place
    let small_at = write(&scene.client, vec![record(&topic, "model", "small")])
        .await
        .remove(0);
    let newest = scene.client.newest(&topic).await.expect("readable");
    assert_eq!((newest.len(), &newest[0].position), (1, &small_at));
}

async fn a_group_goes_on_behind_a_record_whose_chunks_follow(delivery: Delivery) {
    let scene = Scene::new(delivery).await;
    let topic = scene.topic("delete").await;
    let records = [
        record(&topic, "a", content(3 * MIB, 1)),
        record(&topic, "a", content(2 * MIB, 2)),
        record(&topic, "a", "c"),
    ];
    let positions = write(&scene.client, records.to_vec()).await;
    let mut source = scene.read_from_start(&topic).await;
    let first = read(&mut *source, 1).await.remove(0);
    assert_is(&first, &records[0], &positions[0]);
    // When its group stores the place behind it, and another reader continues there
    scene.store(&topic, positions[0].offset + 1).await;
    drop(source);
    let mut source = scene.read_from_start(&topic).await;
    // Then that one gets what follows, and whatever it is sent to
    let rest = read(&mut *source, 2).await;
    rest.iter()
        .zip(&records[1..])
        .zip(&positions[1..])
        .for_each(|((found, record), at)| assert_is(found, record, at));
    for index in [0, 2, 1] {
        source.seek(&topic, 0, positions[index].offset);
        assert_is(
            &read(&mut *source, 1).await[0],
            &records[index],
            &positions[index],
        );
    }
    // And one that is sent among the chunks gets the next that begins
    source.seek(&topic, 0, positions[0].offset + 2);
    assert_is(&read(&mut *source, 1).await[0], &records[1], &positions[1]);
}

async fn state_above_the_limit_is_kept(delivery: Delivery) {
    // Given state of 3 MiB, in a topic of 1 MiB
    let scene = Scene::new(delivery).await;
    let put = async |name: &str, value: Option<Vec<u8>>| {
        let state = vec![(name.to_owned(), value.map(Bytes::from))];
        scene
            .client
            .write(Write {
                state,
                ..Write::default()
            })
            .await
            .expect("written");
    };
    for (seed, bytes) in [(1, 3 * MIB), (2, 2 * MIB), (3, 10)] {
        put("large", Some(content(bytes, seed))).await;
        put("small", Some(vec![1])).await;
        // When it is asked for, by this process or by the next, then the newest value is there
        for client in [&scene.client, &scene.other] {
            let found = client
                .state("large")
                .await
                .expect("readable")
                .expect("it is there");
            assert!(found == content(bytes, seed), "{} bytes", found.len());
        }
        assert_eq!(
            scene.client.state("small").await.expect("readable"),
            Some(Bytes::from_static(&[1]))
        );
    }
    put("large", Some(content(3 * MIB, 4))).await;
    put("large", None).await;
    assert_eq!(scene.client.state("large").await.expect("readable"), None);
}

macro_rules! both {
    ($($promise:ident),* $(,)?) => {
        mod exactly_once {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                super::within_a_minute(super::$promise(super::Delivery::ExactlyOnce)).await;
            })*
        }
        mod at_least_once {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                super::within_a_minute(super::$promise(super::Delivery::AtLeastOnce)).await;
            })*
        }
    };
}

both!(
    a_record_of_12_mb_passes_a_topic_of_1_mb_beside_small_ones,
    the_newest_and_the_first_record_are_whole,
    a_group_goes_on_behind_a_record_whose_chunks_follow,
    state_above_the_limit_is_kept,
);

async fn within_a_minute(promise: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(60), promise)
        .await
        .expect("a writer was kept waiting");
}
