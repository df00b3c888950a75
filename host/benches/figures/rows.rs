//! From a sensor's record to its published score on the embedded log: a sensor, a fog node with a
//! scaler and a model, and an aggregator, as a run has them. The model is trained meanwhile.
//!
//! Rows a second and processor time a row are measured with rows as fast as they can be taken, the
//! time of one row at a steady pace. The baseline of the former is decoding the same readings, and
//! nothing else; that of the latter is passing a reading on without looking at it.

#[path = "rows/cpu.rs"]
mod cpu;
#[path = "rows/federation.rs"]
mod federation;
#[path = "rows/paced.rs"]
pub(crate) mod paced;

use std::hint::black_box;
use std::sync::Arc;

use fedhost_base::clock::Stopwatch;
use fedhost_bus::embedded::{EmbeddedLog, Options};
use fedhost_bus::{Bus, Start, TopicSpec, Write};
use fedhost_domain::reading::Decoder;
use tokio::runtime::Runtime;

use self::federation::{Federation, fields};
use self::paced::Readings;
use crate::measure::{Document, Figure, median_of, quantile};

pub(crate) use self::cpu::Cpu;

/// Of the sensor.
pub(crate) const ROWS: u64 = 200_000;
/// Taken at a time by readers.
pub(crate) const TOGETHER: usize = 1_000;

pub(crate) fn figures(document: &mut Document) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    throughput(&runtime, document);
    document.extend(latency(&runtime));
}

fn throughput(runtime: &Runtime, document: &mut Document) {
    let folder = tempfile::tempdir().unwrap();
    let log = log(runtime, folder.path());
    let federation = Federation::new(&log, Some(ROWS));
    let watch = Stopwatch::start();
    let cpu = Cpu::now();
    let running = runtime.block_on(federation.start());
    runtime.block_on(read_all(log.as_ref(), federation::PREDICTIONS, ROWS));
    let seconds = watch.elapsed().as_secs_f64();
    let cpu_seconds = cpu.map(|cpu| cpu.elapsed());
    runtime.block_on(running.stop());
    let decoding = decoding(&runtime.block_on(values(log.as_ref())));
    document.extend(rate_figures(
        "rows_embedded",
        ROWS,
        seconds,
        cpu_seconds,
        decoding,
    ));
}

/// `decoding` is the time of decoding one row, in seconds.
fn rate_figures(
    name: &str,
    rows: u64,
    seconds: f64,
    cpu_seconds: Option<f64>,
    decoding: f64,
) -> Vec<Figure> {
    let baseline = "decoding the same readings alone";
    let rows = rows as f64;
    let rate = Figure::beside(
        &format!("{name}_rate"),
        rows / seconds / 1e3,
        "k/s",
        baseline,
        1.0 / decoding / 1e3,
    );
    let cpu = cpu_seconds.map(|cpu| {
        Figure::beside(
            &format!("{name}_processor_time_a_row"),
            cpu / rows * 1e6,
            "us",
            baseline,
            decoding * 1e6,
        )
    });
    std::iter::once(rate).chain(cpu).collect()
}

/// Seconds of decoding one of these readings.
fn decoding(values: &[bytes::Bytes]) -> f64 {
    let mut decoder = Decoder::new(fields(), Vec::new());
    let mut row = Vec::new();
    let seconds = median_of(|| {
        for value in values {
            row.clear();
            black_box(decoder.decode(value, None, &mut row).unwrap());
        }
    });
    seconds / values.len() as f64
}

/// Reads this number of records of a topic.
pub(crate) async fn read_all(bus: &dyn Bus, topic: &str, records: u64) {
    let group = format!("bench-{:016x}", rand::random::<u64>());
    let mut source = bus
        .subscribe(&group, &[topic], Start::Earliest)
        .await
        .unwrap();
    let mut read = 0;
    while read < records {
        read += source.read(TOGETHER).await.unwrap().len() as u64;
    }
}

/// Values of readings, without the record that ends them.
async fn values(bus: &dyn Bus) -> Vec<bytes::Bytes> {
    let mut source = bus
        .subscribe("bench-values", &[federation::READINGS], Start::Earliest)
        .await
        .unwrap();
    let records = source.read(TOGETHER).await.unwrap();
    records.into_iter().map(|record| record.value).collect()
}

/// The time of one row.
fn latency(runtime: &Runtime) -> [Figure; 2] {
    let folder = tempfile::tempdir().unwrap();
    let log = log(runtime, folder.path());
    let federation = Federation::new(&log, None);
    let readings = Readings {
        bus: Arc::clone(&log),
        topic: federation::READINGS.into(),
    };
    let [own, bare] = runtime.block_on(async {
        let running = federation.start().await;
        let mut scores = log
            .subscribe("bench-scores", &[federation::PREDICTIONS], Start::Earliest)
            .await
            .unwrap();
        readings.teach(scores.as_mut()).await;
        let own = readings.score_at_pace(scores, || {}).await;
        running.stop().await;
        [own, relayed(&log).await]
    });
    [(50, 0.5), (99, 0.99)].map(|(percent, rank)| {
        Figure::beside(
            &format!("rows_embedded_p{percent}"),
            quantile(own.clone(), rank) * 1e3,
            "ms",
            "two hops of the log alone",
            quantile(bare.clone(), rank) * 1e3,
        )
    })
}

/// Seconds of a reading that is written, read, written again as it is, and read.
async fn relayed(bus: &Arc<dyn Bus>) -> Vec<f64> {
    let [first, second] = ["first", "second"].map(Arc::<str>::from);
    for topic in [&first, &second] {
        bus.create_topic(spec(topic)).await.unwrap();
    }
    let mut passed = bus
        .subscribe("relay", &[&first], Start::Earliest)
        .await
        .unwrap();
    let mut received = bus
        .subscribe("end", &[&second], Start::Earliest)
        .await
        .unwrap();
    let mut pace = tokio::time::interval(paced::PACE);
    let mut seconds = Vec::new();
    for number in 0..paced::READINGS {
        pace.tick().await;
        let watch = Stopwatch::start();
        let mut value = paced::reading(number as i64, None).to_string().into();
        for (topic, source) in [(&first, &mut passed), (&second, &mut received)] {
            let write = Write {
                records: vec![paced::record(topic, value)],
                ..Write::default()
            };
            bus.write(write).await.unwrap();
            value = source.read(1).await.unwrap().remove(0).value;
        }
        seconds.push(watch.elapsed().as_secs_f64());
    }
    seconds
}

fn log(runtime: &Runtime, folder: &std::path::Path) -> Arc<dyn Bus> {
    let log: Arc<dyn Bus> = Arc::new(EmbeddedLog::open(Options::new(folder)).unwrap());
    runtime.block_on(async {
        for topic in federation::TOPICS {
            log.create_topic(spec(topic)).await.unwrap();
        }
    });
    log
}

fn spec(name: &str) -> TopicSpec {
    TopicSpec {
        name: name.to_owned(),
        partitions: 1,
        max_message_bytes: 16 << 20,
        ..TopicSpec::default()
    }
}
