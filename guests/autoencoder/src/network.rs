//! The network: its parameters in one list, the reconstruction of a row, and the gradient.

use fedhost_guest::{Random, kernels};

/// An encoder to a few hyperbolic tangents, and a decoder: `decoder * tanh(encoder * x +
/// encoder_bias) + decoder_bias`.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    columns: usize,
    hidden: usize,
    /// All parts one after the other; see [`Parts`].
    parameters: Vec<f32>,
}

/// The parts of a list of parameters, in order.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// `[hidden, columns]`
    pub encoder: &'a [f32],
    /// `[hidden]`
    pub encoder_bias: &'a [f32],
    /// `[hidden, columns]`: the contribution of a hidden unit to every column.
    pub decoder: &'a [f32],
    /// `[columns]`
    pub decoder_bias: &'a [f32],
}

/// Scratch space for one row.
#[derive(Clone, Debug)]
pub struct Pass {
    units: Vec<f32>,
    /// The reconstruction minus the row.
    error: Vec<f32>,
    /// Derivatives of the error with respect to the inputs of the units.
    slopes: Vec<f32>,
}

impl Network {
    /// An untrained network.
    ///
    /// Its weights are random, but the same for every seed: nodes with different initial hidden
    /// units could not be averaged.
    #[must_use]
    pub fn new(columns: usize, hidden: usize) -> Self {
        let mut random = Random::new(0);
        let reach = (3.0 / (columns + hidden).max(1) as f32).sqrt();
        let mut draw = |count: usize| -> Vec<f32> {
            (0..count)
                .map(|_| reach * (2.0 * random.unit() - 1.0))
                .collect()
        };
        let [encoder, decoder] = [draw(hidden * columns), draw(hidden * columns)];
        let parameters = [encoder, vec![0.0; hidden], decoder, vec![0.0; columns]].concat();
        Self {
            columns,
            hidden,
            parameters,
        }
    }

    /// All parameters.
    #[must_use]
    pub fn parameters(&self) -> &[f32] {
        &self.parameters
    }

    /// All parameters.
    pub fn parameters_mut(&mut self) -> &mut [f32] {
        &mut self.parameters
    }

    /// The parameters by part.
    #[must_use]
    pub fn parts(&self) -> Parts<'_> {
        let (encoder, rest) = self.parameters.split_at(self.hidden * self.columns);
        let (encoder_bias, rest) = rest.split_at(self.hidden);
        let (decoder, decoder_bias) = rest.split_at(self.hidden * self.columns);
        Parts {
            encoder,
            encoder_bias,
            decoder,
            decoder_bias,
        }
    }

    /// Scratch space for [`reconstruct`](Self::reconstruct) and
    /// [`add_gradient`](Self::add_gradient).
    #[must_use]
    pub fn pass(&self) -> Pass {
        Pass {
            units: vec![0.0; self.hidden],
            error: vec![0.0; self.columns],
            slopes: vec![0.0; self.hidden],
        }
    }

    /// Reconstructs a row and returns the mean squared error over the columns.
    pub fn reconstruct(&self, row: &[f32], pass: &mut Pass) -> f32 {
        let parts = self.parts();
        kernels::gemv(parts.encoder, row, &mut pass.units);
        kernels::axpy(1.0, parts.encoder_bias, &mut pass.units);
        kernels::tanh(&mut pass.units);
        pass.error.copy_from_slice(parts.decoder_bias);
        kernels::gemv_transposed(parts.decoder, &pass.units, &mut pass.error);
        kernels::axpy(-1.0, row, &mut pass.error);
        kernels::dot(&pass.error, &pass.error) / self.columns as f32
    }

    /// Adds to `gradient` the gradient of `share` times the error of the row that was reconstructed
    /// last.
    pub fn add_gradient(&self, share: f32, row: &[f32], pass: &mut Pass, gradient: &mut [f32]) {
        let (encoder, rest) = gradient.split_at_mut(self.hidden * self.columns);
        let (encoder_bias, rest) = rest.split_at_mut(self.hidden);
        let (decoder, decoder_bias) = rest.split_at_mut(self.hidden * self.columns);
        let Pass {
            units,
            error,
            slopes,
        } = pass;
        kernels::scale(2.0 * share / self.columns as f32, error);
        kernels::axpy(1.0, error, decoder_bias);
        kernels::ger(units, error, decoder);
        kernels::gemv(self.parts().decoder, error, slopes);
        kernels::tanh_back(units, slopes);
        kernels::axpy(1.0, slopes, encoder_bias);
        kernels::ger(slopes, row, encoder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_is_that_of_the_error() {
        let (mut network, row) = (Network::new(3, 2), [0.7, -1.3, 0.4]);
        for (index, parameter) in network.parameters_mut().iter_mut().enumerate() {
            *parameter += 0.1 * (index % 5) as f32 - 0.15;
        }
        let mut pass = network.pass();
        network.reconstruct(&row, &mut pass);
        let mut gradient = vec![0.0; network.parameters().len()];
        network.add_gradient(1.0, &row, &mut pass, &mut gradient);
        for (index, expected) in gradient.iter().enumerate() {
            const STEP: f32 = 1e-2;
            let mut moved = |by: f32| {
                let mut moved = network.clone();
                moved.parameters_mut()[index] += by;
                moved.reconstruct(&row, &mut pass)
            };
            let found = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            assert!(
                (found - expected).abs() < 1e-3,
                "{index}: {found} is not {expected}"
            );
        }
    }

    #[test]
    fn an_untrained_network_reconstructs_a_row_of_zeros() {
        let network = Network::new(3, 2);
        assert_eq!(network.reconstruct(&[0.0; 3], &mut network.pass()), 0.0);
    }
}
