//! The plug-in `logistic-regression`: separates labelled anomalies from normal rows by a weighted
//! sum of the columns.
//!
//! The algorithm is in [`regression`]; this file only exports the component.

pub mod regression;

pub use regression::LogisticRegression;

#[cfg(target_family = "wasm")]
fedhost_guest::export_model!(LogisticRegression);
