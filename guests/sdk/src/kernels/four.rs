//! Four rows of a matrix at once: what they have in common is read once, and the way round a loop
//! is gone once for all four. Bit for bit what [`axpy`](super::axpy) and [`dot`](super::dot) give
//! for one row after the other.

use super::FEW;
use super::lanes::{LANES, Lanes};

/// Adds `factors[k] * rows[k][i]` to every `y[i]`, one `k` after the other. All are as long as `y`.
#[inline]
pub(super) fn sum(factors: [f32; 4], rows: [&[f32]; 4], y: &mut [f32]) {
    let lanes = factors.map(Lanes::splat);
    let add = |rows: [&[f32; LANES]; 4], y: &mut [f32; LANES]| {
        let terms = lanes.iter().zip(rows);
        terms
            .fold(Lanes::load(y), |sum, (factor, row)| {
                sum.add(factor.mul(Lanes::load(row)))
            })
            .store(y);
    };
    let (vectors, last) = parts(rows.map(|row| row.as_chunks()));
    let (few, vectors) = parts(vectors.map(|row| row.as_chunks::<FEW>()));
    let (y_vectors, y_last) = y.as_chunks_mut();
    let (y_few, y_vectors) = y_vectors.as_chunks_mut::<FEW>();
    for (rows, y) in abreast(few, y_few) {
        abreast(rows, y).for_each(|(rows, y)| add(rows, y));
    }
    abreast(vectors, y_vectors).for_each(|(rows, y)| add(rows, y));
    for (rows, y) in abreast(last, y_last) {
        *y = factors
            .iter()
            .zip(rows)
            .fold(*y, |sum, (factor, value)| sum + factor * value);
    }
}

/// Adds `factors[k] * y[i]` to every `rows[k][i]`. All are as long as `y`.
#[inline]
pub(super) fn products(factors: [f32; 4], y: &[f32], rows: [&mut [f32]; 4]) {
    let lanes = factors.map(Lanes::splat);
    let add = |rows: [&mut [f32; LANES]; 4], y: &[f32; LANES]| {
        let y = Lanes::load(y);
        lanes
            .iter()
            .zip(rows)
            .for_each(|(factor, row)| Lanes::load(row).add(factor.mul(y)).store(row));
    };
    let (vectors, last) = parts(rows.map(|row| row.as_chunks_mut()));
    let (few, vectors) = parts(vectors.map(|row| row.as_chunks_mut::<FEW>()));
    let (y_vectors, y_last) = y.as_chunks();
    let (y_few, y_vectors) = y_vectors.as_chunks::<FEW>();
    for (rows, y) in abreast(few, y_few) {
        abreast(rows, y).for_each(|(rows, y)| add(rows, y));
    }
    abreast(vectors, y_vectors).for_each(|(rows, y)| add(rows, y));
    for (rows, y) in abreast(last, y_last) {
        factors
            .iter()
            .zip(rows)
            .for_each(|(factor, value)| *value += factor * y);
    }
}

/// The dot product of each row and `x`, which is as long as they are, and shorter than a block.
#[inline]
pub(super) fn dots(rows: [&[f32]; 4], x: &[f32]) -> [f32; 4] {
    let mut sums = [Lanes::ZERO; 4];
    let mut add = |rows: [&[f32; LANES]; 4], x: &[f32; LANES]| {
        let x = Lanes::load(x);
        sums.iter_mut()
            .zip(rows)
            .for_each(|(sum, row)| *sum = sum.add(Lanes::load(row).mul(x)));
    };
    let (vectors, last) = parts(rows.map(|row| row.as_chunks()));
    let (few, vectors) = parts(vectors.map(|row| row.as_chunks::<FEW>()));
    let (x_vectors, x_last) = x.as_chunks();
    let (x_few, x_vectors) = x_vectors.as_chunks::<FEW>();
    // At most one, and no loop.
    if let Some((rows, x)) = abreast(few, x_few).next() {
        abreast(rows, x).for_each(|(rows, x)| add(rows, x));
    }
    abreast(vectors, x_vectors).for_each(|(rows, x)| add(rows, x));
    // The partial sums of whole blocks, of which there are none, count for their sign.
    let mut totals = sums.map(|sum| sum.add(Lanes::ZERO).sum());
    for (rows, x) in abreast(last, x_last) {
        totals
            .iter_mut()
            .zip(rows)
            .for_each(|(total, value)| *total += value * x);
    }
    totals
}

/// Element by element of all five, as far as the shortest goes.
#[inline]
pub(super) fn abreast<R: IntoIterator, Y: IntoIterator>(
    [a, b, c, d]: [R; 4],
    y: Y,
) -> impl Iterator<Item = ([R::Item; 4], Y::Item)> {
    a.into_iter()
        .zip(b)
        .zip(c)
        .zip(d)
        .zip(y)
        .map(|((((a, b), c), d), y)| ([a, b, c, d], y))
}

/// All firsts, all seconds.
#[inline]
pub(super) fn parts<A, B>([a, b, c, d]: [(A, B); 4]) -> ([A; 4], [B; 4]) {
    ([a.0, b.0, c.0, d.0], [a.1, b.1, c.1, d.1])
}
