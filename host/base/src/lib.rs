//! What every part of the host shares: the clock, pauses between tries, where events go, the names of metrics, what a
//! secret is, and files by patterns.
//!
//! Nothing here knows a bus, a plug-in or a manifest.

pub mod announce;
pub mod backoff;
pub mod clock;
pub mod figure;
pub mod globs;
pub mod observer;
pub mod secrets;
