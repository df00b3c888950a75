//! Arithmetic over slices, fast in a component and with the same bits natively.
//!
//! A host interrupts a component that runs too long, and pays for that at every turn of every loop.
//! So these loops do 32 floats a turn, in eight vectors of four lanes; what the compiler makes of a
//! plain loop is two to five times slower. The lanes, and so the order of every addition, are the
//! same natively: a test on one's own machine sees the numbers that a component will give.
//!
//! What lives in a vector from one turn to the next is put in memory and taken back at every check,
//! so it pays to do four rows of a matrix in one turn. The helpers are to be inlined, the kernels
//! are not: inlined into loops over rows they were measured to be two to four times slower in a
//! component.

pub mod double;
mod four;
pub(crate) mod lanes;
mod standardise;
mod tanh;

pub use standardise::standardise;
pub use tanh::{tanh, tanh_back};

use lanes::{LANES, Lanes};

/// Floats a turn.
const BLOCK: usize = 32;
/// Vectors a turn.
const VECTORS: usize = BLOCK / LANES;
/// Vectors a turn where there are fewer than [`BLOCK`] floats left: rows are often that short.
const FEW: usize = 4;

/// The sum of `a[i] * b[i]`; of slices of two lengths, the longer one's rest is left out.
///
/// Element `i` of the whole blocks of 32 is added to partial sum `i % 32`, in order; the whole
/// vectors of 4 that are left to partial sums 0 to 3; the partial sums to each other in pairs; the
/// last up to three elements at the end.
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
    let ((a_few, a_vectors), (b_few, b_vectors)) =
        (a_vectors.as_chunks::<FEW>(), b_vectors.as_chunks::<FEW>());
    // At most one, and no loop: its interruption check would cost as much as the sums.
    if let Some((a, b)) = a_few.first().zip(b_few.first()) {
        for (a, b) in a.iter().zip(b) {
            first = first.add(Lanes::load(a).mul(Lanes::load(b)));
        }
    }
    for (a, b) in a_vectors.iter().zip(b_vectors) {
        first = first.add(Lanes::load(a).mul(Lanes::load(b)));
    }
    let [s1, s2, s3, s4, s5, s6, s7] = rest;
    let total = first
        .add(s1)
        .add(s2.add(s3))
        .add(s4.add(s5).add(s6.add(s7)))
        .sum();
    a_last
        .iter()
        .zip(b_last)
        .fold(total, |total, (a, b)| total + a * b)
}

/// Adds `factor * x[i]` to every `y[i]`; what the longer slice has more stays as it is.
pub fn axpy(factor: f32, x: &[f32], y: &mut [f32]) {
    let factors = Lanes::splat(factor);
    each_with(x, y, |x, y| y.add(factors.mul(x)));
}

/// `y[i]` becomes the dot product of `x` and row `i` of `matrix`, which is row-major, as wide as
/// `x` is long, and as high as `y` is.
///
/// Bit for bit what [`dot`] gives for every row.
pub fn gemv(matrix: &[f32], x: &[f32], y: &mut [f32]) {
    let mut rows = matrix.chunks_exact(x.len().max(1));
    // Longer rows have more partial sums than there are registers for four of them.
    let (fours, rest) = if x.len() < BLOCK {
        y.as_chunks_mut()
    } else {
        (&mut [][..], y)
    };
    for (y, four) in fours.iter_mut().zip(rows_of_four(&mut rows)) {
        *y = four::dots(four, x);
    }
    rest.iter_mut()
        .zip(rows)
        .for_each(|(y, row)| *y = dot(row, x));
}

/// Adds to every `y[i]` the sum of `x[k]` times element `i` of row `k` of `matrix`, which is
/// row-major, as wide as `y` is long, and as high as `x` is.
///
/// Bit for bit what an [`axpy`] for every row gives, in its order; `y` is read and written once for
/// four of them.
pub fn gemv_transposed(matrix: &[f32], x: &[f32], y: &mut [f32]) {
    let width = y.len().max(1);
    let (fours, rest) = x.as_chunks();
    let mut rows = matrix.chunks_exact(width);
    for (factors, four) in fours.iter().zip(rows_of_four(&mut rows)) {
        four::sum(*factors, four, y);
    }
    rest.iter()
        .zip(rows)
        .for_each(|(factor, row)| axpy(*factor, row, y));
}

