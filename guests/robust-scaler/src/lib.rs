//! The plug-in `robust-scaler`: scales each column by the median and the quartiles of its last rows.
//!
//! The output is the distance of a value from the median, divided by the interquartile range and
//! multiplied by 1.349, so that Gaussian values are in standard deviations. Up to a quarter of
//! outliers hardly change the median and the quartiles, while one outlier changes a mean and a
//! standard deviation.
//!
//! Use it instead of `standard-scaler` for columns with outliers or heavy tails, and for machines
//! whose normal state drifts. An anomaly that lasts for half the window becomes normal: make the
//! window several times as long as the anomalies, or use `baseline-deviation`, which does not adapt.
//!
//! | parameter | default | legal | |
//! |---|---|---|---|
//! | `window` | 500 | 4 to 100000 | rows of the sliding window, the present one included |
//! | `clip` | 10 | 0.1 to 1e6 | largest magnitude of the output |
//!
//! A value that is missing or infinite is not added to the window, and its output is 0; so is the
//! output of a column that has not varied. When the quartiles are equal and other values differ, the
//! unit is the mean distance from the median.
//!
//! Source: Huber, Ronchetti, "Robust statistics", 2nd edition, Wiley 2009.
//!
//! The algorithm is in [`robust`]; this file only exports the component.

pub mod robust;

pub use robust::RobustScaler;

#[cfg(target_family = "wasm")]
fedhost_guest::export_preprocessor!(RobustScaler);
