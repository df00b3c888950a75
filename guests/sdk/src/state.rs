//! Exact 64-bit state in tensors of 32-bit floats.
//!
//! What `save` returns must bring back exactly the same behaviour, yet a tensor holds `f32`, and
//! only finite ones. So every 64-bit value is kept as the four 16-bit integers of its bits, most
//! significant first: a tensor of shape `[n, 4]` whose values are whole numbers from 0 to 65535.

use crate::{Error, Result, Weights};

/// Floats a 64-bit value takes.
pub const PARTS: u32 = 4;

impl Weights {
    /// Appends 64-bit floats as a tensor of shape `[values.len(), 4]`; any value will do, NaN and
    /// infinities too.
    ///
    /// ```
    /// use fedhost_guest::{Weights, state};
    ///
    /// let saved = Weights::default().with_f64("mean", &[0.1, 1e-300]);
    /// let [mean] = saved.tensors([("mean", &[2, state::PARTS])])?;
    /// assert_eq!(state::f64s(mean)?, [0.1, 1e-300]);
    /// # Ok::<_, fedhost_guest::Error>(())
    /// ```
    #[must_use]
    pub fn with_f64(self, name: &str, values: &[f64]) -> Self {
        self.with_bits(name, values.iter().map(|value| value.to_bits()))
    }

    /// Appends 64-bit integers as a tensor of shape `[values.len(), 4]`.
    #[must_use]
    pub fn with_u64(self, name: &str, values: &[u64]) -> Self {
        self.with_bits(name, values.iter().copied())
    }

    fn with_bits(self, name: &str, values: impl ExactSizeIterator<Item = u64>) -> Self {
        let rows = u32::try_from(values.len()).unwrap_or(u32::MAX);
        let parts: Vec<f32> = values.flat_map(split).collect();
        self.with(name, &[rows, PARTS], &parts)
    }
}

/// The 64-bit floats of a tensor made by [`Weights::with_f64`].
///
/// # Errors
/// [`Error::InvalidState`] when a value is not a whole number from 0 to 65535.
pub fn f64s(tensor: &[f32]) -> Result<Vec<f64>> {
    Ok(u64s(tensor)?.into_iter().map(f64::from_bits).collect())
}

/// The 64-bit integers of a tensor made by [`Weights::with_u64`].
///
/// # Errors
/// [`Error::InvalidState`] when a value is not a whole number from 0 to 65535.
pub fn u64s(tensor: &[f32]) -> Result<Vec<u64>> {
    tensor.chunks(PARTS as usize).map(join).collect()
}

fn split(bits: u64) -> [f32; PARTS as usize] {
    [48, 32, 16, 0].map(|shift| f32::from((bits >> shift) as u16))
}

fn join(parts: &[f32]) -> Result<u64> {
    parts.iter().try_fold(0, |bits, &part| match whole(part) {
        Some(part) => Ok(bits << 16 | u64::from(part)),
        None => Err(Error::InvalidState(format!(
            "{part} is not a 16-bit part of an exact value"
        ))),
    })
}

fn whole(part: f32) -> Option<u16> {
    let integer = part as u16;
    (f32::from(integer).to_bits() == part.to_bits()).then_some(integer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_bit_comes_back(values in proptest::collection::vec(any::<u64>(), 0..20)) {
            let floats: Vec<f64> = values.iter().map(|&bits| f64::from_bits(bits)).collect();
            let saved = Weights::default().with_u64("a", &values).with_f64("b", &floats);
            prop_assert!(saved.data.iter().all(|part| part.is_finite()));

            let shape = [values.len() as u32, PARTS];
            let [a, b] = saved.tensors([("a", &shape), ("b", &shape)]).unwrap();
            prop_assert_eq!(&u64s(a).unwrap(), &values);
            let bits: Vec<u64> = f64s(b).unwrap().into_iter().map(f64::to_bits).collect();
            prop_assert_eq!(bits, values);
        }
    }

    #[test]
    fn a_part_that_was_averaged_is_refused() {
        for part in [0.5, -1.0, 65536.0, f32::NAN, -0.0] {
            assert!(
                matches!(f64s(&[0.0, part, 0.0, 0.0]), Err(Error::InvalidState(_))),
                "{part}"
            );
        }
    }
}
