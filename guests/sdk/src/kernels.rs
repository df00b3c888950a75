//! Arithmetic over slices, fast in a component and with the same bits natively.
//!
//! A host interrupts a component that runs too long, and pays for that at every turn of every loop. So these loops do
//! 32 floats a turn, in eight vectors of four lanes; what the compiler makes of a plain loop is two to five times
//! slower. The lanes, and so the order of every addition, are the same natively: a test on one's own machine sees the
//! numbers that a component will give.

pub(crate) mod lanes;
mod tanh;

pub use tanh::tanh;

use lanes::{LANES, Lanes};

/// Floats a turn.
const BLOCK: usize = 32;
/// Vectors a turn.
const VECTORS: usize = BLOCK / LANES;

/// The sum of `a[i] * b[i]`; of slices of two lengths, the longer one's rest is left out.
///
/// Element `i` of the whole blocks of 32 is added to partial sum `i % 32`, in order; the whole vectors of 4 that are
/// left to partial sums 0 to 3; the partial sums to each other in pairs; the last up to three elements at the end.
#[must_use]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let length = a.len().min(b.len());
    let ((a, _), (b, _)) = (a.split_at(length), b.split_at(length));
    let ((a_blocks, a_rest), (b_blocks, b_rest)) = (a.as_chunks::<BLOCK>(), b.as_chunks::<BLOCK>());
    let mut sums = [Lanes::ZERO; VECTORS];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for (sum, (a, b)) in sums.iter_mut().zip(vectors(a).zip(vectors(b))) {
            *sum = sum.add(a.mul(b));
        }
    }
    let [mut first, rest @ ..] = sums;
    let (a_vectors, a_last) = a_rest.as_chunks();
    let (b_vectors, b_last) = b_rest.as_chunks();
    for (a, b) in a_vectors.iter().zip(b_vectors) {
        first = first.add(Lanes::load(a).mul(Lanes::load(b)));
    }
    let [s1, s2, s3, s4, s5, s6, s7] = rest;
    let total = first.add(s1).add(s2.add(s3)).add(s4.add(s5).add(s6.add(s7))).sum();
    a_last.iter().zip(b_last).fold(total, |total, (a, b)| total + a * b)
}

/// Adds `factor * x[i]` to every `y[i]`; what the longer slice has more stays as it is.
pub fn axpy(factor: f32, x: &[f32], y: &mut [f32]) {
    let factors = Lanes::splat(factor);
    let length = x.len().min(y.len());
    let ((x, _), (y, _)) = (x.split_at(length), y.split_at_mut(length));
    let ((x_blocks, x_rest), (y_blocks, y_rest)) = (x.as_chunks::<BLOCK>(), y.as_chunks_mut::<BLOCK>());
    for (x, y) in x_blocks.iter().zip(y_blocks) {
        for (x, y) in vectors(x).zip(y.as_chunks_mut().0) {
            Lanes::load(y).add(factors.mul(x)).store(y);
        }
    }
    for (x, y) in x_rest.iter().zip(y_rest) {
        *y += factor * x;
    }
}

/// `y[i]` becomes the dot product of `x` and row `i` of `matrix`, which is row-major and as wide as `x` is long.
///
/// Bit for bit what [`dot`] gives for every row.
pub fn gemv(matrix: &[f32], x: &[f32], y: &mut [f32]) {
    for (row, y) in matrix.chunks_exact(x.len().max(1)).zip(y) {
        *y = dot(row, x);
    }
}

/// Multiplies every `x[i]` by `factor`.
pub fn scale(factor: f32, x: &mut [f32]) {
    let factors = Lanes::splat(factor);
    let (blocks, rest) = x.as_chunks_mut::<BLOCK>();
    for block in blocks {
        for vector in block.as_chunks_mut().0 {
            Lanes::load(vector).mul(factors).store(vector);
        }
    }
    for value in rest {
        *value *= factor;
    }
}

fn vectors(block: &[f32; BLOCK]) -> impl Iterator<Item = Lanes> {
    block.as_chunks().0.iter().map(Lanes::load)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The documented order of additions, one float at a time.
    fn dot_by_the_book(a: &[f32], b: &[f32]) -> f32 {
        let products: Vec<f32> = a.iter().zip(b).map(|(a, b)| a * b).collect();
        let blocks = products.len() / BLOCK * BLOCK;
        let vectors = products.len() / LANES * LANES;
        let mut sums = [0.0; BLOCK];
        for (index, product) in products[..vectors].iter().enumerate() {
            sums[if index < blocks { index % BLOCK } else { index % LANES }] += product;
        }
        let vector = |v: usize, lane: usize| sums[LANES * v + lane];
        let lane = |l: usize| {
            let pair = |v: usize| vector(v, l) + vector(v + 1, l);
            (pair(0) + pair(2)) + (pair(4) + pair(6))
        };
        let total = (lane(0) + lane(1)) + (lane(2) + lane(3));
        products[vectors..].iter().fold(total, |total, product| total + product)
    }

    fn pairs() -> impl Strategy<Value = Vec<(f32, f32)>> {
        proptest::collection::vec((-1e3_f32..1e3, -1e3_f32..1e3), 0..200)
    }

    proptest! {
        #[test]
        fn a_dot_product_adds_in_the_documented_order(pairs in pairs()) {
            let (a, b): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            prop_assert_eq!(dot(&a, &b).to_bits(), dot_by_the_book(&a, &b).to_bits());
        }

        #[test]
        fn axpy_and_scale_are_element_by_element(pairs in pairs(), factor in -10_f32..10.0) {
            let (x, mut y): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let added: Vec<f32> = x.iter().zip(&y).map(|(x, y)| y + factor * x).collect();
            let scaled: Vec<f32> = y.iter().map(|y| y * factor).collect();
            let mut other = y.clone();
            axpy(factor, &x, &mut y);
            scale(factor, &mut other);
            prop_assert_eq!((y, other), (added, scaled));
        }
    }

    #[test]
    fn gemv_is_a_dot_product_a_row() {
        let matrix: Vec<f32> = (0..120).map(|value| (value % 17) as f32).collect();
        let (x, mut y) = (&matrix[7..47], [9.0; 4]);
        gemv(&matrix, x, &mut y);
        assert_eq!(y[..3], [0, 40, 80].map(|start| dot(&matrix[start..start + 40], x)));
        assert_eq!(y[3], 9.0);
        gemv(&matrix, &[], &mut []);
    }

    #[test]
    fn the_longer_slice_keeps_its_rest() {
        let long: Vec<f32> = (0..70).map(|value| value as f32).collect();
        assert_eq!(dot(&long, &[2.0; 40]), 2.0 * (39.0 * 40.0 / 2.0));
        let mut short = vec![0.0; 33];
        axpy(1.0, &long, &mut short);
        assert_eq!(short, long[..33]);
        let mut rest = vec![1.0; 40];
        axpy(1.0, &long[..3], &mut rest);
        assert_eq!((&rest[..4], rest[39]), ([1.0, 2.0, 3.0, 1.0].as_slice(), 1.0));
    }
}
