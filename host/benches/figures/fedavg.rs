//! The mean of 100 updates of a million parameters, beside reading the same bytes once.

use std::hint::black_box;

use fedhost_domain::fedavg::{Average, MeanLimits};
use fedhost_domain::model::{TensorSpec, Weights};

use crate::measure::{Document, Figure, interleaved, read_once};

const UPDATES: usize = 100;
const PARAMETERS: usize = 1_000_000;
/// As the aggregator takes them.
const TOGETHER: usize = 8;

pub(crate) fn weights(seed: usize, parameters: usize) -> Weights {
    let shape = vec![u32::try_from(parameters).unwrap()];
    let value = |index: usize| {
        ((index.wrapping_mul(2_654_435_761).wrapping_add(seed * 97) % 20_011) as f32 - 10_005.0)
            / 1e4
    };
    Weights::new(
        vec![TensorSpec {
            name: "w".into(),
            shape,
        }],
        (0..parameters).map(value).collect(),
    )
    .unwrap()
}

pub(crate) fn figures(document: &mut Document) {
    let updates: Vec<Weights> = (0..UPDATES).map(|seed| weights(seed, PARAMETERS)).collect();
    let limits = MeanLimits {
        max_abs: 1e4,
        max_samples: 1_000_000,
        max_updates: 1_024,
    };
    let mean = || {
        let tensors = updates
            .first()
            .map(|update| update.tensors().to_vec())
            .unwrap();
        let mut average = Average::new(tensors, limits).unwrap();
        for together in updates.chunks(TOGETHER) {
            let together: Vec<(&Weights, u64)> =
                together.iter().map(|update| (update, 400)).collect();
            assert!(average.add_all(&together).iter().all(Result::is_ok));
        }
        black_box(average.finish().unwrap());
    };
    let read = || {
        black_box(
            updates
                .iter()
                .map(|update| read_once(update.data()))
                .fold(0_u32, u32::wrapping_add),
        );
    };
    let [mean, read] = interleaved([Box::new(mean), Box::new(read)]);
    let gigabytes = (UPDATES * PARAMETERS * 4) as f64 / 1e9;
    document.add(Figure::beside(
        "fedavg_100x1M",
        gigabytes / mean,
        "GB/s",
        "reading the same bytes",
        gigabytes / read,
    ));
}
