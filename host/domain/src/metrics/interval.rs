//! Confidence intervals by a bootstrap over blocks of rows.
//!
//! Rows of a series are not independent, so whole blocks are drawn, not rows (Künsch, 1989; Efron
//! and Tibshirani, 1993). Each replicate draws as many blocks as there are, with replacement. The
//! interval holds the middle 95 % of a metric over the replicates. The areas of a replicate are
//! computed from at most 2048 bins of scores, and corrected by the error of the bins over all rows.
//! The metrics themselves stay exact.
//!
//! [`BlockPlan`] divides rows into blocks, [`Bins`] divides scores into bins, [`Bootstrap`] counts
//! and draws.

mod bins;
mod bootstrap;
mod plan;

pub use bins::Bins;
pub use bootstrap::{Bootstrap, Interval, Intervals, REPLICATES};
pub use plan::BlockPlan;

#[cfg(test)]
mod tests;
