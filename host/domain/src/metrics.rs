//! How well scores tell anomalies from normal rows.
//!
//! [`Ranking`] is exact and needs every score in one place; [`Sweep`] gives the same figures of rows that come in the
//! order of their scores, without keeping them; [`ScoreSketch`] counts scores in fine bins, so that nodes can be pooled
//! without shipping their scores. A higher score is more anomalous. None ever answers with a number that its rows do not
//! support: one class alone, or a score that is not finite, is refused or left out.

mod areas;
mod confusion;
mod curves;
mod delay;
mod nab;
mod order;
mod ranking;
mod sketch;
mod sweep;
mod windows;

pub use confusion::Confusion;
pub use curves::{Curves, Point};
pub use delay::{DelayMeter, DetectionDelay};
pub use nab::{Effect, Nab, NabSeries, NabSweep, Profiles};
pub use order::order_key;
pub use ranking::{Error, Ranking};
pub use sketch::{MANTISSA_BITS, ScoreSketch, SketchError};
pub use sweep::{OperatingPoint, Sweep, SweepError, Swept};
pub use windows::WindowLengths;
