//! The two loops over all parameters that decide how fast a mean is made.
//!
//! They are written so that the compiler turns them into vector code for any x86-64: short arrays,
//! no branches. The range is checked in the same loop, where that is nearly free; a loop before it
//! would cost as much as the adding.

use super::grid::biased_steps;

/// Values a turn: two vectors of floats, four of sums.
const LANES: usize = 8;
type Lanes = [f32; LANES];

/// One update, ready to be added: its values, and the steps by which a weight of 1 moves the sum.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term<'a> {
    pub(super) values: &'a [f32],
    pub(super) factor: f64,
}

/// Adds a term, as long as the sums, and returns the largest magnitude in it.
pub(super) fn add(sums: &mut [i64], term: Term<'_>) -> f32 {
    let (sum_chunks, sum_rest) = sums.as_chunks_mut::<LANES>();
    let (chunks, rest) = term.values.as_chunks::<LANES>();
    let mut peaks = Lanes::default();
    for (sums, values) in sum_chunks.iter_mut().zip(chunks) {
        raise(&mut peaks, values);
        for (sum, &value) in sums.iter_mut().zip(values) {
            *sum = sum.wrapping_add(biased_steps(value, term.factor));
        }
    }
    raise(&mut peaks, rest);
    for (sum, &value) in sum_rest.iter_mut().zip(rest) {
        *sum = sum.wrapping_add(biased_steps(value, term.factor));
    }
    largest(peaks)
}

/// Adds four terms in one pass over the sums, which are twice the size of a model and rarely in
/// cache.
pub(super) fn add_four(sums: &mut [i64], terms: [Term<'_>; 4]) -> [f32; 4] {
    let (sum_chunks, sum_rest) = sums.as_chunks_mut::<LANES>();
    let mut peaks = add_four_chunks(sum_chunks, terms).map(largest);
    for (peak, term) in peaks.iter_mut().zip(terms) {
        let values = term.values.as_chunks::<LANES>().1;
        *peak = peak.max(add(sum_rest, Term { values, ..term }));
    }
    peaks
}

// Inlined into its caller, the loop runs out of registers and takes a quarter longer.
#[inline(never)]
fn add_four_chunks(sums: &mut [[i64; LANES]], terms: [Term<'_>; 4]) -> [Lanes; 4] {
    let [a, b, c, d] = terms.map(|term| term.values.as_chunks::<LANES>().0);
    let [fa, fb, fc, fd] = terms.map(|term| term.factor);
    let mut peaks = [Lanes::default(); 4];
    for ((((sums, a), b), c), d) in sums.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        for (peaks, values) in peaks.iter_mut().zip([a, b, c, d]) {
            raise(peaks, values);
        }
        for ((((sum, &a), &b), &c), &d) in sums.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            *sum = sum
                .wrapping_add(biased_steps(a, fa))
                .wrapping_add(biased_steps(b, fb))
                .wrapping_add(biased_steps(c, fc))
                .wrapping_add(biased_steps(d, fd));
        }
    }
    peaks
}

/// Takes a term out again, exactly: integers that wrap around lose nothing.
pub(super) fn remove(sums: &mut [i64], term: Term<'_>) {
    for (sum, &value) in sums.iter_mut().zip(term.values) {
        *sum = sum.wrapping_sub(biased_steps(value, term.factor));
    }
}

#[inline]
fn raise(peaks: &mut Lanes, values: &[f32]) {
    for (peak, value) in peaks.iter_mut().zip(values) {
        let magnitude = value.abs();
        // One vector instruction; `f32::max` is several, for the sake of a NaN that no model holds.
        *peak = if magnitude > *peak { magnitude } else { *peak };
    }
}

fn largest(peaks: Lanes) -> f32 {
    peaks.into_iter().fold(0.0, f32::max)
}
