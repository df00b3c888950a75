use std::time::Duration;

use fedhost_domain::model::{Sha256Hex, TensorSpec, Weights};
use fedhost_domain::round::Expected;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::role::StartedSignal;
use crate::role::federation::Wire;
use crate::role::refusal::RefusedUpdate;
use fedhost_base::announce::Announcer;
use fedhost_base::observer::NoObserver;
use fedhost_bus::embedded::{EmbeddedLog, Options};
use fedhost_bus::{Bus, NewRecord, TopicSpec};

const PATIENCE: Duration = Duration::from_secs(60);

/// An aggregator whose round does not close within this test.
fn service(bus: Arc<dyn Bus>, stop: &CancellationToken) -> Service {
    let rules = Rules {
        expected: Expected::Listed([NodeId::fog(1), NodeId::fog(2)].into()),
        min_nodes: 2,
        round_interval_ms: 3_600_000,
        max_staleness_rounds: 1,
        max_update_age_ms: 120_000,
        plugin: "p".to_owned(),
        max_weight: 100.0,
        max_norm: 150.0,
        max_samples: 10_000,
        max_nodes: 4,
        rounds: None,
    };
    let topics = FederationTopics {
        global_model: "models".into(),
        model_updates: "updates".into(),
        predictions: "predictions".into(),
        evaluations: "evaluations".into(),
        dead_letter_suffix: ".dlq".to_owned(),
        wire: Wire::default(),
    };
    Service {
        context: Context {
            bus,
            announcer: Announcer::default(),
            observer: Arc::new(NoObserver),
            stop: stop.clone(),
            started: StartedSignal::default(),
        },
        topics: Arc::new(topics),
        rules,
        plugin: watch::channel(plugin("0.1.0")).1,
        rounds_logged: 0,
        dead_letters: DeadLetters::default(),
    }
}

fn plugin(version: &str) -> PluginId {
    PluginId {
        name: "p".into(),
        version: version.into(),
        sha256: Sha256Hex::of(b"p"),
    }
}

/// An embedded log with the topics of a federation; it ends with its directory.
async fn bus_with_topics() -> (TempDir, Arc<dyn Bus>) {
    let directory = tempfile::tempdir().unwrap();
    let bus: Arc<dyn Bus> = Arc::new(EmbeddedLog::open(Options::new(directory.path())).unwrap());
    for name in ["models", "updates", "evaluations", "updates.dlq"] {
        let spec = TopicSpec {
            name: name.to_owned(),
            partitions: 1,
            max_message_bytes: 1 << 20,
            ..TopicSpec::default()
        };
        bus.create_topic(spec).await.unwrap();
    }
    (directory, bus)
}

/// A record on the topic of updates that is no update.
fn foreign(value: &'static str) -> NewRecord {
    NewRecord {
        topic: "updates".into(),
        partition: None,
        timestamp_ms: 0,
        key: None,
        value: value.into(),
        headers: Vec::new(),
    }
}

/// An update of a node from the initial model, by a version of the plug-in.
async fn update(topics: &FederationTopics, node: u32, version: &str) -> NewRecord {
    let spec = TensorSpec {
        name: "w".into(),
        shape: vec![1],
    };
    let weights = Weights::new(vec![spec], vec![1.0]).unwrap();
    let update = models::NewUpdate {
        node: NodeId::fog(node),
        base_round: 0,
        samples: 10,
        weights: &weights,
        plugin: &plugin(version),
        loss: 0.5,
        metrics: &[],
        train_ms: 1.0,
    };
    models::update_record(topics, update).await.unwrap()
}

async fn write(bus: &Arc<dyn Bus>, record: NewRecord) {
    let write = Write {
        records: vec![record],
        ..Write::default()
    };
    bus.write(write).await.unwrap();
}

