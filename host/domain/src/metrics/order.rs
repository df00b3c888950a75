//! Maps scores to integers of the same order, which sort faster and are easily divided into bins.

/// An integer with the order of the finite scores; both zeros have the same.
#[must_use]
pub const fn order_key(score: f32) -> u32 {
    // Adding zero turns -0.0 into 0.0.
    let bits = (score + 0.0).to_bits();
    if bits >> 31 == 0 {
        bits | 1 << 31
    } else {
        !bits
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_order_as_scores_do(left in any::<f32>(), right in any::<f32>()) {
            prop_assert_eq!(Some(order_key(left).cmp(&order_key(right))), left.partial_cmp(&right));
        }
    }

    #[test]
    fn both_zeros_have_one_key() {
        assert_eq!(order_key(-0.0), order_key(0.0));
        assert!(
            order_key(-f32::MIN_POSITIVE) < order_key(0.0)
                && order_key(0.0) < order_key(f32::MIN_POSITIVE)
        );
    }
}
