//! What all parts of the host share: the clock, back-off, events and their delivery, hints, names of metrics,
//! secrets, and file patterns.
//!
//! Nothing here may know a bus, a plug-in or a manifest.

pub mod announce;
pub mod backoff;
pub mod clock;
pub mod event;
pub mod globs;
pub mod hint;
pub mod metric;
pub mod observer;
pub mod secrets;
pub mod text;
