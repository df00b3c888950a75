//! The plug-in `baseline-deviation`: deviation of each column from the first rows of its source.
//!
//! The algorithm is in [`baseline`]; this file only exports the component.

pub mod baseline;

pub use baseline::BaselineDeviation;

#[cfg(target_family = "wasm")]
fedhost_guest::export_preprocessor!(BaselineDeviation);
