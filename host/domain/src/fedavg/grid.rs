//! The grid to which products are rounded, derived once from the limits of a mean.

/// The limits of a mean. Tighter limits give a finer grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanLimits {
    /// Largest legal magnitude of one weight: from [`f32::MIN_POSITIVE`] to [`f32::MAX`].
    pub max_abs: f32,
    /// Most samples that one update may stand for: 1 to [`SAMPLES_MAX`].
    pub max_samples: u64,
    /// Most updates in one mean: 1 to [`UPDATES_MAX`].
    pub max_updates: u64,
}

impl MeanLimits {
    /// Checks that the limits allow a grid.
    ///
    /// # Errors
    /// The first limit that is out of range.
    pub fn check(&self) -> Result<(), LimitsError> {
        if !(f32::MIN_POSITIVE..=f32::MAX).contains(&self.max_abs) {
            return Err(LimitsError::MaxAbs(self.max_abs));
        }
        if !(1..=SAMPLES_MAX).contains(&self.max_samples) {
            return Err(LimitsError::MaxSamples(self.max_samples));
        }
        if !(1..=UPDATES_MAX).contains(&self.max_updates) {
            return Err(LimitsError::MaxUpdates(self.max_updates));
        }
        Ok(())
    }
}

/// Most samples of one update, 2^29: up to this number the product with a weight of 24 bits is exact
/// in a double.
pub const SAMPLES_MAX: u64 = 1 << 29;

/// Most updates of one mean, 2^24: up to this number the total of samples is exact in a double.
pub const UPDATES_MAX: u64 = 1 << 24;

/// The limits allow no grid.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum LimitsError {
    /// The weight limit is out of range.
    #[error("the largest legal weight is {0:e}, out of range")]
    #[diagnostic(help("give {min:e} to {max:e}, such as 1000", min = f32::MIN_POSITIVE, max = f32::MAX))]
    MaxAbs(f32),
    /// The sample limit is out of range.
    #[error("the most samples of an update are {0}, out of range")]
    #[diagnostic(help("give 1 to {SAMPLES_MAX}"))]
    MaxSamples(u64),
    /// The update limit is out of range.
    #[error("the most updates of a mean are {0}, out of range")]
    #[diagnostic(help("give 1 to {UPDATES_MAX}"))]
    MaxUpdates(u64),
}

/// A grid of multiples of a power of two. The step is large enough for the largest legal product and
/// the largest legal sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grid {
    step: f64,
    steps_per_unit: f64,
}

/// Adding it to a double of magnitude below 2^51 leaves the nearest integer (ties to even) in the
/// low bits. No other such rounding is vectorised on every x86-64.
const MAGIC: f64 = 1.5 * (1_u64 << 52) as f64;
/// The widest product for which [`MAGIC`] works.
const PRODUCT_BITS_MAX: u32 = 51;
/// Bits of a sum. An `i64` has 63 beside its sign; one is spare.
const SUM_BITS_MAX: u32 = 62;

impl Grid {
    pub(super) fn new(limits: &MeanLimits) -> Result<Self, LimitsError> {
        limits.check()?;
        let update_bits = limits.max_updates.next_power_of_two().ilog2();
        let product_bits = PRODUCT_BITS_MAX.min(SUM_BITS_MAX - update_bits);
        let largest_product = f64::from(limits.max_abs) * limits.max_samples as f64;
        let exponent = exponent_above(largest_product) - product_bits.cast_signed();
        Ok(Self {
            step: power_of_two(exponent),
            steps_per_unit: power_of_two(-exponent),
        })
    }

    /// The distance between neighbouring products of the grid.
    pub(super) fn step(self) -> f64 {
        self.step
    }

    /// Steps that a weight of 1 adds to the sum in an update of `samples` samples; exact.
    pub(super) fn factor(self, samples: u64) -> f64 {
        samples as f64 * self.steps_per_unit
    }
}

/// `weight * factor`, rounded to whole steps, plus [`BIAS`], which is cheaper to subtract from a sum
/// than from its terms.
///
/// Equal arguments give equal results, so a term that was added can be removed. The result is
/// correct while the weight is within the limits.
#[inline]
pub(super) fn biased_steps(weight: f32, factor: f64) -> i64 {
    (f64::from(weight) * factor + MAGIC).to_bits().cast_signed()
}

/// [`biased_steps`] of 0.
pub(super) const BIAS: i64 = MAGIC.to_bits().cast_signed();

const MANTISSA_BITS: u32 = f64::MANTISSA_DIGITS - 1;
const EXPONENT_BIAS: i32 = f64::MAX_EXP - 1;

/// The exponent of the least power of two above a normal, positive number.
fn exponent_above(number: f64) -> i32 {
    (number.to_bits() >> MANTISSA_BITS) as i32 - EXPONENT_BIAS + 1
}

/// A power of two, for exponents of normal doubles. It is exact, which `powi` does not guarantee.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(u64::from((exponent + EXPONENT_BIAS).cast_unsigned()) << MANTISSA_BITS)
}
