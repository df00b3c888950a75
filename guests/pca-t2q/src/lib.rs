//! The plug-in `pca-t2q`: how far a row leaves the plane, and the region of the plane, that normal
//! rows lie in.
//!
//! Columns of one machine move together. The principal components of their correlations span the
//! plane of what normally happens; a row is unusual when it lies far out in that plane (Hotelling's
//! T²) or far off it (the squared prediction error, Q). Both are added up in one score, and **1 is
//! its control limit**: of normal, independent rows with a Gaussian distribution, the share
//! `confidence` scores below it.
//!
//! Use it for machines with several correlated sensors, without labels. It trains in one pass,
//! without randomness, and federated training is exact: the model holds first and second moments,
//! and the mean of the nodes' moments, weighted by their rows, is the moments of all rows together.
//! More epochs change nothing.
//!
//! | parameter | default | legal | |
//! |---|---|---|---|
//! | `variance` | 0.7 | 0.1 to 0.999 | share of the variance that the plane has to hold |
//! | `confidence` | 0.99 | 0.5 to 0.9999 | share of normal rows that should score below 1 |
//! | `normal_only` | true | | rows labelled anomalous are not learnt from |
//!
//! There may be up to 256 columns, in any units. The moments are in those units squared: with
//! values above some tens put a scaler before it, or the host's `federation.max_weight` may refuse
//! the update. Consecutive rows of a real machine are neither independent nor Gaussian, so take a
//! threshold from scores of its own normal rows where there are some.
//!
//! Papers: Jackson, Mudholkar, "Control procedures for residuals associated with principal
//! component analysis", Technometrics 1979; Yue, Qin, "Reconstruction-based fault identification
//! using a combined index", Ind. Eng. Chem. Res. 2001 (the sum of both, and its limit); Box, "Some
//! theorems on quadratic forms", Ann. Math. Stat. 1954.
//!
//! The algorithm is in [`pca`]; this file only exports the component.

pub mod chart;
pub mod eigen;
pub mod moments;
pub mod pca;

pub use pca::PcaT2Q;

#[cfg(target_family = "wasm")]
fedhost_guest::export_model!(PcaT2Q);
