//! The plug-in `window-features`: statistics and vibration of each column over its last rows.
//!
//! A model that gets one row at a time cannot distinguish a slow change from a fast one. This
//! preprocessor adds features of the last `window` rows to each column `<c>`:
//!
//! | output | |
//! |---|---|
//! | `<c>` | the value itself, unless `keep` is false |
//! | `<c>_mean` | mean |
//! | `<c>_deviation` | standard deviation, as a population's |
//! | `<c>_range` | largest minus smallest value |
//! | `<c>_band_1` to `<c>_band_<bands>` | root mean square of the vibration in each band of frequencies, low to high |
//!
//! The bands divide the frequencies from 0 to half a cycle per row evenly. All outputs are in the
//! column's unit: the squares of the bands add up to the square of the deviation. Use it for
//! vibration, current and pressure at a constant sampling rate, when a fault changes the frequencies
//! more than the level. Use a scaler after it, or a model with scales of its own.
//!
//! | parameter | default | legal | |
//! |---|---|---|---|
//! | `window` | 32 | 4 to 1024 | rows of the sliding window, the present one included |
//! | `bands` | 4 | 0 to 64, at most half of `window` | bands of frequencies |
//! | `keep` | true | | whether the columns themselves are outputs, too |
//!
//! Until the window is full, mean, deviation and range are of the rows so far, and the bands are 0.
//! A missing or infinite value counts as the value before it, so that the sampling rate stays
//! constant; before the first value, all outputs are 0.
//!
//! Sources: the bands are squared magnitudes of the discrete Fourier transform; Randall,
//! "Vibration-based condition monitoring", Wiley 2011, chapter 3.
//!
//! The algorithm is in [`features`]; this file only exports the component.

pub mod features;
pub mod spectrum;

pub use features::WindowFeatures;

#[cfg(target_family = "wasm")]
fedhost_guest::export_preprocessor!(WindowFeatures);
