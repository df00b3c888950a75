//! The plug-in `ewma`: small lasting shifts of columns, by a moving average or a cumulative sum.
//!
//! A single reading one deviation off its mean is nothing; fifty of them in a row are a fault. Both
//! charts add such readings up, in standard deviations of a source's own first rows:
//!
//! * `ewma`: the exponentially weighted moving average, in its own standard deviations. **3 is the
//!   usual limit.**
//! * `cusum`: the sum of what readings lie beyond `slack`, up and down apart, never below 0. **5 is
//!   the usual limit.**
//!
//! A row's score is that of its strangest column. Use it for drifts and steps too small for
//! `robust-zscore`, on machines that were healthy when the source began. The limits suppose
//! independent rows; where neighbouring rows resemble each other, averages vary more, so take a
//! threshold from scores of normal rows, or a longer baseline.
//!
//! | parameter | default | legal | |
//! |---|---|---|---|
//! | `chart` | ewma | ewma, cusum | |
//! | `baseline_rows` | 200 | 2 to 1000000 | values of a column at the start that its mean and deviation are of; they score 0 |
//! | `weight` | 0.1 | 0.001 to 1 | of the newest reading in the average; 1 is Shewhart's chart |
//! | `slack` | 0.5 | 0 to 10 | half the shift that a cumulative sum is to find, in deviations |
//! | `clip` | 10 | 1 to 1e6 | readings count at most as so many deviations |
//! | `sum_max` | 1000 | 1 to 1e9 | a cumulative sum grows no further, so that an alarm ends some time after its cause |
//!
//! Missing and infinite values leave a column's chart as it is. A column that did not vary in its
//! baseline is silent.
//!
//! Papers: Roberts, "Control chart tests based on geometric moving averages", Technometrics 1959;
//! Page, "Continuous inspection schemes", Biometrika 1954.
//!
//! The algorithm is in [`ewma`]; this file only makes a component of it.

pub mod chart;
pub mod ewma;

pub use ewma::Ewma;

#[cfg(target_family = "wasm")]
fedhost_guest::export_detector!(Ewma);
