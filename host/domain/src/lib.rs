//! The pure core of fedhost.
//!
//! Nothing here reads a clock, a random source, the environment, a file or a socket. Time and seeds
//! are arguments, so simulation and production run the same state machines. What must never occur:
//!
//! * a global model that depends on the order in which updates arrived ([`fedavg`]);
//! * a non-finite, misshapen, stale, duplicated or oversized update in a sum ([`model`],
//!   [`round`]);
//! * an envelope that was changed in transit and is still accepted ([`envelope`]).

pub mod backoff;
pub mod dead_letter;
pub mod envelope;
pub mod evaluation;
pub mod event;
pub mod fedavg;
pub mod fog;
pub mod json_object;
pub mod metrics;
pub mod model;
pub mod prediction;
pub mod protocol;
pub mod quarantine;
pub mod reading;
pub mod round;
