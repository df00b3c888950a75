//! The plug-in `window-features`: how every column has moved lately, and how fast it vibrates.
//!
//! A model that sees one row at a time cannot tell a slow change from a fast one. This preprocessor
//! puts beside each column `<c>` what the last `window` rows say of it:
//!
//! | output | |
//! |---|---|
//! | `<c>` | the value itself, unless `keep` is false |
//! | `<c>_mean` | mean |
//! | `<c>_deviation` | standard deviation, as a population's |
//! | `<c>_range` | largest less smallest value |
//! | `<c>_band_1` to `<c>_band_<bands>` | root mean square of the vibration in each band of frequencies, low to high |
//!
//! The bands share the frequencies above 0 up to half a cycle a row evenly, and all outputs are in
//! the column's own unit: the squares of the bands add up to the square of the deviation. Use it
//! for vibration, current and pressure at a steady rate, where a fault changes the rhythm more than
//! the level; put a scaler or a model that scales for itself behind it.
//!
//! | parameter | default | legal | |
//! |---|---|---|---|
//! | `window` | 32 | 4 to 1024 | rows looked back on, the present one included |
//! | `bands` | 4 | 0 to 64, at most half of `window` | bands of frequencies |
//! | `keep` | true | | whether the columns themselves come out, too |
//!
//! Until the window is full, mean, deviation and range are of the rows so far, and the bands are 0.
//! A missing or infinite value counts as the one before it, so that the rhythm is kept; before the
//! first value, everything is 0.
//!
//! Sources: the bands are squared magnitudes of the discrete Fourier transform; Randall,
//! "Vibration-based condition monitoring", Wiley 2011, chapter 3.
//!
//! The algorithm is in [`features`]; this file only makes a component of it.

pub mod features;
pub mod spectrum;

pub use features::WindowFeatures;

#[cfg(target_family = "wasm")]
fedhost_guest::export_preprocessor!(WindowFeatures);
