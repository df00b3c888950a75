//! The plug-in `half-space-trees`: rows where few rows of the last window were.
//!
//! Trees cut the space of all columns in half, and each half again, at places drawn before any row
//! is seen. Each node counts the rows of a window; when the window is full its counts become the
//! reference, and counting starts again. A row's score is low where the reference has many rows in
//! small cells. It is between 0 and 1, higher is more anomalous; on rows of one distribution most
//! scores are close together, so take a threshold from scores.
//!
//! Use it on fast streams whose normal behaviour drifts: time and memory are constant, and the
//! previous window alone is what rows are compared with, so a change that lasts is an anomaly for
//! about a window and then normal. It is weaker than `isolation-forest` on few rows. Columns are
//! scaled to their range so far: one wild value squeezes all later ones, so put `robust-scaler`
//! before it where that may happen.
//!
//! | parameter | default | legal | |
//! |---|---|---|---|
//! | `trees` | 50 | 1 to 100 | more are steadier and slower |
//! | `depth` | 10 | 1 to 15 | halvings; memory doubles with each |
//! | `window_rows` | 500 | 2 to 1000000 | rows of a window |
//!
//! Until the first window is full, its rows so far are the reference. Missing values count as the
//! middle of their column's range, infinite ones as its ends.
//!
//! Paper: Tan, Ting, Liu, "Fast anomaly detection for streaming data", IJCAI 2011. As in the River
//! library, columns are scaled to the range 0 to 1, cuts keep away from the edges of a cell, and
//! the masses on a row's way down are added up.
//!
//! The algorithm is in [`half_space`]; this file only makes a component of it.

pub mod half_space;
pub mod range;
pub mod trees;

pub use half_space::HalfSpaceTrees;

#[cfg(target_family = "wasm")]
fedhost_guest::export_detector!(HalfSpaceTrees);
