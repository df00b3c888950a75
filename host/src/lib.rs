//! fedhost: a host of WebAssembly plug-ins for federated learning and streaming anomaly detection.
//!
//! One direction of dependency: `cli` -> `app` -> `role` -> the verbs of `bus` and `plugin` -> the
//! domain. Only `app` names every edge.

pub mod announce;
pub mod app;
pub mod bus;
pub mod cli;
pub mod clock;
pub mod dataset;
pub mod dead_letters;
pub mod evaluate;
pub mod figure;
mod globs;
pub mod http;
pub mod manifest;
pub mod observe;
pub mod plugin;
pub mod report;
pub mod role;
pub mod run_log;
mod secrets;
