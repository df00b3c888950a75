//! The plug-in `isolation-forest`: finds rows that few random cuts isolate.
//!
//! A tree divides a sample of rows at a random value of a random column, and each part again, until
//! every row is alone. An unusual row is alone after few cuts. The score is `2^(-length / usual)`:
//! `length` is the mean number of cuts over the trees, `usual` the number for a random search tree.
//! An ordinary row scores about 0.5, a row of 0.6 and more is unusual; no row reaches 1.
//!
//! Use it for tables of many columns, with any units and distributions, without labels. It detects
//! unusual values and unusual combinations of few columns. It is weak when an anomaly is a broken
//! correlation (`pca-t2q`) or a change over time. It learns while it scores: each row is scored
//! first and may then enter a uniform sample of the rows so far. When a quarter of the sample is
//! new, the forest is grown again. The first rows of a source are scored by a small forest.
//!
//! | parameter | default | legal | |
//! |---|---|---|---|
//! | `trees` | 100 | 1 to 1000 | more give steadier scores and are slower |
//! | `tree_rows` | 256 | 2 to 4096 | rows of the sample that a tree is grown from |
//! | `sample_rows` | 1024 | 2 to 65536 | rows of the sample |
//! | `horizon_rows` | 100000 | 2 to 1e9 | up to this number of rows, all are equally likely in the sample; then older rows fade |
//! | `learning_rows` | 0 | 0 to 1e9 | learns from this number of first rows only; 0: from all |
//!
//! Missing and infinite values are beyond the largest value of their column, and do not extend its
//! range.
//!
//! Papers: Liu, Ting, Zhou, "Isolation forest", ICDM 2008; the sample is Vitter's, "Random sampling
//! with a reservoir", ACM TOMS 1985.
//!
//! The algorithm is in [`isolation`]; this file only exports the component.

pub mod forest;
pub mod isolation;
pub mod reservoir;

pub use isolation::IsolationForest;

#[cfg(target_family = "wasm")]
fedhost_guest::export_detector!(IsolationForest);
