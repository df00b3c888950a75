//! Records of 200 bytes through the bus, in and out.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use fedhost_base::clock::Stopwatch;
use fedhost_base::event::Event;
use fedhost_base::metric::{Count, Gauge};
use fedhost_base::observer::{Labels, Observer};
use fedhost_bus::{Bus, NewRecord, Start, Write};
use rdkafka::Message as _;
use tokio::runtime::Runtime;

use super::bare::{Reader, Writer};
use super::cluster::{Cluster, Delivery, new_group};
use crate::measure::{Figure, REPETITIONS, interleaved, median};

const RECORDS: usize = 100_000;
/// Of these each waits for the one before it.
const RECORDS_IN_TURN: usize = 20_000;
const TOGETHER: usize = 500;
/// Writes that wait for their answer at a time.
const UNDER_WAY: usize = 32;
const RECORD_BYTES: usize = 200;
const PROFILE: &str = "high-throughput";

pub(crate) fn figures(runtime: &Runtime, servers: &str) -> Vec<Figure> {
    let [weak, strong] = [Delivery::AtLeastOnce, Delivery::ExactlyOnce]
        .map(|delivery| Cluster::new(runtime, servers, delivery, PROFILE, ""));
    let mut figures = vec![write_at_least_once(&weak)];
    figures.extend(write_exactly_once(&strong));
    figures.push(write_exactly_once_in_turn(&strong));
    figures.push(read(&weak));
    figures
}

/// Readings of which no two are alike.
pub(super) fn values(records: usize) -> Vec<Bytes> {
    let reading = |number: usize| {
        let noise = number.wrapping_mul(2_654_435_761);
        let text = format!(
            "{{\"timestamp\":{number},\"node\":1,\"sensor\":\"pump-{}\",\"x\":{noise}",
            number % 7
        );
        format!("{text:<width$}}}", width = RECORD_BYTES - 1).into()
    };
    (0..records).map(reading).collect()
}

fn thousands_per_second(records: usize, seconds: f64) -> f64 {
    records as f64 / 1e3 / seconds
}

fn write_at_least_once(cluster: &Cluster<'_>) -> Figure {
    let (bus, values) = (cluster.bus(), values(RECORDS));
    let topic = cluster.topic(&bus, "written");
    let bare = Writer::new(&cluster.producer(), &topic);
    let own = || {
        cluster
            .runtime
            .block_on(write_all(&bus, &topic, &values, UNDER_WAY))
    };
    own();
    let times = interleaved([Box::new(own), Box::new(|| bare.write_all(&values))]);
    let [own, bare] = times.map(|seconds| thousands_per_second(RECORDS, seconds));
    Figure::beside(
        "kafka_write_200B_at_least_once",
        own,
        "k/s",
        "a bare producer",
        bare,
    )
}

/// Beside a bare producer whose transactions are as large as those that the bus makes of what
/// waits; and, for the record, beside one without transactions.
fn write_exactly_once(cluster: &Cluster<'_>) -> [Figure; 2] {
    let transactions = Arc::new(Transactions::default());
    let (bus, values) = (
        cluster.bus_heard_by(Arc::clone(&transactions)),
        values(RECORDS),
    );
    let topic = cluster.topic(&bus, "written");
    let own = || {
        cluster
            .runtime
            .block_on(write_all(&bus, &topic, &values, UNDER_WAY))
    };
    own();
    let together = RECORDS.div_ceil(transactions.committed());
    let transactional = Writer::transactional(&cluster.producer(), &topic);
    let other = cluster.topic(&bus, "written-without");
    let idempotent = Writer::new(&cluster.producer(), &other);
    let times = interleaved([
        Box::new(own),
        Box::new(|| transactional.write_in_transactions(&values, together)),
        Box::new(|| idempotent.write_all(&values)),
    ]);
    let [own, transactional, idempotent] =
        times.map(|seconds| thousands_per_second(RECORDS, seconds));
    let baseline = format!("a bare producer, {together} records a transaction");
    [
        (
            "kafka_write_200B_exactly_once",
            baseline.as_str(),
            transactional,
        ),
        (
            "kafka_write_200B_exactly_once_by_idempotent",
            "a bare producer without transactions",
            idempotent,
        ),
    ]
    .map(|(name, baseline, bare)| Figure::beside(name, own, "k/s", baseline, bare))
}

