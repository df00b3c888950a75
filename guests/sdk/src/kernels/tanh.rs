//! The hyperbolic tangent of many numbers.

use super::lanes::Lanes;
use super::{each, each_with};

/// From here on the tangent is 1 in 32 bits.
const FLAT: f32 = 9.0;
/// Of the odd powers above the bar, highest first, and of the even ones below: a rational
/// approximation that is minimal in its largest error, as in the Eigen library.
const ABOVE: [f32; 7] = [
    -2.760_768_5e-16,
    2.000_188e-13,
    -8.604_672e-11,
    5.122_297_1e-8,
    1.485_722_4e-5,
    6.372_619_3e-4,
    4.893_524_6e-3,
];
const BELOW: [f32; 4] = [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3];

/// Every `x[i]` becomes its hyperbolic tangent, within 4e-7, from -1 to 1.
///
/// Made of additions, multiplications and one division, so that its bits are the same natively and
/// in a component.
pub fn tanh(x: &mut [f32]) {
    each(x, of_lanes);
}

/// The way back: every `slopes[i]`, over the tangent `tangents[i]`, becomes that over what [`tanh`]
/// was taken of, which is `1 - tangents[i] * tangents[i]` times as much. What the longer slice has
/// more stays as it is.
pub fn tanh_back(tangents: &[f32], slopes: &mut [f32]) {
    let one = Lanes::splat(1.0);
    each_with(tangents, slopes, |tangent, slope| {
        slope.mul(one.sub(tangent.mul(tangent)))
    });
}

#[inline]
fn of_lanes(x: Lanes) -> Lanes {
    let x = x.clamp(-FLAT, FLAT);
    let square = x.mul(x);
    let polynomial = |coefficients: &[f32]| {
        coefficients.iter().fold(Lanes::ZERO, |sum, coefficient| {
            sum.mul(square).add(Lanes::splat(*coefficient))
        })
    };
    x.mul(polynomial(&ABOVE))
        .div(polynomial(&BELOW))
        .clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(value: f32) -> f32 {
        let mut values = [value];
        tanh(&mut values);
        values[0]
    }

    proptest! {
        #[test]
        fn it_is_the_tangent_within_its_error(value in -20_f32..20.0) {
            prop_assert!((f64::from(of(value)) - f64::from(value).tanh()).abs() < 4e-7);
        }

        #[test]
        fn a_value_has_the_same_bits_wherever_it_stands(values in proptest::collection::vec(-12_f32..12.0, 0..80)) {
            let mut together = values.clone();
            tanh(&mut together);
            for (together, value) in together.iter().zip(values) {
                prop_assert_eq!(together.to_bits(), of(value).to_bits());
            }
        }
    }

    #[test]
    fn the_way_back_is_along_the_slope_of_the_tangent() {
        let tangents: Vec<f32> = (0..39).map(|index| index as f32 / 20.0 - 1.0).collect();
        let mut slopes = vec![3.0; 39];
        tanh_back(&tangents, &mut slopes);
        assert_eq!(
            slopes,
            tangents
                .iter()
                .map(|tangent| 3.0 * (1.0 - tangent * tangent))
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn it_stays_within_one_and_keeps_the_sign() {
        for value in [0.0, 1e-30, 8.0, 9.0, 1e30, f32::INFINITY] {
            assert!((0.0..=1.0).contains(&of(value)), "{value}: {}", of(value));
            assert_eq!(of(-value), -of(value));
        }
        assert!(of(f32::NAN).is_nan());
    }
}
