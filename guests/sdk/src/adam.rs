//! The optimiser Adam.

use crate::kernels::lanes::{LANES, Lanes};

/// Steps along a gradient, each parameter's as long as its gradients so far allow (Kingma, Ba,
/// "Adam: a method for stochastic optimization", ICLR 2015), with its means of gradients and
/// squares over about 10 and 1000 steps.
///
/// Create a new one in every training: its state is neither part of the weights nor averaged with
/// them, so the weights after a training depend on its arguments only. Its bits are the same
/// natively and in a component.
///
/// ```
/// use fedhost_guest::Adam;
///
/// let (mut adam, mut parameters) = (Adam::new(1), [5.0]);
/// for _ in 0..1_000 {
///     let gradient = 2.0 * parameters[0];
///     adam.step(0.05, &[gradient], &mut parameters);
/// }
/// assert!(parameters[0].abs() < 0.1);
/// ```
#[derive(Clone, Debug)]
pub struct Adam {
    /// Means, by parameter, in whole vectors.
    means: Vec<Means>,
    /// The powers of both decays so far: what the means still lack.
    lacking: [f32; 2],
}

#[derive(Clone, Copy, Debug)]
struct Means {
    gradient: [f32; LANES],
    square: [f32; LANES],
}

const DECAYS: [f32; 2] = [0.9, 0.999];
/// Keeps a parameter that never had a gradient where it is.
const EPSILON: f32 = 1e-8;

impl Adam {
    /// An optimiser of `parameters` parameters.
    #[must_use]
    pub fn new(parameters: usize) -> Self {
        let nothing = Means {
            gradient: [0.0; LANES],
            square: [0.0; LANES],
        };
        Self {
            means: vec![nothing; parameters.div_ceil(LANES)],
            lacking: [1.0; 2],
        }
    }

    /// Moves `parameters` against `gradient`; early steps are about `rate` long.
    pub fn step(&mut self, rate: f32, gradient: &[f32], parameters: &mut [f32]) {
        let [first, second] = &mut self.lacking;
        *first *= DECAYS[0];
        *second *= DECAYS[1];
        // Both means are too small by what they lack; the steps make up for it.
        let (rate, scale) = (
            Lanes::splat(-rate / (1.0 - *first)),
            Lanes::splat(1.0 / (1.0 - *second)),
        );
        let (gradients, gradient_rest) = gradient.as_chunks::<LANES>();
        let (values, value_rest) = parameters.as_chunks_mut::<LANES>();
        for ((means, gradient), values) in self.means.iter_mut().zip(gradients).zip(&mut *values) {
            means.step(rate, scale, gradient, values);
        }
        if let Some(means) = self.means.get_mut(values.len()) {
            let (mut gradient, mut values) = ([0.0; LANES], [0.0; LANES]);
            gradient
                .iter_mut()
                .zip(gradient_rest)
                .for_each(|(lane, value)| *lane = *value);
            values
                .iter_mut()
                .zip(value_rest.iter())
                .for_each(|(lane, value)| *lane = *value);
            means.step(rate, scale, &gradient, &mut values);
            value_rest
                .iter_mut()
                .zip(values)
                .for_each(|(value, lane)| *value = lane);
        }
    }
}

impl Means {
    fn step(
        &mut self,
        rate: Lanes,
        scale: Lanes,
        gradient: &[f32; LANES],
        parameters: &mut [f32; LANES],
    ) {
        let new = Lanes::load(gradient);
        let blend = |old: &[f32; LANES], new: Lanes, decay: f32| {
            Lanes::load(old)
                .mul(Lanes::splat(decay))
                .add(new.mul(Lanes::splat(1.0 - decay)))
        };
        let gradient = blend(&self.gradient, new, DECAYS[0]);
        let square = blend(&self.square, new.mul(new), DECAYS[1]);
        gradient.store(&mut self.gradient);
        square.store(&mut self.square);
        let length = square.mul(scale).sqrt().add(Lanes::splat(EPSILON));
        Lanes::load(parameters)
            .add(rate.mul(gradient.div(length)))
            .store(parameters);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_is_as_long_as_the_rate_whatever_the_gradient() {
        let mut parameters = [1.0; 6];
        Adam::new(6).step(0.1, &[1e-3, -1e-3, 1e3, -1e3, 0.0, 2.0], &mut parameters);
        for (found, expected) in parameters.iter().zip([0.9, 1.1, 0.9, 1.1, 1.0, 0.9]) {
            assert!((found - expected).abs() < 1e-4, "{parameters:?}");
        }
    }

    #[test]
    fn steps_are_those_of_the_paper() {
        let gradients = [0.5_f64, -0.2, 0.7, 0.1];
        let (mut mean, mut square, mut expected) = (0.0, 0.0, 3.0);
        let (mut adam, mut found) = (Adam::new(1), [3.0]);
        for (step, gradient) in (1..).zip(gradients) {
            mean = 0.9 * mean + 0.1 * gradient;
            square = 0.999 * square + 0.001 * gradient * gradient;
            let corrected = |value: f64, decay: f64| value / (1.0 - decay.powi(step));
            expected -= 0.01 * corrected(mean, 0.9) / (corrected(square, 0.999).sqrt() + 1e-8);
            adam.step(0.01, &[gradient as f32], &mut found);
        }
        assert!(
            (f64::from(found[0]) - expected).abs() < 1e-6,
            "{} is not {expected}",
            found[0]
        );
    }

    #[test]
    fn a_parameter_moves_the_same_wherever_it_stands() {
        let mut parameters = [1.0; 11];
        let mut adam = Adam::new(11);
        (0..5).for_each(|_| adam.step(0.1, &[0.3; 11], &mut parameters));
        assert!(
            parameters
                .iter()
                .all(|parameter| *parameter == parameters[0])
        );
    }
}
