mod damage;
mod documented;
mod refusals;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

use super::*;
use crate::model::TensorSpec;

const LIMITS: EnvelopeLimits = EnvelopeLimits {
    max_bytes: 1 << 20,
    max_parameters: 10_000,
};
const ALL: [Compression; 4] = [
    Compression::Gzip,
    Compression::Zstd,
    Compression::Lz4,
    Compression::None,
];

fn spec(name: &str, shape: &[u32]) -> TensorSpec {
    TensorSpec {
        name: name.into(),
        shape: shape.to_vec(),
    }
}

fn weights() -> Weights {
    Weights::new(
        vec![spec("weight", &[3]), spec("bias", &[])],
        vec![1.0, -2.0, 3.25, 0.5],
    )
    .unwrap()
}

fn update(weights: Weights) -> Envelope {
    Envelope {
        header: Header {
            kind: MessageKind::ModelUpdate,
            timestamp: 1_640_995_200.125,
            sender: NodeId::fog(1),
            message_id: "7d0f9a52".into(),
        },
        metadata: Metadata {
            model_version: 5,
            round_number: 5,
            base_round: Some(4),
            num_samples: 1200,
            plugin: PluginId {
                name: "p".into(),
                version: "0.1.0".into(),
                sha256: Sha256Hex::of(b"component"),
            },
            metrics: BTreeMap::from([("loss".into(), 0.31)]),
            train_ms: Some(17),
        },
        weights,
    }
}

fn any_weights() -> impl Strategy<Value = Weights> {
    let name = vec(any::<char>(), 1..6).prop_map(String::from_iter);
    let names = btree_set(name, 1..5)
        .prop_map(Vec::from_iter)
        .prop_shuffle();
    names.prop_flat_map(|names| {
        let shapes = vec(vec(0_u32..4, 0..4), names.len());
        shapes.prop_flat_map(move |shapes| {
            let specs: Vec<TensorSpec> = names
                .iter()
                .zip(&shapes)
                .map(|(name, shape)| spec(name, shape))
                .collect();
            let total: usize = specs.iter().filter_map(TensorSpec::elements).sum();
            let finite = any::<f32>().prop_filter("finite", |value| value.is_finite());
            vec(finite, total).prop_map(move |data| Weights::new(specs.clone(), data).unwrap())
        })
    })
}

fn any_envelope() -> impl Strategy<Value = Envelope> {
    let finite = || any::<f64>().prop_filter("finite", |value| value.is_finite());
    let header = (
        any::<bool>(),
        finite(),
        "[A-Za-z0-9._-]{1,20}",
        any::<String>(),
    );
    let numbers = (
        any::<[u64; 3]>(),
        any::<Option<u64>>(),
        any::<Option<u64>>(),
    );
    let metadata = (
        numbers,
        any::<(String, String)>(),
        btree_map(any::<String>(), finite(), 0..4),
    );
    (header, metadata, any_weights()).prop_map(|(header, metadata, weights)| {
        let (global, timestamp, sender, message_id) = header;
        let (
            ([model_version, round_number, num_samples], base_round, train_ms),
            (name, version),
            metrics,
        ) = metadata;
        let kind = if global {
            MessageKind::GlobalModel
        } else {
            MessageKind::ModelUpdate
        };
        let plugin = PluginId {
            sha256: Sha256Hex::of(name.as_bytes()),
            name,
            version,
        };
        Envelope {
            header: Header {
                kind,
                timestamp,
                sender: NodeId::try_from(sender).unwrap(),
                message_id,
            },
            metadata: Metadata {
                model_version,
                round_number,
                base_round,
                num_samples,
                plugin,
                metrics,
                train_ms,
            },
            weights,
        }
    })
}

proptest! {
    #[test]
    fn what_was_encoded_is_decoded_bit_for_bit(envelope in any_envelope()) {
        for compression in ALL {
            let message = envelope.encode(compression).unwrap();
            let decoded = Envelope::decode(&message, &LIMITS).unwrap();
            prop_assert_eq!(&decoded, &envelope);
            prop_assert_eq!(decoded.weights.sha256(), envelope.weights.sha256());
            prop_assert_eq!(decoded.encode(compression).unwrap(), message);
            let Binary { envelope: text, payload } = envelope.encode_binary(compression).unwrap();
            prop_assert_eq!(&Envelope::decode_binary(&text, &payload, &LIMITS).unwrap(), &envelope);
        }
    }

    #[test]
    fn an_exported_model_is_read_back(weights in any_weights()) {
        let file = to_safetensors(&weights).unwrap();
        let found = from_safetensors(&file).unwrap();
        prop_assert_eq!(tensors::as_stated(found, weights.tensors()).unwrap(), weights);
    }
}