/// Adds `x[i] * y[j]` to the element of `matrix` in row `i` and column `j`; it is row-major, as
/// wide as `y` is long, and as high as `x` is.
///
/// Bit for bit what an [`axpy`] for every row gives; `y` is read once for four of them.
pub fn ger(x: &[f32], y: &[f32], matrix: &mut [f32]) {
    let (fours, rest) = x.as_chunks();
    let mut rows = matrix.chunks_exact_mut(y.len().max(1));
    for (factors, four) in fours.iter().zip(rows_of_four(&mut rows)) {
        four::products(*factors, y, four);
    }
    rest.iter()
        .zip(rows)
        .for_each(|(factor, row)| axpy(*factor, y, row));
}

/// The next four of a matrix's rows, as long as there are four left.
#[inline]
fn rows_of_four<R>(mut rows: impl Iterator<Item = R>) -> impl Iterator<Item = [R; 4]> {
    std::iter::from_fn(move || Some([rows.next()?, rows.next()?, rows.next()?, rows.next()?]))
}

/// Multiplies every `x[i]` by `factor`.
pub fn scale(factor: f32, x: &mut [f32]) {
    let factors = Lanes::splat(factor);
    each(x, |vector| vector.mul(factors));
}

/// Multiplies every `y[i]` by `x[i]`; what the longer slice has more stays as it is.
pub fn multiply(x: &[f32], y: &mut [f32]) {
    each_with(x, y, |x, y| y.mul(x));
}

/// Puts 0 in the place of every `x[i]` that is missing or infinite.
pub fn fill_missing(x: &mut [f32]) {
    each(x, |vector| vector.where_finite(vector));
}

/// Whether no `x[i]` is missing or infinite.
#[must_use]
pub fn are_finite(x: &[f32]) -> bool {
    // 0 times a number is 0, and 0 times anything else is not a number, and stays so in every sum.
    let mut zero = Lanes::ZERO;
    let (blocks, rest) = x.as_chunks::<BLOCK>();
    for block in blocks {
        for vector in vectors(block) {
            zero = zero.add(vector.mul(Lanes::ZERO));
        }
    }
    let (vectors, last) = rest.as_chunks();
    let (few, vectors) = vectors.as_chunks::<FEW>();
    if let Some(few) = few.first() {
        for vector in few {
            zero = zero.add(Lanes::load(vector).mul(Lanes::ZERO));
        }
    }
    for vector in vectors {
        zero = zero.add(Lanes::load(vector).mul(Lanes::ZERO));
    }
    zero.sum() == 0.0 && last.iter().all(|value| value.is_finite())
}

/// Every vector of four becomes what `change` makes of it; so do the last up to three, and zeros.
#[inline]
fn each(x: &mut [f32], change: impl Fn(Lanes) -> Lanes) {
    let (blocks, rest) = x.as_chunks_mut::<BLOCK>();
    for block in blocks {
        block
            .as_chunks_mut()
            .0
            .iter_mut()
            .for_each(|vector| change(Lanes::load(vector)).store(vector));
    }
    let (vectors, last) = rest.as_chunks_mut();
    let (few, vectors) = vectors.as_chunks_mut::<FEW>();
    if let Some(few) = few.first_mut() {
        few.iter_mut()
            .for_each(|vector| change(Lanes::load(vector)).store(vector));
    }
    vectors
        .iter_mut()
        .for_each(|vector| change(Lanes::load(vector)).store(vector));
    if !last.is_empty() {
        let mut vector = [0.0; LANES];
        vector
            .iter_mut()
            .zip(last.iter())
            .for_each(|(lane, value)| *lane = *value);
        change(Lanes::load(&vector)).store(&mut vector);
        last.iter_mut()
            .zip(vector)
            .for_each(|(value, lane)| *value = lane);
    }
}

