//! Sums in double precision, for what 32 bits do not hold; element by element, so with the same
//! bits everywhere.

use pair::Pair;

use super::four::{abreast, parts};

/// Doubles a turn.
const BLOCK: usize = 16;
/// Doubles a turn where fewer are left.
const FEW: usize = 4;

/// Adds `factor * x[i]` to every `y[i]`; what the longer slice has more stays as it is.
pub fn axpy(factor: f64, x: &[f64], y: &mut [f64]) {
    let factors = Pair::splat(factor);
    let length = x.len().min(y.len());
    let ((x, _), (y, _)) = (x.split_at(length), y.split_at_mut(length));
    let add =
        |x: &[f64; 2], y: &mut [f64; 2]| Pair::load(y).add(factors.mul(Pair::load(x))).store(y);
    let ((x_blocks, x), (y_blocks, y)) = (x.as_chunks::<BLOCK>(), y.as_chunks_mut::<BLOCK>());
    for (x, y) in x_blocks.iter().zip(y_blocks) {
        x.as_chunks()
            .0
            .iter()
            .zip(y.as_chunks_mut().0)
            .for_each(|(x, y)| add(x, y));
    }
    let ((x_few, x), (y_few, y)) = (x.as_chunks::<FEW>(), y.as_chunks_mut::<FEW>());
    for (x, y) in x_few.iter().zip(y_few) {
        x.as_chunks()
            .0
            .iter()
            .zip(y.as_chunks_mut().0)
            .for_each(|(x, y)| add(x, y));
    }
    x.iter().zip(y).for_each(|(x, y)| *y += factor * x);
}

/// Adds `factors[k] * x[k][i]` to every `y[i]`, one `k` after the other; bit for bit what four
/// calls of [`axpy`] give, in one pass over `y`. All are of one length; what a longer one has more
/// is left out.
pub fn axpy4(factors: [f64; 4], x: [&[f64]; 4], y: &mut [f64]) {
    let length = x.iter().map(|x| x.len()).fold(y.len(), usize::min);
    let lanes = factors.map(Pair::splat);
    let add = |x: [&[f64; 2]; 4], y: &mut [f64; 2]| {
        let terms = lanes.iter().zip(x);
        terms
            .fold(Pair::load(y), |sum, (factor, x)| {
                sum.add(factor.mul(Pair::load(x)))
            })
            .store(y);
    };
    let (pairs, last) = parts(x.map(|x| x.split_at(length).0.as_chunks()));
    let (few, pairs) = parts(pairs.map(|x| x.as_chunks::<FEW>()));
    let (y_pairs, y_last) = y.split_at_mut(length).0.as_chunks_mut();
    let (y_few, y_pairs) = y_pairs.as_chunks_mut::<FEW>();
    for (x, y) in abreast(few, y_few) {
        abreast(x, y).for_each(|(x, y)| add(x, y));
    }
    abreast(pairs, y_pairs).for_each(|(x, y)| add(x, y));
    for (x, y) in abreast(last, y_last) {
        *y = factors
            .iter()
            .zip(x)
            .fold(*y, |sum, (factor, x)| sum + factor * x);
    }
}

/// The sum of `a[i] * b[i]`; of slices of two lengths, the longer one's rest is left out.
///
/// Element `i` of the whole fours is added to partial sum `i % 4`, in order; the partial sums to
/// each other in pairs; the last up to three elements at the end.
#[must_use]
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let length = a.len().min(b.len());
    let ((a, _), (b, _)) = (a.split_at(length), b.split_at(length));
    let ((a, a_last), (b, b_last)) = (a.as_chunks::<FEW>(), b.as_chunks::<FEW>());
    let mut sums = [Pair::splat(0.0); 2];
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums
            .iter_mut()
            .zip(a.as_chunks().0.iter().zip(b.as_chunks().0))
        {
            *sum = sum.add(Pair::load(a).mul(Pair::load(b)));
        }
    }
    let [[s0, s1], [s2, s3]] = sums.map(Pair::parts);
    a_last
        .iter()
        .zip(b_last)
        .fold((s0 + s1) + (s2 + s3), |total, (a, b)| total + a * b)
}

