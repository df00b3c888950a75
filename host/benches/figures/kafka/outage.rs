//! How soon after the end of an outage a record can be read that was written during it. Bare
//! clients with librdkafka's defaults sit through the same outages.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use fedhost_base::clock;
use fedhost_bus::{Bus, Source, Start, Write};
use rdkafka::ClientConfig;
use tokio::runtime::Runtime;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::bare::{Reader, Writer};
use super::broker::{Broker, free_port};
use super::cluster::{Cluster, Delivery, new_group};
use super::proxy::Proxy;
use super::stream::record;
use super::word;
use crate::measure::{Figure, median};

const OUTAGE: Duration = Duration::from_secs(2);
const OUTAGES: usize = 5;
const VALUE: &[u8] = b"written while no broker answers";
const DELIVERIES: [Delivery; 2] = [Delivery::AtLeastOnce, Delivery::ExactlyOnce];

pub(crate) fn figures(runtime: &Runtime) -> Result<Vec<Figure>, String> {
    let port = free_port();
    let broker = Broker::start(Some(port))?;
    let proxy = Proxy::start(runtime, port, broker.address());
    let servers = format!("127.0.0.1:{port}");
    let clusters =
        DELIVERIES.map(|delivery| Cluster::new(runtime, &servers, delivery, "balanced", ""));
    let [weak, strong] = clusters.each_ref().map(Own::new);
    let clients: [Arc<dyn Client>; 3] = [
        Arc::new(weak),
        Arc::new(strong),
        Arc::new(Bare::new(&clusters[0], &servers)),
    ];
    let mut seconds = [(); 3].map(|()| Vec::new());
    for _ in 0..OUTAGES {
        let read = outage(&proxy, &clients, runtime);
        read.into_iter()
            .zip(&mut seconds)
            .for_each(|(read, seconds)| seconds.push(read));
    }
    let [weak, strong, bare] = seconds.map(median);
    let figure = |(delivery, own)| {
        let name = format!("kafka_recovery_after_2s_{}", word(delivery));
        Figure::beside(&name, own, "s", "bare clients with default settings", bare)
    };
    Ok(DELIVERIES
        .into_iter()
        .zip([weak, strong])
        .map(figure)
        .collect())
}

/// Seconds from the end of an outage to each client's record.
fn outage(proxy: &Proxy, clients: &[Arc<dyn Client>; 3], runtime: &Runtime) -> [f64; 3] {
    proxy.set_open(false);
    let begun = clock::now();
    let read = clients
        .each_ref()
        .map(|client| Arc::clone(client).round_trip(runtime));
    thread::sleep(OUTAGE.saturating_sub(begun.elapsed()));
    proxy.set_open(true);
    let end = clock::now();
    read.map(|read| {
        runtime
            .block_on(read)
            .unwrap()
            .duration_since(end)
            .as_secs_f64()
    })
}

/// Has a way in and a way out.
trait Client {
    /// Writes a record and reads it again; says when.
    fn round_trip(self: Arc<Self>, runtime: &Runtime) -> JoinHandle<Instant>;
}

struct Own {
    bus: Arc<dyn Bus>,
    topic: Arc<str>,
    source: Mutex<Box<dyn Source>>,
}

impl Own {
    fn new(cluster: &Cluster<'_>) -> Self {
        let bus = cluster.bus();
        let topic = cluster.topic(&bus, "outage");
        let source = cluster
            .runtime
            .block_on(bus.subscribe(&new_group(), &[&topic], Start::Earliest))
            .unwrap();
        Self {
            bus,
            topic,
            source: Mutex::new(source),
        }
    }
}

impl Client for Own {
    fn round_trip(self: Arc<Self>, runtime: &Runtime) -> JoinHandle<Instant> {
        runtime.spawn(async move {
            let records = vec![record(&self.topic, VALUE.into())];
            let mut source = self.source.lock().await;
            let (written, read) = tokio::join!(
                self.bus.write(Write {
                    records,
                    ..Write::default()
                }),
                async {
                    source.read(1).await.unwrap();
                    clock::now()
                }
            );
            written.unwrap();
            read
        })
    }
}

struct Bare {
    writer: Writer,
    reader: Reader,
}

impl Bare {
    fn new(cluster: &Cluster<'_>, servers: &str) -> Self {
        let topic = cluster.topic(&cluster.bus(), "bare");
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", servers);
        let writer = Writer::new(&config, &topic);
        config
            .set("group.id", new_group())
            .set("auto.offset.reset", "earliest");
        Self {
            writer,
            reader: Reader::join(&config, &topic),
        }
    }
}

impl Client for Bare {
    fn round_trip(self: Arc<Self>, runtime: &Runtime) -> JoinHandle<Instant> {
        runtime.spawn_blocking(move || {
            self.writer.write_all(&[VALUE.into()]);
            self.reader.next();
            clock::now()
        })
    }
}