#[test]
fn the_wire_form_is_the_documented_one() {
    let message = update(weights()).encode(Compression::Gzip).unwrap();

    let json: serde_json::Value = serde_json::from_slice(&message).unwrap();
    let file = to_safetensors(&weights()).unwrap();
    let payload = compress(&file, Compression::Gzip).unwrap();
    let mut text = String::new();
    push_base64(&mut text, &payload);
    let expected = serde_json::json!({
        "header": {"version": "1.0", "type": "model_update", "timestamp": 1640995200.125, "sender": "fog-node-1",
                   "message_id": "7d0f9a52"},
        "metadata": {"model_version": 5, "round_number": 5, "base_round": 4, "num_samples": 1200, "num_layers": 2,
                     "total_params": 4, "names": ["weight", "bias"], "shapes": [[3], []],
                     "dtypes": ["float32", "float32"],
                     "plugin": {"name": "p", "version": "0.1.0", "sha256": Sha256Hex::of(b"component")},
                     "metrics": {"loss": 0.31}, "train_ms": 17, "encoding": "safetensors", "compression": "gzip",
                     "checksum": Sha256Hex::of(&payload)},
        "payload": text,
        "digest": json["digest"],
    });
    assert_eq!(json, expected);
}

/// Pretty-printed, without a digest, fields in another order and unknown ones among them, integers
/// where floats stand, tensors sorted by name.
#[test]
fn a_message_written_by_a_python_client_is_read() {
    let envelope = Envelope::decode(include_bytes!("tests/from_python.json"), &LIMITS).unwrap();

    assert_eq!(envelope.header.sender.as_str(), "client-7");
    assert_eq!(envelope.header.timestamp, 1_640_995_200.0);
    assert_eq!(
        envelope.metadata.metrics,
        BTreeMap::from([("accuracy".into(), 0.1), ("loss".into(), 1.0)])
    );
    assert_eq!(
        (envelope.metadata.base_round, envelope.metadata.train_ms),
        (None, None)
    );
    let stated = [spec("weight", &[3]), spec("bias", &[1])];
    assert_eq!(
        envelope.weights,
        Weights::new(stated.to_vec(), vec![1.0, -2.0, 3.25, 0.5]).unwrap()
    );
}

#[test]
fn the_payload_is_a_file_for_any_safetensors_reader() {
    let file = to_safetensors(&weights()).unwrap();

    let read = safetensors::SafeTensors::deserialize(&file).unwrap();
    let bias = read.tensor("bias").unwrap();
    assert_eq!(
        (bias.shape(), bias.data()),
        (&[][..], &0.5_f32.to_le_bytes()[..])
    );
}

#[test]
fn an_exported_model_keeps_the_order_of_its_tensors() {
    let in_order = vec![spec("z", &[2]), spec("m", &[]), spec("a", &[1, 1])];
    let weights = Weights::new(in_order, vec![1.0, 2.0, 3.0, 4.0]).unwrap();
    assert_eq!(
        from_safetensors(&to_safetensors(&weights).unwrap()),
        Ok(weights)
    );
}

#[test]
fn empty_tensors_are_read_in_the_same_order_every_time() {
    let by_name: Vec<TensorSpec> = ('a'..='p')
        .map(|name| spec(&name.to_string(), &[0]))
        .collect();
    let weights = Weights::new(by_name, vec![]).unwrap();
    assert_eq!(
        from_safetensors(&to_safetensors(&weights).unwrap()),
        Ok(weights)
    );
}

#[test]
fn a_slash_may_be_escaped_in_the_payload() {
    let message = String::from_utf8(update(weights()).encode(Compression::Gzip).unwrap()).unwrap();
    let (head, payload) = message.split_once(r#""payload":"#).unwrap();
    assert!(
        payload.contains('/'),
        "the sample must hold a slash: {payload}"
    );

    let escaped = format!(r#"{head}"payload":{}"#, payload.replace('/', r"\/"));
    assert_eq!(
        Envelope::decode(escaped.as_bytes(), &LIMITS),
        Ok(update(weights()))
    );
}

#[test]
fn a_metric_that_is_not_finite_is_left_out() {
    let mut envelope = update(weights());
    envelope
        .metadata
        .metrics
        .extend([("auc".into(), f64::NAN), ("gain".into(), f64::INFINITY)]);

    let message = envelope.encode(Compression::None).unwrap();
    assert_eq!(Envelope::decode(&message, &LIMITS), Ok(update(weights())));
}

#[test]
fn an_envelope_without_a_wire_form_is_not_written() {
    let mut timeless = update(weights());
    timeless.header.timestamp = f64::INFINITY;
    let reserved = update(Weights::new(vec![spec("__metadata__", &[1])], vec![0.0]).unwrap());

    let refused = |envelope: &Envelope| envelope.encode(Compression::None).unwrap_err();
    assert_eq!(
        refused(&timeless),
        EncodeError::BadTimestamp {
            timestamp: f64::INFINITY
        }
    );
    assert_eq!(
        refused(&reserved),
        EncodeError::ReservedName {
            name: "__metadata__".into()
        }
    );
}
