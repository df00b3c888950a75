//! Eigenvalues and eigenvectors of a symmetric matrix without negative eigenvalues.
//!
//! One-sided Jacobi (Hestenes, "Inversion of matrices by biorthogonalization and related results",
//! J. SIAM 1958): pairs of rows are turned until all are at right angles. Row `i` is then its
//! eigenvalue times its eigenvector, and the turns themselves, applied to the unit matrix, are the
//! eigenvectors, at right angles even where eigenvalues vanish. It is cubic in the width, some
//! tenths of a second for 256 columns, and as accurate as doubles allow.

use fedhost_guest::kernels::double::{dot, rotate};

/// Rows at an angle whose cosine is below this are at right angles.
const COSINE: f64 = 1e-14;
/// Rows shorter than this share of the matrix are rounding, and at no angle to anything.
const NOTHING: f64 = 1e-15;
/// Far more than ever needed: convergence is quadratic, and 6 to 10 suffice.
const SWEEPS_MAX: usize = 40;

/// One eigenvalue and its eigenvector, of length 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// Not negative.
    pub value: f64,
    /// Up to its sign.
    pub vector: Vec<f64>,
}

/// A row of the matrix on its way to be an eigenvector, and what the turns make of the unit
/// matrix's.
struct Turning {
    row: Vec<f64>,
    unit: Vec<f64>,
}

/// All pairs of a square row-major matrix of this width, the largest eigenvalue first.
#[must_use]
pub fn pairs(matrix: &[f64], width: usize) -> Vec<Pair> {
    let unit = |one: usize| {
        (0..width)
            .map(|index| f64::from(u8::from(index == one)))
            .collect()
    };
    let rows = matrix.chunks_exact(width.max(1)).enumerate();
    let mut rows: Vec<Turning> = rows
        .map(|(index, row)| Turning {
            row: row.to_vec(),
            unit: unit(index),
        })
        .collect();
    let nothing = NOTHING * dot(matrix, matrix).sqrt();
    for _ in 0..SWEEPS_MAX {
        if !sweep(&mut rows, nothing) {
            break;
        }
    }
    let pair = |Turning { row, unit }| Pair {
        value: dot(&row, &row).sqrt(),
        vector: unit,
    };
    let mut pairs: Vec<Pair> = rows.into_iter().map(pair).collect();
    pairs.sort_by(|a, b| b.value.total_cmp(&a.value));
    pairs
}

/// Turns every pair of rows once; whether any had to be.
fn sweep(rows: &mut [Turning], nothing: f64) -> bool {
    let mut turned = false;
    for second in 1..rows.len() {
        for first in 0..second {
            if let Ok([a, b]) = rows.get_disjoint_mut([first, second]) {
                turned |= turn(a, b, nothing);
            }
        }
    }
    turned
}

fn turn(a: &mut Turning, b: &mut Turning, nothing: f64) -> bool {
    let (a_square, b_square, product) = (
        dot(&a.row, &a.row),
        dot(&b.row, &b.row),
        dot(&a.row, &b.row),
    );
    let lengths = a_square.sqrt() * b_square.sqrt();
    if product.abs() <= COSINE * lengths || a_square.min(b_square).sqrt() <= nothing {
        return false;
    }
    let slope = (b_square - a_square) / (2.0 * product);
    let tangent = slope.signum() / (slope.abs() + (1.0 + slope * slope).sqrt());
    let cosine = 1.0 / (1.0 + tangent * tangent).sqrt();
    rotate(&mut a.row, &mut b.row, cosine, cosine * tangent);
    rotate(&mut a.unit, &mut b.unit, cosine, cosine * tangent);
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn assert_pairs_of(matrix: &[f64], width: usize) {
        let pairs = pairs(matrix, width);
        let scale = dot(matrix, matrix).sqrt().max(1e-300);
        assert_eq!(pairs.len(), width);
        for (index, pair) in pairs.iter().enumerate() {
            for (row, component) in matrix.chunks(width).zip(&pair.vector) {
                let error = dot(row, &pair.vector) - pair.value * component;
                assert!(error.abs() <= 1e-12 * scale, "off by {error} of {scale}");
            }
            for other in &pairs[..index] {
                assert!(dot(&pair.vector, &other.vector).abs() < 1e-12);
                assert!(other.value >= pair.value);
            }
            assert!((dot(&pair.vector, &pair.vector) - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_matrix_one_can_do_by_hand() {
        let found = pairs(&[2.0, 1.0, 1.0, 2.0], 2);
        assert!(
            (found[0].value - 3.0).abs() < 1e-15 && (found[1].value - 1.0).abs() < 1e-15,
            "{found:?}"
        );
        assert!((found[0].vector[0] - found[0].vector[1]).abs() < 1e-15);
    }

    #[test]
    fn matrices_without_rank_have_vectors_all_the_same() {
        assert_pairs_of(&[0.0; 9], 3);
        assert_pairs_of(&[1.0; 16], 4);
        assert_pairs_of(&[0.0, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 5.0], 3);
        assert_pairs_of(&[7.0], 1);
        assert!(pairs(&[], 0).is_empty());
    }

    proptest! {
        #[test]
        fn every_matrix_is_its_values_times_its_vectors(
            width in 1_usize..8, rank in 1_usize..8, factors in proptest::collection::vec(-3.0..3.0, 64),
        ) {
            let factor = |row: usize| &factors[row * 8..row * 8 + rank];
            let entry = |index: usize| dot(factor(index / width), factor(index % width));
            let matrix: Vec<f64> = (0..width * width).map(entry).collect();
            assert_pairs_of(&matrix, width);
        }
    }
}
