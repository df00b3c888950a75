//! The network: its parameters in one list, its output and its gradient.

use fedhost_guest::{Random, kernels};

/// A linear term and a hidden layer of tangents: `bias + skip * x + output * tanh(hidden * x +
/// hidden_bias)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    columns: usize,
    hidden: usize,
    /// All parts one after the other; see [`Parts`].
    parameters: Vec<f32>,
}

/// The parts of a list of parameters, or of a gradient, in order.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// `[hidden, columns]`
    pub hidden_weight: &'a [f32],
    /// `[hidden]`
    pub hidden_bias: &'a [f32],
    /// `[hidden]`
    pub output_weight: &'a [f32],
    /// `[columns]`
    pub skip_weight: &'a [f32],
    /// `[1]`
    pub bias: &'a [f32],
}

/// Scratch space for one row.
#[derive(Clone, Debug)]
pub struct Pass {
    units: Vec<f32>,
    /// Derivatives of the loss with respect to the inputs of the units.
    slopes: Vec<f32>,
}

impl Network {
    /// An untrained network: its output is 0 for every row.
    ///
    /// The hidden weights are random, but the same for every seed: nodes with different initial
    /// hidden units could not be averaged.
    #[must_use]
    pub fn new(columns: usize, hidden: usize) -> Self {
        let mut random = Random::new(0);
        let reach = (3.0 / columns.max(1) as f32).sqrt();
        let mut parameters: Vec<f32> = (0..hidden * columns)
            .map(|_| reach * (2.0 * random.unit() - 1.0))
            .collect();
        parameters.resize(hidden * columns + 2 * hidden + columns + 1, 0.0);
        Self {
            columns,
            hidden,
            parameters,
        }
    }

    /// All parameters.
    pub fn parameters_mut(&mut self) -> &mut [f32] {
        &mut self.parameters
    }

    /// All parameters.
    #[must_use]
    pub fn parameters(&self) -> &[f32] {
        &self.parameters
    }

    /// The parameters by part.
    #[must_use]
    pub fn parts(&self) -> Parts<'_> {
        let (hidden_weight, rest) = self.parameters.split_at(self.hidden * self.columns);
        let (hidden_bias, rest) = rest.split_at(self.hidden);
        let (output_weight, rest) = rest.split_at(self.hidden);
        let (skip_weight, bias) = rest.split_at(self.columns);
        Parts {
            hidden_weight,
            hidden_bias,
            output_weight,
            skip_weight,
            bias,
        }
    }

    /// Scratch space for [`log_odds`](Self::log_odds) and [`add_gradient`](Self::add_gradient).
    #[must_use]
    pub fn pass(&self) -> Pass {
        Pass {
            units: vec![0.0; self.hidden],
            slopes: vec![0.0; self.hidden],
        }
    }

    /// The log-odds of a row.
    pub fn log_odds(&self, row: &[f32], pass: &mut Pass) -> f32 {
        let parts = self.parts();
        let units = &mut pass.units;
        kernels::gemv(parts.hidden_weight, row, units);
        kernels::axpy(1.0, parts.hidden_bias, units);
        kernels::tanh(units);
        let bias: f32 = parts.bias.iter().sum();
        kernels::dot(parts.output_weight, units) + kernels::dot(parts.skip_weight, row) + bias
    }

    /// Adds to `gradient` the gradient of the loss of the row whose log-odds were computed last;
    /// `slope` is the derivative of the loss with respect to the log-odds.
    pub fn add_gradient(&self, slope: f32, row: &[f32], pass: &mut Pass, gradient: &mut [f32]) {
        let Pass { units, slopes } = pass;
        let (hidden_weight, rest) = gradient.split_at_mut(self.hidden * self.columns);
        let (hidden_bias, rest) = rest.split_at_mut(self.hidden);
        let (output_weight, rest) = rest.split_at_mut(self.hidden);
        let (skip_weight, bias) = rest.split_at_mut(self.columns);
        kernels::axpy(slope, units, output_weight);
        kernels::axpy(slope, row, skip_weight);
        bias.iter_mut().for_each(|bias| *bias += slope);
        slopes.copy_from_slice(self.parts().output_weight);
        kernels::scale(slope, slopes);
        kernels::tanh_back(units, slopes);
        kernels::axpy(1.0, slopes, hidden_bias);
        kernels::ger(slopes, row, hidden_weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The loss of one row of label 1 and its slope.
    fn loss(network: &Network, row: &[f32]) -> (f64, f32) {
        let log_odds = network.log_odds(row, &mut network.pass());
        let loss = f64::from(libm::log1pf(libm::expf(-log_odds)));
        (loss, 1.0 / (1.0 + libm::expf(-log_odds)) - 1.0)
    }

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        let (mut network, row) = (Network::new(2, 3), [0.7, -1.3]);
        for (index, parameter) in network.parameters_mut().iter_mut().enumerate() {
            *parameter += 0.1 * (index % 5) as f32 - 0.15;
        }
        let mut pass = network.pass();
        let (_, slope) = loss(&network, &row);
        assert!(network.log_odds(&row, &mut pass).is_finite());
        let mut gradient = vec![0.0; network.parameters().len()];
        network.add_gradient(slope, &row, &mut pass, &mut gradient);
        for (index, expected) in gradient.iter().enumerate() {
            const STEP: f32 = 1e-2;
            let moved = |by: f32| {
                let mut moved = network.clone();
                moved.parameters_mut()[index] += by;
                loss(&moved, &row).0
            };
            let found = (moved(STEP) - moved(-STEP)) / f64::from(2.0 * STEP);
            assert!(
                (found - f64::from(*expected)).abs() < 1e-4,
                "{index}: {found} is not {expected}"
            );
        }
    }

    #[test]
    fn an_untrained_network_has_even_odds_and_different_units() {
        let network = Network::new(2, 3);
        let mut pass = network.pass();
        assert_eq!(network.log_odds(&[1.0, 2.0], &mut pass), 0.0);
        assert!(pass.units[0] != pass.units[1] && pass.units[1] != pass.units[2]);
    }
}
