//! A row in its columns' deviations.

use super::FEW;
use super::lanes::{LANES, Lanes};

/// Every `x[i]` becomes its distance from `mean[i]` in units of `deviation[i]`, at most `clip`;
/// where it is missing or infinite, or the deviation is not above 0, it becomes 0. All are of one
/// length; what a longer one has more stays as it is.
pub fn standardise(x: &mut [f32], mean: &[f32], deviation: &[f32], clip: f32) {
    let of_lanes = |x: Lanes, mean: Lanes, deviation: Lanes| {
        x.sub(mean)
            .div(deviation)
            .clamp(-clip, clip)
            .where_finite(x)
            .where_positive(deviation)
    };
    let change = |((x, mean), deviation): ((&mut [f32; LANES], &[f32; LANES]), &[f32; LANES])| {
        of_lanes(Lanes::load(x), Lanes::load(mean), Lanes::load(deviation)).store(x);
    };
    let length = x.len().min(mean.len()).min(deviation.len());
    let (x, x_last) = x.split_at_mut(length).0.as_chunks_mut();
    let (mean, mean_last) = mean.split_at(length).0.as_chunks();
    let (deviation, deviation_last) = deviation.split_at(length).0.as_chunks();
    let (x_few, x) = x.as_chunks_mut::<FEW>();
    let ((mean_few, mean), (deviation_few, deviation)) =
        (mean.as_chunks::<FEW>(), deviation.as_chunks::<FEW>());
    for ((x, mean), deviation) in x_few.iter_mut().zip(mean_few).zip(deviation_few) {
        x.iter_mut().zip(mean).zip(deviation).for_each(change);
    }
    x.iter_mut().zip(mean).zip(deviation).for_each(change);
    for ((x, mean), deviation) in x_last.iter_mut().zip(mean_last).zip(deviation_last) {
        *x = of_lanes(
            Lanes::splat(*x),
            Lanes::splat(*mean),
            Lanes::splat(*deviation),
        )
        .first();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Missing and infinite ones among them.
    fn value() -> impl Strategy<Value = f32> {
        prop_oneof![8 => -99_f32..99.0, 1 => Just(f32::NAN), 1 => Just(f32::INFINITY), 1 => Just(f32::MIN)]
    }

    proptest! {
        #[test]
        fn it_is_element_by_element(columns in proptest::collection::vec((value(), -9_f32..9.0, 0_u8..4), 0..70)) {
            let (mut x, mean): (Vec<f32>, Vec<f32>) = columns.iter().map(|column| (column.0, column.1)).unzip();
            let deviation: Vec<f32> = columns.iter().map(|column| f32::from(column.2) / 2.0).collect();
            let of = |(value, mean, deviation): (f32, f32, f32)| {
                let known = deviation > 0.0 && value.is_finite();
                if known { ((value - mean) / deviation).clamp(-10.0, 10.0) } else { 0.0 }
            };
            let columns = columns.iter().map(|column| (column.0, column.1, f32::from(column.2) / 2.0));
            let expected: Vec<u32> = columns.map(of).map(f32::to_bits).collect();
            standardise(&mut x, &mean, &deviation, 10.0);
            prop_assert_eq!(x.into_iter().map(f32::to_bits).collect::<Vec<_>>(), expected);
        }
    }
}
