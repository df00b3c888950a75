//! fedhost: a host of WebAssembly plug-ins for federated learning and streaming anomaly detection.
//!
//! One direction of dependency: `cli` -> `app` -> `role` -> the verbs of `bus` and `plugin` -> the
//! domain. Only `app` names every edge.

pub mod app;
pub mod cli;
mod compiled_code;
pub mod dead_letters;
pub mod http;
pub mod observe;
pub mod report;
pub mod role;
pub mod run_log;
