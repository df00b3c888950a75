//! The plug-in `misbehaving`: breaks one promise, on request. It is the host's sparring partner and
//! is never installed.
//!
//! What it can do is listed in [`act`]; this file only makes a component of it.

pub mod act;
pub mod cheat;
pub mod model;

pub use model::Misbehaving;

#[cfg(target_family = "wasm")]
fedhost_guest::export_model!(Misbehaving);
