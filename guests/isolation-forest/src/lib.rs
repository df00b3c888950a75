//! The plug-in `isolation-forest`: rows that random cuts set apart early.
//!
//! A tree cuts a sample of rows in two at a random value of a random column, and each part again,
//! until every row is alone. A row unlike the others is alone after few cuts. The score is
//! `2^(-length / usual)`: `length` is the mean number of cuts over the trees, `usual` what it is
//! for a random search tree. About 0.5 is an ordinary row, and from 0.6 on a row stands out; no row
//! reaches 1.
//!
//! Use it on tables of many columns, in whatever units and with whatever distribution, without
//! labels. It sees unusual values and unusual combinations of few columns; it is weak where an
//! anomaly is a broken correlation (`pca-t2q`) or a change over time. It learns as it goes: each
//! row is scored first and may then enter a uniform sample of the rows so far; when a quarter of
//! the sample is new, the forest is grown again. The first rows of a source find a small forest.
//!
//! | parameter | default | legal | |
//! |---|---|---|---|
//! | `trees` | 100 | 1 to 1000 | more are steadier and slower |
//! | `tree_rows` | 256 | 2 to 4096 | rows of the sample that a tree is grown from |
//! | `sample_rows` | 1024 | 2 to 65536 | rows kept |
//! | `horizon_rows` | 100000 | 2 to 1e9 | older rows fade from the sample; up to here all rows so far are as likely in it |
//! | `learning_rows` | 0 | 0 to 1e9 | learns from so many rows at the start only; 0: from all |
//!
//! Missing and infinite values are at the far end of their column, and do not stretch it.
//!
//! Papers: Liu, Ting, Zhou, "Isolation forest", ICDM 2008; the sample is Vitter's, "Random sampling
//! with a reservoir", ACM TOMS 1985.
//!
//! The algorithm is in [`isolation`]; this file only makes a component of it.

pub mod forest;
pub mod isolation;
pub mod reservoir;

pub use isolation::IsolationForest;

#[cfg(target_family = "wasm")]
fedhost_guest::export_detector!(IsolationForest);
