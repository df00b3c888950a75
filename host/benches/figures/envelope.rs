//! A million-parameter model packed into its envelope and out of it, stage by stage.

use std::hint::black_box;

use fedhost_domain::envelope::{
    Compression, Envelope, EnvelopeLimits, Header, MessageKind, Metadata, compress, decompress,
    from_base64, from_safetensors, push_base64, to_safetensors,
};
use fedhost_domain::model::{NodeId, PluginId, Sha256Hex};

use crate::fedavg::weights;
use crate::measure::{Document, Figure, interleaved, median_of};

const PARAMETERS: usize = 1_000_000;

pub(crate) fn figures(document: &mut Document) {
    let envelope = Envelope {
        header: Header {
            kind: MessageKind::ModelUpdate,
            timestamp: 1.5,
            sender: NodeId::fog(1),
            message_id: "bench".into(),
        },
        metadata: Metadata {
            model_version: 1,
            round_number: 2,
            base_round: Some(1),
            num_samples: 400,
            plugin: PluginId {
                name: "bench".into(),
                version: "0.1.0".into(),
                sha256: Sha256Hex::of(b"bench"),
            },
            metrics: [("loss".to_owned(), 0.5)].into(),
            train_ms: None,
        },
        weights: weights(1, PARAMETERS),
    };
    document.extend(whole(&envelope, Compression::Gzip, "gzip"));
    document.extend(whole(&envelope, Compression::None, "none"));
    document.extend(stages(&envelope));
}

fn whole(envelope: &Envelope, compression: Compression, name: &str) -> Vec<Figure> {
    let limits = EnvelopeLimits {
        max_bytes: 64 << 20,
        max_parameters: 2 * PARAMETERS,
    };
    let message = envelope.encode(compression).unwrap();
    let bytes = PARAMETERS * 4;
    let mut copy = vec![0_u8; bytes];
    let source = vec![1_u8; bytes];
    let [encode, decode, copied] = interleaved([
        Box::new(|| drop(black_box(envelope.encode(compression).unwrap()))),
        Box::new(|| drop(black_box(Envelope::decode(&message, &limits).unwrap()))),
        Box::new(|| {
            copy.copy_from_slice(black_box(&source));
            black_box(&copy);
        }),
    ]);
    let figure = |what: &str, seconds: f64| {
        Figure::beside(
            &format!("envelope_{what}_1M_{name}"),
            seconds * 1e3,
            "ms",
            "copying the weights",
            copied * 1e3,
        )
    };
    vec![figure("encode", encode), figure("decode", decode)]
}

fn stages(envelope: &Envelope) -> Vec<Figure> {
    let tensors = to_safetensors(&envelope.weights).unwrap();
    let packed = compress(&tensors, Compression::Gzip).unwrap().into_owned();
    let mut text = String::new();
    push_base64(&mut text, &packed);
    let stage = |name: &str, seconds: f64| {
        Figure::alone(&format!("envelope_stage_{name}"), seconds * 1e3, "ms")
    };
    vec![
        stage(
            "safetensors_write",
            median_of(|| drop(black_box(to_safetensors(&envelope.weights).unwrap()))),
        ),
        stage(
            "gzip",
            median_of(|| {
                drop(black_box(
                    compress(&tensors, Compression::Gzip).unwrap().into_owned(),
                ))
            }),
        ),
        stage(
            "sha256",
            median_of(|| drop(black_box(Sha256Hex::of(&packed)))),
        ),
        stage(
            "base64_write",
            median_of(|| {
                let mut text = String::new();
                push_base64(&mut text, &packed);
                black_box(text);
            }),
        ),
        stage(
            "base64_read",
            median_of(|| drop(black_box(from_base64(&text).unwrap()))),
        ),
        stage(
            "gunzip",
            median_of(|| {
                drop(black_box(
                    decompress(&packed, Compression::Gzip, tensors.len())
                        .unwrap()
                        .into_owned(),
                ));
            }),
        ),
        stage(
            "safetensors_read",
            median_of(|| drop(black_box(from_safetensors(&tensors).unwrap()))),
        ),
    ]
}
