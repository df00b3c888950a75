//! Confidence intervals by a bootstrap over blocks of rows.
//!
//! Rows of a series are not independent, so whole blocks are drawn, not rows (Künsch, 1989; Efron
//! and Tibshirani, 1993). Each replicate draws as many blocks as there are, with replacement; the
//! figures of the replicates between which 95 % lie make the interval. The areas of a replicate are
//! those of at most 2048 bins of scores, put right by what the bins of all rows are off; the
//! figures themselves stay exact.
//!
//! [`BlockPlan`] cuts rows into blocks, [`Bins`] scores into bins, [`Bootstrap`] counts and draws.

mod bins;
mod bootstrap;
mod plan;

pub use bins::Bins;
pub use bootstrap::{Bootstrap, Interval, Intervals, REPLICATES};
pub use plan::BlockPlan;

#[cfg(test)]
mod tests;
