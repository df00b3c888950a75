//! A trivial round of two nodes: from the last update in the log to the global model in the log.

use std::collections::BTreeSet;
use std::sync::Arc;

use fedhost::role::aggregator::Service;
use fedhost::role::federation::{FederationTopics, Wire};
use fedhost::role::models::{NewUpdate, update_record};
use fedhost::role::{Context, DeadLetters, StartedSignal};
use fedhost_base::announce::Announcer;
use fedhost_base::clock::Stopwatch;
use fedhost_base::observer::NoObserver;
use fedhost_bus::embedded::{EmbeddedLog, Options};
use fedhost_bus::{Admin as _, Bus, Sink as _, Start, TopicSpec, Write};
use fedhost_domain::model::{NodeId, PluginId, Sha256Hex};
use fedhost_domain::round::{Expected, Rules};
use tokio_util::sync::CancellationToken;

use crate::fedavg::weights;
use crate::measure::{Document, Figure, median};

const ROUNDS: u64 = 200;
const PARAMETERS: usize = 17;

pub(crate) fn figures(document: &mut Document) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let seconds = runtime.block_on(rounds());
    document.add(Figure::alone(
        "round_trivial_two_nodes",
        median(seconds) * 1e3,
        "ms",
    ));
}

fn plugin() -> PluginId {
    PluginId {
        name: "bench".into(),
        version: "0.1.0".into(),
        sha256: Sha256Hex::of(b"bench"),
    }
}

fn rules() -> Rules {
    Rules {
        expected: Expected::Listed(
            [NodeId::fog(1), NodeId::fog(2)]
                .into_iter()
                .collect::<BTreeSet<_>>(),
        ),
        min_nodes: 2,
        round_interval_ms: 60_000,
        max_staleness_rounds: 1,
        max_update_age_ms: 60_000,
        plugin: plugin().name,
        max_weight: 1e4,
        max_norm: 1e6,
        max_samples: 1_000_000,
        max_nodes: 1_024,
        rounds: None,
    }
}

async fn rounds() -> Vec<f64> {
    let folder = tempfile::tempdir().unwrap();
    let log = Arc::new(EmbeddedLog::open(Options::new(folder.path())).unwrap());
    let topics = Arc::new(FederationTopics {
        global_model: "global".into(),
        model_updates: "updates".into(),
        predictions: "predictions".into(),
        evaluations: "evaluations".into(),
        wire: Wire::default(),
        dead_letter_suffix: ".dlq".into(),
    });
    for name in ["global", "updates", "evaluations"] {
        log.create_topic(topic(name)).await.unwrap();
    }
    let bus: Arc<dyn Bus> = Arc::clone(&log) as Arc<dyn Bus>;
    let stop = CancellationToken::new();
    let context = Context {
        bus: Arc::clone(&bus),
        announcer: Announcer::default(),
        observer: Arc::new(NoObserver),
        stop: stop.clone(),
        started: StartedSignal::default(),
    };
    let service = Service {
        context,
        topics: Arc::clone(&topics),
        rules: rules(),
        plugin: tokio::sync::watch::channel(plugin()).1,
        rounds_logged: 0,
        dead_letters: DeadLetters::default(),
    };
    let aggregator = tokio::spawn(service.run());
    let mut globals = bus
        .subscribe("bench", &["global"], Start::Earliest)
        .await
        .unwrap();
    let mut seconds = Vec::new();
    for round in 0..ROUNDS {
        send(&log, &topics, 1, round).await;
        let watch = Stopwatch::start();
        send(&log, &topics, 2, round).await;
        globals.read(1).await.unwrap();
        seconds.push(watch.elapsed().as_secs_f64());
    }
    stop.cancel();
    aggregator.await.unwrap().unwrap();
    seconds
}

fn topic(name: &str) -> TopicSpec {
    let (retention_ms, retention_bytes) = (None, None);
    TopicSpec {
        name: name.into(),
        partitions: 1,
        retention_ms,
        retention_bytes,
        max_message_bytes: 16 << 20,
        ..TopicSpec::default()
    }
}

async fn send(log: &EmbeddedLog, topics: &FederationTopics, node: u32, base_round: u64) {
    let weights = weights(node as usize, PARAMETERS);
    let plugin = plugin();
    let update = NewUpdate {
        node: NodeId::fog(node),
        base_round,
        samples: 100,
        weights: &weights,
        plugin: &plugin,
        loss: 0.5,
        metrics: &[],
        train_ms: 1.0,
    };
    let record = update_record(topics, update).await.unwrap();
    log.write(Write {
        records: vec![record],
        ..Write::default()
    })
    .await
    .unwrap();
}
