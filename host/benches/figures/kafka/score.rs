//! From a reading that is written to its score that can be read, through a fog node with a learnt
//! model, at a steady pace. Beside it, in turn, the same two hops with bare clients that pass the
//! reading on as it is, without transactions.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fedhost::app::{Options, Prepared};
use fedhost::observe::Observed;
use fedhost_base::announce::Announcer;
use fedhost_base::clock;
use fedhost_bus::{Bus, Source, Start, Write};
use rdkafka::Message as _;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::bare::{Reader, Writer};
use super::cluster::{Cluster, Delivery, new_group};
use super::stream::record;
use super::{PATIENCE, word};
use crate::measure::{Figure, quantile};

/// Of each kind.
const READINGS: usize = 1_000;
/// Between a reading and one of the baseline's: 100 of each a second.
const PACE: Duration = Duration::from_millis(5);
const TRAINING_ROWS: usize = 400;
const MANIFEST: &str = "[federation]\nmin_nodes = 1\n[training]\nrows_per_round = 200\n";

pub(crate) fn figures(runtime: &Runtime, servers: &str) -> Vec<Figure> {
    [
        ("low-latency", Delivery::AtLeastOnce),
        ("low-latency", Delivery::ExactlyOnce),
        ("balanced", Delivery::ExactlyOnce),
    ]
    .into_iter()
    .flat_map(|(profile, delivery)| {
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
    .collect()
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
        let mut scores = learnt(cluster, &bus).await;
        let received = tokio::spawn(async move {
            let mut received = vec![None; READINGS];
            while received.iter().any(Option::is_none) {
                for number in next_scores(scores.as_mut()).await {
                    if let Some(place) = usize::try_from(number)
                        .ok()
                        .and_then(|number| received.get_mut(number))
                    {
                        *place = Some(clock::now());
                    }
                }
            }
            received.into_iter().map(Option::unwrap).collect::<Vec<_>>()
        });
        let mut pace = tokio::time::interval(PACE);
        let mut sent = Vec::new();
        for number in 0..READINGS {
            pace.tick().await;
            sent.push(clock::now());
            tokio::spawn(write(cluster, &bus, vec![reading(number as i64, None)]));
            pace.tick().await;
            relay.send();
        }
        let received = tokio::time::timeout(PATIENCE, received)
            .await
            .unwrap()
            .unwrap();
        stop.cancel();
        node.await.unwrap();
        seconds(&sent, &received)
    });
    [own, relay.seconds()]
}

fn seconds(sent: &[Instant], received: &[Instant]) -> Vec<f64> {
    sent.iter()
        .zip(received)
        .map(|(sent, received)| received.duration_since(*sent).as_secs_f64())
        .collect()
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

fn reading(number: i64, label: Option<bool>) -> Value {
    let anomalous = if number % 10 == 0 { 3.0 } else { 0.0 };
    let mut reading = json!({ "timestamp": number, "node": 1, "sensor": "pump" });
    for column in 0..8 {
        reading[format!("x{column}")] = json!(anomalous + f64::from(column) / 8.0);
    }
    if let Some(label) = label {
        reading["anomaly"] = json!(u8::from(label));
    }
    reading
}

fn write(
    cluster: &Cluster<'_>,
    bus: &Arc<dyn Bus>,
    readings: Vec<Value>,
) -> impl Future<Output = ()> + 'static {
    let (bus, topic) = (
        Arc::clone(bus),
        Arc::from(cluster.manifest.manifest.topics.sensor_data_of(1).name),
    );
    async move {
        let records = readings
            .into_iter()
            .map(|reading| record(&topic, reading.to_string().into()))
            .collect();
        bus.write(Write {
            records,
            ..Write::default()
        })
        .await
        .unwrap();
    }
}

/// Gives the node rows to learn from; a reader of scores, once they are those of a learnt model.
async fn learnt(cluster: &Cluster<'_>, bus: &Arc<dyn Bus>) -> Box<dyn Source> {
    let topics = &cluster.manifest.manifest.topics;
    bus.create_topic(super::cluster::spec(&topics.sensor_data_of(1).name))
        .await
        .unwrap();
    bus.create_topic(super::cluster::spec(&topics.predictions().name))
        .await
        .unwrap();
    let mut scores = bus
        .subscribe(&new_group(), &[&topics.predictions().name], Start::Earliest)
        .await
        .unwrap();
    let rows = (0..TRAINING_ROWS)
        .map(|row| reading(-1 - row as i64, Some(row % 10 == 9)))
        .collect();
    write(cluster, bus, rows).await;
    let begun = clock::now();
    while begun.elapsed() < PATIENCE {
        write(cluster, bus, vec![reading(-1, None)]).await;
        if let Ok(scores_there) =
            tokio::time::timeout(Duration::from_millis(200), next_scores(scores.as_mut())).await
            && !scores_there.is_empty()
        {
            return scores;
        }
    }
    panic!("the node does not learn");
}

/// The numbers of the readings that the next scores are of, when they are those of a learnt model.
async fn next_scores(scores: &mut dyn Source) -> Vec<i64> {
    let records = scores.read(100).await.unwrap();
    let score = |value: &[u8]| {
        let message: Value = serde_json::from_slice(value).unwrap();
        (message["data"]["model_version"] != 0)
            .then(|| message["data"]["timestamp"].as_i64().unwrap())
    };
    records
        .iter()
        .filter_map(|record| score(&record.value))
        .collect()
}

/// The baseline: a writer, a relay, and a reader.
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
