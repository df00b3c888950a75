//! The plug-in `standard-scaler`: every column in standard deviations from its mean so far.
//!
//! The algorithm is in [`scaler`]; this file only makes a component of it.

pub mod scaler;

pub use scaler::StandardScaler;

#[cfg(target_family = "wasm")]
fedhost_guest::export_preprocessor!(StandardScaler);