/// Every vector of `y` becomes what `change` makes of it and of that of `x` at its place; so do the
/// last up to three floats, each in a vector of its own. What the longer slice has more stays as it
/// is.
#[inline]
fn each_with(x: &[f32], y: &mut [f32], change: impl Fn(Lanes, Lanes) -> Lanes) {
    let length = x.len().min(y.len());
    let ((x, _), (y, _)) = (x.split_at(length), y.split_at_mut(length));
    let ((x_blocks, x_rest), (y_blocks, y_rest)) =
        (x.as_chunks::<BLOCK>(), y.as_chunks_mut::<BLOCK>());
    let change_all = |x: &[[f32; LANES]], y: &mut [[f32; LANES]]| {
        x.iter()
            .zip(y)
            .for_each(|(x, y)| change(Lanes::load(x), Lanes::load(y)).store(y));
    };
    for (x, y) in x_blocks.iter().zip(y_blocks) {
        change_all(x.as_chunks().0, y.as_chunks_mut().0);
    }
    let ((x_vectors, x_last), (y_vectors, y_last)) = (x_rest.as_chunks(), y_rest.as_chunks_mut());
    let ((x_few, x_vectors), (y_few, y_vectors)) = (
        x_vectors.as_chunks::<FEW>(),
        y_vectors.as_chunks_mut::<FEW>(),
    );
    if let Some((x, y)) = x_few.first().zip(y_few.first_mut()) {
        change_all(x, y);
    }
    change_all(x_vectors, y_vectors);
    for (x, y) in x_last.iter().zip(y_last) {
        *y = change(Lanes::splat(*x), Lanes::splat(*y)).first();
    }
}

#[inline]
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
            sums[if index < blocks {
                index % BLOCK
            } else {
                index % LANES
            }] += product;
        }
        let vector = |v: usize, lane: usize| sums[LANES * v + lane];
        let lane = |l: usize| {
            let pair = |v: usize| vector(v, l) + vector(v + 1, l);
            (pair(0) + pair(2)) + (pair(4) + pair(6))
        };
        let total = (lane(0) + lane(1)) + (lane(2) + lane(3));
        products[vectors..]
            .iter()
            .fold(total, |total, product| total + product)
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
        fn axpy_scale_and_multiply_are_element_by_element(pairs in pairs(), factor in -10_f32..10.0) {
            let (x, mut y): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let added: Vec<f32> = x.iter().zip(&y).map(|(x, y)| y + factor * x).collect();
            let scaled: Vec<f32> = y.iter().map(|y| y * factor).collect();
            let products: Vec<f32> = x.iter().zip(&y).map(|(x, y)| x * y).collect();
            let (mut other, mut multiplied) = (y.clone(), y.clone());
            multiply(&x, &mut multiplied);
            axpy(factor, &x, &mut y);
            scale(factor, &mut other);
            prop_assert_eq!((y, other, multiplied), (added, scaled, products));
        }
    }

    proptest! {
        #[test]
        fn what_is_missing_is_found_and_filled(pairs in pairs(), bad in any::<proptest::sample::Index>(), spoil in any::<bool>()) {
            let (mut x, _): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            if spoil && !x.is_empty() {
                let at = bad.index(x.len());
                x[at] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][at % 3];
            }
            prop_assert_eq!(are_finite(&x), x.iter().all(|value| value.is_finite()));
            let expected: Vec<f32> = x.iter().map(|value| if value.is_finite() { *value } else { 0.0 }).collect();
            fill_missing(&mut x);
            prop_assert_eq!(x, expected);
        }
    }

    proptest! {
        #[test]
        fn what_is_done_to_a_matrix_is_done_to_row_after_row(
            rows in 0_usize..10, width in 1_usize..60, values in proptest::collection::vec(-9_f32..9.0, 670),
        ) {
            let (matrix, rest) = values.split_at(rows * width);
            let (x, y) = (&rest[..rows], &rest[rows..rows + width]);
            let (mut sums, mut sums_by_row) = (y.to_vec(), y.to_vec());
            let (mut products, mut products_by_row) = (matrix.to_vec(), matrix.to_vec());
            gemv_transposed(matrix, x, &mut sums);
            ger(x, y, &mut products);
            for ((factor, row), products) in x.iter().zip(matrix.chunks(width)).zip(products_by_row.chunks_mut(width)) {
                axpy(*factor, row, &mut sums_by_row);
                axpy(*factor, y, products);
            }
            prop_assert_eq!((sums, products), (sums_by_row, products_by_row));
            let mut dots = vec![9.0; rows];
            gemv(matrix, y, &mut dots);
            let by_row = matrix.chunks(width).map(|row| dot(row, y).to_bits());
            prop_assert!(dots.into_iter().map(f32::to_bits).eq(by_row));
        }
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
        assert_eq!(
            (&rest[..4], rest[39]),
            ([1.0, 2.0, 3.0, 1.0].as_slice(), 1.0)
        );
    }
}
