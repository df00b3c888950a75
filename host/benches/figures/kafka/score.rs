//! From a reading that is written to its score that can be read, through a fog node with a learnt
//! model, at a steady pace. Beside it, in turn, the same two hops with bare clients that pass the
//! reading on as it is, without transactions.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use fedhost::app::{Options, Prepared};
use fedhost::observe::Observed;
use fedhost_base::announce::Announcer;
use fedhost_base::clock;
use fedhost_bus::{Bus, Start};
use rdkafka::Message as _;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::bare::{Reader, Writer};
use super::cluster::{Cluster, Delivery, new_group};
use super::word;
use crate::measure::{Figure, quantile};
use crate::rows::paced::{READINGS, Readings, reading, seconds};

const MANIFEST: &str = "[federation]\nmin_nodes = 1\n[training]\nrows_per_round = 200\n\
                        [preprocess]\nplugin = \"standard-scaler\"\n";

pub(crate) fn figures<'a>(
    runtime: &'a Runtime,
    servers: &'a str,
) -> impl Iterator<Item = Figure> + 'a {
    [
        ("low-latency", Delivery::AtLeastOnce),
        ("low-latency", Delivery::ExactlyOnce),
        ("balanced", Delivery::ExactlyOnce),
    ]
    .into_iter()
    .flat_map(move |(profile, delivery)| {
        let cluster = Cluster::new(runtime, servers, delivery, profile, MANIFEST);
        let [own, bare] = times(&cluster);
        [(50, 0.5), (99, 0.99)].map(|(percent, rank)| {
            let name = format!(
                "kafka_score_p{percent}_{}_{}",
                profile.replace('-', "_"),
                word(delivery)
            );
            let [own, bare] = [&own, &bare].map(|times| quantile(times.clone(), rank) * 1e3);
            Figure::beside(&name, own, "ms", "two bare hops without transactions", bare)
        })
    })
}

/// Seconds of each reading, and of each one of the baseline's.
fn times(cluster: &Cluster<'_>) -> [Vec<f64>; 2] {
    let bus = cluster.bus();
    let relay = Relay::start(cluster, &bus);
    let stop = CancellationToken::new();
    let node = cluster
        .runtime
        .spawn(run(cluster.manifest.clone(), stop.clone()));
    let own = cluster.runtime.block_on(async {
        let topics = &cluster.manifest.manifest.topics;
        let (readings, scores) = (topics.sensor_data_of(1).name, topics.predictions().name);
        for topic in [&readings, &scores] {
            bus.create_topic(super::cluster::spec(topic)).await.unwrap();
        }
        let mut scores = bus
            .subscribe(&new_group(), &[&scores], Start::Earliest)
            .await
            .unwrap();
        let readings = Readings {
            bus: Arc::clone(&bus),
            topic: readings.into(),
        };
        readings.teach(scores.as_mut()).await;
        let own = readings.score_at_pace(scores, || relay.send()).await;
        stop.cancel();
        node.await.unwrap();
        own
    });
    [own, relay.seconds()]
}

/// The federation: an aggregator and a fog node.
async fn run(manifest: fedhost_manifest::Loaded, stop: CancellationToken) {
    let prepared = Prepared::new(
        manifest,
        Options::default(),
        Announcer::default(),
        &Observed::new(),
    )
    .await
    .unwrap();
    prepared.run(stop).await.unwrap();
}

/// The baseline: a writer, a relay that passes on what comes, and a reader.
struct Relay {
    writer: Writer,
    sent: std::sync::Mutex<Vec<Instant>>,
    received: JoinHandle<Vec<Instant>>,
}

impl Relay {
    fn start(cluster: &Cluster<'_>, bus: &Arc<dyn Bus>) -> Self {
        let (first, second) = (cluster.topic(bus, "first"), cluster.topic(bus, "second"));
        let writer = Writer::new(&cluster.producer(), &first);
        let (passed, passing) = (
            Reader::join(&cluster.consumer(), &first),
            Writer::new(&cluster.producer(), &second),
        );
        let reader = Reader::join(&cluster.consumer(), &second);
        thread::spawn(move || {
            (0..READINGS).for_each(|_| passing.send(passed.next().payload().unwrap()));
            passing.wait_for(READINGS);
        });
        let received = thread::spawn(move || {
            let received = |_| {
                reader.next();
                clock::now()
            };
            (0..READINGS).map(received).collect()
        });
        Self {
            writer,
            sent: std::sync::Mutex::default(),
            received,
        }
    }

    fn send(&self) {
        let mut sent = self.sent.lock().unwrap();
        sent.push(clock::now());
        self.writer
            .send(reading(sent.len() as i64, None).to_string().as_bytes());
    }

    fn seconds(self) -> Vec<f64> {
        let received = self.received.join().unwrap();
        seconds(&self.sent.into_inner().unwrap(), &received)
    }
}
