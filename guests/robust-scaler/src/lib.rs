//! The plug-in `robust-scaler`: every column by the median and the quartiles of its last rows.
//!
//! A value comes out as its distance from the median, in units of the distance between the
//! quartiles; divided by 1.349, which makes it the standard deviation of Gaussian values. Up to a
//! quarter of wild values move neither much, while one is enough to spoil a mean and a deviation.
//!
//! Use it in place of `standard-scaler` for columns with outliers or heavy tails, and for machines
//! whose normal state drifts. An anomaly that lasts as long as half the window becomes the new
//! normal: make the window several times as long as what is to be found, or use
//! `baseline-deviation`, which never forgets.
//!
//! | parameter | default | legal | |
//! |---|---|---|---|
//! | `window` | 500 | 4 to 100000 | rows that median and quartiles are of, the present one included |
//! | `clip` | 10 | 0.1 to 1e6 | largest magnitude that comes out |
//!
//! A value that is missing or infinite does not count and comes out as 0; so does every value of a
//! column that has not varied. Where the quartiles are equal and other values are not, the mean
//! distance from the median is the unit.
//!
//! Source: Huber, Ronchetti, "Robust statistics", 2nd edition, Wiley 2009.
//!
//! The algorithm is in [`robust`]; this file only makes a component of it.

pub mod robust;

pub use robust::RobustScaler;

#[cfg(target_family = "wasm")]
fedhost_guest::export_preprocessor!(RobustScaler);
