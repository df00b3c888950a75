//! Metrics of how well scores separate anomalies from normal rows.
//!
//! [`Ranking`] is exact and needs all scores in memory. [`Sweep`] computes the same metrics of rows
//! that arrive in the order of their scores, without storing them. [`ScoreSketch`] counts scores in
//! fine bins, so that rows of several nodes are pooled without sending their scores. A higher score
//! is more anomalous. No metric is computed from rows that do not determine it: rows of one class
//! are refused, and scores that are not finite are refused or left out.

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
