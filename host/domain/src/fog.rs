//! The pure half of a fog node: which rows it keeps, and when it trains.

pub mod schedule;
pub mod window;
