//! The plug-in `half-space-trees`: finds rows in regions with few rows of the last window.
//!
//! Trees divide the space of all columns in half, and each half again, at random cuts that do not
//! depend on the rows. Each node counts the rows of a window. When the window is full its counts
//! become the reference, and counting starts again. A row's score is low where the reference has
//! many rows in small cells. Scores are between 0 and 1, higher is more anomalous. Most scores of
//! rows of one distribution are close together, so derive a threshold from scores.
//!
//! Use it for fast streams whose normal behaviour drifts: time and memory are constant, and rows are
//! compared with the previous window only, so a lasting change is an anomaly for about one window
//! and then normal. It is weaker than `isolation-forest` on few rows. Columns are scaled to their
//! range so far, and one outlier compresses all later values; use `robust-scaler` before it if
//! outliers occur.
//!
//! | parameter | default | legal | |
//! |---|---|---|---|
//! | `trees` | 50 | 1 to 100 | more give steadier scores and are slower |
//! | `depth` | 10 | 1 to 15 | halvings; memory doubles with each |
//! | `window_rows` | 500 | 2 to 1000000 | rows of a window |
//!
//! Until the first window is full, its rows so far are the reference. Missing values count as the
//! middle of their column's range, infinite ones as its ends.
//!
//! Paper: Tan, Ting, Liu, "Fast anomaly detection for streaming data", IJCAI 2011. As in the River
//! library, columns are scaled to the range 0 to 1, cuts keep away from the edges of a cell, and
//! the masses on a row's path are added up.
//!
//! The algorithm is in [`half_space`]; this file only exports the component.

pub mod half_space;
pub mod range;
pub mod trees;

pub use half_space::HalfSpaceTrees;

#[cfg(target_family = "wasm")]
fedhost_guest::export_detector!(HalfSpaceTrees);
