//! The plug-in `robust-zscore`: how far the columns lie from their medians, in median distances.
//!
//! The modified z-score of a value is its distance from the median of the last rows, divided by
//! their median distance from it (MAD) and multiplied by 0.6745, which makes it a number of
//! standard deviations for Gaussian values. A row's score is that of its strangest column, or the
//! mean over the columns. **3.5 is the usual threshold.**
//!
//! Use it as the first thing to try on sensors that sit still and then spike or step: there is
//! nothing to train, almost nothing to set, and the column that alarms is easy to explain. It looks
//! at each column by itself, and up to half of the window may be anomalous before the median
//! follows; a state that lasts longer becomes normal.
//!
//! | parameter | default | legal | |
//! |---|---|---|---|
//! | `window` | 500 | 4 to 100000 | earlier rows that a row is compared with |
//! | `combine` | max | max, mean | from columns to a row |
//! | `warm_up_rows` | 20 | 2 to 100000 | values that a column needs before it has a say |
//!
//! Missing values have no say and do not count; infinite ones score 1000, the highest score there
//! is. Where more than half of the values are equal, the mean distance from the median takes the
//! place of the median distance.
//!
//! Source: Iglewicz, Hoaglin, "How to detect and handle outliers", ASQC 1993.
//!
//! The algorithm is in [`zscore`]; this file only makes a component of it.

pub mod zscore;

pub use zscore::RobustZscore;

#[cfg(target_family = "wasm")]
fedhost_guest::export_detector!(RobustZscore);
