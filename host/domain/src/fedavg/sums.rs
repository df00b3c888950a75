//! The two loops over all parameters, which determine the speed of a mean.
//!
//! They use short arrays and no branches, so that the compiler vectorises them for any x86-64. The
//! range is checked in the same loop, where it is nearly free; a separate loop would cost as much as
//! the sum.

use super::grid::biased_steps;

/// Values per iteration: two vectors of floats, four of sums.
const LANES: usize = 8;
type Lanes = [f32; LANES];

/// One update to add: its values, and the steps that a weight of 1 adds to the sum.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term<'a> {
    pub(super) values: &'a [f32],
    pub(super) factor: f64,
}

/// Adds a term of the same length as the sums, and returns the largest magnitude in it.
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

/// Adds four terms in one pass over the sums. The sums are twice the size of a model and are rarely
/// in cache.
pub(super) fn add_four(sums: &mut [i64], terms: [Term<'_>; 4]) -> [f32; 4] {
    let (sum_chunks, sum_rest) = sums.as_chunks_mut::<LANES>();
    let mut peaks = add_four_chunks(sum_chunks, terms).map(largest);
    for (peak, term) in peaks.iter_mut().zip(terms) {
        let values = term.values.as_chunks::<LANES>().1;
        *peak = peak.max(add(sum_rest, Term { values, ..term }));
    }
    peaks
}

// When the loop is inlined into its caller it runs out of registers and takes a quarter longer.
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

/// Removes a term exactly: wrapping integers lose nothing.
pub(super) fn remove(sums: &mut [i64], term: Term<'_>) {
    for (sum, &value) in sums.iter_mut().zip(term.values) {
        *sum = sum.wrapping_sub(biased_steps(value, term.factor));
    }
}

#[inline]
fn raise(peaks: &mut Lanes, values: &[f32]) {
    for (peak, value) in peaks.iter_mut().zip(values) {
        let magnitude = value.abs();
        // One vector instruction. `f32::max` needs several to handle NaN, which no model contains.
        *peak = if magnitude > *peak { magnitude } else { *peak };
    }
}

fn largest(peaks: Lanes) -> f32 {
    peaks.into_iter().fold(0.0, f32::max)
}