/// Turns `a` and `b` towards each other: they become `cosine * a - sine * b` and `sine * a + cosine
/// * b`, element by element.
pub fn rotate(a: &mut [f64], b: &mut [f64], cosine: f64, sine: f64) {
    let (cosines, sines, minus) = (Pair::splat(cosine), Pair::splat(sine), Pair::splat(-sine));
    let length = a.len().min(b.len());
    let ((a, _), (b, _)) = (a.split_at_mut(length), b.split_at_mut(length));
    let ((a, a_last), (b, b_last)) = (a.as_chunks_mut::<FEW>(), b.as_chunks_mut::<FEW>());
    for (a, b) in a.iter_mut().zip(b) {
        for (a, b) in a.as_chunks_mut().0.iter_mut().zip(b.as_chunks_mut().0) {
            let (old_a, old_b) = (Pair::load(a), Pair::load(b));
            cosines.mul(old_a).add(minus.mul(old_b)).store(a);
            sines.mul(old_a).add(cosines.mul(old_b)).store(b);
        }
    }
    for (a, b) in a_last.iter_mut().zip(b_last) {
        (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
    }
}

/// Adds every `x[i]` to `y[i]`; what the longer slice has more stays as it is.
pub fn add(x: &[f32], y: &mut [f64]) {
    both(x, y, |x, y| *y = Pair::load(y).add(Pair::of(*x)).parts());
}

/// Takes every `y[i]` from `x[i]`: how far `x` is from it, in `to`, as far as the shortest slice
/// goes.
pub fn distance(x: &[f32], y: &[f64], to: &mut [f64]) {
    let length = y.len().min(to.len());
    let ((y, _), (to, _)) = (y.split_at(length), to.split_at_mut(length));
    to.copy_from_slice(y);
    both(x, to, |x, to| {
        *to = Pair::of(*x).sub(Pair::load(to)).parts()
    });
}

/// Pair by pair; an odd last one goes with a 0.
#[inline]
fn both(x: &[f32], y: &mut [f64], change: impl Fn(&[f32; 2], &mut [f64; 2])) {
    let length = x.len().min(y.len());
    let ((x, _), (y, _)) = (x.split_at(length), y.split_at_mut(length));
    let ((x_blocks, x), (y_blocks, y)) = (x.as_chunks::<BLOCK>(), y.as_chunks_mut::<BLOCK>());
    for (x, y) in x_blocks.iter().zip(y_blocks) {
        x.as_chunks()
            .0
            .iter()
            .zip(y.as_chunks_mut().0)
            .for_each(|(x, y)| change(x, y));
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
    use core::arch::wasm32::{
        f64x2, f64x2_add, f64x2_extract_lane, f64x2_mul, f64x2_splat, f64x2_sub, v128,
    };

    #[derive(Clone, Copy)]
    pub(super) struct Pair(v128);

    impl Pair {
        #[inline]
        pub(super) fn splat(value: f64) -> Self {
            Self(f64x2_splat(value))
        }

        #[inline]
        pub(super) fn load(&[a, b]: &[f64; 2]) -> Self {
            Self(f64x2(a, b))
        }

        #[inline]
        pub(super) fn of([a, b]: [f32; 2]) -> Self {
            Self(f64x2(f64::from(a), f64::from(b)))
        }

        #[inline]
        pub(super) fn add(self, other: Self) -> Self {
            Self(f64x2_add(self.0, other.0))
        }

        #[inline]
        pub(super) fn sub(self, other: Self) -> Self {
            Self(f64x2_sub(self.0, other.0))
        }

        #[inline]
        pub(super) fn mul(self, other: Self) -> Self {
            Self(f64x2_mul(self.0, other.0))
        }

        #[inline]
        pub(super) fn store(self, to: &mut [f64; 2]) {
            *to = self.parts();
        }

        #[inline]
        pub(super) fn parts(self) -> [f64; 2] {
            [
                f64x2_extract_lane::<0>(self.0),
                f64x2_extract_lane::<1>(self.0),
            ]
        }
    }
}

#[cfg(not(target_feature = "simd128"))]
mod pair {
    #[derive(Clone, Copy)]
    pub(super) struct Pair([f64; 2]);

    impl Pair {
        #[inline]
        pub(super) fn splat(value: f64) -> Self {
            Self([value; 2])
        }

        #[inline]
        pub(super) fn load(from: &[f64; 2]) -> Self {
            Self(*from)
        }

        #[inline]
        pub(super) fn of([a, b]: [f32; 2]) -> Self {
            Self([f64::from(a), f64::from(b)])
        }

        #[inline]
        pub(super) fn add(self, Self([c, d]): Self) -> Self {
            let Self([a, b]) = self;
            Self([a + c, b + d])
        }

        #[inline]
        pub(super) fn sub(self, Self([c, d]): Self) -> Self {
            let Self([a, b]) = self;
            Self([a - c, b - d])
        }

        #[inline]
        pub(super) fn mul(self, Self([c, d]): Self) -> Self {
            let Self([a, b]) = self;
            Self([a * c, b * d])
        }

        #[inline]
        pub(super) fn store(self, to: &mut [f64; 2]) {
            *to = self.0;
        }

        #[inline]
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
            let (mut turned, mut other) = (y.clone(), z.clone());
            rotate(&mut turned, &mut other, 0.8, 0.6);
            prop_assert_eq!(turned, of(|_, y, z, _| 0.8 * y - 0.6 * z));
            prop_assert_eq!(other, of(|_, y, z, _| 0.6 * y + 0.8 * z));
        }

        #[test]
        fn four_at_once_are_one_after_the_other(pairs in proptest::collection::vec((-1e3_f64..1e3, -1e3_f64..1e3), 0..30)) {
            let (x, y): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
            let (mut at_once, mut in_turn) = (y.clone(), y.clone());
            axpy4([0.1, -3.0, 7.0, 0.3], [&x, &y, &x, &y], &mut at_once);
            for (factor, x) in [(0.1, &x), (-3.0, &y), (7.0, &x), (0.3, &y)] {
                axpy(factor, x, &mut in_turn);
            }
            prop_assert_eq!(at_once, in_turn);
        }

        #[test]
        fn a_dot_product_is_the_sum_of_the_products(pairs in proptest::collection::vec((-1e3_f64..1e3, -1e3_f64..1e3), 0..30)) {
            let (a, b): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
            let expected: f64 = pairs.iter().map(|(a, b)| a * b).sum();
            prop_assert!((dot(&a, &b) - expected).abs() < 1e-6);
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
