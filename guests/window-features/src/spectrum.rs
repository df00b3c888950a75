//! The vibration of a window by band of frequencies.

use std::f64::consts::TAU;

use fedhost_guest::kernels;

/// The sines and cosines of a discrete Fourier transform, one per row of a matrix.
///
/// For windows of up to a thousand rows, multiplying by a matrix is as fast as a fast Fourier
/// transform here, and as exact.
#[derive(Clone, Debug)]
pub struct Spectrum {
    waves: Vec<f32>,
    /// The band of every wave, counted from 0.
    band: Vec<usize>,
    bands: usize,
    /// The window without its mean, and the coefficient of each wave.
    centred: Vec<f32>,
    amounts: Vec<f32>,
}

impl Spectrum {
    /// A spectrum of windows of this length. It divides the frequencies from 1 cycle per window to
    /// half a cycle per row into `bands` bands.
    #[must_use]
    pub fn new(window: usize, bands: usize) -> Self {
        let highest = window / 2;
        let (mut waves, mut band) = (Vec::new(), Vec::new());
        for frequency in 1..=highest {
            // The last of an even window has no sine, and its cosine has twice the square of the
            // others'.
            let only_cosine = 2 * frequency == window;
            let size = (if only_cosine { 1.0 } else { 2.0_f64 }).sqrt() / window as f64;
            let angle = |row: usize| TAU * ((frequency * row) % window) as f64 / window as f64;
            waves.extend((0..window).map(|row| (size * libm::cos(angle(row))) as f32));
            if !only_cosine {
                waves.extend((0..window).map(|row| (size * libm::sin(angle(row))) as f32));
            }
            let number = (frequency - 1) * bands / highest;
            band.extend(std::iter::repeat_n(number, if only_cosine { 1 } else { 2 }));
        }
        let amounts = vec![0.0; band.len()];
        Self {
            waves,
            band,
            bands,
            centred: Vec::with_capacity(window),
            amounts,
        }
    }

    /// Appends the root mean square of every band to `output`; their squares add up to the variance
    /// of the values.
    pub fn append(&mut self, values: impl Iterator<Item = f32>, mean: f64, output: &mut Vec<f32>) {
        self.centred.clear();
        self.centred
            .extend(values.map(|value| (f64::from(value) - mean) as f32));
        kernels::gemv(&self.waves, &self.centred, &mut self.amounts);
        for number in 0..self.bands {
            let amounts = self
                .amounts
                .iter()
                .zip(&self.band)
                .filter(|(_, band)| **band == number);
            let square: f64 = amounts
                .map(|(amount, _)| f64::from(*amount) * f64::from(*amount))
                .sum();
            output.push(square.sqrt().min(f64::from(f32::MAX)) as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bands(window: usize, bands: usize, values: &[f32]) -> Vec<f32> {
        let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len() as f64;
        let mut output = Vec::new();
        Spectrum::new(window, bands).append(values.iter().copied(), mean, &mut output);
        output
    }

    proptest! {
        #[test]
        fn the_squares_add_up_to_the_variance(values in proptest::collection::vec(-9_f32..9.0, 4..40), count in 1_usize..3) {
            let found: f64 = bands(values.len(), count, &values).iter().map(|band| f64::from(band * band)).sum();
            let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len() as f64;
            let variance =
                values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / values.len() as f64;
            prop_assert!((found - variance).abs() < 1e-3 * (1.0 + variance), "{found} is not {variance}");
        }
    }

    #[test]
    fn a_wave_is_in_the_band_of_its_frequency() {
        let wave = |cycles: f64| -> Vec<f32> {
            (0..32)
                .map(|row| (5.0 + 2.0 * (TAU * cycles * f64::from(row) / 32.0).sin()) as f32)
                .collect()
        };
        for (cycles, band) in [(1.0, 0), (4.0, 0), (5.0, 1), (12.0, 2), (15.0, 3)] {
            for (number, found) in bands(32, 4, &wave(cycles)).iter().enumerate() {
                let expected = if number == band { 2.0_f32.sqrt() } else { 0.0 };
                assert!(
                    (found - expected).abs() < 1e-4,
                    "{cycles} cycles: {found} in band {number}"
                );
            }
        }
    }

    #[test]
    fn the_fastest_vibration_is_in_the_last_band() {
        let found = bands(8, 2, &[1.0, -1.0].repeat(4));
        assert!(
            found[0].abs() < 1e-6 && (found[1] - 1.0).abs() < 1e-6,
            "{found:?}"
        );
    }
}
