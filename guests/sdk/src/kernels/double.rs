//! Sums in double precision, for what 32 bits do not hold; element by element, so with the same bits everywhere.

use pair::Pair;

/// Doubles a turn.
const BLOCK: usize = 16;
/// Doubles a turn where fewer are left.
const FEW: usize = 4;

/// Adds `factor * x[i]` to every `y[i]`; what the longer slice has more stays as it is.
pub fn axpy(factor: f64, x: &[f64], y: &mut [f64]) {
    let factors = Pair::splat(factor);
    let length = x.len().min(y.len());
    let ((x, _), (y, _)) = (x.split_at(length), y.split_at_mut(length));
    let add = |x: &[f64; 2], y: &mut [f64; 2]| Pair::load(y).add(factors.mul(Pair::load(x))).store(y);
    let ((x_blocks, x), (y_blocks, y)) = (x.as_chunks::<BLOCK>(), y.as_chunks_mut::<BLOCK>());
    for (x, y) in x_blocks.iter().zip(y_blocks) {
        x.as_chunks().0.iter().zip(y.as_chunks_mut().0).for_each(|(x, y)| add(x, y));
    }
    let ((x_few, x), (y_few, y)) = (x.as_chunks::<FEW>(), y.as_chunks_mut::<FEW>());
    for (x, y) in x_few.iter().zip(y_few) {
        x.as_chunks().0.iter().zip(y.as_chunks_mut().0).for_each(|(x, y)| add(x, y));
    }
    x.iter().zip(y).for_each(|(x, y)| *y += factor * x);
}

/// Adds every `x[i]` to `y[i]`; what the longer slice has more stays as it is.
pub fn add(x: &[f32], y: &mut [f64]) {
    both(x, y, |x, y| *y = Pair::load(y).add(Pair::of(*x)).parts());
}

/// Takes every `y[i]` from `x[i]`: how far `x` is from it, in `to`, as far as the shortest slice goes.
pub fn distance(x: &[f32], y: &[f64], to: &mut [f64]) {
    let length = y.len().min(to.len());
    let ((y, _), (to, _)) = (y.split_at(length), to.split_at_mut(length));
    to.copy_from_slice(y);
    both(x, to, |x, to| *to = Pair::of(*x).sub(Pair::load(to)).parts());
}

/// Pair by pair; an odd last one goes with a 0.
fn both(x: &[f32], y: &mut [f64], change: impl Fn(&[f32; 2], &mut [f64; 2])) {
    let length = x.len().min(y.len());
    let ((x, _), (y, _)) = (x.split_at(length), y.split_at_mut(length));
    let ((x_blocks, x), (y_blocks, y)) = (x.as_chunks::<BLOCK>(), y.as_chunks_mut::<BLOCK>());
    for (x, y) in x_blocks.iter().zip(y_blocks) {
        x.as_chunks().0.iter().zip(y.as_chunks_mut().0).for_each(|(x, y)| change(x, y));
    }
    let ((x_pairs, x), (y_pairs, y)) = (x.as_chunks(), y.as_chunks_mut());
    x_pairs.iter().zip(y_pairs).for_each(|(x, y)| change(x, y));
    for (x, y) in x.iter().zip(y) {
        let mut last = [*y, 0.0];
        change(&[*x, 0.0], &mut last);
        *y = last[0];
    }
}

#[cfg(target_feature = "simd128")]
mod pair {
    use core::arch::wasm32::{f64x2, f64x2_add, f64x2_extract_lane, f64x2_mul, f64x2_splat, f64x2_sub, v128};

    #[derive(Clone, Copy)]
    pub(super) struct Pair(v128);

    impl Pair {
        pub(super) fn splat(value: f64) -> Self {
            Self(f64x2_splat(value))
        }

        pub(super) fn load(&[a, b]: &[f64; 2]) -> Self {
            Self(f64x2(a, b))
        }

        pub(super) fn of([a, b]: [f32; 2]) -> Self {
            Self(f64x2(f64::from(a), f64::from(b)))
        }

        pub(super) fn add(self, other: Self) -> Self {
            Self(f64x2_add(self.0, other.0))
        }

        pub(super) fn sub(self, other: Self) -> Self {
            Self(f64x2_sub(self.0, other.0))
        }

        pub(super) fn mul(self, other: Self) -> Self {
            Self(f64x2_mul(self.0, other.0))
        }

        pub(super) fn store(self, to: &mut [f64; 2]) {
            *to = self.parts();
        }

        pub(super) fn parts(self) -> [f64; 2] {
            [f64x2_extract_lane::<0>(self.0), f64x2_extract_lane::<1>(self.0)]
        }
    }
}

#[cfg(not(target_feature = "simd128"))]
mod pair {
    #[derive(Clone, Copy)]
    pub(super) struct Pair([f64; 2]);

    impl Pair {
        pub(super) fn splat(value: f64) -> Self {
            Self([value; 2])
        }

        pub(super) fn load(from: &[f64; 2]) -> Self {
            Self(*from)
        }

        pub(super) fn of([a, b]: [f32; 2]) -> Self {
            Self([f64::from(a), f64::from(b)])
        }

        pub(super) fn add(self, Self([c, d]): Self) -> Self {
            let Self([a, b]) = self;
            Self([a + c, b + d])
        }

        pub(super) fn sub(self, Self([c, d]): Self) -> Self {
            let Self([a, b]) = self;
            Self([a - c, b - d])
        }

        pub(super) fn mul(self, Self([c, d]): Self) -> Self {
            let Self([a, b]) = self;
            Self([a * c, b * d])
        }

        pub(super) fn store(self, to: &mut [f64; 2]) {
            *to = self.0;
        }

        pub(super) fn parts(self) -> [f64; 2] {
            self.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn they_are_element_by_element(triples in proptest::collection::vec((-1e3_f32..1e3, -1e3_f64..1e3, -1e3_f64..1e3), 0..70), factor in -9_f64..9.0) {
            let x: Vec<f32> = triples.iter().map(|triple| triple.0).collect();
            let (y, z): (Vec<f64>, Vec<f64>) = triples.iter().map(|triple| (triple.1, triple.2)).unzip();
            let of = |element: fn(f64, f64, f64, f64) -> f64| -> Vec<f64> {
                x.iter().zip(y.iter().zip(&z)).map(|(x, (y, z))| element(f64::from(*x), *y, *z, factor)).collect()
            };
            let (mut moved, mut added, mut apart) = (z.clone(), z.clone(), vec![0.0; z.len()]);
            axpy(factor, &y, &mut moved);
            add(&x, &mut added);
            distance(&x, &z, &mut apart);
            prop_assert_eq!(moved, of(|_, y, z, factor| z + factor * y));
            prop_assert_eq!(added, of(|x, _, z, _| z + x));
            prop_assert_eq!(apart, of(|x, _, z, _| x - z));
        }
    }

    #[test]
    fn what_a_longer_slice_has_more_stays() {
        let mut sums = [1.0; 5];
        axpy(2.0, &[1.0, 1.0], &mut sums);
        add(&[1.0], &mut sums);
        assert_eq!(sums, [4.0, 3.0, 1.0, 1.0, 1.0]);
    }
}
