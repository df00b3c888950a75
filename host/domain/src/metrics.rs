//! How well scores tell anomalies from normal rows.
//!
//! [`Ranking`] is exact and needs every score in one place; [`Sweep`] gives the same figures of
//! rows that come in the order of their scores, without keeping them; [`ScoreSketch`] counts scores
//! in fine bins, so that nodes can be pooled without shipping their scores. A higher score is more
//! anomalous. None ever answers with a number that its rows do not support: one class alone, or a
//! score that is not finite, is refused or left out.

mod areas;
mod calibration;
mod confusion;
mod curves;
mod delay;
mod interval;
mod nab;
mod order;
mod quantile;
mod ranking;
mod sketch;
mod smooth;
mod sweep;
mod trace;
mod windows;

pub use calibration::{
    FalseAlarmMeter, FalseAlarms, LEVELS, Probabilities, ProbabilityMeter, QuantileLevel,
    ReliabilityBin,
};
pub use confusion::Confusion;
pub use curves::{Curves, Point};
pub use delay::{DelayMeter, DetectionDelay};
pub use interval::{Bins, BlockPlan, Bootstrap, Interval, Intervals, REPLICATES};
pub use nab::{Effect, Nab, NabSeries, NabSweep, Profiles};
pub use order::order_key;
pub use quantile::{Quantiles, quantile_place};
pub use ranking::{Ranking, RankingError};
pub use sketch::{MANTISSA_BITS, ScoreSketch, SketchError};
pub use smooth::Smoother;
pub use sweep::{OperatingPoint, Sweep, SweepError, Swept};
pub use trace::{Trace, TraceBuilder};
pub use windows::WindowLengths;
