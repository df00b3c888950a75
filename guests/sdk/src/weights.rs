//! Putting named tensors into [`Weights`] and taking them out again, with every name and shape
//! checked.

use crate::{Error, Result, TensorSpec, Weights};

impl Weights {
    /// Appends a tensor.
    ///
    /// ```
    /// use fedhost_guest::Weights;
    ///
    /// let saved = Weights::default().with("weight", &[2], &[0.5, -1.0]).with("bias", &[1], &[0.1]);
    /// let [weight, bias] = saved.tensors([("weight", &[2]), ("bias", &[1])])?;
    /// assert_eq!((weight, bias), ([0.5, -1.0].as_slice(), [0.1].as_slice()));
    /// # Ok::<_, fedhost_guest::Error>(())
    /// ```
    #[must_use]
    pub fn with(mut self, name: &str, shape: &[u32], values: &[f32]) -> Self {
        self.tensors.push(TensorSpec {
            name: name.into(),
            shape: shape.into(),
        });
        self.data.extend_from_slice(values);
        self
    }

    /// The values of exactly these tensors, in this order.
    ///
    /// # Errors
    /// [`Error::InvalidState`] when names or shapes differ, the data is longer or shorter than the
    /// shapes, or a value is not finite: then these are the weights of another model, or damaged.
    pub fn tensors<const N: usize>(&self, expected: [(&str, &[u32]); N]) -> Result<[&[f32]; N]> {
        let found = || {
            self.tensors
                .iter()
                .map(|spec| (spec.name.as_str(), spec.shape.as_slice()))
        };
        if !found().eq(expected) {
            let (expected, found) = (tensor_list(expected.into_iter()), tensor_list(found()));
            return Err(Error::InvalidState(format!(
                "expected tensors {expected}, found {found}"
            )));
        }
        if let Some(value) = self.data.iter().find(|value| !value.is_finite()) {
            return Err(Error::InvalidState(format!(
                "there is a value {value} among the weights"
            )));
        }
        let wrong_length =
            || Error::InvalidState(format!("{} values do not fill the shapes", self.data.len()));
        let mut rest = self.data.as_slice();
        let mut parts = [rest; N];
        for (part, (_, shape)) in parts.iter_mut().zip(expected) {
            let split = elements(shape).and_then(|length| rest.split_at_checked(length));
            (*part, rest) = split.ok_or_else(wrong_length)?;
        }
        if rest.is_empty() {
            Ok(parts)
        } else {
            Err(wrong_length())
        }
    }
}

fn elements(shape: &[u32]) -> Option<usize> {
    shape
        .iter()
        .try_fold(1_usize, |total, &extent| total.checked_mul(extent as usize))
}

fn tensor_list<'a>(tensors: impl Iterator<Item = (&'a str, &'a [u32])>) -> String {
    let listed: Vec<String> = tensors
        .map(|(name, shape)| format!("{name}{shape:?}"))
        .collect();
    if listed.is_empty() {
        "none".into()
    } else {
        listed.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_another_model_are_refused() {
        let good = Weights::default()
            .with("weight", &[2], &[1.0, 2.0])
            .with("bias", &[1], &[3.0]);
        let cases = [
            (
                Weights::default(),
                "expected tensors weight[2], bias[1], found none",
            ),
            (
                Weights::default()
                    .with("weight", &[3], &[0.0; 3])
                    .with("bias", &[1], &[0.0]),
                "expected tensors weight[2], bias[1], found weight[3], bias[1]",
            ),
            (
                Weights::default()
                    .with("bias", &[1], &[0.0])
                    .with("weight", &[2], &[0.0; 2]),
                "expected tensors weight[2], bias[1], found bias[1], weight[2]",
            ),
            (
                Weights {
                    data: vec![0.0; 2],
                    ..good.clone()
                },
                "2 values do not fill the shapes",
            ),
            (
                Weights {
                    data: vec![0.0; 4],
                    ..good.clone()
                },
                "4 values do not fill the shapes",
            ),
            (
                Weights {
                    data: vec![0.0, f32::NAN, 0.0],
                    ..good.clone()
                },
                "there is a value NaN among the weights",
            ),
        ];
        for (weights, complaint) in cases {
            let found = weights.tensors([("weight", &[2]), ("bias", &[1])]);
            assert_eq!(found, Err(Error::InvalidState(complaint.into())));
        }
    }

    #[test]
    fn a_scalar_has_no_extents() {
        let saved = Weights::default().with("threshold", &[], &[7.0]);
        assert_eq!(saved.tensors([("threshold", &[])]), Ok([[7.0].as_slice()]));
    }
}
