//! The plug-in `robust-zscore`: distances of the columns from their medians, in median distances.
//!
//! The modified z-score of a value is its distance from the median of the last rows, divided by
//! their median distance from it (MAD) and multiplied by 0.6745, which makes it a number of
//! standard deviations for Gaussian values. A row's score is the largest score of its columns, or
//! the mean over the columns. **3.5 is the usual threshold.**
//!
//! Use it first for sensors with steady values and sudden spikes or steps: it needs no training and
//! hardly any parameters, and the column that alarms is easy to explain. It scores each column by
//! itself. Up to half of the window may be anomalous before the median follows; a state that lasts
//! longer becomes normal.
//!
//! | parameter | default | legal | |
//! |---|---|---|---|
//! | `window` | 500 | 4 to 100000 | earlier rows that a row is compared with |
//! | `combine` | max | max, mean | how the columns' scores give the row's score |
//! | `warm_up_rows` | 20 | 2 to 100000 | values of a column before its scores count |
//!
//! Missing values score 0 and are not added to the window. Infinite values score 1000, the highest
//! score. When more than half of the values are equal, the mean distance from the median replaces
//! the median distance.
//!
//! Source: Iglewicz, Hoaglin, "How to detect and handle outliers", ASQC 1993.
//!
//! The algorithm is in [`zscore`]; this file only exports the component.

pub mod zscore;

pub use zscore::RobustZscore;

#[cfg(target_family = "wasm")]
fedhost_guest::export_detector!(RobustZscore);
