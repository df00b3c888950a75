//! A model of 2.5 million parameters, 10 MB, from its node to its readers: packed, sent,
//! received, verified, unpacked.

use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;
use fedhost::role::federation::{FederationTopics, Wire};
use fedhost::role::models::{NewUpdate, decode_update, update_record};
use fedhost_bus::{Bus, Source, Start, Write};
use fedhost_domain::envelope::Compression;
use fedhost_domain::model::{NodeId, PluginId, Sha256Hex, TensorSpec, Weights};
use rand::SeedableRng as _;
use rand_distr::{Distribution as _, StandardNormal};
use rdkafka::Message as _;
use tokio::runtime::Runtime;

use super::bare::{Reader, Writer};
use super::cluster::{Cluster, Delivery, new_group};
use crate::measure::{Figure, interleaved};

const PARAMETERS: u32 = 2_500_000;

pub(crate) fn figures(runtime: &Runtime, servers: &str) -> Vec<Figure> {
    // A bare producer compresses with gzip as the default profile does, which says nothing about
    // the bus.
    let further = "[kafka.producer]\ncompression_type = \"none\"\n";
    let cluster = Cluster::new(runtime, servers, Delivery::ExactlyOnce, "balanced", further);
    let wires = [
        ("json_gzip", false, Compression::Gzip),
        ("binary_gzip", true, Compression::Gzip),
    ];
    let wires = wires
        .into_iter()
        .chain([("binary_none", true, Compression::None)]);
    wires
        .map(|(name, binary, compression)| {
            figure(
                &cluster,
                name,
                Wire {
                    binary,
                    compression,
                },
            )
        })
        .collect()
}

/// As trained ones are: they hardly shrink.
fn weights() -> Weights {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let values = (0..PARAMETERS)
        .map(|_| StandardNormal.sample(&mut random))
        .collect();
    Weights::new(
        vec![TensorSpec {
            name: "w".into(),
            shape: vec![PARAMETERS],
        }],
        values,
    )
    .unwrap()
}

fn figure(cluster: &Cluster<'_>, name: &str, wire: Wire) -> Figure {
    let (bus, weights) = (cluster.bus(), weights());
    let topic = cluster.topic(&bus, name);
    let topics = FederationTopics {
        global_model: "global".into(),
        model_updates: Arc::clone(&topic),
        predictions: "predictions".into(),
        evaluations: "evaluations".into(),
        dead_letter_suffix: ".dlq".into(),
        wire,
    };
    let mut source = cluster
        .runtime
        .block_on(bus.subscribe(&new_group(), &[&topic], Start::Earliest))
        .unwrap();
    let mut travel = || {
        cluster
            .runtime
            .block_on(travel(&bus, source.as_mut(), &topics, &weights))
    };
    let value = travel();
    let other = cluster.topic(&bus, &format!("{name}-bare"));
    let (writer, reader) = (
        Writer::new(&cluster.producer(), &other),
        Reader::join(&cluster.consumer(), &other),
    );
    let bare = || {
        writer.write_all(std::slice::from_ref(&value));
        black_box(Sha256Hex::of(reader.next().payload().unwrap()));
    };
    let [own, bare] = interleaved([Box::new(|| drop(travel())), Box::new(bare)]);
    let baseline = "bare clients that send and hash the packed bytes";
    Figure::beside(
        &format!("kafka_model_10MB_{name}"),
        own * 1e3,
        "ms",
        baseline,
        bare * 1e3,
    )
}

/// Gives the packed model.
async fn travel(
    bus: &Arc<dyn Bus>,
    source: &mut dyn Source,
    topics: &FederationTopics,
    weights: &Weights,
) -> Bytes {
    let update = NewUpdate {
        node: NodeId::fog(1),
        base_round: 0,
        samples: 100,
        weights,
        plugin: &PluginId {
            name: "bench".into(),
            version: "0.1.0".into(),
            sha256: Sha256Hex::of(b"bench"),
        },
        loss: 0.5,
        metrics: &[],
        train_ms: 1.0,
    };
    let record = update_record(topics, update).await.unwrap();
    let writing = bus.write(Write {
        records: vec![record],
        ..Write::default()
    });
    let (written, read) = tokio::join!(writing, source.read(1));
    written.unwrap();
    let record = read.unwrap().remove(0);
    assert!(decode_update(&record).await.unwrap().weights.data() == weights.data());
    record.value
}
