//! The plug-in `baseline-deviation`: how far every column has moved from its source's own
//! beginning.
//!
//! The algorithm is in [`baseline`]; this file only makes a component of it.

pub mod baseline;

pub use baseline::BaselineDeviation;

#[cfg(target_family = "wasm")]
fedhost_guest::export_preprocessor!(BaselineDeviation);