/// Each write is committed before the next one begins.
fn write_exactly_once_in_turn(cluster: &Cluster<'_>) -> Figure {
    let (bus, values) = (cluster.bus(), values(RECORDS_IN_TURN));
    let topic = cluster.topic(&bus, "written-in-turn");
    let bare = Writer::transactional(&cluster.producer(), &topic);
    let own = || {
        cluster
            .runtime
            .block_on(write_all(&bus, &topic, &values, 1))
    };
    own();
    let times = interleaved([
        Box::new(own),
        Box::new(|| bare.write_in_transactions(&values, TOGETHER)),
    ]);
    let [own, bare] = times.map(|seconds| thousands_per_second(RECORDS_IN_TURN, seconds));
    let baseline = "a bare producer, 500 records a transaction";
    Figure::beside(
        "kafka_write_200B_exactly_once_in_turn",
        own,
        "k/s",
        baseline,
        bare,
    )
}

/// How many the bus has committed.
#[derive(Default)]
struct Transactions(AtomicU64);

impl Transactions {
    fn committed(&self) -> usize {
        usize::try_from(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

impl Observer for Transactions {
    fn condition(&self, _: &str, _: Option<&str>) {}
    fn gauge(&self, _: Gauge, _: Labels<'_>, _: f64) {}
    fn announce(&self, _: Event) {}

    fn count(&self, figure: Count, _: Labels<'_>, by: u64) {
        if figure.name() == "transactions_committed" {
            self.0.fetch_add(by, Ordering::Relaxed);
        }
    }
}

/// Writes of 500 records each, of which a limited number wait for their answer.
async fn write_all(bus: &Arc<dyn Bus>, topic: &Arc<str>, values: &[Bytes], at_most: usize) {
    let mut under_way = VecDeque::new();
    for values in values.chunks(TOGETHER) {
        if under_way.len() == at_most {
            written(under_way.pop_front()).await;
        }
        let (bus, topic, values) = (Arc::clone(bus), Arc::clone(topic), values.to_vec());
        under_way.push_back(tokio::spawn(async move {
            let records = values
                .into_iter()
                .map(|value| record(&topic, value))
                .collect();
            bus.write(Write {
                records,
                ..Write::default()
            })
            .await
            .unwrap();
        }));
    }
    while !under_way.is_empty() {
        written(under_way.pop_front()).await;
    }
}

async fn written(write: Option<tokio::task::JoinHandle<()>>) {
    write.unwrap().await.unwrap();
}

pub(crate) fn record(topic: &Arc<str>, value: Bytes) -> NewRecord {
    NewRecord {
        topic: Arc::clone(topic),
        partition: None,
        timestamp_ms: fedhost_base::clock::now_ms(),
        key: None,
        value,
        headers: Vec::new(),
    }
}

/// Each reads everything in a group of its own, timed from the moment it has its partition.
fn read(cluster: &Cluster<'_>) -> Figure {
    let bus = cluster.bus();
    let topic = cluster.topic(&bus, "read");
    cluster
        .runtime
        .block_on(write_all(&bus, &topic, &values(RECORDS), UNDER_WAY));
    let (mut own, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..REPETITIONS {
        own.push(cluster.runtime.block_on(read_all(bus.as_ref(), &topic)));
        bare.push(read_all_bare(&Reader::join(&cluster.consumer(), &topic)));
    }
    let [own, bare] = [own, bare].map(|seconds| thousands_per_second(RECORDS, median(seconds)));
    Figure::beside("kafka_read_200B", own, "k/s", "a bare consumer", bare)
}

async fn read_all(bus: &dyn Bus, topic: &str) -> f64 {
    let mut source = bus
        .subscribe(&new_group(), &[topic], Start::Earliest)
        .await
        .unwrap();
    let watch = Stopwatch::start();
    let mut records = 0;
    while records < RECORDS {
        records += black_box(source.read(TOGETHER).await.unwrap()).len();
    }
    watch.elapsed().as_secs_f64()
}

fn read_all_bare(reader: &Reader) -> f64 {
    let watch = Stopwatch::start();
    for _ in 0..RECORDS {
        black_box(reader.next().payload());
    }
    watch.elapsed().as_secs_f64()
}
