//! How well scores tell anomalies from normal rows.
//!
//! [`Ranking`] is exact and needs every score in one place; [`ScoreSketch`] counts scores in fine bins, so that nodes
//! can be pooled without shipping their scores. A higher score is more anomalous. Neither ever answers with a number
//! that its rows do not support: one class alone, or a score that is not finite, is refused or left out.

mod areas;
mod confusion;
mod ranking;
mod sketch;

pub use confusion::Confusion;
pub use ranking::{Error, OperatingPoint, Ranking};
pub use sketch::{MANTISSA_BITS, ScoreSketch, SketchError};
