//! Quantiles of weighted sums of squares.

/// What a sum of squares of independent Gaussian numbers with these variances stays below with a
/// probability of `confidence`; 1 when there are none.
///
/// Box's approximation: a chi-square distribution with the same mean and variance, stretched.
pub(super) fn limit(variances: impl Iterator<Item = f64>, confidence: f64) -> f64 {
    let (sum, squares) = variances.fold((0.0, 0.0), |(sum, squares), value| {
        (sum + value, squares + value * value)
    });
    if sum > 0.0 {
        squares / sum * chi_square(sum * sum / squares, confidence)
    } else {
        1.0
    }
}

/// Quantile of a chi-square distribution (Wilson, Hilferty, PNAS 1931); from one degree of freedom
/// on within 2 % at 0.99.
fn chi_square(degrees: f64, probability: f64) -> f64 {
    let spread = 2.0 / (9.0 * degrees);
    let root = 1.0 - spread + gaussian(probability) * spread.sqrt();
    degrees * root * root * root
}

/// Quantile of the standard Gaussian distribution for probabilities from 0.5 to 1, within 5e-4
/// (Abramowitz, Stegun, Handbook of Mathematical Functions, 26.2.23).
fn gaussian(probability: f64) -> f64 {
    let t = (-2.0 * libm::log(1.0 - probability)).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    t - above / below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        let cases = [
            (1.0, 0.99, 6.635),
            (2.0, 0.95, 5.991),
            (5.0, 0.99, 15.086),
            (20.0, 0.999, 45.315),
        ];
        for (degrees, probability, expected) in cases {
            let found = chi_square(degrees, probability);
            assert!(
                (found - expected).abs() < 0.02 * expected,
                "{found} is not {expected}"
            );
        }
        for (probability, expected) in [(0.5, 0.0), (0.975, 1.960), (0.99, 2.326), (0.9999, 3.719)]
        {
            assert!((gaussian(probability) - expected).abs() < 1e-3);
        }
    }

    #[test]
    fn equal_variances_are_a_chi_square_to_scale() {
        let found = limit([2.0; 5].into_iter(), 0.99);
        assert!((found - 2.0 * chi_square(5.0, 0.99)).abs() < 1e-12);
        assert_eq!(limit(std::iter::empty(), 0.99), 1.0);
    }
}
