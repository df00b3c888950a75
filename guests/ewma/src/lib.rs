//! The plug-in `ewma`: small lasting shifts of columns, by a moving average or a cumulative sum.
//!
//! One reading that is one deviation from its mean is normal; fifty such readings in a row are a
//! fault. Both charts accumulate such readings, in standard deviations of the source's first rows:
//!
//! * `ewma`: the exponentially weighted moving average, in its own standard deviations. **3 is the
//!   usual limit.**
//! * `cusum`: the cumulative sum of deviations beyond `slack`, for each direction, never below 0.
//!   **5 is the usual limit.**
//!
//! A row's score is the largest score of its columns. Use it for drifts and steps that are too small
//! for `robust-zscore`, on machines that were healthy when the source began. The limits assume
//! independent rows. When neighbouring rows are correlated, averages vary more: derive a threshold
//! from the scores of normal rows, or use a longer baseline.
//!
//! | parameter | default | legal | |
//! |---|---|---|---|
//! | `chart` | ewma | ewma, cusum | |
//! | `baseline_rows` | 200 | 2 to 1000000 | first values of a column, which give its mean and deviation; they score 0 |
//! | `weight` | 0.1 | 0.001 to 1 | weight of the newest reading in the average; 1 is Shewhart's chart |
//! | `slack` | 0.5 | 0 to 10 | half the shift that a cumulative sum detects, in deviations |
//! | `clip` | 10 | 1 to 1e6 | largest magnitude of a reading, in deviations |
//! | `sum_max` | 1000 | 1 to 1e9 | limit of a cumulative sum, so that an alarm ends some time after its cause |
//!
//! Missing and infinite values do not change a column's chart. A column that did not vary in its
//! baseline scores 0.
//!
//! Papers: Roberts, "Control chart tests based on geometric moving averages", Technometrics 1959;
//! Page, "Continuous inspection schemes", Biometrika 1954.
//!
//! The algorithm is in [`ewma`]; this file only exports the component.

pub mod chart;
pub mod ewma;

pub use ewma::Ewma;

#[cfg(target_family = "wasm")]
fedhost_guest::export_detector!(Ewma);