/// The next records of a topic.
async fn read(bus: &Arc<dyn Bus>, topic: &str, max: usize) -> Vec<Record> {
    let mut source = bus
        .subscribe("test", &[topic], Start::Earliest)
        .await
        .unwrap();
    tokio::time::timeout(PATIENCE, source.read(max))
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_update_does_not_wait_for_a_model_that_may_never_come() {
    // Given an aggregator whose round stays open, and an update that is none
    let (_directory, bus) = bus_with_topics().await;
    write(&bus, foreign("no update")).await;
    // When the aggregator reads it
    let stop = CancellationToken::new();
    let running = tokio::spawn(service(Arc::clone(&bus), &stop).run());
    // Then its dead-letter record is written, and the offset moves
    let dead_letter = read(&bus, "updates.dlq", 1).await.remove(0);
    assert_eq!(dead_letter.header("__fedhost.reason").unwrap(), "not_json");
    let offsets = bus.group_offsets(ROLE).await.unwrap();
    assert!(
        offsets
            .iter()
            .any(|offset| &*offset.topic == "updates" && offset.next == 1),
        "{offsets:?}"
    );
    stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_of_a_version_that_is_not_compatible_is_refused() {
    let (_directory, bus) = bus_with_topics().await;
    let stop = CancellationToken::new();
    let service = service(Arc::clone(&bus), &stop);
    // Given updates of a later version of the same line, and of another line
    for (node, version) in [(1, "0.1.9"), (2, "0.2.0")] {
        write(&bus, update(&service.topics, node, version).await).await;
    }
    // When the aggregator reads them
    let running = tokio::spawn(service.run());
    // Then one of them is dead-lettered, and the other is not
    let dead_letters = read(&bus, "updates.dlq", 2).await;
    assert_eq!(dead_letters.len(), 1);
    assert_eq!(
        dead_letters[0].header("__fedhost.reason").unwrap(),
        "wrong_plugin"
    );
    assert_eq!(
        dead_letters[0].key.as_deref(),
        Some(b"fog-node-2".as_slice())
    );
    // And its sender is answered with the reason
    let answer = RefusedUpdate::read(&read(&bus, "models", 1).await[0]).unwrap();
    assert_eq!(
        (answer.node, answer.round, answer.reason.as_str()),
        (NodeId::fog(2), 1, "wrong_plugin")
    );
    stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn honest_repeats_never_count_towards_the_cap() {
    let (_directory, bus) = bus_with_topics().await;
    let stop = CancellationToken::new();
    let mut service = service(Arc::clone(&bus), &stop);
    // Given a cap of half of the last four records, and a node that repeats its update while the
    // other node is away
    service.dead_letters.cap_records = 4;
    let topics = Arc::clone(&service.topics);
    for _ in 0..20 {
        write(&bus, update(&topics, 1, "0.1.0").await).await;
    }
    // When the other node comes back
    write(&bus, update(&topics, 2, "0.1.0").await).await;
    let running = tokio::spawn(service.run());
    // Then the round closes
    assert_eq!(read(&bus, "models", 1).await.len(), 1);
    stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_refused_update_is_in_the_count_of_its_round() {
    let (_directory, bus) = bus_with_topics().await;
    let stop = CancellationToken::new();
    let service = service(Arc::clone(&bus), &stop);
    let topics = Arc::clone(&service.topics);
    // Given a text, an update of another version, one of an unlisted node, and two good ones
    write(&bus, foreign("no update")).await;
    for (node, version) in [(1, "0.2.0"), (7, "0.1.0"), (1, "0.1.0"), (2, "0.1.0")] {
        write(&bus, update(&topics, node, version).await).await;
    }
    // When the round closes
    let running = tokio::spawn(service.run());
    let mut models = bus
        .subscribe("test", &["models"], Start::Earliest)
        .await
        .unwrap();
    let published = async {
        loop {
            let records = models.read(8).await.unwrap();
            if records
                .iter()
                .any(|record| RefusedUpdate::read(record).is_none())
            {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, published).await.unwrap();
    // Then its summary counts all three
    let closed = newest_round(bus.as_ref()).await.unwrap().unwrap();
    assert_eq!((closed.round, closed.rejected), (1, 3));
    stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_was_erased_from_its_topic_is_published_again() {
    // Given the state of an aggregator that has published round 3, and a topic without its model
    let (_directory, bus) = bus_with_topics().await;
    let service = service(Arc::clone(&bus), &CancellationToken::new());
    let progress = Progress {
        published: 3,
        ..Progress::default()
    };
    let state = State::new(progress, None, BTreeMap::new());
    let header = (state::PROGRESS.to_owned(), state.to_bytes().unwrap());
    let model = NewRecord {
        topic: "models".into(),
        partition: None,
        timestamp_ms: 7,
        key: Some("p".into()),
        value: Bytes::from_static(b"a model"),
        headers: vec![header],
    };
    let mut write = Write::default();
    kept_model::keep(&model, &mut write).unwrap();
    bus.write(write).await.unwrap();
    let tombstone = NewRecord {
        value: Bytes::new(),
        headers: Vec::new(),
        ..model.clone()
    };
    let foreign = Write {
        records: vec![tombstone],
        ..Write::default()
    };
    bus.write(foreign).await.unwrap();
    // When it starts
    let restored = kept_model::restore(&service, None, &state).await.unwrap();
    // Then it has the model, and so has the topic, byte for byte
    let restored = restored.expect("a model");
    let newest = bus.newest("models").await.unwrap().remove(0);
    for found in [&restored, &newest] {
        assert_eq!((&found.key, &found.value), (&model.key, &model.value));
        assert_eq!(found.headers, model.headers);
    }
    // And a second start changes nothing
    let again = kept_model::restore(&service, Some(newest.clone()), &state).await;
    assert_eq!(again.unwrap(), Some(newest.clone()));
    assert_eq!(bus.newest("models").await.unwrap(), [newest]);
}
