//! Promises that hold across modules: what nodes send is what is averaged, whichever way it went.

#![expect(clippy::expect_used, reason = "what a test sets up itself must work")]

use std::collections::BTreeMap;

use fedhost_domain::envelope::{
    Compression, Envelope, EnvelopeLimits, Header, MessageKind, Metadata,
};
use fedhost_domain::fedavg::{Average, MeanLimits};
use fedhost_domain::model::{NodeId, PluginId, Sha256Hex, TensorSpec, Weights};
use proptest::prelude::*;

const LIMITS: MeanLimits = MeanLimits {
    max_abs: 100.0,
    max_samples: 10_000,
    max_updates: 16,
};
const DECODE_LIMITS: EnvelopeLimits = EnvelopeLimits {
    max_bytes: 1 << 20,
    max_parameters: 1 << 10,
};

/// The bytes of up to eight nodes' updates, and an order to receive them in.
fn messages_in_two_orders() -> impl Strategy<Value = (Vec<Vec<u8>>, Vec<Vec<u8>>)> {
    (1_u32..5, 1_u32..5, 1_usize..8).prop_flat_map(|(rows, columns, nodes)| {
        let values = prop::collection::vec(-100.0_f32..=100.0, (rows * columns + 1) as usize);
        let compression = prop_oneof![Just(Compression::Gzip), Just(Compression::None)];
        let message = (values, 1_u64..=10_000, compression).prop_map(
            move |(values, samples, compression)| {
                update(model(rows, columns, values), samples)
                    .encode(compression)
                    .expect("a legal model can be written")
            },
        );
        prop::collection::vec(message, nodes)
            .prop_flat_map(|messages| (Just(messages.clone()), Just(messages).prop_shuffle()))
    })
}

/// Two tensors that safetensors stores in another order than the model has them.
fn model(rows: u32, columns: u32, values: Vec<f32>) -> Weights {
    let matrix = TensorSpec {
        name: "weight".into(),
        shape: vec![rows, columns],
    };
    let scalar = TensorSpec {
        name: "bias".into(),
        shape: vec![],
    };
    Weights::new(vec![matrix, scalar], values).expect("the shapes call for as many values")
}

fn update(weights: Weights, samples: u64) -> Envelope {
    let plugin = PluginId {
        name: "model".into(),
        version: "0.1.0".into(),
        sha256: Sha256Hex::of(b"model"),
    };
    Envelope {
        header: Header {
            kind: MessageKind::ModelUpdate,
            timestamp: 1.5,
            sender: NodeId::fog(1),
            message_id: "id".into(),
        },
        metadata: Metadata {
            model_version: 1,
            round_number: 1,
            base_round: Some(0),
            num_samples: samples,
            plugin,
            metrics: BTreeMap::new(),
            train_ms: None,
        },
        weights,
    }
}

/// The mean of those messages that can be read; `None` when none can.
fn mean(messages: &[Vec<u8>]) -> Option<Weights> {
    let read = |message: &Vec<u8>| Envelope::decode(message, &DECODE_LIMITS).ok();
    let updates: Vec<Envelope> = messages.iter().filter_map(read).collect();
    let tensors = updates.first()?.weights.tensors().to_vec();
    let mut average = Average::new(tensors, LIMITS).expect("the limits leave a grid");
    let updates: Vec<_> = updates
        .iter()
        .map(|update| (&update.weights, update.metadata.num_samples))
        .collect();
    assert!(
        average.add_all(&updates).iter().all(Result::is_ok),
        "every legal update counts"
    );
    average.finish().ok()
}

proptest! {
    #[test]
    fn the_order_of_messages_does_not_change_the_global_model((sent, received) in messages_in_two_orders()) {
        let expected = mean(&sent).map(|weights| weights.sha256());
        prop_assert!(expected.is_some());
        prop_assert_eq!(mean(&received).map(|weights| weights.sha256()), expected);
    }

    #[test]
    fn a_damaged_message_counts_as_if_it_never_came(
        (sent, mut received) in messages_in_two_orders(),
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        flip in 1_u8..,
    ) {
        let damaged = which.index(received.len());
        let original = received[damaged].clone();
        let place = at.index(original.len());
        received[damaged][place] ^= flip;

        let mut without = sent;
        without.remove(without.iter().position(|message| *message == original).unwrap());
        prop_assert_eq!(mean(&received), mean(&without));
    }

    #[test]
    fn a_published_mean_is_read_back_bit_for_bit_and_is_a_legal_update((sent, _) in messages_in_two_orders()) {
        let published = mean(&sent).unwrap();
        let message = update(published.clone(), 1).encode(Compression::Gzip).unwrap();
        let read = Envelope::decode(&message, &DECODE_LIMITS).unwrap().weights;
        prop_assert_eq!(read.sha256(), published.sha256());
        let mut next = Average::new(read.tensors().to_vec(), LIMITS).unwrap();
        prop_assert_eq!(next.add(&read, LIMITS.max_samples), Ok(()));
    }
}
