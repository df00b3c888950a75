//! The plug-in `logistic-regression`: tells labelled anomalies from the rest by a weighted sum of
//! the columns.
//!
//! The algorithm is in [`regression`]; this file only makes a component of it.

pub mod regression;

pub use regression::LogisticRegression;

#[cfg(target_family = "wasm")]
fedhost_guest::export_model!(LogisticRegression);
