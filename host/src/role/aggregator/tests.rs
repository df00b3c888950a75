use std::time::Duration;

use fedhost_domain::model::Sha256Hex;
use fedhost_domain::round::Expected;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::role::StartedSignal;
use crate::role::federation::Wire;
use fedhost_base::announce::Announcer;
use fedhost_base::observer::NoObserver;
use fedhost_bus::TopicSpec;
use fedhost_bus::embedded::{EmbeddedLog, Options};

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
    let topics = Topics {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_update_does_not_wait_for_a_model_that_may_never_come() {
    // Given an aggregator whose round stays open, and an update that is none
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
    let update = NewRecord {
        topic: "updates".into(),
        partition: None,
        timestamp_ms: 0,
        key: None,
        value: "no update".into(),
        headers: Vec::new(),
    };
    bus.write(Write {
        records: vec![update],
        ..Write::default()
    })
    .await
    .unwrap();
    // When the aggregator reads it
    let stop = CancellationToken::new();
    let running = tokio::spawn(service(Arc::clone(&bus), &stop).run());
    // Then its letter is written, and the offset moves
    let mut letters = bus
        .subscribe("test", &["updates.dlq"], Start::Earliest)
        .await
        .unwrap();
    let letter = tokio::time::timeout(PATIENCE, letters.read(1))
        .await
        .unwrap()
        .unwrap()
        .remove(0);
    assert_eq!(letter.header("__fedhost.reason").unwrap(), "not_json");
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
    let stop = CancellationToken::new();
    let service = service(Arc::clone(&bus), &stop);
    // Given updates of a later version of the same line, and of another line
    let spec = fedhost_domain::model::TensorSpec {
        name: "w".into(),
        shape: vec![1],
    };
    let weights = fedhost_domain::model::Weights::new(vec![spec], vec![1.0]).unwrap();
    for (node, version) in [(1, "0.1.9"), (2, "0.2.0")] {
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
        let record = models::update_record(&service.topics, update)
            .await
            .unwrap();
        bus.write(Write {
            records: vec![record],
            ..Write::default()
        })
        .await
        .unwrap();
    }
    // When the aggregator reads them
    let running = tokio::spawn(service.run());
    // Then the one is put aside, and the other is not
    let mut letters = bus
        .subscribe("test", &["updates.dlq"], Start::Earliest)
        .await
        .unwrap();
    let letter = tokio::time::timeout(PATIENCE, letters.read(2))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(letter.len(), 1);
    assert_eq!(
        letter[0].header("__fedhost.reason").unwrap(),
        "wrong_plugin"
    );
    assert_eq!(letter[0].key.as_deref(), Some(b"fog-node-2".as_slice()));
    stop.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn honest_repeats_never_count_towards_the_cap() {
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
    let stop = CancellationToken::new();
    let mut service = service(Arc::clone(&bus), &stop);
    // Given a cap of half of the last four records, and a node that repeats its update while the
    // other node is away
    service.dead_letters.cap_records = 4;
    let topics = Arc::clone(&service.topics);
    let answer = async |node: u32| {
        let spec = fedhost_domain::model::TensorSpec {
            name: "w".into(),
            shape: vec![1],
        };
        let weights = fedhost_domain::model::Weights::new(vec![spec], vec![1.0]).unwrap();
        let update = models::NewUpdate {
            node: NodeId::fog(node),
            base_round: 0,
            samples: 10,
            weights: &weights,
            plugin: &plugin("0.1.0"),
            loss: 0.5,
            metrics: &[],
            train_ms: 1.0,
        };
        let record = models::update_record(&topics, update).await.unwrap();
        let records = vec![record];
        bus.write(Write {
            records,
            ..Write::default()
        })
        .await
        .unwrap();
    };
    for _ in 0..20 {
        answer(1).await;
    }
    // When the other node comes back
    answer(2).await;
    let running = tokio::spawn(service.run());
    // Then the round closes
    let mut models = bus
        .subscribe("test", &["models"], Start::Earliest)
        .await
        .unwrap();
    let model = tokio::time::timeout(PATIENCE, models.read(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(model.len(), 1);
    stop.cancel();
    running.await.unwrap().unwrap();
}
