//! The plug-in `standard-scaler`: each column in standard deviations from its mean so far.
//!
//! The algorithm is in [`scaler`]; this file only exports the component.

pub mod scaler;

pub use scaler::StandardScaler;

#[cfg(target_family = "wasm")]
fedhost_guest::export_preprocessor!(StandardScaler);
