//! A sensor's rows as fast as they can be taken, on a real broker: to their scores, with a scaler
//! and a model that is trained meanwhile. Beside it, a bare producer that writes as many records.

use fedhost::app::{Options, Prepared};
use fedhost::observe::Observed;
use fedhost_base::announce::Announcer;
use fedhost_base::clock::Stopwatch;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::bare::Writer;
use super::cluster::{Cluster, Delivery, spec};
use super::{stream, word};
use crate::measure::{Document, Figure};
use crate::rows::{Cpu, read_all};

const ROWS: u64 = 100_000;
const PROFILE: &str = "high-throughput";

pub(crate) fn figures(runtime: &Runtime, servers: &str, document: &mut Document) {
    let further = format!(
        "[federation]\nmin_nodes = 1\n[training]\nrows_per_round = 500\n\
         [preprocess]\nplugin = \"standard-scaler\"\n\
         [[sensor]]\nnode = 1\nkind = \"simulated\"\nname = \"pump\"\nrate_hz = 0\nrows = {ROWS}\n"
    );
    for delivery in [Delivery::AtLeastOnce, Delivery::ExactlyOnce] {
        let name = word(delivery);
        let cluster = Cluster::new(runtime, servers, delivery, PROFILE, &further);
        document.extend(throughput(&cluster, name));
    }
}

fn throughput(cluster: &Cluster<'_>, name: &str) -> Vec<Figure> {
    let bus = cluster.bus();
    let predictions = cluster.manifest.manifest.topics.predictions().name;
    cluster
        .runtime
        .block_on(bus.create_topic(spec(&predictions)))
        .unwrap();
    let stop = CancellationToken::new();
    let watch = Stopwatch::start();
    let cpu = Cpu::now();
    let run = cluster
        .runtime
        .spawn(run(cluster.manifest.clone(), stop.clone()));
    cluster
        .runtime
        .block_on(read_all(bus.as_ref(), &predictions, ROWS));
    let seconds = watch.elapsed().as_secs_f64();
    let cpu_seconds = cpu.map(Cpu::elapsed);
    stop.cancel();
    cluster.runtime.block_on(run).unwrap();

    let values = stream::values(ROWS as usize);
    let topic = cluster.topic(&bus, "bare");
    let bare = Writer::new(&cluster.producer(), &topic);
    let watch = Stopwatch::start();
    bare.write_all(&values);
    let bare_seconds = watch.elapsed().as_secs_f64();

    let rows = ROWS as f64;
    let rate = Figure::beside(
        &format!("rows_kafka_{name}_rate"),
        rows / seconds / 1e3,
        "k/s",
        "a bare producer",
        rows / bare_seconds / 1e3,
    );
    let cpu = cpu_seconds.map(|cpu| {
        let name = format!("rows_kafka_{name}_processor_time_a_row");
        Figure::alone(&name, cpu / rows * 1e6, "us")
    });
    std::iter::once(rate).chain(cpu).collect()
}

async fn run(manifest: fedhost_manifest::Loaded, stop: CancellationToken) {
    let observed = Observed::new();
    let prepared = Prepared::new(
        manifest,
        Options::default(),
        Announcer::default(),
        &observed,
    );
    prepared.await.unwrap().run(stop).await.unwrap();
}
